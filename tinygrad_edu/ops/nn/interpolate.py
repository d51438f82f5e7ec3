"""Interpolation: signals, images and volumes made larger or smaller.

Every mode but "nearest" and "area" is a weighted mean of a few neighbours along each dimension by itself. What it
does along one of them is a matrix of weights, (out, in), with two or four numbers in a row that are not 0: the
output is a product with it, dimension after dimension, and so the gradient is a product with its transpose. With
``antialias`` a row has more of them, as many as the input's elements that one of the output stands for.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, as_number, is_int, require_bools
from tinygrad_edu.autograd.telling import constant
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, check_numel
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import raw, require_floating_point, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.along_dim import index_select
from tinygrad_edu.ops.linalg.matmul import linear
from tinygrad_edu.ops.nn.adaptive_pool import adaptive_avg_pool1d, adaptive_avg_pool2d
from tinygrad_edu.ops.nn.pool3d import adaptive_avg_pool3d
from tinygrad_edu.ops.shape.layout import contiguous, movedim

NEAREST = ("nearest", "nearest-exact")
WEIGHTED = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2, "lanczos": 2}
"""The modes that weigh neighbours, and for how many dimensions each is."""
AREA = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
CUBIC_A, CUBIC_A_ANTIALIAS = -0.75, -0.5
"""The slope of the cubic convolution kernel at a distance of 1; with ``antialias``, PyTorch takes another one."""


@rounded_once
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """Make signals, images or volumes larger or smaller.

    Parameters
    ----------
    input : Tensor
        (n, c, length), (n, c, h, w) or (n, c, d, h, w).
    size : int or tuple of int, optional
        The size of the output in each dimension behind the channels.
    scale_factor : float or tuple of float, optional
        By how much it grows in place of that: floor(size * factor).
    mode : {"nearest", "nearest-exact", "area", "linear", "bilinear", "trilinear", "bicubic", "lanczos"}
        "linear" is for signals, "bilinear", "bicubic" and "lanczos" (with ``antialias``) for images, "trilinear" for
        volumes. "nearest" takes the element whose cell begins before it, "nearest-exact" the one whose centre is
        nearest; "area" is a mean.
    align_corners : bool, optional
        Whether the first and last elements of input and output lie on each other; else the outer edges do.
    recompute_scale_factor : bool, optional
        Go on with output size / input size in place of the factor given.
    antialias : bool
        For "bilinear", "bicubic" and "lanczos": where the image becomes smaller, weigh all the elements that one of
        the output stands for, so that what is finer than the output can show does not turn into false patterns.

    Returns
    -------
    Tensor
        (n, c, *size).

    Raises
    ------
    ValueError
        If not one of size and factor is given, or options do not go together.
    NotImplementedError
        If the mode is none for so many dimensions.

    Notes
    -----
    With a scale s = in / out, element i of the output lies at s (i + 1/2) - 1/2 in the input, with
    ``align_corners`` at i (in - 1) / (out - 1). Between x_k and x_(k+1), at a distance t behind the first, linear
    interpolation is (1 - t) x_k + t x_(k+1).

    With ``antialias`` output i is sum_j h((j + 1/2 - c) / s') x_j / sum_j h((j + 1/2 - c) / s'), with its centre
    c = s (i + 1/2), s' = max(s, 1) and a kernel h: the triangle max(0, 1 - |d|), Keys' cubic or Lanczos' sinc.

    References
    ----------
    Keys, "Cubic Convolution Interpolation for Digital Image Processing", 1981, equation 15 (bicubic, a = -0.75, with
    ``antialias`` -0.5); Duchon, "Lanczos Filtering in One and Two Dimensions", 1979;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.interpolate.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> signal = torch.tensor([[[0.0, 4.0]]])
    >>> torch.nn.functional.interpolate(signal, scale_factor=2)
    tensor([[[0., 0., 4., 4.]]])
    >>> torch.nn.functional.interpolate(signal, size=5, mode="linear", align_corners=True)
    tensor([[[0., 1., 2., 3., 4.]]])
    """
    require_tensor("interpolate", input)
    require_bools("interpolate", antialias=antialias)
    _check_options(input, mode, align_corners, antialias)
    sizes, factors = _output_size(input, size, scale_factor, bool(recompute_scale_factor))
    dims = input.ndim - 2
    if (
        not (mode in NEAREST or (mode == "area" and dims <= 3) or WEIGHTED.get(mode) == dims)
        or not 1 <= dims <= 3
    ):
        raise NotImplementedError(
            f"interpolate: expected a mode for {input.ndim}D input, among nearest, nearest-exact and area for 3D to "
            f"5D, linear for 3D, bilinear, bicubic and lanczos for 4D, trilinear for 5D, got {mode}"
        )
    if min(input.shape[1:]) < 1 or min(sizes) < 1:
        raise RuntimeError(
            "interpolate: Input and output sizes should be greater than 0, but got input "
            f"{list(input.shape)} and output {sizes}"
        )
    check_numel("interpolate", (*input.shape[:2], *sizes))
    if mode == "area":
        return AREA[dims - 1](input, sizes)
    if raw(input).dtype != np.uint8 or mode not in NEAREST:
        require_floating_point("interpolate", input)
    output = input
    for i in range(dims):
        output = _along(output, i + 2, sizes[i], factors[i], mode, bool(align_corners), antialias)
    return contiguous(output)


def _check_options(input: Array, mode: Any, align_corners: bool | None, antialias: bool) -> None:
    if align_corners is not None:
        require_bools("interpolate", align_corners=align_corners)
    if mode in (*NEAREST, "area") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | "
            f"trilinear, got {align_corners} with {mode}"
        )
    if antialias and (mode not in ("bilinear", "bicubic", "lanczos") or input.ndim != 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor "
            f"as input, got {mode} and {input.ndim}D"
        )
    if mode == "lanczos" and input.ndim == 4 and (not antialias or align_corners):
        raise ValueError(
            "interpolate: Lanczos mode requires antialias=True and does not support align_corners=True, got "
            f"{antialias} and {align_corners}"
        )


def _output_size(
    input: Array, size: Any, scale_factor: Any, recompute: bool
) -> tuple[list[int], Sequence[float | None]]:
    """Return the size of the output in every dimension behind the channels, and the factors that were given."""
    dims = input.ndim - 2
    if recompute and size is not None:
        raise ValueError(
            "recompute_scale_factor is not meaningful with an explicit size: expected None or False"
        )
    if (size is None) == (scale_factor is None):
        raise ValueError(
            "interpolate: expected one of size and scale_factor, got "
            + ("neither: either size or scale_factor should be defined" if size is None else "both")
        )
    given = scale_factor if size is None else size
    if not isinstance(given, list | tuple):
        given = [given] * dims
    if len(given) != dims:
        raise ValueError(
            "interpolate: Input and output must have the same number of spatial dimensions, but got input "
            f"{list(input.shape)}, (n, c, *), and {given}"
        )
    if size is not None:
        if not all(is_int(x) for x in given):
            raise TypeError(f"interpolate: expected size to be one of int or a tuple of ints, got {size!r}")
        return [as_int("interpolate", "size", x) for x in given], [None] * dims
    factors = [float(as_number("interpolate", "scale_factor", factor)) for factor in given]
    if not all(map(math.isfinite, factors)):
        raise RuntimeError(f"interpolate: expected finite factors, got {factors}")
    sizes = [int(have * factor) for have, factor in zip(input.shape[2:], factors, strict=True)]
    return sizes, [None] * dims if recompute else factors


def _along(
    x: Array, dim: int, out: int, factor: float | None, mode: str, align_corners: bool, antialias: bool
) -> Array:
    """Return ``x`` with ``out`` elements along one dimension."""
    xp, size = array_module(raw(x)), x.shape[dim]
    if antialias and size == out:
        return x  # whatever the factor, as in PyTorch
    dtype = raw(x).dtype if is_floating(raw(x).dtype) else np.dtype(np.float32)
    places = source_places(xp, size, out, factor, align_corners, dtype)
    if mode == "nearest":
        scale = dtype.type(1 / factor if factor else size / out)
        nearest = xp.arange(out).astype(dtype) * scale
        return index_select(x, dim, tensor_from_array(constant(_whole(xp, nearest, size))))
    if mode == "nearest-exact":
        return index_select(
            x, dim, tensor_from_array(constant(_whole(xp, xp.maximum(places, 0) + 0.5, size)))
        )
    if antialias:
        weights = antialias_weights(xp, size, out, _scale(size, out, factor, align_corners), mode, dtype)
    else:
        weights = (cubic_weights if mode == "bicubic" else linear_weights)(xp, size, places)
    matrix = tensor_from_array(constant(weights.astype(dtype)))
    return movedim(linear(movedim(x, dim, -1), matrix), -1, dim)


def source_places(
    xp: Any, size: int, out: int, factor: float | None, align_corners: bool, dtype: Any
) -> Array:
    """Return where in the input, counted in elements, those of the output lie: (out,)."""
    places, scale = xp.arange(out).astype(dtype), dtype.type(_scale(size, out, factor, align_corners))
    if align_corners:
        return places * scale
    return (places + dtype.type(0.5)) * scale - dtype.type(0.5)


def _scale(size: int, out: int, factor: float | None, align_corners: bool) -> float:
    """Return how many elements of the input there are to one of the output."""
    if align_corners:
        return (size - 1) / (out - 1) if out > 1 else 0.0
    return 1 / factor if factor else size / out


def _whole(xp: Any, places: Array, size: int) -> Array:
    return xp.floor(places.astype(np.float32)).astype(np.int64).clip(0, size - 1)  # floorf, as in PyTorch


def linear_weights(xp: Any, size: int, places: Array) -> Array:
    """Return the matrix of linear interpolation, (out, in): 1 - t and t at the two neighbours of a place."""
    places = places.clip(0, None)
    first = xp.floor(places).clip(0, size - 1)
    t = (places - first).clip(0, 1)
    return weight_matrix(xp, size, [first, first + 1], [1 - t, t])


def cubic_weights(xp: Any, size: int, places: Array) -> Array:
    """Return the matrix of cubic convolution, (out, in): weights of the four neighbours of a place."""
    first = xp.floor(places)
    neighbours = [first - 1, first, first + 1, first + 2]
    return weight_matrix(xp, size, neighbours, cubic_kernel(places - first))


def cubic_kernel(t: Any) -> list[Any]:
    """Return the weights of the four neighbours of a place (an array or a Tensor), ``t`` behind the second of them."""
    near = [_cubic_near(d, CUBIC_A) for d in (t, 1 - t)]
    far = [_cubic_far(d, CUBIC_A) for d in (1 + t, 2 - t)]
    return [far[0], near[0], near[1], far[1]]


def _cubic_near(d: Any, a: float) -> Any:
    return ((a + 2) * d - (a + 3)) * d * d + 1  # at distances up to 1


def _cubic_far(d: Any, a: float) -> Any:
    return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a  # from 1 to 2


def weight_matrix(xp: Any, size: int, neighbours: list[Array], weights: list[Array]) -> Array:
    """Return (out, in) with each weight at its neighbour's place; beyond the ends the last element is repeated."""
    columns = xp.arange(size)
    matrix = 0
    for neighbour, weight in zip(neighbours, weights, strict=True):
        here = neighbour.clip(0, size - 1)[:, None] == columns
        matrix = matrix + here * weight[:, None]
    return matrix


def antialias_weights(xp: Any, size: int, out: int, scale: float, mode: str, dtype: Any) -> Array:
    """Return the matrix of a kernel as wide as an element of the output, (out, in); each row sums to 1."""
    centres = (xp.arange(out).astype(dtype) + dtype.type(0.5)) * dtype.type(scale)
    places = xp.arange(size).astype(dtype) + dtype.type(0.5)
    weights = antialias_kernel(xp, (places - centres[:, None]) / dtype.type(max(scale, 1.0)), mode)
    return weights / weights.sum(1, keepdims=True)


def antialias_kernel(xp: Any, distance: Array, mode: str) -> Array:
    """Return the kernel at a distance: the triangle (bilinear), the cubic, or the windowed sinc of Lanczos."""
    d = abs(distance)
    if mode == "bilinear":
        return (1 - d).clip(0, None)
    if mode == "lanczos":
        return xp.where(d < 3, xp.sinc(d) * xp.sinc(d / 3), 0)
    near, far = _cubic_near(d, CUBIC_A_ANTIALIAS), _cubic_far(d, CUBIC_A_ANTIALIAS)
    return xp.where(d < 1, near, xp.where(d < 2, far, 0))
