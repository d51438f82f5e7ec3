"""Adagrad: elements that have seen large gradients take small steps."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.checks import check_lr, check_not_negative
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, add_to_rows
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Adagrad(Optimizer):
    r"""Divide the gradient by the root of the sum of all its squares so far.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    lr_decay : float
        :math:`\eta`: the learning rate of step t is :math:`\gamma / (1 + (t - 1) \eta)`.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero.
    initial_accumulator_value : float
        Where the sum starts.
    eps : float
        :math:`\epsilon`, keeps the divisor from being zero.
    maximize : bool
        Walk uphill.
    foreach, fused : bool, optional
        Accepted as in PyTorch; every step is a fused one here.
    differentiable : bool
        Does not exist here.

    Notes
    -----
    For each parameter :math:`\theta`, with the gradient :math:`g` of step :math:`t = 1, 2, ...`:

    .. math::
        g &\leftarrow g + \lambda \theta \\
        s &\leftarrow s + g^2 \\
        \theta &\leftarrow \theta - \frac{\gamma}{1 + (t - 1) \eta} \frac{g}{\sqrt s + \epsilon}

    ``state[param]`` holds :math:`t` as "step" and :math:`s` as "sum", from the beginning. The arithmetic is
    in ``kernels/tinygrad_edu_kernels/optimizer_step/reference.py``.

    References
    ----------
    J. Duchi et al., Adaptive Subgradient Methods, JMLR 12 (2011), http://jmlr.org/papers/v12/duchi11a.html.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> optimizer = torch.optim.Adagrad([w], lr=0.1)
    >>> w.grad = torch.tensor([3.0])
    >>> optimizer.step()  # 0.1 * 3 / sqrt(9)
    >>> w.grad = torch.tensor([4.0])
    >>> optimizer.step()  # 0.1 * 4 / sqrt(9 + 16)
    >>> w
    tensor([0.8200], requires_grad=True)
    """

    state_like_param = ("sum",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative(
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            epsilon=eps,
        )
        defaults = dict(
            lr=lr,
            lr_decay=lr_decay,
            eps=eps,
            weight_decay=weight_decay,
            initial_accumulator_value=initial_accumulator_value,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
            fused=fused,
        )
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self._init_state(param)

    def _init_state(self, param: Tensor) -> None:
        """Start the sum of squares of one parameter."""
        initial = self.defaults["initial_accumulator_value"]
        self.state[param] = {"step": new_step_counter(), "sum": zeros_for(param, initial)}

    def update_rows(self, param: Tensor, grad: Any, group: ParamGroup) -> None:
        """Do one step for the rows of a sparse gradient: only their sums grow."""
        if group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        if not self.state[param]:
            self._init_state(param)
        state = self.state[param]
        lr = float(group["lr"]) / (1 + (count_step(state["step"]) - 1) * group["lr_decay"])
        grad = (-grad.detach() if group["maximize"] else grad.detach()).coalesce()
        add_to_rows(state["sum"], grad * grad)
        roots = state["sum"].sparse_mask(grad).sqrt().values() + group["eps"]
        add_to_rows(param, grad.with_elements(-lr * grad.values() / roots))

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter; remember ``step`` and ``sum``."""
        if not self.state[param]:  # its group was added after the constructor
            self._init_state(param)
        state = self.state[param]

        kernel_table.optimizer_step(param.array).adagrad_step(
            param.array,
            grad.array,
            state["sum"].array,
            step=count_step(state["step"]),
            lr=float(group["lr"]),
            lr_decay=group["lr_decay"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=group["maximize"],
        )
