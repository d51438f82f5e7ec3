"""ASGD: gradient descent that also keeps the mean of where it has been."""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, uphill_or_decayed
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class ASGD(Optimizer):
    r"""Stochastic gradient descent with a learning rate that falls, and the average of the parameters.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    lambd : float
        :math:`\lambda`, how strongly the parameters decay, and the learning rate with them.
    alpha : float
        :math:`\alpha`, the power by which the learning rate falls.
    t0 : float
        :math:`t_0`, the step at which averaging begins.
    weight_decay : float
        Adds so many times the parameter to the gradient.
    maximize : bool
        Walk uphill.
    foreach : bool, optional
        Accepted as in PyTorch; there is one way to step here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    .. math::
        \theta &\leftarrow (1 - \lambda \eta) \theta - \eta g \\
        \bar\theta &\leftarrow \bar\theta + \mu (\theta - \bar\theta) \\
        \eta &\leftarrow \gamma / (1 + \lambda \gamma t)^\alpha, \qquad \mu \leftarrow 1 / \max(1, t - t_0)

    ``state[param]`` holds :math:`t` as "step", :math:`\eta` as "eta", :math:`\mu` as "mu", and the average
    :math:`\bar\theta` as "ax": the optimizer does not put it into the parameter, you do.

    References
    ----------
    B. Polyak and A. Juditsky, Acceleration of Stochastic Approximation by Averaging, SIAM J. Control Optim. 30, 1992.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.ASGD([w], lr=0.1, lambd=0).step()
    >>> w
    tensor([0.5000], requires_grad=True)
    """

    state_like_param = ("ax",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_options("ASGD", lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay)
        defaults = dict(
            lr=lr,
            lambd=lambd,
            alpha=alpha,
            t0=t0,
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
            state["eta"] = new_step_counter(float(group["lr"]))
            state["mu"] = new_step_counter(1.0)
            state["ax"] = zeros_for(param)
        step = count_step(state["step"])
        eta, mu, average = state["eta"].item(), state["mu"].item(), state["ax"]
        lr, lambd = float(group["lr"]), group["lambd"]
        grad = uphill_or_decayed(param, grad, group)

        param.mul_(1 - lambd * eta).sub_(grad, alpha=eta)
        average.add_(param - average, alpha=mu)
        state["eta"].fill_(lr / (1 + lambd * lr * step) ** group["alpha"])
        state["mu"].fill_(1 / max(1, step - group["t0"]))
