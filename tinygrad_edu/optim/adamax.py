"""Adamax: Adam with the largest recent gradient in the place of the root mean square."""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, uphill_or_decayed
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Adamax(Optimizer):
    r"""Divide the running mean of the gradient by the largest recent one, a norm of infinite order.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    betas : (float, float)
        :math:`\beta_1, \beta_2`, the parts of the running means of the gradient and of its largest size that are kept.
    eps : float
        :math:`\epsilon`, keeps the divisor from being zero.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero.
    maximize : bool
        Walk uphill.
    foreach : bool, optional
        Accepted as in PyTorch; there is one way to step here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    .. math::
        g &\leftarrow g + \lambda \theta \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g \\
        u &\leftarrow \max(\beta_2 u, |g| + \epsilon) \\
        \theta &\leftarrow \theta - \frac{\gamma}{1 - \beta_1^t} \frac{m}{u}

    ``state[param]`` holds :math:`t` as "step", :math:`m` as "exp_avg" and :math:`u` as "exp_inf".

    References
    ----------
    D. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, https://arxiv.org/abs/1412.6980, algorithm 2.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.Adamax([w], lr=0.1).step()  # the first step is one of lr
    >>> w
    tensor([0.9000], requires_grad=True)
    """

    state_like_param = ("exp_avg", "exp_inf")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_options("Adamax", lr, eps=eps, betas=betas, weight_decay=weight_decay)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            capturable=capturable,
        )
        super().__init__(params, defaults)

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter."""
        state = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["exp_avg"] = zeros_for(param)
            state["exp_inf"] = zeros_for(param)
        step = count_step(state["step"])
        exp_avg, exp_inf = state["exp_avg"], state["exp_inf"]
        beta1, beta2 = group["betas"]
        grad = uphill_or_decayed(param, grad, group)

        exp_avg.lerp_(grad, 1 - beta1)
        exp_inf.copy_((exp_inf * beta2).maximum(grad.abs() + group["eps"]))
        param.addcdiv_(exp_avg, exp_inf, value=-float(group["lr"]) / (1 - beta1**step))
