"""Convolution without im2col: the columns are never written down, only looked up.

Every number of ``columns`` (see ``cpu.py``) lies somewhere in the padded image. Where, is the sum of a number
that depends on the row and one that depends on the column:

    columns[k, p] = planes[taps[k] + pixels[p]]

``taps[k]`` is where a filter's k-th weight looks, ``pixels[p]`` where the window of the p-th output pixel
begins. With these two small tables the three products of a convolution are

    out[p, o]         = sum over k of planes[pixels[p] + taps[k]] * filters[k, o]
    grad_filters[k, o] = sum over p of planes[taps[k] + pixels[p]] * grad_output[p, o]

and, for stride 1, the gradient of the input is the first one once more: grad_output convolved with the filters
turned round. Both are the same loop, ``micro_kernel``, with the two tables changing places.

The micro-kernel
----------------
It works out a small *tile* of the result: ROWS rows by two vectors of LANES numbers, all of which stay in
registers while it runs through the sum once. Each step of the sum takes two vectors from ``filters`` and one
number for each row, and makes 2 * ROWS multiply-adds of vectors: enough of them for each load that the
processor computes all the time and hardly waits for memory. Numba cannot be told to keep a tile in registers;
so this function, and one that transposes, are put together from LLVM instructions.

Only float32, and only for processors with AVX2 or AVX-512: ``is_available``. Everything else takes the way by
im2col, which also is what the tests compare this file with.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from tinygrad_edu_kernels import parallel

Array = Any
# h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw: see ``cpu.py``.
Geometry = tuple[int, ...]

NANOSECONDS = 0.015  # for a multiply-add, on one thread
LEAST_TAPS = 32


def _register_tile() -> tuple[int, int]:
    """Return (numbers in a vector, rows of a tile); (0, 0) for a processor that gets no micro-kernel.

    AVX-512 has 32 registers of 16 float32, AVX2 has 16 of 8. A tile needs 2 * rows of them, 2 for the filters
    and one for the number of a row.
    """
    features = numba.config.CPU_FEATURES
    enabled = set((get_host_cpu_features() if features is None else features).split(","))
    if numba.config.DISABLE_JIT:
        return 0, 0
    if "+avx512f" in enabled:
        return 16, 8
    if {"+avx2", "+fma"} <= enabled:
        return 8, 6
    return 0, 0


LANES, ROWS = _register_tile()
PANEL = 2 * LANES  # columns of a tile


def is_available() -> bool:
    """Tell whether there is a micro-kernel for this processor."""
    return LANES > 0


def _aligned_zeros(shape: tuple[int, ...]) -> Array:
    """Return float32 zeros that begin at a multiple of 64 bytes: no vector then lies across two cache lines."""
    size = math.prod(shape)
    memory = np.zeros(size + 16, np.float32)
    first = -memory.ctypes.data % 64 // 4
    return memory[first : first + size].reshape(shape)


def suits(dtype: Any, taps: int, out_channels: int) -> bool:
    """Tell whether this way is the faster one, for so many taps and output channels in a group.

    With few taps the time goes into writing the result, with few channels the vectors are half empty.
    """
    return is_available() and dtype == np.float32 and taps >= LEAST_TAPS and out_channels >= LANES


def conv2d_forward(x: Array, weight: Array, bias: Array | None, geometry: Geometry, groups: int) -> Array:
    """Convolve: x (n, c, h, w), weight (o, c / groups, kh, kw), bias (o,) or None -> (n, o, oh, ow)."""
    n, c, h, w = x.shape
    out_channels, oh, ow = len(weight), geometry[2], geometry[3]
    taps, pixels, plane = _tables(c // groups, geometry)
    group_out, padded = out_channels // groups, _round_up(out_channels // groups, PANEL)
    filters = _aligned_zeros((groups, taps.size, padded))
    filters[:, :, :group_out] = weight.reshape(groups, group_out, taps.size).swapaxes(1, 2)
    shift = _aligned_zeros((groups, padded))
    if bias is not None:
        shift[:, :group_out] = bias.reshape(groups, group_out)
    out = np.empty((n, out_channels, oh * ow), np.float32)
    images = np.ascontiguousarray(x).reshape(n, c, h * w)
    tables = taps, _pad(pixels, ROWS), geometry, plane
    parallel.run(
        _forward_images,
        [
            (images, filters, shift, out, _aligned_zeros((tables[1].size, padded)), *tables, first, last)
            for first, last in parallel.parts(n, NANOSECONDS * out.size * taps.size)
        ],
    )
    return out.reshape(n, out_channels, oh, ow)


def conv2d_grad_input(grad_output: Array, weight: Array, geometry: Geometry, groups: int) -> Array:
    """Gradient with respect to the images, for stride 1: the filters, turned round, go over grad_output."""
    h, w, oh, ow, kh, kw, _, _, ph, pw, dh, dw = geometry
    out_channels, group_in = weight.shape[:2]
    turned = weight.reshape(groups, out_channels // groups, group_in, kh, kw)[..., ::-1, ::-1].swapaxes(1, 2)
    turned = turned.reshape(groups * group_in, out_channels // groups, kh, kw)
    backwards = (oh, ow, h, w, kh, kw, 1, 1, dh * (kh - 1) - ph, dw * (kw - 1) - pw, dh, dw)
    return conv2d_forward(grad_output, turned, None, backwards, groups)


def conv2d_grad_weight(
    grad_output: Array, x: Array, weight_shape: tuple[int, ...], geometry: Geometry, groups: int
) -> Array:
    """Gradient with respect to the filters: grad_output (n, o, oh, ow), x (n, c, h, w) -> weight_shape."""
    n, c, h, w = x.shape
    taps, pixels, plane = _tables(c // groups, geometry)
    group_out = weight_shape[0] // groups
    padded = _round_up(group_out, PANEL)
    parts = parallel.parts(n, NANOSECONDS * grad_output.size * taps.size)
    tables = _pad(taps, ROWS), pixels, geometry, plane
    # One sum for each part of the images, transposed.
    partial = _aligned_zeros((len(parts), groups, tables[0].size, padded))
    grads = np.ascontiguousarray(grad_output).reshape(n, weight_shape[0], pixels.size)
    images = np.ascontiguousarray(x).reshape(n, c, h * w)
    parallel.run(
        _grad_weight_images,
        [
            (grads, images, partial, _aligned_zeros((pixels.size, padded)), *tables, number, first, last)
            for number, (first, last) in enumerate(parts)
        ],
    )
    total = partial.sum(axis=0)[:, : taps.size, :group_out]  # part after part, in order
    return np.ascontiguousarray(total.swapaxes(1, 2)).reshape(weight_shape)


@functools.lru_cache(maxsize=256)
def _tables(group_in: int, geometry: Geometry) -> tuple[Array, Array, int]:
    """Return the table of taps (c / groups * kh * kw,), that of pixels (oh * ow,), and the size of a plane."""
    h, w, oh, ow, kh, kw, sh, sw, ph, pw, dh, dw = geometry
    pitch = w + 2 * pw
    plane = (h + 2 * ph) * pitch
    channel, ki, kj = np.ogrid[:group_in, :kh, :kw]
    i, j = np.ogrid[:oh, :ow]
    taps = channel * plane + ki * dh * pitch + kj * dw
    pixels = i * sh * pitch + j * sw
    return taps.astype(np.int64).reshape(-1), pixels.astype(np.int64).reshape(-1), plane


def _round_up(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _pad(table: Array, multiple: int) -> Array:
    """Repeat the last entry of a table until its length is a multiple; what it leads to is not used."""
    return np.pad(table, (0, _round_up(table.size, multiple) - table.size), mode="edge")


# ---- two functions made of LLVM instructions ---------------------------------------------------------------


class _Emitter:
    """Writes instructions about vectors of float32 into the function that is being built."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.types, self.arguments = signature.args, arguments
        self.vector = ir.VectorType(ir.FloatType(), LANES)
        self.nothing = ir.Constant(self.vector, ir.Undefined)

    def number(self, value: int) -> Any:
        """Return a constant index."""
        return ir.Constant(ir.IntType(64), value)

    def address(self, argument: int, index: Any) -> Any:
        """Return the address of an element of an array argument."""
        array = self.context.make_array(self.types[argument])
        data = array(self.context, self.builder, self.arguments[argument]).data
        return self.builder.gep(data, [index])

    def load(self, address: Any) -> Any:
        """Load a vector that begins at an address of a float."""
        return self.builder.load(self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def store(self, value: Any, address: Any) -> None:
        """Store a vector from an address of a float on."""
        self.builder.store(value, self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def advance(self, address: Any, count: Any, stride: Any = None) -> Any:
        """Return address + count * stride, counted in elements."""
        count = self.number(count) if isinstance(count, int) else count
        return self.builder.gep(address, [count if stride is None else self.builder.mul(count, stride)])

    def shuffle(self, a: Any, b: Any, positions: list[int]) -> Any:
        """Pick elements of two vectors; those of the second are counted on from LANES."""
        return self.builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), LANES), positions))

    def repeat(self, value: Any) -> Any:
        """Return a vector with the same number everywhere."""
        first = self.builder.insert_element(self.nothing, value, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(first, self.nothing, [0] * LANES)


@intrinsic
def micro_kernel(
    typing_context, image, rows, row, columns, count, matrix, start, width, initial, begin, step, tile, at
):
    """Work out a tile of ROWS rows and PANEL columns; every array is flat.

    tile[at + r * width + c] = initial[begin + r * step + c]
        + sum over q < count of image[rows[row + r] + columns[q]] * matrix[start + q * width + c]
    """
    index = types.intp
    signature = types.void(
        image, rows, index, columns, index, matrix, index, index, initial, index, index, tile, index
    )

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, _, row, _, count, _, start, width, _, begin, step, _, at = arguments
        window_table, column_table = emit.address(1, row), emit.address(3, emit.number(0))
        matrix_start, initial_start, tile_start = (
            emit.address(5, start),
            emit.address(8, begin),
            emit.address(11, at),
        )
        windows = [emit.address(0, builder.load(emit.advance(window_table, r))) for r in range(ROWS)]
        places = [(r, v) for r in range(ROWS) for v in range(2)]
        sums = {place: cgutils.alloca_once(builder, emit.vector) for place in places}
        for r, v in places:
            address = emit.advance(emit.advance(initial_start, r, step), v * LANES)
            builder.store(emit.load(address), sums[r, v])
        with cgutils.for_range(builder, count) as loop:
            column = builder.load(emit.advance(column_table, loop.index))
            line = emit.advance(matrix_start, loop.index, width)
            weights = [emit.load(emit.advance(line, v * LANES)) for v in range(2)]
            for r in range(ROWS):
                pixel = emit.repeat(builder.load(emit.advance(windows[r], column)))
                for v in range(2):
                    product = builder.fmul(pixel, weights[v], flags=("contract",))
                    total = builder.fadd(builder.load(sums[r, v]), product, flags=("contract",))
                    builder.store(total, sums[r, v])
        for r, v in places:
            emit.store(builder.load(sums[r, v]), emit.advance(emit.advance(tile_start, r, width), v * LANES))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def transpose_block(typing_context, matrix, start, width, transposed, at, transposed_width):
    """transposed[at + j * transposed_width + i] = matrix[start + i * width + j] for i, j < LANES; both are flat.

    Halves of the block change places, then halves of the halves, and so on: log2(LANES) rounds of shuffles.
    """
    signature = types.void(matrix, types.intp, types.intp, transposed, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, start, width, _, at, transposed_width = arguments
        source, target = emit.address(0, start), emit.address(3, at)
        lines = [emit.load(emit.advance(source, i, width)) for i in range(LANES)]
        half = LANES // 2
        while half:
            for i in [i for i in range(LANES) if not i & half]:
                upper, lower = lines[i], lines[i + half]
                from_upper = [j if not j & half else LANES + j - half for j in range(LANES)]
                from_lower = [j + half if not j & half else LANES + j for j in range(LANES)]
                lines[i] = emit.shuffle(upper, lower, from_upper)
                lines[i + half] = emit.shuffle(upper, lower, from_lower)
            half //= 2
        for j in range(LANES):
            emit.store(lines[j], emit.advance(target, j, transposed_width))
        return context.get_dummy_value()

    return signature, generate


# ---- kernels -----------------------------------------------------------------------------------------------


@njit(cache=True, error_model="numpy", nogil=True)
def _into_planes(image, planes, geometry):
    """Copy an image (c, h * w) to the inside of its planes (c, plane), whose borders are zero."""
    h, w, ph, pw = geometry[0], geometry[1], geometry[8], geometry[9]
    pitch = w + 2 * pw
    for channel in range(image.shape[0]):
        for i in range(h):
            source = image[channel, i * w : (i + 1) * w]
            target = planes[channel, (i + ph) * pitch + pw :]
            for j in range(source.size):
                target[j] = source[j]


@njit(cache=True, error_model="numpy", nogil=True)
def _transpose(matrix, transposed):
    """transposed[j, i] = matrix[i, j] for each j < len(transposed), i < len(matrix)."""
    rows, columns = min(matrix.shape[0], transposed.shape[1]), min(matrix.shape[1], transposed.shape[0])
    width, transposed_width = matrix.shape[1], transposed.shape[1]
    source, target = matrix.reshape(-1), transposed.reshape(-1)
    whole_rows, whole_columns = rows // LANES * LANES, columns // LANES * LANES
    for i in range(0, whole_rows, LANES):
        for j in range(0, whole_columns, LANES):
            transpose_block(source, i * width + j, width, target, j * transposed_width + i, transposed_width)
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            transposed[j, i] = matrix[i, j]


@njit(cache=True, error_model="numpy", nogil=True)
def _forward_images(x, filters, bias, out, result, taps, pixels, geometry, plane, first, last):
    """x (n, c, h * w), filters (g, k, o/g padded), bias (g, o/g padded) -> out (n, o, p), images first..last."""
    groups, k, padded = filters.shape
    group_in, group_out = x.shape[1] // groups, out.shape[1] // groups
    planes = np.zeros((x.shape[1], plane), x.dtype)
    tiles = result.reshape(-1)
    for image in range(first, last):
        _into_planes(x[image], planes, geometry)
        for g in range(groups):
            window, weights, shift = planes[g * group_in :].reshape(-1), filters[g].reshape(-1), bias[g]
            for o in range(0, padded, PANEL):
                for p in range(0, pixels.size, ROWS):
                    micro_kernel(
                        window, pixels, p, taps, k, weights, o, padded, shift, o, 0, tiles, p * padded + o
                    )
            _transpose(result, out[image, g * group_out : (g + 1) * group_out])


@njit(cache=True, error_model="numpy", nogil=True)
def _grad_weight_images(
    grad_output, x, partial, transposed, taps, pixels, geometry, plane, part, first, last
):
    """Add the gradient of images first..last to partial[part] (g, k padded, o/g padded)."""
    _, groups, _, padded = partial.shape
    count = grad_output.shape[2]
    group_in, group_out = x.shape[1] // groups, grad_output.shape[1] // groups
    planes = np.zeros((x.shape[1], plane), x.dtype)
    grads = transposed.reshape(-1)
    for image in range(first, last):
        _into_planes(x[image], planes, geometry)
        for g in range(groups):
            window, sums = planes[g * group_in :].reshape(-1), partial[part, g].reshape(-1)
            _transpose(grad_output[image, g * group_out : (g + 1) * group_out], transposed)
            for o in range(0, padded, PANEL):
                for q in range(0, taps.size, ROWS):
                    at = q * padded + o
                    micro_kernel(window, taps, q, pixels, count, grads, o, padded, sums, at, padded, sums, at)
