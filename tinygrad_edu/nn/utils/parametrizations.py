"""Orthogonal matrices, weight normalisation and spectral normalisation, as parametrisations.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#module-torch.nn.utils
"""

from __future__ import annotations

from typing import TypeVar

from tinygrad_edu import creation, dtypes, ops, sampling
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.utils.parametrize import register_parametrization
from tinygrad_edu.nn.utils.spectral_norm import as_matrix, check_iterations, random_direction, usual_dim
from tinygrad_edu.nn.utils.weight_norm import direction_times_length, norm_except_dim
from tinygrad_edu.ops.common import normalize_dim
from tinygrad_edu.ops.elementwise.complex_numbers import adjoint
from tinygrad_edu.ops.linalg.matrix_functions import matrix_exp
from tinygrad_edu.ops.linalg.qr import geqrf, householder_product
from tinygrad_edu.ops.linalg.solve import solve

M = TypeVar("M", bound=Module)


ORTHOGONAL_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """A matrix with orthonormal columns (rows, if it is wide), made of any matrix X by one of three maps.

    With A = tril(X) - tril(X)^H, which is skew-symmetric, the matrix exponential exp(A) and the Cayley map
    (I - A / 2)^-1 (I + A / 2) are orthogonal; a product of Householder's reflections is, too, whose vectors are the
    columns of X. A ``base`` that it is multiplied by lets any orthogonal matrix be the one that is begun with.
    """

    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        is_wide = x.shape[-2] < x.shape[-1]
        tall = ops.transpose(x, -2, -1) if is_wide else x  # (n, k)
        q = self._reflected(tall) if self.orthogonal_map == "householder" else self._rotated(tall)
        if hasattr(self, "base"):
            q = ops.matmul(self.base, q)
        return ops.transpose(q, -2, -1) if is_wide else q

    def _rotated(self, x: Tensor) -> Tensor:
        """Return the first k columns of exp(A), or of the Cayley map of A."""
        n, k = x.shape[-2:]
        lower = F.pad(ops.tril(x), (0, n - k))  # (n, n)
        a = lower - adjoint(lower)
        if self.orthogonal_map == "matrix_exp":
            return matrix_exp(a)[..., :k]
        identity = creation.eye(n, dtype=a.dtype, device=a.device)
        return solve(identity - a / 2, identity + a / 2)[..., :k]

    def _reflected(self, x: Tensor) -> Tensor:
        """Return the product of reflections by the columns below the diagonal, with signs that stand on it."""
        vectors = ops.tril(x, -1)
        tau = 2.0 / (1.0 + ops.sum(vectors * vectors, -2))
        signs = ops.diagonal(x.detach(), 0, -2, -1).to(dtypes.int32)
        return householder_product(vectors, tau) * ops.unsqueeze(signs, -2)

    def right_inverse(self, q: Tensor) -> Tensor:
        """Return the matrix from which ``forward`` makes q, made orthogonal if it is not."""
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {q.shape}."
            )
        is_wide = q.shape[-2] < q.shape[-1]
        with no_grad():
            tall = ops.transpose(q, -2, -1) if is_wide else q
            if hasattr(self, "base"):
                self.base = _completed(tall)
                like = creation.eye(*q.shape[-2:], dtype=q.dtype, device=q.device)
                return (-like).expand(q.shape).clone()  # so that householder gives the identity
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                    "use_trivialization=False."
                )
            a, tau = geqrf(tall)
            signs = ops.sign(ops.diagonal(a, 0, -2, -1))
            signs = ops.where(tau == 0, -signs, signs)
            unit = creation.eye(*a.shape[-2:], dtype=a.dtype, device=a.device)
            a = ops.tril(a, -1) + ops.triu(a, 1) + unit * ops.unsqueeze(signs, -2)
            return ops.transpose(a, -2, -1) if is_wide else a


def _completed(q: Tensor) -> Tensor:
    """Return a square orthogonal matrix that begins with the columns of q, as far as these are orthonormal."""
    n, k = q.shape[-2:]
    if n == k and _is_orthogonal(q):
        return q.clone()
    more = sampling.randn(*q.shape[:-2], n, n - k, dtype=q.dtype, device=q.device)
    reflections, tau = geqrf(ops.cat([q, more], -1))
    signs = ops.sgn(ops.diagonal(reflections, 0, -2, -1))
    return householder_product(reflections, tau) * ops.unsqueeze(signs, -2)


def _is_orthogonal(q: Tensor) -> bool:
    identity = creation.eye(q.shape[-1], dtype=q.dtype, device=q.device)
    tolerance = 10.0 * q.shape[-2] * dtypes.finfo(q.dtype).eps
    return ops.allclose(ops.matmul(adjoint(q), q), identity.expand(q.shape), atol=tolerance)


def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Have a weight be a matrix with orthonormal columns; of a wide one, orthonormal rows.

    Parameters
    ----------
    module : Module
        The layer, which is changed and returned.
    name : str
        The name of the parameter, (*, n, k).
    orthogonal_map : {"matrix_exp", "cayley", "householder"}, optional
        How it is made of any matrix; by default "matrix_exp" for square or complex ones, else "householder".
    use_trivialization : bool
        Whether any orthogonal matrix can be assigned to it, by a ``base`` that it is multiplied by.

    References
    ----------
    Lezcano-Casado, "Trivializations for Gradient-Based Optimization on Manifolds", 2019;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.parametrizations.orthogonal.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.utils.parametrizations.orthogonal(torch.nn.Linear(2, 3))
    >>> torch.allclose(layer.weight.T @ layer.weight, torch.eye(2), atol=1e-5)
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        is_square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if is_square or weight.is_complex() else "householder"
    if orthogonal_map not in ORTHOGONAL_MAPS:
        raise ValueError(
            f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}'
        )
    parametrization = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    register_parametrization(module, name, parametrization, unsafe=True)
    return module


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
