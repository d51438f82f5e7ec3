"""Rung 4 of the evidence: every kernel compiles to machine code, for three generations of cards.

No spills, no float64 in the float32 kernels, and one compilation a dtype. Skipped where numba-cuda is missing.
"""

from __future__ import annotations

import numba
import pytest

from tests.gpu import compile_gate
from tests.gpu.calls import DTYPES, FAMILIES, kernel_names

MISSING = compile_gate.why_compiler_is_missing()
if MISSING is not None:
    pytest.skip(MISSING, allow_module_level=True)
pytestmark = pytest.mark.slow

KERNELS = [(family, name) for family in FAMILIES for name in kernel_names(family)]


@pytest.fixture(scope="module")
def signatures():
    return compile_gate.signatures()


@pytest.mark.parametrize(("family", "kernel"), KERNELS)
def test_one_compilation_a_dtype(family, kernel, signatures):
    """An absent array, an integer 0 for a float, a bool: none of them may compile a kernel again."""
    dtypes = [s.dtype for s in signatures if (s.family, s.kernel) == (family, kernel)]
    assert sorted(dtypes) == DTYPES


@pytest.mark.parametrize("card", compile_gate.CARDS, ids=lambda card: "sm_{}{}".format(*card))
@pytest.mark.parametrize(("family", "kernel"), KERNELS)
def test_compiles(family, kernel, card, signatures):
    for signature, function in signatures.items():
        if (signature.family, signature.kernel) == (family, kernel):
            compiled = compile_gate.compile_kernel(function, signature.types, card)
            check(compiled, signature.dtype)


def check(compiled, dtype):
    assert 0 < compiled.registers
    # 256 threads of more than 128 registers leave room for one block on a multiprocessor.
    assert compiled.registers <= 128
    assert compiled.spilled_bytes == 0
    assert compiled.stack_bytes == 0
    assert compiled.shared_bytes <= 48 * 1024
    if dtype == "float32":
        assert compiled.float64_instructions == []


def compile_planted(function):
    types = (numba.float32[::1], numba.int64)
    return compile_gate.compile_kernel(function, types, (8, 0))


def test_a_double_is_found():
    def planted(x, n):
        x[n] *= 0.1

    with pytest.raises(AssertionError, match=r"\.reg \.f64"):
        check(compile_planted(planted), "float32")


def test_memory_of_a_thread_is_found():
    """An array that a thread indexes with a variable cannot be in registers."""

    def planted(x, n):
        numbers = numba.cuda.local.array(64, numba.float32)
        for i in range(64):
            numbers[i] = x[i]
        for i in range(64):
            x[i] = numbers[(i * n) % 64]

    with pytest.raises(AssertionError, match=r"stack_bytes|== 0"):
        check(compile_planted(planted), "float32")
