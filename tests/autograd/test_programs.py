"""Random programs of views, in-place changes and arithmetic: PyTorch's values, gradients and errors."""

from __future__ import annotations

import random
import warnings

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import tinygrad_edu
from tests.autograd.programs import history, random_program, run_program

PROGRAMS_A_TEST = 8


def assert_same(ours, theirs):
    if ours is None or theirs is None:
        assert ours is theirs
    else:
        np.testing.assert_allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-9, atol=1e-9)


def numeric_gradients(program):
    """Return the slopes of the loss along the elements of every leaf, by central differences."""
    slopes = []
    for position, step in enumerate(program):
        if step[0] != "leaf":
            continue
        _, shape, values, requires_grad = step
        slope = []
        for i in range(int(np.prod(shape))):
            losses = []
            for eps in (1e-6, -1e-6):
                moved = [*values[:i], values[i] + eps, *values[i + 1 :]]
                changed = [
                    *program[:position],
                    ("leaf", shape, moved, requires_grad),
                    *program[position + 1 :],
                ]
                losses.append(run_program(tinygrad_edu, changed).loss)
            slope.append((losses[0] - losses[1]) / 2e-6)
        slopes.append(np.array(slope).reshape(shape))
    return slopes


def has_true_slopes(program):
    """Tell whether the gradient is the derivative of the loss: nothing is cut off from the graph, no hooks."""
    return not any(step[0] in ("detach", "hook") or (step[0] != "leaf" and step[-1]) for step in program)


@pytest.mark.torch_parity
@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_programs(seed):
    torch = pytest.importorskip("torch")
    rng = random.Random(seed)
    for _ in range(PROGRAMS_A_TEST):
        program = random_program(rng, rng.randint(2, 9))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, about expanded tensors
            theirs = run_program(torch, program)
        ours = run_program(tinygrad_edu, program)
        if ours.error is not None:
            assert theirs.error is not None or "read-only" in str(ours.error), program
        elif theirs.error is None:
            for position, (state, expected) in enumerate(zip(ours.states, theirs.states, strict=True)):
                assert [shape for shape, _ in state] == [shape for shape, _ in expected], program[
                    : position + 1
                ]
                for (_, values), (_, right) in zip(state, expected, strict=True):
                    assert_same(values, right)
            for grad, right in zip(ours.grads, theirs.grads, strict=True):
                assert_same(grad, right)
            assert len(ours.seen) == len(theirs.seen)
            assert history(tinygrad_edu, program) == history(torch, program), program
        elif has_true_slopes(program):  # what PyTorch refuses may be done here, but then rightly
            leaves = [step for step in program if step[0] == "leaf"]
            for step, grad, slope in zip(leaves, ours.grads, numeric_gradients(program), strict=False):
                if step[3]:
                    np.testing.assert_allclose(0 if grad is None else grad, slope, rtol=1e-4, atol=1e-4)
