"""Adadelta: steps as large as the recent ones, so that no learning rate need be chosen."""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, uphill_or_decayed
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class Adadelta(Optimizer):
    r"""Scale the gradient by the recent size of the steps over the recent size of the gradients.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    rho : float
        :math:`\rho`, the part of the running means that is kept in each step.
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
        v &\leftarrow \rho v + (1 - \rho) g^2 \\
        \Delta &= g \sqrt{u + \epsilon} / \sqrt{v + \epsilon} \\
        u &\leftarrow \rho u + (1 - \rho) \Delta^2 \\
        \theta &\leftarrow \theta - \gamma \Delta

    ``state[param]`` holds :math:`v` as "square_avg", :math:`u` as "acc_delta", and the number of steps as "step".

    References
    ----------
    M. Zeiler, ADADELTA: An Adaptive Learning Rate Method, https://arxiv.org/abs/1212.5701, algorithm 1.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.Adadelta([w], eps=1.0).step()  # 5 * sqrt(0 + 1) / sqrt(0.1 * 25 + 1)
    >>> w
    tensor([-1.6726], requires_grad=True)
    """

    state_like_param = ("square_avg", "acc_delta")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options("Adadelta", lr, rho=rho, eps=eps, weight_decay=weight_decay)
        defaults = dict(
            lr=lr,
            rho=rho,
            eps=eps,
            weight_decay=weight_decay,
            foreach=foreach,
            capturable=capturable,
            maximize=maximize,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter."""
        state = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["square_avg"] = zeros_for(param)
            state["acc_delta"] = zeros_for(param)
        count_step(state["step"])
        square_avg, acc_delta = state["square_avg"], state["acc_delta"]
        rho, eps = group["rho"], group["eps"]
        grad = uphill_or_decayed(param, grad, group)

        square_avg.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = (acc_delta + eps).sqrt_() / (square_avg + eps).sqrt_() * grad
        acc_delta.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.sub_(delta, alpha=float(group["lr"]))
