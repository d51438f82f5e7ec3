"""RMSprop: divide the gradient by its recent size."""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class RMSprop(Optimizer):
    r"""Divide the gradient by the root of a running mean of its square.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    alpha : float
        :math:`\alpha`, the part of the running mean that is kept in each step.
    eps : float
        :math:`\epsilon`, keeps the divisor from being zero.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero.
    momentum : float
        :math:`\mu`, the part of the running sum of the steps that is kept; 0 means no momentum.
    centered : bool
        Divide by the standard deviation of the gradient instead of its root mean square.
    maximize : bool
        Walk uphill.
    foreach : bool, optional
        Accepted as in PyTorch; every step is a fused one here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    For each parameter :math:`\theta`, with the gradient :math:`g` of this step:

    .. math::
        g &\leftarrow g + \lambda \theta \\
        v &\leftarrow \alpha v + (1 - \alpha) g^2 \\
        \bar g &\leftarrow \alpha \bar g + (1 - \alpha) g, \qquad
            \tilde v = v - \bar g^2 \quad (\tilde v = v \text{ when not centered}) \\
        b &\leftarrow \mu b + g / (\sqrt{\tilde v} + \epsilon) \\
        \theta &\leftarrow \theta - \gamma b

    ``state[param]`` holds :math:`v` as "square_avg", :math:`\bar g` as "grad_avg", :math:`b` as
    "momentum_buffer", and the number of steps as "step". The arithmetic is in
    ``kernels/tinygrad_edu_kernels/optimizer_step/reference.py``.

    References
    ----------
    G. Hinton, lecture 6e, https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf.
    A. Graves, Generating Sequences With Recurrent Neural Networks, https://arxiv.org/abs/1308.0850
        (centered).
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.RMSprop([w], lr=0.1, alpha=0.75).step()  # 0.1 * 5 / sqrt(0.25 * 25)
    >>> w
    tensor([0.8000], requires_grad=True)
    """

    state_like_param = ("square_avg", "grad_avg", "momentum_buffer")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options("RMSprop", lr, eps=eps, momentum=momentum, weight_decay=weight_decay, alpha=alpha)
        defaults = dict(
            lr=lr,
            momentum=momentum,
            alpha=alpha,
            eps=eps,
            centered=centered,
            weight_decay=weight_decay,
            capturable=capturable,
            foreach=foreach,
            maximize=maximize,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter; remember ``step`` and the running averages."""
        state: dict[str, Any] = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["square_avg"] = zeros_for(param)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_for(param)
            if group["centered"]:
                state["grad_avg"] = zeros_for(param)
        count_step(state["step"])

        kernel_table.optimizer_step(param.array).rmsprop_step(
            param.array,
            grad.array,
            state["square_avg"].array,
            state["grad_avg"].array if group["centered"] else None,
            state["momentum_buffer"].array if group["momentum"] > 0 else None,
            lr=float(group["lr"]),
            alpha=group["alpha"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
            momentum=group["momentum"],
            maximize=group["maximize"],
        )
