"""Sums, means, products and extremes of consecutive parts of a dimension: ``segment_reduce``.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.segment_reduce.html
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.arguments import reject_options, require_bools, wrong_type
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, to_device, to_numpy
from tinygrad_edu.ops.common import normalize_dim, raw, require_floating_point, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.scatter_reduce import reduce_at
from tinygrad_edu.ops.shape.layout import reshape

START = {"sum": 0.0, "mean": 0.0, "prod": 1.0, "max": -math.inf, "min": math.inf}


@rounded_once
def segment_reduce(
    data: Tensor,
    reduce: str,
    *,
    lengths: Tensor | None = None,
    indices: Tensor | None = None,
    offsets: Tensor | None = None,
    axis: int = 0,
    unsafe: bool = False,
    initial: Any = None,
) -> Tensor:
    """Reduce consecutive parts, segments, of a dimension to one entry each.

    Parameters
    ----------
    data : Tensor
        Floating-point numbers; the dimensions before ``axis`` are a batch.
    reduce : {"sum", "mean", "prod", "max", "min"}
        How.
    lengths : Tensor, optional
        (*batch, s) integers: how long the segments are. They make up the whole dimension.
    offsets : Tensor, optional
        (*batch, s + 1) integers, instead of ``lengths``: where each segment begins, and where the last one ends.
    axis : int
        Which dimension: the last one of ``lengths``.
    unsafe : bool
        Do not check the lengths.
    initial : number, optional
        What each segment begins with; an empty one is that, else NaN for a mean, 0, 1, or infinity.

    Returns
    -------
    Tensor
        (*batch, s, *): of the shape of the data, with the number of segments in the place of ``axis``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.segment_reduce.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.segment_reduce(torch.tensor([1.0, 2.0, 3.0]), "sum", lengths=torch.tensor([1, 2]))
    tensor([1., 5.])
    """
    name = "segment_reduce"
    require_floating_point(name, data)
    reject_options(name, indices=indices)
    require_bools(name, unsafe=unsafe)
    if not isinstance(reduce, str):
        raise wrong_type(name, "reduce", "str", reduce)
    if reduce not in START:
        raise RuntimeError(f"{name}: expected reduce to be one of {', '.join(START)}, got {reduce!r}")
    axis = normalize_dim(name, axis, data.ndim)
    counts = segment_lengths(name, data, lengths, offsets, axis, unsafe)
    shape, segments = tuple(data.shape), counts.shape[-1]
    batch, rest = shape[:axis], shape[axis + 1 :]
    rows = counts.reshape(-1, segments)  # one for each entry of the batch
    xp, on_device = array_module(raw(data)), device_of(raw(data))
    segment = np.concatenate([np.repeat(np.arange(segments), row) for row in rows]).reshape(len(rows), -1)
    place = tuple([to_device(i, on_device) for i in (np.arange(len(rows))[:, None], segment)])
    start = START[reduce] if initial is None else float(initial)
    begin = tensor_from_array(xp.full((len(rows), segments, *rest), start, raw(data).dtype))
    values = reshape(data, (len(rows), shape[axis], *rest))
    kind = {"mean": "sum", "max": "amax", "min": "amin"}.get(reduce, reduce)
    result = reduce_at(name, begin, values[:, : segment.shape[1]], place, kind, include_self=True)
    if reduce == "mean":
        empty = 0 if initial is None else 1  # 0 / 0 is NaN
        divisor = np.where(rows == 0, empty, rows).astype(np.float64)
        result = result / divided_by(divisor, raw(data), len(rest))
    return reshape(result, (*batch, segments, *rest))


def divided_by(divisor: Any, x: Array, dims: int) -> Tensor:
    """Return the lengths as a Tensor of the dtype of ``x``, with dimensions of size 1 behind."""
    array = to_device(divisor.reshape(divisor.shape + (1,) * dims), device_of(x))
    return tensor_from_array(array.astype(x.dtype))


def segment_lengths(name: str, data: Tensor, lengths: Any, offsets: Any, axis: int, unsafe: bool) -> Any:
    """Return the lengths of the segments as an array of the CPU, or raise if they do not fit."""
    if (lengths is None) == (offsets is None):
        raise RuntimeError(f"{name}(): Either lengths or offsets must be specified, got both or none of them")
    given = offsets if lengths is None else lengths
    require_tensor(name, given, "offsets" if lengths is None else "lengths")
    if given.ndim != axis + 1:
        raise RuntimeError(
            f"{name}: expected lengths or offsets of {axis + 1} dimensions for axis {axis}, got {given.ndim}"
        )
    if raw(given).dtype.name not in ("int32", "int64"):
        raise RuntimeError(f"{name}: expected lengths or offsets of int32 or int64, got {given.dtype}")
    array = to_numpy(raw(given)).astype(np.int64)
    counts = array if offsets is None else np.diff(array, axis=-1)
    if counts.min(initial=0) < 0:
        raise RuntimeError(f"{name}(): lengths contains negative value!")
    if not unsafe and not (counts.sum(-1) == data.shape[axis]).all():
        raise RuntimeError(
            f"{name}(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1), "
            f"{data.shape[axis]}, when !unsafe."
        )
    return counts
