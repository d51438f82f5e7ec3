"""Adam: steps of about one size for every element, whatever the size of its gradient."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.checks import check_betas, check_foreach, check_lr, check_not_negative
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Adam(Optimizer):
    r"""Divide a running mean of the gradient by the root of a running mean of its square.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`: about the size of a step, in the units of the parameter.
    betas : (float, float)
        :math:`\beta_1, \beta_2`: how much of the running means of the gradient and its square is kept in a
        step.
    eps : float
        :math:`\epsilon`, keeps the divisor from being zero.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero.
    amsgrad : bool
        Divide by the largest :math:`v` so far, so that the steps cannot grow again.
    maximize : bool
        Walk uphill.
    decoupled_weight_decay : bool
        Shrink the parameter itself instead of adding :math:`\lambda \theta` to the gradient: see ``AdamW``.
    foreach, fused : bool, optional
        Accepted as in PyTorch; every step is a fused one here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    For each parameter :math:`\theta`, with the gradient :math:`g` of step :math:`t = 1, 2, ...`:

    .. math::
        g &\leftarrow g + \lambda \theta \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \hat m &= m / (1 - \beta_1^t), \qquad \hat v = v / (1 - \beta_2^t) \\
        \theta &\leftarrow \theta - \gamma \hat m / (\sqrt{\hat v} + \epsilon)

    ``state[param]`` holds :math:`t` as "step", :math:`m` as "exp_avg", :math:`v` as "exp_avg_sq" and, with
    amsgrad, "max_exp_avg_sq". The arithmetic is in
    ``kernels/tinygrad_edu_kernels/optimizer_step/reference.py``.

    References
    ----------
    D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, https://arxiv.org/abs/1412.6980,
        algorithm 1.
    S. Reddi et al., On the Convergence of Adam and Beyond, https://openreview.net/forum?id=ryQu7f-RZ.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html

    Examples
    --------
    The first step has the size of the learning rate, for a large gradient and for a small one:

    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adam([w], lr=0.1)
    >>> (w * torch.tensor([1000.0, 0.001])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9000, 0.9000], requires_grad=True)
    """

    state_like_param = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative(epsilon=eps)
        check_betas(betas)
        check_one_kind(betas)
        check_foreach(foreach, capturable, **{"lr": lr, "betas[0]": betas[0], "betas[1]": betas[1]})
        check_not_negative(weight_decay=weight_decay)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=amsgrad,
            maximize=maximize,
            foreach=foreach,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=decoupled_weight_decay,
        )
        super().__init__(params, defaults)

    def update_rows(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Raise: the averages of all rows change in each step; ``SparseAdam`` leaves those without a gradient alone."""
        raise RuntimeError("Adam does not support sparse gradients, please consider SparseAdam instead")

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter; remember ``step`` and the running averages."""
        state: dict[str, Any] = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["exp_avg"] = zeros_for(param)
            state["exp_avg_sq"] = zeros_for(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_for(param)

        kernel_table.optimizer_step(param.array).adam_step(
            param.array,
            grad.array,
            state["exp_avg"].array,
            state["exp_avg_sq"].array,
            state["max_exp_avg_sq"].array if group["amsgrad"] else None,
            step=count_step(state["step"]),
            lr=float(group["lr"]),
            beta1=float(group["betas"][0]),
            beta2=float(group["betas"][1]),
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            decoupled_weight_decay=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )


def check_one_kind(betas: tuple[float | Tensor, float | Tensor]) -> None:
    """Raise unless both are floats, or both Tensors."""
    both_floats = all(isinstance(beta, float) for beta in betas)
    if not (both_floats or all(isinstance(beta, Tensor) for beta in betas)):
        raise ValueError("betas must be either both floats or both Tensors")
