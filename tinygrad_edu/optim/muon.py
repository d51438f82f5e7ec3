"""Muon: momentum whose directions are made equally long, for the matrices of hidden layers."""

from __future__ import annotations

import math

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.ops.linalg.matmul import addmm
from tinygrad_edu.optim.checks import check_lr_size, check_numbers
from tinygrad_edu.optim.optimizer import Optimizer, ParamGroup, ParamsT
from tinygrad_edu.optim.state import zeros_for
from tinygrad_edu.size import Size

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""a, b and c of the polynomial a x + b x^3 + c x^5: steep at 0, and close to 1 after some rounds."""


class Muon(Optimizer):
    r"""Walk along the momentum with all its singular values near 1, so that no direction is neglected.

    Parameters
    ----------
    params : iterable of Tensor, of (name, Tensor) or of dict
        Matrices; vectors and embeddings are better left to another optimizer, such as :class:`AdamW`.
    lr : float or Tensor of one element
        Learning rate :math:`\gamma`.
    weight_decay : float
        :math:`\lambda`, the part of the weights that is lost in each step, times the learning rate.
    momentum : float
        :math:`\mu`, the part of the running mean of gradients that is kept in each step.
    nesterov : bool
        Walk along a mean of the momentum and the gradient.
    ns_coefficients : (float, float, float)
        :math:`a, b, c` of the polynomial.
    eps : float
        The least norm that is divided by.
    ns_steps : int
        How often the polynomial is applied, below 100.
    adjust_lr_fn : {None, "original", "match_rms_adamw"}
        The learning rate times :math:`\sqrt{\max(1, n / m)}` for an n x m matrix, or, to be as large as AdamW's steps,
        times :math:`0.2 \sqrt{\max(n, m)}`. None is "original".

    Notes
    -----
    .. math::
        B &\leftarrow \mu B + (1 - \mu) g \\
        U &= \mu B + (1 - \mu) g \quad\text{with nesterov, else}\quad B \\
        X &= U / \|U\|, \quad\text{then, again and again,} \\
        X &\leftarrow a X + (b X X^T + c (X X^T)^2) X \\
        \theta &\leftarrow (1 - \gamma \lambda) \theta - \gamma' X

    The rounds are computed in bfloat16, on a GPU in float32. ``state[param]`` holds :math:`B` as "momentum_buffer".

    References
    ----------
    Jordan, "Muon: An optimizer for hidden layers in neural networks", 2024, https://kellerjordan.github.io/posts/muon/;
    Liu et al., "Muon is Scalable for LLM Training", 2025;
    https://docs.pytorch.org/docs/stable/generated/torch.optim.Muon.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.zeros(2, 2, requires_grad=True)
    >>> w.grad = torch.tensor([[100.0, 0.0], [0.0, 1.0]])
    >>> torch.optim.Muon([w], lr=1.0).step()  # the small direction is walked almost as far as the large one
    >>> (w.diagonal() < -0.5).all()
    tensor(True)
    """

    state_like_param = ("momentum_buffer",)

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_numbers(lr=lr, momentum=momentum, weight_decay=weight_decay, eps=eps, ns_steps=ns_steps)
        check_lr_size(lr)
        options = {"Learning rate": lr, "momentum": momentum, "weight decay": weight_decay}
        for name, value in options.items():
            if not 0.0 <= value:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = dict(
            lr=lr,
            weight_decay=weight_decay,
            momentum=momentum,
            nesterov=nesterov,
            ns_coefficients=ns_coefficients,
            eps=eps,
            ns_steps=ns_steps,
            adjust_lr_fn=adjust_lr_fn,
        )
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.ndim != 2:
                    raise ValueError(
                        f"Muon only supports 2D parameters whereas we found a parameter with size: {param.size()}"
                    )

    @no_grad()
    def update_parameter(self, param: Tensor, grad: Tensor, group: ParamGroup) -> None:
        """Do one step for one parameter; remember the mean of the gradients."""
        if param.is_complex():
            raise RuntimeError("Muon does not support complex parameters")
        state, momentum = self.state[param], group["momentum"]
        lr = group["lr"].reshape(()) if isinstance(group["lr"], Tensor) else group["lr"]
        if not state:
            state["momentum_buffer"] = zeros_for(param)
        mean = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        update = grad.lerp(mean, momentum) if group["nesterov"] else mean
        update = orthogonalized(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        param.mul_(1 - lr * group["weight_decay"])
        param.sub_(update.to(param.dtype), alpha=float(lr) * lr_factor(group["adjust_lr_fn"], param.shape))


def orthogonalized(
    matrix: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    r"""Return a matrix with the singular vectors of another one and all singular values near 1.

    With X = U S V^T, X X^T X = U S^3 V^T: a polynomial of odd powers of X is one of its singular values (Newton and
    Schulz). No decomposition is needed, and short numbers do.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.to(dtypes.float32 if matrix.is_cuda else dtypes.bfloat16)
    x = x.T if is_tall else x
    x = x / x.norm().clamp(min=eps)  # so the largest singular value is at most 1
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if is_tall else x


def lr_factor(adjust_lr_fn: str | None, shape: Size) -> float:
    """Return what the learning rate is multiplied with for a matrix of this shape."""
    rows, columns = shape
    if adjust_lr_fn == "match_rms_adamw":
        return 0.2 * math.sqrt(max(rows, columns))
    return math.sqrt(max(1, rows / columns))
