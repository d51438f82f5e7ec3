"""Adafactor: of the mean squares of a matrix, only those of its rows and columns are kept."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_lr_size, check_numbers, check_pair
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Adafactor(Optimizer):
    r"""Divide the gradient by its root mean square, as Adam does, with memory for rows and columns only.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        The largest relative step :math:`\gamma`.
    beta2_decay : float
        :math:`\tau`: the part of the mean squares that is new in step t is :math:`t^\tau`.
    eps : (float or None, float)
        :math:`\epsilon_1`, the smallest root mean square (None: of the dtype), and :math:`\epsilon_2`, the smallest
        size of a parameter.
    d : float
        The largest root mean square of a step before it is scaled.
    weight_decay : float
        :math:`\lambda`, which shrinks the parameters.
    foreach : bool, optional
        Accepted as in PyTorch; there is one way to step here.
    maximize : bool
        Walk uphill.

    Notes
    -----
    .. math::
        R &\leftarrow R + t^\tau (\operatorname{mean}_{rows} g^2 - R), \qquad
            C \leftarrow C + t^\tau (\operatorname{mean}_{columns} g^2 - C) \\
        v &= R C / \operatorname{mean}(R), \qquad u = g / \sqrt{\max(v, \epsilon_1^2)} \\
        \alpha &= \max(\epsilon_2, \operatorname{rms}(\theta)) \min(\gamma, 1 / \sqrt t) \\
        \theta &\leftarrow (1 - \gamma \lambda) \theta - \alpha u / \max(1, \operatorname{rms}(u) / d)

    A vector has :math:`v` itself. ``state[param]`` holds them as "row_var", "col_var" and "variance".

    References
    ----------
    N. Shazeer and M. Stern, Adafactor, https://arxiv.org/abs/1804.04235, algorithms 4 and 5.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adafactor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.ones(2, 2, requires_grad=True)
    >>> w.grad = torch.full((2, 2), 5.0)
    >>> torch.optim.Adafactor([w], lr=0.1).step()  # a tenth of its size
    >>> w
    tensor([[0.9000, 0.9000],
            [0.9000, 0.9000]], requires_grad=True)
    """

    state_like_param = ("variance",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_pair("eps", eps)
        check_numbers(lr=lr, beta2_decay=beta2_decay, eps2=eps[1], d=d, weight_decay=weight_decay)
        check_lr_size(lr)
        if not 0.0 <= lr:
            raise ValueError(f"Learning rate should be >= 0 but is: {lr}")
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        for index, epsilon in enumerate(eps, start=1):
            if epsilon is not None and not 0.0 <= epsilon:
                raise ValueError(f"epsilon{index} should be >= 0 but is: {epsilon}")
        if not 1.0 <= d:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not 0.0 <= weight_decay:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = dict(
            lr=lr,
            beta2_decay=beta2_decay,
            eps=eps,
            d=d,
            weight_decay=weight_decay,
            foreach=foreach,
            maximize=maximize,
        )
        super().__init__(params, defaults)

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter."""
        state = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            if param.ndim > 1:
                state["row_var"] = grad.new_zeros(*param.shape[:-1], 1)
                state["col_var"] = grad.new_zeros(*param.shape[:-2], 1, param.shape[-1])
            else:
                state["variance"] = zeros_for(param)
        step = count_step(state["step"])
        lr, (eps1, eps2) = float(group["lr"]), group["eps"]
        smallest = dtypes.finfo(param.dtype).eps if eps1 is None else eps1
        grad = -grad if group["maximize"] else grad
        size = max(eps2, root_mean_square(param)) * min(lr, step**-0.5)
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        variance = new_variance(state, grad, step ** group["beta2_decay"], smallest)
        update = variance.clamp(min=smallest**2).rsqrt_().mul_(grad)
        param.sub_(update, alpha=size / max(1.0, root_mean_square(update) / group["d"]))


def new_variance(state: dict[str, Any], grad: Tensor, part: float, smallest: float) -> Tensor:
    """Return the mean squares of the gradients so far, of which this one makes up a part."""
    if grad.ndim < 2:
        return state["variance"].lerp_(grad * grad, part)
    rows = state["row_var"].lerp_((grad * grad).mean(-1, keepdim=True), part)
    columns = state["col_var"].lerp_((grad * grad).mean(-2, keepdim=True), part)
    return rows @ columns / rows.mean(-2, keepdim=True).clamp(min=smallest)


def root_mean_square(x: Tensor) -> float:
    """Return the root of the mean of the squares of all elements."""
    return float(x.norm().item()) / max(x.numel(), 1) ** 0.5
