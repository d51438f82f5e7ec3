"""Weight normalisation and spectral normalisation, as parametrisations.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#module-torch.nn.utils
"""

from __future__ import annotations

from typing import TypeVar

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.utils.parametrize import register_parametrization
from tinygrad_edu.nn.utils.spectral_norm import as_matrix, check_iterations, random_direction, usual_dim
from tinygrad_edu.nn.utils.weight_norm import direction_times_length, norm_except_dim
from tinygrad_edu.ops.common import normalize_dim

M = TypeVar("M", bound=Module)


class _WeightNorm(Module):
    """w = g v / |v|."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return direction_times_length(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the length and the weight itself, whose direction it is."""
        return norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the length and the direction of a weight apart: w = g v / |v|.

    Parameters
    ----------
    module : Module
        The layer, which is changed and returned.
    name : str
        The name of the parameter. The length becomes ``parametrizations.weight.original0``, the direction
        ``parametrizations.weight.original1``.
    dim : int, optional
        There is a length for every slice along it; None for one length in all.

    References
    ----------
    Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep Neural
    Networks", 2016, equation 2;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.weight_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    torch.Size([40, 1])
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    return module


class _SpectralNorm(Module):
    """W / sigma, with sigma = u^T W v: u and v come closer to the first singular vectors with each call."""

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        self.dim = normalize_dim("spectral_norm", dim, weight.ndim)
        check_iterations(n_power_iterations)
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            self.register_buffer("_u", random_direction(matrix, matrix.shape[0], eps))
            self.register_buffer("_v", random_direction(matrix, matrix.shape[1], eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, n_power_iterations: int) -> None:
        """Multiply u by W W^T, again and again: its part along the first singular vector grows fastest."""
        with no_grad():
            for _ in range(n_power_iterations):
                self._u.copy_(F.normalize(ops.mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(F.normalize(ops.mv(matrix.T, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = (
            self._u.clone(),
            self._v.clone(),
        )  # the next step changes them, and a graph may still need these
        return weight / ops.dot(u, ops.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Return the value: it is taken as normalised."""
        return value


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight, as a matrix, by its largest singular value, found step by step.

    Parameters
    ----------
    module : Module
        The layer, which is changed and returned.
    name : str
        The name of the parameter.
    n_power_iterations : int
        Steps of the power method each time that the weight is read in training.
    eps : float
        The smallest length that is divided by.
    dim : int, optional
        The dimension that is the matrix's rows; by default that of the output.

    References
    ----------
    Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018, algorithm 1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.spectral_norm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(4, 4), n_power_iterations=50)
    >>> u, v = layer.parametrizations.weight[0]._u, layer.parametrizations.weight[0]._v
    >>> round((u @ layer.weight @ v).item(), 4)  # the largest singular value is 1 now
    1.0
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    dim = usual_dim(module) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module
