"""Reductions and normalisations of those elements alone that a mask names: ``torch.masked``.

Where the mask is False, an element is replaced by what changes nothing: 0 in a sum, -inf in a maximum. ``MaskedTensor``
is not here.

References
----------
https://docs.pytorch.org/docs/stable/masked.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.ops.common import normalize_dims as _normalize_dims

if TYPE_CHECKING:
    from tinygrad_edu.creation import Dtype

__all__ = [
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumprod",
    "cumsum",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "mean",
    "median",
    "norm",
    "normalize",
    "prod",
    "softmax",
    "softmin",
    "std",
    "sum",
    "var",
]


def _whole_mask(input: Tensor, mask: Tensor) -> Tensor:
    """Return a mask of the input's shape, of booleans."""
    if mask.ndim > input.ndim:
        raise IndexError(
            "_input_mask expected broadcastable mask (got mask dimensionality higher than of the input): expected at "
            f"most {input.ndim} dimensions, got {mask.ndim}"
        )
    return ops.broadcast_to(mask, input.shape).to(dtype=dtypes.bool_)


def _filled(input: Tensor, mask: Tensor | None, fill: float) -> Tensor:
    """Return the input with ``fill`` in place of what the mask leaves out."""
    if mask is None:
        return input
    return ops.where(_whole_mask(input, mask), input, input.new_full((), fill))


def _lowest(input: Tensor, name: str) -> float:
    """Return what changes no maximum, and no sum of powers."""
    if input.dtype.is_floating_point or (input.dtype.is_complex and name == "logsumexp"):
        return -math.inf
    if input.dtype == dtypes.bool_ or input.dtype.is_complex:
        raise NotImplementedError(f"identity of {name} on {input.dtype} input: expected real numbers")
    return dtypes.iinfo(input.dtype).min


def _highest(input: Tensor, name: str) -> float:
    """Return what changes no minimum."""
    if input.dtype.is_floating_point:
        return math.inf
    if input.dtype == dtypes.bool_ or input.dtype.is_complex:
        raise NotImplementedError(f"identity of {name} on {input.dtype} input: expected real numbers")
    return dtypes.iinfo(input.dtype).max


def _summed_dtype(input: Tensor, dtype: Dtype) -> dtypes.dtype:
    """Return the dtype of a sum: int64 of integers, unless another is asked for."""
    if dtype is not None:
        return dtype
    return input.dtype if input.dtype.is_floating_point or input.dtype.is_complex else dtypes.int64


def sum(
    input: Tensor,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Sum of the elements that the mask names; 0 if it names none.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.masked.sum(torch.tensor([1.0, 2.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(5.)
    """
    dims = _normalize_dims("sum", dim, input.ndim)
    return ops.sum(_filled(input, mask, 0), dims, bool(keepdim), dtype=_summed_dtype(input, dtype))


def prod(
    input: Tensor,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Product of the elements that the mask names; 1 if it names none."""
    product = _filled(input, mask, 1).to(dtype=_summed_dtype(input, dtype))
    for d in sorted(_normalize_dims("prod", dim, input.ndim), reverse=True):
        product = ops.prod(product, d, bool(keepdim))
    return product


def cumsum(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Tensor | None = None) -> Tensor:
    """Sum, one after the other along ``dim``, of the elements that the mask names."""
    return ops.cumsum(_filled(input, mask, 0), dim, dtype=input.dtype if dtype is None else dtype)


def cumprod(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Tensor | None = None) -> Tensor:
    """Product, one after the other along ``dim``, of the elements that the mask names."""
    return ops.cumprod(_filled(input, mask, 1), dim, dtype=input.dtype if dtype is None else dtype)


def amax(
    input: Tensor,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Largest of the elements that the mask names; the lowest number there is if it names none."""
    filled = _filled(input, mask, 0 if mask is None else _lowest(input, "amax"))
    largest = ops.amax(filled, _normalize_dims("amax", dim, input.ndim), bool(keepdim))
    return largest.to(dtype=input.dtype if dtype is None else dtype)


def amin(
    input: Tensor,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Smallest of the elements that the mask names; the highest number there is if it names none."""
    filled = _filled(input, mask, 0 if mask is None else _highest(input, "amin"))
    smallest = ops.amin(filled, _normalize_dims("amin", dim, input.ndim), bool(keepdim))
    return smallest.to(dtype=input.dtype if dtype is None else dtype)


def argmax(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Place of the largest of the elements that the mask names, in the dtype of the input."""
    filled = _filled(input, mask, 0 if mask is None else _lowest(input, "argmax"))
    return ops.argmax(filled, dim, bool(keepdim)).to(dtype=input.dtype if dtype is None else dtype)


def argmin(
    input: Tensor,
    dim: int | None = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Place of the smallest of the elements that the mask names, in the dtype of the input."""
    filled = _filled(input, mask, 0 if mask is None else _highest(input, "argmin"))
    return ops.argmin(filled, dim, bool(keepdim)).to(dtype=input.dtype if dtype is None else dtype)


def _number_of_elements(input: Tensor, dims: tuple[int, ...], keepdim: bool, mask: Tensor | None) -> Tensor:
    """Return how many elements the mask names along some dimensions."""
    whole = ops.full_of(input, 1).to(dtype=dtypes.bool_) if mask is None else _whole_mask(input, mask)
    return ops.sum(whole, dims, keepdim)


def mean(
    input: Tensor,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Mean of the elements that the mask names; NaN if it names none.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.masked.mean(torch.tensor([1.0, 2.0, 4.0]), mask=torch.tensor([True, False, True]))
    tensor(2.5000)
    """
    wanted, source = (input.dtype, "Input") if dtype is None else (dtype, "Optional")
    if not (wanted.is_floating_point or wanted.is_complex):
        raise ValueError(
            f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. "
            f"Got: {wanted}"
        )
    dims = _normalize_dims("mean", dim, input.ndim)
    count = _number_of_elements(input, dims, bool(keepdim), mask)
    return sum(input, dim, keepdim=keepdim, dtype=wanted, mask=mask) / count


def median(
    input: Tensor, dim: int = -1, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor | None = None
) -> Tensor:
    """Median of the elements that the mask names, the lower one of two; NaN if it names none."""
    numbers = input if input.dtype.is_floating_point else input.to(dtype=dtypes.float32)
    values = ops.nanmedian(_filled(numbers, mask, math.nan), dim, keepdim).values
    if input.dtype.is_floating_point:
        return values
    if bool(ops.isnan(values).any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return values.to(dtype=input.dtype if dtype is None else dtype)


def norm(
    input: Tensor,
    ord: float | None = 2.0,
    dim: Any = None,
    *,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Norm of the elements that the mask names: (sum of |x|^ord)^(1 / ord)."""
    filled = _filled(input, mask, math.inf if ord == -math.inf else 0)
    dims = _normalize_dims("norm", dim, input.ndim)
    return ops.norm(filled, ord, dims, bool(keepdim), dtype=input.dtype if dtype is None else dtype)


def _variance(
    input: Tensor,
    dim: Any,
    unbiased: bool | None,
    correction: float | None,
    keepdim: bool | None,
    dtype: Dtype,
    mask: Tensor | None,
) -> Tensor:
    """Return the mean square of what is left after the mean is taken away, of ``count - correction`` elements."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 0.0 if unbiased is False else 1.0
    of_floats = input.dtype.is_floating_point or input.dtype.is_complex
    wanted = dtype or (input.dtype if of_floats else dtypes.float32)
    computed_in = wanted if wanted.is_floating_point or wanted.is_complex else dtypes.float32
    dims = _normalize_dims("var", dim, input.ndim)
    count = _number_of_elements(input, dims, True, mask)
    centred = input - sum(input, dim, keepdim=True, dtype=wanted, mask=mask) / count
    total = sum(centred * ops.conj(centred), dim, keepdim=keepdim, dtype=computed_in, mask=mask)
    divisor = (
        ops.clamp(count.reshape(total.shape) - correction, min=0)
        if correction
        else count.reshape(total.shape)
    )
    return total / divisor.to(dtype=computed_in)


def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Variance of the elements that the mask names."""
    result = _variance(input, dim, unbiased, correction, keepdim, dtype, mask)
    return result.to(dtype=dtype) if dtype is not None else result


def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: int | None = None,
    keepdim: bool | None = False,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Square root of ``var``: the standard deviation of the elements that the mask names."""
    result = ops.sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))
    return result.to(dtype=dtype) if dtype is not None else result


def logsumexp(
    input: Tensor, dim: Any = None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor | None = None
) -> Tensor:
    """Logarithm of the sum of e^x over the elements that the mask names; -inf if it names none."""
    filled = _filled(input, mask, 0 if mask is None else _lowest(input, "logsumexp"))
    result = ops.logsumexp(filled, _normalize_dims("logsumexp", dim, input.ndim), keepdim)
    return result.to(dtype=input.dtype if dtype is None else dtype)


def logaddexp(
    input: Tensor,
    other: Tensor,
    *,
    dtype: Dtype = None,
    input_mask: Tensor | None = None,
    other_mask: Tensor | None = None,
) -> Tensor:
    """log(e^input + e^other), in which what a mask leaves out does not count."""
    a = _filled(input, input_mask, 0 if input_mask is None else _lowest(input, "logaddexp"))
    b = _filled(other, other_mask, 0 if other_mask is None else _lowest(other, "logaddexp"))
    return ops.logaddexp(a, b).to(dtype=input.dtype if dtype is None else dtype)


def softmax(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Tensor | None = None) -> Tensor:
    """Softmax over the elements that the mask names; the others get 0."""
    filled = _filled(input, mask, 0 if mask is None else _lowest(input, "amax"))
    return ops.softmax(filled, dim, dtype=input.dtype if dtype is None else dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Tensor | None = None) -> Tensor:
    """Logarithm of the softmax over the elements that the mask names; the others get -inf."""
    filled = _filled(input, mask, 0 if mask is None else _lowest(input, "amax"))
    return ops.log_softmax(filled, dim, dtype=input.dtype if dtype is None else dtype)


def softmin(input: Tensor, dim: int, *, dtype: Dtype = None, mask: Tensor | None = None) -> Tensor:
    """Softmax of -x over the elements that the mask names; the others get 0."""
    filled = _filled(input, mask, 0 if mask is None else _highest(input, "amin"))
    return ops.softmax(-filled, dim, dtype=input.dtype if dtype is None else dtype)


def normalize(
    input: Tensor,
    ord: float,
    dim: int,
    *,
    eps: float = 1e-12,
    dtype: Dtype = None,
    mask: Tensor | None = None,
) -> Tensor:
    """Divide the elements that the mask names by their norm, or by ``eps`` if that is larger; the others become 0."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, 0) / ops.maximum(length, length.new_full((), eps))


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
