"""A backward on arrays is mathematics and the array module: it enters none of the public functions, which take Tensors.

Whoever steps through a derivative should meet NumPy, not the checks of our own functions.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array
from tests.names import listed
from tests.ops.op_table import DIFFERENTIABLE_SAMPLES, ids, prepare
from tests.ops.samples import flatten
from tinygrad_edu import kernel_table, ops

HELPERS = {"cast", "raw", "unbroadcast"}  # short, and they check nothing
PUBLIC = {
    function.__code__: name
    for name, function in vars(ops).items()
    if name in listed(ops) and name not in HELPERS and hasattr(function, "__code__")
}


@contextmanager
def noting_public_functions() -> Iterator[list[str]]:
    """Give a list to which every public function is added that is entered meanwhile."""
    entered: list[str] = []

    def note(frame, event, argument):
        if event == "call" and frame.f_code in PUBLIC:
            entered.append(f"{PUBLIC[frame.f_code]} by {frame.f_back.f_code.co_qualname}")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(before)


def entered_by_backward(outputs, inputs) -> list[str]:
    rng = np.random.default_rng(0)
    grads = [tensor_from_array(rng.standard_normal(y.shape).astype(y.array.dtype)) for y in outputs]
    with noting_public_functions() as entered:
        torch.autograd.grad(outputs, inputs, grads, allow_unused=True)
    return entered


def run(entry, sample, dtype):
    call, function = prepare(entry, sample, dtype=dtype)
    outputs = [y for y in flatten(function()) if y.requires_grad]
    return entered_by_backward(outputs, call.differentiable)


samples = pytest.mark.parametrize(
    ("entry", "sample"), DIFFERENTIABLE_SAMPLES, ids=ids(DIFFERENTIABLE_SAMPLES)
)


@samples
def test_no_public_function_is_entered(entry, sample):
    assert run(entry, sample, np.float32) == []


@samples
def test_nor_where_there_is_no_kernel(entry, sample, monkeypatch):
    monkeypatch.setattr(kernel_table, "has_kernels", lambda array: False)
    assert run(entry, sample, np.float64) == []


def test_one_would_be_noticed():
    """With create_graph, backward gets Tensors, and the functions are entered."""
    x = torch.ones(3, requires_grad=True)
    with noting_public_functions() as entered:
        torch.autograd.grad(x.sin().sum(), x, create_graph=True)
    assert "cos by Sin.backward" in entered
    assert "broadcast_to by broadcast" in entered


def test_a_loss_that_is_scaled():
    """Its gradient is a NumPy scalar, which is an array in this respect."""
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = ops.cross_entropy(logits, torch.tensor([0, 2])) / 4
    assert entered_by_backward([loss], [logits]) == []
