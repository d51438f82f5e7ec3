"""The inner loop of products of matrices and of convolutions: a tile that stays in registers.

``micro_kernel`` works out a small *tile* of the result, ROWS rows by two vectors of LANES numbers, all of which
stay in registers while it runs through the sum once. Each step of the sum takes two vectors from one operand
and one number for each row from the other, and makes 2 * ROWS multiply-adds of vectors: enough of them for each
load that the processor computes all the time and hardly waits for memory. Numba cannot be told to keep a tile
in registers; so this function, and one that transposes a block, are put together from LLVM instructions.

Where the numbers of a row lie is said by two tables: row r and step q of the sum take ``image[rows[r] +
columns[q]]``. For a matrix these are r * width and q; for a convolution, see ``convolution/direct.py``.

Only float32, and only for processors with AVX2 or AVX-512 (``is_available``); kernels that use it have another
way for everything else, which is also what they are compared with.

Numba's cache does not see changes in this file: after one, delete the ``__pycache__`` of the families that use it.

References
----------
Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34 (3), 2008.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from tinygrad_edu_kernels.kernel_cache import inlined

Array = Any


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


def aligned_empty(shape: tuple[int, ...]) -> Array:
    """Return new float32 memory from a multiple of 64 bytes on: no vector then lies across two cache lines."""
    size = math.prod(shape)
    memory = np.empty(size + 16, np.float32)
    first = -memory.ctypes.data % 64 // 4
    return memory[first : first + size].reshape(shape)


def aligned_zeros(shape: tuple[int, ...]) -> Array:
    """Return zeros, aligned like that."""
    zeros = aligned_empty(shape)
    zeros[...] = 0
    return zeros


def round_up(count: int, multiple: int) -> int:
    """Return the smallest multiple that is not below count."""
    return -(-count // multiple) * multiple


def pad(table: Array, multiple: int) -> Array:
    """Repeat the last entry of a table until its length is a multiple; what it leads to is not used."""
    missing = -table.size % multiple
    return np.concatenate([table, np.repeat(table[-1:], missing)]) if missing else table


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
    typing_context, image, rows, row, columns, count, matrix, start, width, initial, begin, step, tile, at,
    tile_width,
):  # fmt: skip
    """Work out a tile of ROWS rows and PANEL columns; every array is contiguous, and read as if it were flat.

    tile[at + r * tile_width + c] = initial[begin + r * step + c]
        + sum over q < count of image[rows[row + r] + columns[q]] * matrix[start + q * width + c]
    """
    index = types.intp
    signature = types.void(
        image, rows, index, columns, index, matrix, index, index, initial, index, index, tile, index, index
    )

    def generate(context, builder, signature, arguments):
        emit = _Emitter(context, builder, signature, arguments)
        _, _, row, _, count, _, start, width, _, begin, step, _, at, tile_width = arguments
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
            emit.store(
                builder.load(sums[r, v]), emit.advance(emit.advance(tile_start, r, tile_width), v * LANES)
            )
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def transpose_block(typing_context, matrix, start, width, transposed, at, transposed_width):
    """transposed[at + j * transposed_width + i] = matrix[start + i * width + j] for i, j < LANES; see ``micro_kernel``.

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


@inlined
def aligned_rows(like, rows, width):
    """Return new memory (rows, width) of the dtype of ``like`` from a multiple of 64 bytes on."""
    memory = np.empty(rows * width + LANES, like.dtype)
    begin = -(memory.ctypes.data // memory.itemsize) % LANES
    return memory[begin : begin + rows * width].reshape(rows, width)


@inlined
def fill_with_zeros(matrix):
    """matrix[:] = 0, which takes longer to compile."""
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[i, j] = 0


@inlined
def transpose(matrix, transposed):
    """transposed[j, i] = matrix[i, j] for each j < len(transposed), i < len(matrix)."""
    rows, columns = min(matrix.shape[0], transposed.shape[1]), min(matrix.shape[1], transposed.shape[0])
    width, transposed_width = matrix.shape[1], transposed.shape[1]
    whole_rows, whole_columns = rows // LANES * LANES, columns // LANES * LANES
    for i in range(0, whole_rows, LANES):
        for j in range(0, whole_columns, LANES):
            transpose_block(
                matrix, i * width + j, width, transposed, j * transposed_width + i, transposed_width
            )
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            transposed[j, i] = matrix[i, j]
