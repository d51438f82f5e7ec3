"""What the compiler makes of each kernel, for two kinds of processors: its loops are on vectors, with luck or without.

A loop that is not takes up to ten times as long, and nothing else shows it. See ``table.py`` for what is expected, and
``compile.py`` for how a kernel is compiled for a processor that need not be there.
"""

from __future__ import annotations

import math
import platform

import numba
import pytest

from tests.kernels.vectors.compile import TARGETS, compiled_in_a_process
from tests.kernels.vectors.loops import Loop, loops_of
from tests.kernels.vectors.table import ROWS

pytestmark = [
    pytest.mark.host("kernels of the CPU"),
    pytest.mark.skipif(
        platform.machine() not in ("x86_64", "AMD64"),
        reason="LLVM is there for the processor's own family alone",
    ),
    pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled"),
]
VECTOR_BITS = 256  # with AVX-512, too: LLVM takes half of its registers where the clock would slow down


@pytest.fixture(scope="module")
def code() -> dict[str, dict[str, list[Loop]]]:
    """Return the loops of all kernels, for each processor."""
    return compiled_in_a_process([])


@pytest.mark.slow
@pytest.mark.parametrize("processor", TARGETS)
def test_loops_are_on_vectors(code, processor):
    """All kernels in one test: they are compiled by one process, which takes most of a minute."""
    complaints = []
    for name, loops in code[processor].items():
        complaints += [f"{name}: {text}" for text in complaints_about(loops, ROWS.get(name))]
    assert not complaints, "\n".join(complaints)


@pytest.mark.slow
def test_every_row_is_of_a_kernel_and_every_kernel_has_one(code):
    with_loops = {name for name, loops in code["AVX2"].items() if any(loop.kind in KINDS for loop in loops)}
    assert with_loops - set(ROWS) == set(), "kernels that have no row in tests/kernels/vectors/table.py"
    assert set(ROWS) - with_loops == set(), "rows of kernels that are no more, or have no loop"


KINDS = ("vectors", "numbers", "masked")


def complaints_about(loops, row):
    """Return in words what a kernel's loops are not, but should be."""
    if row is None:
        return []  # there is a test for that
    vectors = [loop for loop in loops if loop.kind == "vectors"]
    others = sum(loop.kind in ("numbers", "masked") for loop in loops)
    found = []
    if len(vectors) < row.vectors:
        found.append(f"expected at least {row.vectors} loops over vectors, got {len(vectors)}")
    if others > row.but:
        found.append(f"{others} loops take numbers one by one, expected at most {row.but}")
    if any(loop.bits < VECTOR_BITS for loop in vectors):
        found.append(f"expected vectors of {VECTOR_BITS} bits, got {min(loop.bits for loop in vectors)}")
    if any(loop.fewest > row.fewest for loop in vectors):
        turns = max(loop.fewest for loop in vectors)
        found.append(f"vectors are used from {turns} turns on, expected from {row.fewest} or fewer")
    return found


def test_exceptions_have_a_reason():
    assert [name for name, row in ROWS.items() if bool(row.but) != bool(row.because)] == []


# ---- the reader of code, on loops that it is known of -----------------------------------------------------------


def add(x, y):
    for i in range(y.size):
        y[i] += x[i]


def exponential(x, y):
    for i in range(y.size):
        y[i] = math.exp(x[i])  # a call of the C library


def sum_in_order(x, y):
    total = y.dtype.type(0)
    for i in range(y.size):
        total += x[i]  # rounding depends on the order: not to be changed without fastmath
    y[0] = total


def with_a_table(x, y):
    for i in range(y.size):
        for j in range(x.size):
            y[i] += x[j]
        if x[i] < 0:
            break


def kinds_of(function):
    kernel = numba.njit(error_model="numpy")(function)
    kernel.compile((numba.float32[::1], numba.float32[::1]))
    (compiled,) = kernel.overloads.values()
    return [loop.kind for loop in loops_of(compiled.library.get_llvm_str(), compiled.fndesc.mangled_name)]


@pytest.mark.parametrize(
    ("function", "has", "has_not"),
    [
        (add, "vectors", "numbers"),
        (exponential, "numbers", "vectors"),
        (sum_in_order, "numbers", "vectors"),
        (with_a_table, "numbers", "vectors"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_reader_tells_loops_apart(function, has, has_not):
    kinds = kinds_of(function)
    assert has in kinds
    assert has_not not in kinds


@pytest.mark.parametrize(
    ("loops", "words"),
    [
        ([Loop("vectors", 256, 8), Loop("rest")], []),
        ([Loop("rest")], ["at least 1 loops over vectors, got 0"]),
        ([Loop("vectors", 256, 8), Loop("numbers")], ["1 loops take numbers one by one"]),
        ([Loop("vectors", 256, 8), Loop("masked")], ["1 loops take numbers one by one"]),
        ([Loop("vectors", 128, 4)], ["vectors of 256 bits, got 128"]),
        ([Loop("vectors", 256, 24)], ["from 24 turns on"]),
    ],
)
def test_complaints(loops, words):
    found = complaints_about(loops, ROWS["activation.cpu._relu"])
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))
