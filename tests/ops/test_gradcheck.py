"""The derivative of every operation against finite differences, and so the derivative of the derivative.

``python -m pytest -m gradcheck`` ends with a table of the largest error of every operation.
"""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.ops.op_table import DIFFERENTIABLE, prepare
from tests.ops.samples import flatten
from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck, largest_error

per_op = pytest.mark.parametrize("entry", DIFFERENTIABLE, ids=lambda entry: entry.name)
LARGEST = 1e-6


def calls(entry):
    """Return (sample, what is differentiated, the function) for the samples that have such."""
    found = []
    for sample in entry.samples:
        call, run = prepare(entry, sample)
        if call.differentiable:
            found.append((sample, tuple(call.differentiable), run))
    return found


@pytest.mark.gradcheck
@per_op
def test_gradcheck(entry, record_property):
    worst = 0.0
    for sample, inputs, run in calls(entry):
        error = largest_error(run, inputs)
        if not error < LARGEST:
            gradcheck(run, inputs, atol=LARGEST, rtol=0)  # says which element
        assert error < LARGEST, f"{sample.label}: {error}"
        worst = max(worst, error)
    record_property("gradcheck", [entry.name, worst, len(calls(entry))])


@pytest.mark.gradcheck
@pytest.mark.parametrize("entry", [e for e in DIFFERENTIABLE if e.second], ids=lambda entry: entry.name)
def test_gradgradcheck(entry):
    for sample, inputs, run in calls(entry):
        assert gradgradcheck(run, inputs, atol=1e-5, rtol=1e-4), sample.label


def gradients(outputs, inputs, create_graph):
    roots = [y for y in flatten(outputs) if isinstance(y, torch.Tensor) and y.requires_grad]
    rng = np.random.default_rng(7)
    seeds = [torch.tensor(np.asarray(rng.standard_normal(y.shape)).astype(y.array.dtype)) for y in roots]
    return torch.autograd.grad(roots, inputs, seeds, create_graph=create_graph, allow_unused=True)


@per_op
def test_with_create_graph_the_first_derivative_is_the_same(entry):
    for sample, inputs, run in calls(entry):
        raw = gradients(run(), inputs, create_graph=False)
        recorded = gradients(run(), inputs, create_graph=True)
        for a, b in zip(raw, recorded, strict=True):
            assert (a is None) == (b is None), sample.label
            if a is not None:
                assert not a.requires_grad
                np.testing.assert_allclose(
                    a.numpy(force=True), b.numpy(force=True), 1e-12, 1e-12, err_msg=sample.label
                )


@per_op
def test_gradients_have_the_inputs_shape_and_dtype(entry):
    for sample in entry.samples:
        call, run = prepare(entry, sample, dtype=np.float32)
        if not call.differentiable:
            continue
        for x, grad in zip(call.differentiable, gradients(run(), call.differentiable, False), strict=True):
            if grad is not None:
                assert (grad.shape, grad.dtype) == (x.shape, torch.float32), sample.label


@pytest.mark.parametrize("entry", [e for e in DIFFERENTIABLE if e.kernels], ids=lambda entry: entry.name)
def test_the_reference_kernels_give_the_same_gradients(entry):
    for sample, inputs, run in calls(entry):
        compiled = gradients(run(), inputs, create_graph=False)
        with kernel_table.use_kernels("reference"):
            plain = gradients(run(), inputs, create_graph=False)
        for a, b in zip(compiled, plain, strict=True):
            assert (a is None) == (b is None), sample.label
            if a is not None:
                np.testing.assert_allclose(
                    a.numpy(force=True), b.numpy(force=True), 1e-10, 1e-10, err_msg=sample.label
                )
