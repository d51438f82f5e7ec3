"""How far apart, and how much alike: distances of vectors, covariance, correlation.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#other-operations
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int, as_number
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.numpy_dtypes import FLOATING_KINDS, is_inexact
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import (
    as_float,
    normalize_dim,
    optional_tensors,
    raw,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.elementwise.arithmetic import absolute
from tinygrad_edu.ops.elementwise.complex_numbers import adjoint
from tinygrad_edu.ops.elementwise.rounding import sign
from tinygrad_edu.ops.elementwise.select import clamp, where
from tinygrad_edu.ops.elementwise.unary import sqrt
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.along_dim import index_select
from tinygrad_edu.ops.linalg.matmul import matmul, mm
from tinygrad_edu.ops.reduce.reduction import mean, sum
from tinygrad_edu.ops.reduce.statistics import norm
from tinygrad_edu.ops.shape.layout import contiguous, expand, reshape, transpose, unsqueeze
from tinygrad_edu.ops.shape.triangle import diagonal

FEW_ROWS = 25
MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@rounded_once
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    r"""The p-norm of the difference of two tensors: (sum of \|a - b\|^p)^(1/p).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.dist(torch.tensor([0.0, 3.0]), torch.tensor([4.0, 0.0]))
    tensor(5.)
    """
    require_tensor("dist", input)
    require_tensor("dist", other, "other")
    return norm(input - other, as_number("dist", "p", p))


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: Any = MODES[0]) -> Tensor:
    r"""Distances of each row of one matrix from each row of another, by the p-norm.

    Parameters
    ----------
    x1, x2 : Tensor
        (\*, m, d) and (\*, n, d).
    p : float
        At least 0; the distance by 0 is the number of differences, by infinity the largest one.
    compute_mode : str, optional
        When to compute by a product of matrices, \|a\|^2 + \|b\|^2 - 2 a b, if p is 2: always, never or, by default,
        for more than 25 rows. All differences do not have to be in memory then, but those of near rows lose digits.

    Returns
    -------
    Tensor
        (\*, m, n); where two rows are equal, the gradient is 0.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cdist.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cdist(torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0], [0.0, 2.0]]))
    tensor([[5., 2.]])
    """
    if this_thread.mode.autocast:
        return under_autocast(cdist, x1, x2, p, compute_mode)
    require_tensor("cdist", x1, "x1")
    require_tensor("cdist", x2, "x2")
    p = as_number("cdist", "p", p)
    if compute_mode is not None and compute_mode not in MODES:
        raise ValueError(f"cdist: expected compute_mode to be one of {MODES}, got {compute_mode!r}")
    for x in (x1, x2):
        if raw(x).dtype.name not in ("float32", "float64"):
            raise RuntimeError(
                f"cdist only supports floating-point dtypes, float32 and float64, got {raw(x).dtype}"
            )
        if x.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, got {x.ndim}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError(f"cdist only supports non-negative p values, got {p}")
    many = x1.shape[-2] > FEW_ROWS or x2.shape[-2] > FEW_ROWS
    if p == 2 and (compute_mode == MODES[1] or (many and compute_mode in (None, MODES[0]))):
        return _distance_by_product(x1, x2)
    return _length(unsqueeze(x1, -2) - unsqueeze(x2, -3), p)


def _length(differences: Tensor, p: float) -> Tensor:
    """Return the p-norm along the last dimension; by 0 it counts, and has the gradient 0 here, where norm has none."""
    return norm(differences, p, -1) if p else sum(absolute(sign(differences)), -1)


def _distance_by_product(x1: Tensor, x2: Tensor) -> Tensor:
    """Return the Euclidean distances of all rows from the scalar products of all rows; the gradient at 0 is 0."""
    products = matmul(x1, transpose(x2, -2, -1))
    squares = sum(x1 * x1, -1, True) + transpose(sum(x2 * x2, -1, True), -2, -1) - 2 * products
    apart = squares > 0  # rounding can make it negative
    return where(apart, sqrt(where(apart, squares, 1.0)), 0.0)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the distances, by the p-norm, between all pairs of rows: (n, m) -> (n (n - 1) / 2,).

    The pairs are (0, 1), (0, 2), ..., (1, 2), ...: those above the diagonal of :func:`cdist`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.pdist.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.pdist(torch.tensor([[0.0], [1.0], [3.0]]))
    tensor([1., 3., 2.])
    """
    require_tensor("pdist", input)
    p = float(as_number("pdist", "p", p))
    if raw(input).dtype.name not in ("float32", "float64"):
        raise RuntimeError(
            f"pdist only supports floating-point dtypes, float32 and float64, got {raw(input).dtype}"
        )
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError(f"pdist only supports non-negative p values, got {p}")
    xp, n = array_module(raw(input)), input.shape[0]
    rows = xp.arange(n)
    first, second = xp.nonzero(rows[:, None] < rows)
    a, b = [index_select(input, 0, tensor_from_array(x)) for x in (first, second)]
    return _length(a - b, p)


@rounded_once
def renorm(input: Tensor, p: float, dim: Any = None, maxnorm: Any = None, *, axis: Any = None) -> Tensor:
    """Return the slices along ``dim``, those whose p-norm is above ``maxnorm`` scaled down to it.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.renorm(torch.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    dim = dim if axis is None else axis
    require_tensor("renorm", input)
    p, maxnorm = as_number("renorm", "p", p), as_number("renorm", "maxnorm", maxnorm)
    if not is_inexact(raw(input).dtype):
        raise RuntimeError(f"renorm: expected a floating-point tensor, got {raw(input).dtype}")
    if input.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {input.ndim} dimensions")
    if not p > 0:
        raise RuntimeError(f"renorm: non-positive norm not supported, got p={p}")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    dim = normalize_dim("renorm", dim, input.ndim)
    others = tuple([d for d in range(input.ndim) if d != dim])
    norms = norm(input, p, others, keepdim=True)
    return contiguous(input) * where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)


@rounded_once
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariance of variables in rows: sum over the observations of (x_i - mean_i) (x_j - mean_j) / (n - correction).

    Parameters
    ----------
    input : Tensor
        (variables, observations), or (observations,) of one variable.
    correction : int
        What is taken off the number of observations.
    fweights : Tensor, optional
        (observations,) integers: how often each was made.
    aweights : Tensor, optional
        (observations,) numbers: how much each counts.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.cov.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cov(torch.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    require_tensors("cov", input=input)
    optional_tensors("cov", fweights=fweights, aweights=aweights)
    correction = as_int("cov", "correction", correction)
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got {input.ndim}")
    x = as_float("cov", reshape(input, (1, raw(input).size)) if input.ndim < 2 else input)
    count = x.shape[1]
    weights = _weights(fweights, aweights, count)
    if weights is None:
        total, degrees = count, count - correction
        centred = x - mean(x, 1, True) if count else x
        product = mm(centred, adjoint(centred))
    else:
        total = sum(weights)
        degrees = total - correction * (sum(weights * aweights) / total if aweights is not None else 1)
        centred = x - sum(x * weights, 1, True) / total
        product = mm(centred, adjoint(centred * weights))
    degrees = clamp(degrees, 0, None) if hasattr(degrees, "shape") else max(degrees, 0)
    result = product / degrees
    return reshape(result, ()) if x.shape[0] == 1 else result  # as in PyTorch, also of one row


def _weights(fweights: Any, aweights: Any, count: int) -> Any:
    """Return the product of both kinds of weights that are given, or None."""
    for name, x, kinds in (("fweights", fweights, "iu"), ("aweights", aweights, FLOATING_KINDS)):
        if x is None:
            continue
        if x.ndim > 1 or raw(x).dtype.kind not in kinds or raw(x).size != count:
            raise RuntimeError(
                f"cov(): expected {name} to be a vector of {count} {'integers' if kinds == 'iu' else 'floats'}, got "
                f"{list(x.shape)} of {raw(x).dtype}"
            )
        if (raw(x) < 0).any():
            raise RuntimeError(f"cov(): {name} cannot be negative")
    given = [x for x in (fweights, aweights) if x is not None]
    if not given:
        return None
    weights = given[0] * given[1] if len(given) == 2 else given[0]
    if count and float(raw(weights).sum()) == 0:
        raise RuntimeError("cov(): weights sum to zero, can't be normalized")
    return weights


@rounded_once
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation of variables in rows: their covariance divided by both standard deviations.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.corrcoef(torch.tensor([[0.0, 1.0, 2.0], [4.0, 2.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    require_tensor("corrcoef", input)
    if input.ndim > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got {input.ndim}")
    c = cov(input)
    if c.ndim == 0:
        return c / c
    deviations = sqrt(diagonal(c))
    size = deviations.shape[0]
    scaled = c / expand(reshape(deviations, (size, 1)), (size, size)) / deviations
    return scaled if raw(scaled).dtype.kind == "c" else clamp(scaled, -1, 1)
