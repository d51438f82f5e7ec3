"""Evidence for the CUDA kernels on machines without a card, in rungs.

1. `test_simulator.py`: every kernel, run in plain Python by Numba's simulator, equals the reference.
2. `test_races.py`: no element is written by two threads in an order left to chance, none is left out.
3. `test_typed.py`: the kernels, compiled with the machine's own integers and floats, still equal the reference.
4. `test_compile_gate.py`: every kernel compiles to machine code, without spills and without stray float64.

What only a card can show, speed above all, carries the marker ``gpu`` and is skipped elsewhere.
"""

from __future__ import annotations

import pytest

from tests.gpu.simulator import needs_simulator, run_in_simulator


@needs_simulator
@pytest.mark.slow
def test_kernels_equal_the_reference():
    run_in_simulator("test_equal.py")
