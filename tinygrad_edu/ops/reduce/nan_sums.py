"""Sums and means of those elements that are numbers.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nansum.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import as_summand, raw, reject_complex, require_floating_point, require_tensor
from tinygrad_edu.ops.elementwise.compare import isnan, logical_not
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.reduce.reduction import Dims, sum


def nansum(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Sum of the elements that are numbers: each NaN counts as 0, and gets the gradient 0.

    The arguments are those of :func:`sum`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nansum(torch.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_tensor("nansum", input)
    reject_complex("nansum", input)
    x = as_summand("nansum", input, dtype)
    return sum(where(isnan(x), 0, x) if is_floating(raw(x).dtype) else x, dim, keepdim)


@rounded_once
def nanmean(
    input: Tensor,
    dim: Dims = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
    axis: Any = None,
    keepdims: bool = False,
) -> Tensor:
    """Mean of the elements that are numbers; NaN if none is.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nanmean(torch.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    dim = dim if axis is None else axis
    keepdim = keepdim if keepdims is False else keepdims
    require_floating_point("nanmean", input, complex_too=True, error=RuntimeError)
    numbers = sum(logical_not(isnan(input)), dim, keepdim)
    return nansum(input, dim, keepdim, dtype=dtype) / numbers
