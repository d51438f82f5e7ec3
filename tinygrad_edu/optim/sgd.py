"""Stochastic gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.checks import check_lr_size, check_numbers
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, add_to_rows
from tinygrad_edu.optim.state import zeros_for


class SGD(Optimizer):
    r"""Walk downhill: against the gradient, or against a running sum of the gradients (momentum).

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    momentum : float
        :math:`\mu`, the part of the running sum ``b`` that is kept in each step; 0 means no momentum.
    dampening : float
        :math:`\tau`: the new gradient counts :math:`1 - \tau`, from the second step on.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero: the gradient of :math:`\lambda \theta^2 /
        2`.
    nesterov : bool
        Look ahead: add the momentum that the next step would have.
    maximize : bool
        Walk uphill.
    foreach, fused : bool, optional
        Accepted as in PyTorch; every step is a fused one here.
    differentiable : bool
        Does not exist here.

    Notes
    -----
    For each parameter :math:`\theta`, with the gradient :math:`g` of this step:

    .. math::
        g &\leftarrow g + \lambda \theta \\
        b &\leftarrow \mu b + (1 - \tau) g \qquad (b \leftarrow g \text{ in the first step}) \\
        \theta &\leftarrow \theta - \gamma b
            \qquad (\theta - \gamma (g + \mu b) \text{ with Nesterov})

    The arithmetic is in ``kernels/tinygrad_edu_kernels/optimizer_step/reference.py``.

    References
    ----------
    I. Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([4.0, -2.0], requires_grad=True)
    >>> optimizer = torch.optim.SGD([w], lr=0.25)
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> optimizer.step()
    >>> w
    tensor([ 2., -1.], requires_grad=True)
    """

    state_like_param = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_numbers(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        check_lr_size(lr)
        if lr < 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        defaults = dict(
            lr=lr,
            momentum=momentum,
            dampening=dampening,
            weight_decay=weight_decay,
            nesterov=nesterov,
            maximize=maximize,
            foreach=foreach,
            differentiable=differentiable,
            fused=fused,
        )
        super().__init__(params, defaults)

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter; remember ``momentum_buffer``."""
        buffer, is_first_step = None, False
        if group["momentum"] != 0:
            state: dict[str, Any] = self.state[param]
            is_first_step = state.get("momentum_buffer") is None
            if is_first_step:
                state["momentum_buffer"] = zeros_for(param)
            buffer = state["momentum_buffer"].array

        kernel_table.optimizer_step(param.array).sgd_step(
            param.array,
            grad.array,
            buffer,
            is_first_step=is_first_step,
            lr=float(group["lr"]),
            momentum=group["momentum"],
            dampening=group["dampening"],
            weight_decay=float(group["weight_decay"]),
            nesterov=group["nesterov"],
            maximize=group["maximize"],
        )

    def update_rows(self, param: Tensor, grad: Any, group: ParamGroup) -> None:
        """Do one step for the rows of a sparse gradient; ``momentum_buffer`` is sparse, too."""
        if group["weight_decay"] != 0:
            raise RuntimeError(
                "SGD: expected weight_decay=0 with a sparse gradient: it would change all rows"
            )
        grad = -grad.detach() if group["maximize"] else grad.detach()
        momentum = group["momentum"]
        if momentum != 0:
            state = self.state[param]
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = grad.clone()
            else:
                buffer = buffer * momentum + grad * (1 - group["dampening"])
            state["momentum_buffer"] = buffer
            grad = grad + buffer * momentum if group["nesterov"] else buffer
        add_to_rows(param, grad * -float(group["lr"]))
