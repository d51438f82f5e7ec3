"""No two threads of a kernel touch one element in an order left to chance; and planted mistakes are caught."""

from __future__ import annotations

import re
import types

import numpy as np
import pytest

from tests.gpu.calls import FAMILIES, IGNORED, kernel_names, make_calls, run, rung, source
from tests.gpu.in_simulator.races import RaceError, Recorder

# Plain Python complains where the hardware wraps around or gives NaN.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

GRID = (2, 8)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_races(family, monkeypatch):
    recorder = Recorder(monkeypatch, GRID)
    for call in make_calls(family, "float32"):
        run(call, rung(family, "cuda"))
    assert recorder.kernels == set(kernel_names(family))


@pytest.mark.parametrize("target", [3, -1, 2**40])
def test_a_class_that_there_is_not(target, monkeypatch):
    """NaN, and no read beyond the arrays: the recorder would raise."""
    Recorder(monkeypatch, GRID)
    kernels = rung("softmax_loss", "cuda")
    logits, weight = np.ones((3, 3), np.float32), np.ones(3, np.float32)
    labels = np.array([0, target, IGNORED]), weight, IGNORED
    losses, _, probabilities = kernels.softmax_cross_entropy_forward(logits, *labels)
    assert np.isnan(losses).tolist() == [False, True, False]
    grad_logits = kernels.softmax_cross_entropy_backward(np.ones(3, np.float32), probabilities, *labels)
    assert np.isnan(grad_logits).tolist() == [[False] * 3, [True] * 3, [False] * 3]


def mutant(family, before, after):
    """Return the kernels of a family with a mistake planted in their text."""
    text = source(family)
    assert before in text
    module = types.ModuleType(f"mutant_of_{family}")
    exec(compile(text.replace(before, after), f"<mutant of {family}>", "exec"), vars(module))
    return module


BARRIER_BEFORE_SUM = "    partial[thread] = value\n    cuda.syncthreads()\n"
ADD_ATOMICALLY = "cuda.atomic.add(grad_input, (plane, index), grad_output[plane, position])"
GATHER_PIXEL = "total += columns[image, (channel * kh + ki) * kw + kj, i * ow + j]"
MUTANTS = {
    "added without an atomic": (
        ("pooling", "max_pool2d_backward"),
        (ADD_ATOMICALLY, "grad_input[plane, index] += grad_output[plane, position]"),
        "(reads|writes) what",
    ),
    "every thread does everything": (
        ("optimizer_step", "sgd_step"),
        ("range(cuda.grid(1), param.size, cuda.gridsize(1))", "range(param.size)"),
        "(reads|writes) what",
    ),
    "gathered into the neighbour": (
        ("convolution", "col2im"),
        (GATHER_PIXEL, GATHER_PIXEL + "\n                        x[image, channel, row, 0] += total"),
        "(reads|writes) what",
    ),
    "no barrier before the sum": (
        ("softmax_loss", "softmax_forward"),
        (BARRIER_BEFORE_SUM, "    partial[thread] = value\n"),
        "nobody has written|(reads|writes) what",
    ),
    "no barrier after the sum": (
        ("softmax_loss", "softmax_forward"),
        ("    cuda.syncthreads()  # nobody writes the next value before all have read this one\n", ""),
        "(reads|writes) what",
    ),
    "parts that share a place": (
        ("norm", "layer_norm_backward"),
        ("sums[1, part, j] = total", "sums[1, 0, j] = total"),
        "(reads|writes) what",
    ),
    "a barrier that not all come to": (
        ("softmax_loss", "softmax_cross_entropy_forward"),
        (
            "            t = target[i]\n            loss =",
            "            t = target[i]\n            cuda.syncthreads()\n            loss =",
        ),
        "same barriers",
    ),
    "the last element left out": (
        ("dropout", "dropout"),
        (
            "range(cuda.grid(1), x.size, cuda.gridsize(1))",
            "range(cuda.grid(1), x.size - 1, cuda.gridsize(1))",
        ),
        "writes 34 of 35 elements",
    ),
    "a stride too long": (
        ("convolution", "im2col"),
        ("columns.size, cuda.gridsize(1))", "columns.size, cuda.gridsize(1) + 1)"),
        "writes [0-9]+ of [0-9]+ elements",
    ),
    "one element too many": (
        ("dropout", "dropout"),
        (
            "range(cuda.grid(1), x.size, cuda.gridsize(1))",
            "range(cuda.grid(1), x.size + 1, cuda.gridsize(1))",
        ),
        "is outside of",
    ),
}


@pytest.mark.parametrize(("where", "change", "message"), MUTANTS.values(), ids=MUTANTS.keys())
def test_planted_mistakes_are_caught(where, change, message, monkeypatch):
    family, function = where
    Recorder(monkeypatch, GRID)
    kernels = mutant(family, *change)
    messages = []
    for call in make_calls(family, "float32"):
        if call.function == function:
            try:
                run(call, kernels)
            except RaceError as error:
                messages.append(str(error))
    assert any(re.search(message, text) for text in messages), messages
