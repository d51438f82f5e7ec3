"""The derivative of a function that is known at some points: ``gradient``.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.gradient.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.arguments import as_int, is_int, is_number
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.ops.common import normalize_dim, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.along_dim import narrow
from tinygrad_edu.ops.reduce.running import diff
from tinygrad_edu.ops.shape.join import cat
from tinygrad_edu.ops.shape.layout import reshape


@rounded_once
def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1, axis: Any = None
) -> tuple[Tensor, ...]:
    """Estimate the partial derivatives of a function from its values, by differences of neighbours.

    Inside, g_i = (f_(i+1) - f_(i-1)) / 2h. Between unequal steps h_1 and h_2 it is the slope of the parabola through
    the three points: a f_(i-1) + b f_i + c f_(i+1) with a = -h_2 / (h_1 (h_1 + h_2)), c = h_1 / (h_2 (h_1 + h_2)) and
    b = -a - c. At the ends, it is the slope to the neighbour, or that of the parabola through the last three points.

    Parameters
    ----------
    input : Tensor
        The values, one dimension for each variable.
    spacing : number, sequence of numbers or sequence of Tensors, optional
        How far apart the points are, in all dimensions or in each; or where they are, a vector for each dimension.
    dim : int or sequence of int, optional
        Along which dimensions; all by default.
    edge_order : int
        1 or 2: whether the ends are slopes to the neighbour, or of parabolas.

    Returns
    -------
    tuple of Tensor
        Of the input's shape, one for each dimension.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.gradient.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.gradient(torch.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    >>> torch.gradient(torch.tensor([1.0, 4.0, 16.0]), spacing=(torch.tensor([1.0, 2.0, 4.0]),))
    (tensor([3., 4., 6.]),)
    """
    require_tensor("gradient", input)
    dim, edge_order = dim if axis is None else axis, as_int("gradient", "edge_order", edge_order)
    if edge_order not in (1, 2):
        raise RuntimeError(f"torch.gradient only supports edge_order=1 and edge_order=2, got {edge_order}")
    if dim is None:
        dims = list(range(input.ndim))
    else:
        given = dim if isinstance(dim, list | tuple) else [dim]
        dims = [normalize_dim("gradient", d, input.ndim) for d in given]
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"gradient: expected each dimension once, got dim={dim}")
    steps = _spacings(spacing, dims, dim)
    for d in dims:
        if not input.ndim or input.shape[d] < edge_order + 1:
            raise RuntimeError(
                f"torch.gradient expected each dimension size to be at least edge_order+1, {edge_order + 1}, got "
                f"{list(input.shape)}"
            )
    return tuple([slope(input, d, h, edge_order) for d, h in zip(dims, steps, strict=True)])


def _spacings(spacing: Any, dims: list[int], dim: Any) -> list[Any]:
    """Return a number or a vector of places for each dimension."""
    if spacing is None or is_number(spacing, complex_too=True):
        return [1.0 if spacing is None else spacing] * len(dims)
    if isinstance(spacing, TensorBase) or not isinstance(spacing, list | tuple):
        raise TypeError(
            f"gradient(): expected spacing to be a number or a sequence, not {type(spacing).__name__}"
        )
    if (is_int(dim) and len(spacing) != 1) or len(spacing) != len(dims):
        raise RuntimeError(
            f"torch.gradient expected spacing to be unspecified, a scalar, or a list of the length of dims, "
            f"{len(dims)}, got one of {len(spacing)}"
        )
    return list(spacing)


def slope(f: Tensor, dim: int, spacing: Any, edge_order: int) -> Tensor:
    """Return the derivative along one dimension."""
    count = f.shape[dim]
    if not isinstance(spacing, TensorBase):
        first, second = _part(f, dim, 0, count - 1), _part(f, dim, 1, count - 1)
        differences = (second - first) / spacing
        inside = (_part(f, dim, 2, count - 2) - _part(f, dim, 0, count - 2)) / (2 * spacing)
        ends = [_part(differences, dim, i, 1) for i in (0, count - 2)]
        if edge_order == 2:  # the slope of a parabola changes evenly
            next_to = [_part(differences, dim, i, 1) for i in (1, count - 3)]
            ends = [1.5 * end - 0.5 * other for end, other in zip(ends, next_to, strict=True)]
        return cat([ends[0], inside, ends[1]], dim)
    if spacing.ndim != 1 or spacing.shape[0] != count:
        raise RuntimeError(
            f"gradient: expected a vector of {count} places for dimension {dim}, got {list(spacing.shape)}"
        )
    h = reshape(diff(spacing), (-1,) + (1,) * (f.ndim - dim - 1))
    slopes = diff(f, dim=dim) / h
    last = count - 2
    before, after = narrow(h, 0, 0, last), narrow(h, 0, 1, last)
    inside = (_part(slopes, dim, 0, last) * after + _part(slopes, dim, 1, last) * before) / (before + after)
    ends = [_part(slopes, dim, 0, 1), _part(slopes, dim, last, 1)]
    if edge_order == 2:
        ends = [_parabola(slopes, h, dim, *places) for places in ((0, 1), (last, last - 1))]
    return cat([ends[0], inside, ends[1]], dim)


def _parabola(slopes: Tensor, h: Tensor, dim: int, end: int, other: int) -> Tensor:
    """Return the slope, at the end, of the parabola through the last three points."""
    step, next_step = narrow(h, 0, end, 1), narrow(h, 0, other, 1)
    near, far = _part(slopes, dim, end, 1), _part(slopes, dim, other, 1)
    return near + (near - far) * step / (step + next_step)


def _part(x: Tensor, dim: int, start: int, count: int) -> Tensor:
    return narrow(x, dim, start, max(count, 0))
