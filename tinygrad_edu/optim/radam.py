"""RAdam: Adam that does not trust its first second moments."""

from __future__ import annotations

import math

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, uphill_or_decayed
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class RAdam(Optimizer):
    r"""Adam that divides by the root mean square only when enough gradients have been seen to know it.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        What to optimize.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    betas : (float, float)
        :math:`\beta_1, \beta_2`, the parts of the running means of the gradient and of its square that are kept.
    eps : float
        :math:`\epsilon`, keeps the divisor from being zero.
    weight_decay : float
        :math:`\lambda`, which pulls the parameters towards zero.
    decoupled_weight_decay : bool
        Whether the decay shrinks the parameter itself, as AdamW's does, and not its gradient.
    maximize : bool
        Walk uphill.
    foreach : bool, optional
        Accepted as in PyTorch; there is one way to step here.
    capturable, differentiable : bool
        Do not exist here.

    Notes
    -----
    .. math::
        g &\leftarrow g + \lambda \theta \qquad (\theta \leftarrow \theta - \gamma \lambda \theta
            \text{ instead, when decoupled}) \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \rho_\infty &= \frac{2}{1 - \beta_2} - 1, \qquad
            \rho_t = \rho_\infty - \frac{2 t \beta_2^t}{1 - \beta_2^t} \\
        r_t &= \sqrt{\frac{(\rho_t - 4)(\rho_t - 2) \rho_\infty}{(\rho_\infty - 4)(\rho_\infty - 2) \rho_t}} \\
        \theta &\leftarrow \theta - \gamma \frac{m}{1 - \beta_1^t} \cdot
            \begin{cases} r_t \sqrt{1 - \beta_2^t} / (\sqrt v + \epsilon) & \rho_t > 5 \\ 1 & \text{else} \end{cases}

    ``state[param]`` holds :math:`t` as "step", :math:`m` as "exp_avg" and :math:`v` as "exp_avg_sq".

    References
    ----------
    L. Liu et al., On the Variance of the Adaptive Learning Rate and Beyond, https://arxiv.org/abs/1908.03265,
        algorithm 2.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.RAdam([w], lr=0.1).step()  # plain momentum at first
    >>> w
    tensor([0.5000], requires_grad=True)
    """

    state_like_param = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_options("RAdam", lr, eps=eps, betas=betas, weight_decay=weight_decay)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
        )
        super().__init__(params, defaults)

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter."""
        state = self.state[param]
        if not state:
            state["step"] = new_step_counter()
            state["exp_avg"] = zeros_for(param)
            state["exp_avg_sq"] = zeros_for(param)
        step = count_step(state["step"])
        exp_avg, exp_avg_sq = state["exp_avg"], state["exp_avg_sq"]
        beta1, beta2 = group["betas"]
        grad = uphill_or_decayed(param, grad, group)

        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        direction = exp_avg / (1 - beta1**step)
        rectification = rectification_of(step, beta2)
        if rectification is not None:
            direction *= rectification * math.sqrt(1 - beta2**step) / exp_avg_sq.sqrt().add_(group["eps"])
        param.sub_(direction, alpha=float(group["lr"]))


def rectification_of(step: float, beta2: float) -> float | None:
    """Return :math:`r_t`; None while the running mean of squares has seen too little to be of use."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * step * beta2**step / (1 - beta2**step)
    if length <= 5:
        return None
    return math.sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length))
