"""Quantiles: below which number a given share of the elements lies.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.quantile.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_number, is_number, require_bools
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import array_module, is_on_host
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import cast, normalize_dim, raw, require_tensor
from tinygrad_edu.ops.elementwise.arithmetic import lerp
from tinygrad_edu.ops.elementwise.rounding import ceil, floor, round
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.reduce.search import sort
from tinygrad_edu.ops.shape.layout import expand, movedim, reshape

INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Return the numbers below which the shares ``q`` of the elements lie.

    The share q of n sorted elements ends at the place q (n - 1); between two places, the result is interpolated, so its
    derivative is that of ``lerp``: 1 - w for the one below and w for the one above.

    Parameters
    ----------
    input : Tensor
        float32 or float64; where there is a NaN, it is the result.
    q : float or Tensor
        From 0 to 1; of several, in a vector, the results come along a new first dimension.
    dim : int, optional
        Along which dimension; without it, of all elements.
    keepdim : bool
        Keep the dimension, with size 1.
    interpolation : {"linear", "lower", "higher", "midpoint", "nearest"}
        What to take between two elements.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.quantile.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.quantile(torch.tensor([0.0, 10.0, 20.0]), 0.25)
    tensor(5.)
    """
    if this_thread.mode.autocast:
        return under_autocast(
            quantile, input, q, dim, keepdim, interpolation=interpolation, axis=axis, keepdims=keepdims
        )
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Return the quantiles of the elements that are numbers; the rest is as with :func:`quantile`."""
    if this_thread.mode.autocast:
        return under_autocast(
            nanquantile, input, q, dim, keepdim, interpolation=interpolation, axis=axis, keepdims=keepdims
        )
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, interpolation: str, ignore_nan: bool
) -> Tensor:
    require_tensor(name, input)
    require_bools(name, keepdim=keepdim)
    q = _shares(name, input, q)
    if interpolation not in INTERPOLATIONS:
        raise RuntimeError(
            f"{name}(): expected interpolation to be one of {INTERPOLATIONS}, got {interpolation!r}"
        )
    ndim = input.ndim
    axis = 0 if dim is None else normalize_dim(name, dim, ndim)
    rows = reshape(input, (raw(input).size,)) if dim is None or ndim == 0 else movedim(input, axis, -1)
    values = _at_ranks(sort(rows, -1).values, reshape(q, (raw(q).size,)), interpolation, ignore_nan)
    values = movedim(values, -1, 0)
    if keepdim and ndim:
        kept = (1,) * ndim if dim is None else (*input.shape[:axis], 1, *input.shape[axis + 1 :])
        values = reshape(values, (values.shape[0], *kept))
    return values if q.ndim else reshape(values, tuple(values.shape[1:]))


def _shares(name: str, input: Tensor, q: Any) -> Tensor:
    """Return the shares as a Tensor of the input's dtype."""
    dtype = raw(input).dtype
    if dtype.name not in ("float32", "float64") or not raw(input).size:
        raise RuntimeError(
            f"{name}(): expected a tensor of float32 or float64 that is not empty, got {list(input.shape)} of {dtype}"
        )
    if not isinstance(q, TensorBase):
        if not is_number(q):
            require_tensor(name, q, "q")
        q = tensor_from_array(array_module(raw(input)).asarray(as_number(name, "q", q), dtype))
        if not 0 <= float(raw(q)) <= 1:
            raise RuntimeError(f"{name}(): q must be in the range [0, 1] but got {float(raw(q))}")
    if q.ndim > 1 or raw(q).dtype != dtype:
        raise RuntimeError(
            f"{name}(): q must be a scalar or 1D tensor of the input's dtype {dtype}, got {list(q.shape)} of "
            f"{raw(q).dtype}"
        )
    if is_on_host(raw(q)) and not ((raw(q) >= 0) & (raw(q) <= 1)).all():
        raise RuntimeError(f"{name}(): q values must be in the range [0, 1], got {raw(q).tolist()}")
    return q


def _at_ranks(ordered: Tensor, q: Tensor, interpolation: str, ignore_nan: bool) -> Tensor:
    r"""Return what lies at the share ``q`` (k,) of rows (\*, n) that are in order: (\*, k)."""
    dtype, n = raw(ordered).dtype, ordered.shape[-1]
    xp = array_module(raw(ordered))
    numbers = xp.expand_dims((raw(ordered) == raw(ordered)).sum(-1), -1)
    last = tensor_from_array((xp.maximum(numbers, 1) - 1).astype(dtype))  # of what is no NaN
    if ignore_nan:
        ranks = q * last
    else:
        shape = (*ordered.shape[:-1], q.shape[0])
        ranks = where(tensor_from_array(numbers < n), float(n - 1), expand(q * (n - 1), shape))
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": floor, "higher": ceil, "nearest": round}[interpolation](ranks)
    below = gather(ordered, -1, cast(floor(ranks).detach(), "int64"))
    if interpolation not in ("linear", "midpoint"):
        return below
    weights = ranks - floor(ranks) if interpolation == "linear" else 0.5
    return lerp(below, gather(ordered, -1, cast(ceil(ranks).detach(), "int64")), weights)
