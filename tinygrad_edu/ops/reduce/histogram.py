"""Histograms: how many points, or how much weight, lie in each bin of one or several variables.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.histogramdd.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import as_int, is_int, require_bools
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    optional_tensors,
    raw,
    require_dtype_of,
    require_floating_point,
    require_tensor,
)
from tinygrad_edu.ops.half import rounded_once


class Histogram(NamedTuple):
    """What ``histogram`` and ``histogramdd`` return."""

    hist: Any
    bin_edges: Any


@rounded_once
def histogram(
    input: Tensor,
    bins: Any = 100,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """Count the elements in each bin; the last bin has its upper border, too.

    Parameters
    ----------
    input : Tensor
        Of floating point, any shape.
    bins : int or Tensor
        How many bins of equal width, or their borders in increasing order.
    range : (float, float), optional
        Where the bins begin and end; by default the smallest and the largest element. What lies outside is not counted.
    weight : Tensor, optional
        Of the input's shape: what each element counts.
    density : bool
        Divide by the sum and by the width of each bin, so that the area is 1.

    Returns
    -------
    (Tensor, Tensor)
        The counts and the borders, one more.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.histogram.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.histogram(torch.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])
    """
    check_points("histogram", input, weight)
    points = raw(input).reshape(-1, 1)
    borders = bin_borders("histogram", points, [bins], range)
    hist = count_points("histogram", points, borders, weight, density)
    return Histogram(hist, tensor_from_array(borders[0]))


@rounded_once
def histogramdd(
    input: Tensor,
    bins: Any,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Histogram:
    """Count points of several coordinates in a grid of bins.

    Parameters
    ----------
    input : Tensor
        (..., n) points of n coordinates, of floating point.
    bins : int, sequence of int, or sequence of Tensor
        How many bins there are along each coordinate, or their borders.
    range : sequence of float, optional
        The first and the last border along each coordinate, 2n numbers.
    weight : Tensor, optional
        (...): what each point counts.
    density : bool
        Divide by the sum and by the volume of each bin.

    Returns
    -------
    (Tensor, tuple of Tensor)
        The counts, with a dimension for each coordinate, and the borders along each.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.histogramdd.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.histogramdd(torch.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]]), bins=[2, 2]).hist
    tensor([[0., 1.],
            [1., 1.]])
    """
    check_points("histogramdd", input, weight)
    if input.ndim < 2:
        raise RuntimeError(f"histogramdd: expected input of at least 2 dimensions, got {input.ndim}")
    n = input.shape[-1]
    given = [bins] * n if is_int(bins) else list(bins)
    if len(given) != n:
        raise RuntimeError(f"histogramdd: expected bins for each of {n} coordinates, got {len(given)}")
    points = raw(input).reshape(math.prod(input.shape[:-1]), n)
    if weight is not None and tuple(weight.shape) != tuple(input.shape[:-1]):
        raise RuntimeError(
            f"histogramdd: expected weight of shape {list(input.shape[:-1])}, got {list(weight.shape)}"
        )
    borders = bin_borders("histogramdd", points, given, range)
    hist = count_points("histogramdd", points, borders, weight, density)
    return Histogram(hist, tuple([tensor_from_array(edges) for edges in borders]))


def check_points(name: str, input: Any, weight: Any) -> None:
    """Raise unless the points are of floating point, and their weights of the same dtype."""
    require_floating_point(name, input)
    optional_tensors(name, weight=weight)
    if weight is not None:
        require_dtype_of(name, input, weight=weight)
        if name == "histogram" and tuple(weight.shape) != tuple(input.shape):
            raise RuntimeError(
                f"{name}: expected weight of shape {list(input.shape)}, got {list(weight.shape)}"
            )


def bin_borders(name: str, points: Array, bins: list[Any], limits: Any) -> list[Array]:
    """Return the borders of the bins along each coordinate."""
    n = len(bins)
    if limits is not None and len(limits) != 2 * n:
        raise RuntimeError(f"{name}: expected range of {2 * n} numbers, got {len(limits)}")
    borders = []
    for i, given in enumerate(bins):
        if isinstance(given, TensorBase):
            if given.ndim != 1 or not given.numel() or raw(given).dtype != points.dtype:
                raise RuntimeError(
                    f"{name}: expected borders as a vector of {points.dtype}, got {list(given.shape)} of {given.dtype}"
                )
            borders.append(raw(given).copy())
            continue
        if not is_int(given):
            require_tensor(name, given, "bins")
        count = as_int(name, "bins", given)
        if count <= 0:
            raise RuntimeError(f"{name}(): bins must be > 0, but got {count}")
        low, high = _limits(name, points[:, i], None if limits is None else limits[2 * i : 2 * i + 2])
        borders.append(array_module(points).linspace(low, high, count + 1).astype(points.dtype))
    return borders


def _limits(name: str, values: Array, given: Any) -> tuple[float, float]:
    """Return where the bins begin and end: as given, or at the smallest and the largest value."""
    if given is not None:
        low, high = float(given[0]), float(given[1])
    elif values.size:
        low, high = float(values.min()), float(values.max())
    else:
        low, high = 0.0, 1.0
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise RuntimeError(f"{name}: expected a finite, increasing range, got {low} to {high}")
    return (low - 0.5, high + 0.5) if low == high else (low, high)


def count_points(name: str, points: Array, borders: list[Array], weight: Any, density: bool) -> Tensor:
    """Return how many points, or how much weight, each bin has."""
    require_bools(name, density=density)
    xp, shape = array_module(points), [len(edges) - 1 for edges in borders]
    inside = xp.ones(len(points), bool)
    place = xp.zeros(len(points), "int64")
    for i, edges in enumerate(borders):
        values = points[:, i]
        inside &= (values >= edges[0]) & (values <= edges[-1])
        bin_number = xp.minimum(xp.searchsorted(edges, values, "right") - 1, shape[i] - 1)
        place = place * shape[i] + bin_number
    weights = None if weight is None else raw(weight).reshape(-1)[inside].astype(np.float64)
    counts = (
        xp.bincount(place[inside], weights, minlength=math.prod(shape)).reshape(shape).astype(points.dtype)
    )
    if density:
        counts = counts / counts.sum()
        for i, edges in enumerate(borders):
            counts = counts / xp.diff(edges).reshape((-1,) + (1,) * (len(shape) - i - 1))
    return tensor_from_array(counts)
