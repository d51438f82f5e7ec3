"""Rung 3 of the evidence: the kernels, compiled for the CPU as one thread, equal the reference.

The simulator runs Python, which has other integers and other floats than compiled code: they never overflow, a
square root of -1 is an error, a float32 times a Python float is whatever NumPy says. Here Numba compiles the
text of the kernels as it does for a card, with the machine's own numbers; only who they are and how many is put
in: thread 0 of 1, in block 0 of 1.
"""

from __future__ import annotations

import types

import numpy as np
import pytest

from tests.gpu.calls import FAMILIES, Call, make_calls, run, rung, source
from tests.gpu.simulator import needs_simulator

pytestmark = [needs_simulator, pytest.mark.slow]

ONE_THREAD = {
    "from numba import cuda": "from numba import njit",
    "@cuda.jit(device=True)": "@njit(error_model='numpy')",
    "@cuda.jit": "@njit(error_model='numpy')",
    "cuda.gridsize(1)": "1",
    "cuda.grid(1)": "0",
    "cuda.threadIdx.x": "0",
    "cuda.blockDim.x": "1",
    "cuda.blockIdx.x": "0",
    "cuda.gridDim.x": "1",
    "cuda.syncthreads()": "pass",
    "cuda.shared.array(": "np.empty(",
    "cuda.atomic.add(": "add(",
}


def add(array, index, value):
    array[index] += value


def compiled_for_one_thread(family, monkeypatch):
    """Return a family's cuda.py whose kernels are functions for the CPU."""
    from numba import njit

    from tinygrad_edu_kernels import cuda_launch

    text = source(family)
    for on_the_card, alone in ONE_THREAD.items():
        text = text.replace(on_the_card, alone)
    assert "cuda." not in text.partition('"""\n\nfrom')[2].replace("tinygrad_edu_kernels.cuda_launch", "")
    module = types.ModuleType(f"{family}_for_one_thread")
    module.np, module.add = np, njit(add)
    exec(compile(text, f"<{family} for one thread>", "exec"), vars(module))
    monkeypatch.setattr(cuda_launch, "start", lambda kernel, grid, arguments: kernel(*arguments))
    return module


def assert_equal_to_the_reference(family, module, calls, again):
    with np.errstate(all="ignore"):
        for call, same_call in zip(calls, again, strict=True):
            expected = run(same_call, rung(family, "reference"))
            for a, e in zip(run(call, module), expected, strict=True):
                assert (a.dtype, a.shape) == (e.dtype, e.shape), call
                rtol = {"float16": 2e-3, "float32": 1e-5}.get(e.dtype.name, 0) if family != "dropout" else 0
                np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol, err_msg=str(call))


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_to_the_reference(family, monkeypatch):
    module = compiled_for_one_thread(family, monkeypatch)
    assert_equal_to_the_reference(
        family, module, make_calls(family, "float32"), make_calls(family, "float32")
    )


def test_steps_with_numbers_that_are_not_finite(monkeypatch):
    """NaN and infinity in gradient, parameter and state go where they go in the plain loops."""
    module = compiled_for_one_thread("optimizer_step", monkeypatch)
    special = np.array([np.nan, np.inf, -np.inf, 0, 1, 1e30], np.float32)

    def calls():
        for call in make_calls("optimizer_step", "float32"):
            if call.arguments[0].shape == (37,):
                grid = [a.reshape(-1).copy() for a in np.meshgrid(special, special, special)]
                state = [
                    None if a is None else np.roll(abs(grid[2]), number)
                    for number, a in enumerate(call.arguments[2:])
                ]
                yield Call(call.family, call.function, (*grid[:2], *state), call.options)

    assert_equal_to_the_reference("optimizer_step", module, list(calls()), list(calls()))
