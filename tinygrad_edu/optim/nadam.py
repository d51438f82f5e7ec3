"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.optim.checks import check_options
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT, uphill_or_decayed
from tinygrad_edu.optim.state import count_step, new_step_counter, zeros_for


class NAdam(Optimizer):
    r"""Adam that looks ahead: the step uses the momentum as it will be.

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
    momentum_decay : float
        :math:`\psi`, how fast the momentum comes up to :math:`\beta_1`.
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
        \mu_t &= \beta_1 (1 - 0.96^{t \psi} / 2) \\
        m &\leftarrow \beta_1 m + (1 - \beta_1) g, \qquad v \leftarrow \beta_2 v + (1 - \beta_2) g^2 \\
        \hat m &= \frac{\mu_{t+1} m}{1 - \prod_{i=1}^{t+1} \mu_i} + \frac{(1 - \mu_t) g}{1 - \prod_{i=1}^t \mu_i} \\
        \theta &\leftarrow \theta - \gamma \hat m / (\sqrt{v / (1 - \beta_2^t)} + \epsilon)

    ``state[param]`` holds :math:`t` as "step", :math:`\prod \mu_i` as "mu_product", :math:`m` as "exp_avg" and
    :math:`v` as "exp_avg_sq".

    References
    ----------
    T. Dozat, Incorporating Nesterov Momentum into Adam, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.
    https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.tensor([1.0], requires_grad=True)
    >>> w.grad = torch.tensor([5.0])
    >>> torch.optim.NAdam([w], lr=0.1).step()
    >>> w
    tensor([0.8944], requires_grad=True)
    """

    state_like_param = ("exp_avg", "exp_avg_sq")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        options = dict(weight_decay=weight_decay, momentum_decay=momentum_decay)
        check_options("NAdam", lr, eps=eps, betas=betas, **options)
        defaults = dict(
            lr=lr,
            betas=tuple(betas),
            eps=eps,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
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
            state["mu_product"] = new_step_counter(1.0)
            state["exp_avg"] = zeros_for(param)
            state["exp_avg_sq"] = zeros_for(param)
        step = count_step(state["step"])
        exp_avg, exp_avg_sq, mu_product = state["exp_avg"], state["exp_avg_sq"], state["mu_product"]
        lr, (beta1, beta2) = float(group["lr"]), group["betas"]
        grad = uphill_or_decayed(param, grad, group)

        mu = beta1 * (1 - 0.96 ** (step * group["momentum_decay"]) / 2)
        next_mu = beta1 * (1 - 0.96 ** ((step + 1) * group["momentum_decay"]) / 2)
        mu_product.mul_(mu)
        product = mu_product.item()
        exp_avg.lerp_(grad, 1 - beta1)
        exp_avg_sq.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        divisor = (exp_avg_sq / (1 - beta2**step)).sqrt_().add_(group["eps"])
        param.addcdiv_(grad, divisor, value=-lr * (1 - mu) / (1 - product))
        param.addcdiv_(exp_avg, divisor, value=-lr * next_mu / (1 - product * next_mu))
