"""``+ - * /`` of tensors and numbers of all kinds: values, dtypes and gradients, bit for bit what NumPy computes.

NumPy itself is asked in the dtype that PyTorch's promotion rules give; the gradients are the derivatives, written out.
"""

from __future__ import annotations

import operator
import warnings

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy

OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv")}
OPERANDS = {
    "shape (2, 3)": [[1.0, -2, 3], [0, 5, -6]],
    "shape (3,)": [2.0, 0, -4],
    "shape ()": 3.0,
    "size 0": np.zeros((0, 3)),
    "a view": [[1.0, 2], [3, 4], [5, 6]],
    "float": 2.5,
    "int": -3,
    "huge": 1e300,
    "nan": float("nan"),
    "infinite": float("inf"),
    "bool": True,
}
TENSORS = list(OPERANDS)[:5]


def operand(name, dtype):
    """Return a Tensor, or a number as it is."""
    if name not in TENSORS:
        return OPERANDS[name]
    tensor = torch.tensor(np.asarray(OPERANDS[name]), dtype=dtype)
    return tensor.T if name == "a view" else tensor


def result_dtype(name, a, b):
    """Return what PyTorch's rules make of a Tensor and another operand."""
    dtype = a.dtype
    if not dtype.is_floating_point and (isinstance(b, float) or name == "truediv"):
        dtype = torch.get_default_dtype()
    return dtype


def derivatives(name, a, b):
    """Return dy/da and dy/db."""
    one = a.dtype.type(1)
    return {"add": (one, one), "sub": (one, -one), "mul": (b, a), "truediv": (one / b, -(a / b) / b)}[name]


def summed_to(grad, shape):
    added = grad.ndim - len(shape)
    stretched = [added + d for d, size in enumerate(shape) if size == 1 and grad.shape[added + d] != 1]
    return grad.sum((*range(added), *stretched)).reshape(shape)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.int64])
@pytest.mark.parametrize("second", OPERANDS)
@pytest.mark.parametrize("first", TENSORS)
@pytest.mark.parametrize("name", OPERATORS)
def test_values_and_gradients(name, first, second, dtype):
    if {first, second} in ({"size 0", "shape (2, 3)"}, {"size 0", "a view"}):
        pytest.skip("these two do not fit together")
    if name == "sub" and second == "bool":
        pytest.skip("masks cannot be subtracted")
    a, b = operand(first, dtype), operand(second, dtype)
    wanted = result_dtype(name, a, b)
    with np.errstate(all="ignore"):
        x, y = (
            np.asarray(to_numpy(v) if hasattr(v, "array") else v).astype(wanted.numpy_dtype) for v in (a, b)
        )
        expected = np.asarray(OPERATORS[name](x, y))
    leaves = [
        v.requires_grad_()
        for v in (a, b)
        if hasattr(v, "array") and wanted.is_floating_point and v.dtype is wanted
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 1 / 0 is infinity, and no news
        result = OPERATORS[name](a, b)
        if leaves:
            result.backward(torch.ones_like(result))
    assert result.dtype is wanted
    assert result.requires_grad == bool(leaves)
    assert to_numpy(result.detach()).tobytes() == expected.tobytes()
    with np.errstate(all="ignore"):
        slopes = [np.broadcast_to(s, expected.shape).astype(x.dtype) for s in derivatives(name, x, y)]
        grads = [summed_to(slope, value.shape) for slope, value in zip(slopes, (x, y), strict=True)]
    for leaf, grad in zip(leaves, grads, strict=False):
        np.testing.assert_allclose(to_numpy(leaf.grad), grad, rtol=4 * np.finfo(x.dtype).eps)


@pytest.mark.parametrize("name", OPERATORS)
def test_without_a_graph(name):
    a, b = operand("shape (2, 3)", torch.float32).requires_grad_(), operand("shape (3,)", torch.float32)
    with torch.no_grad():
        quiet = OPERATORS[name](a, b)
    assert not quiet.requires_grad
    assert to_numpy(quiet).tobytes() == to_numpy(OPERATORS[name](a, b).detach()).tobytes()


class Interrupted(Exception):
    pass


def test_an_error_in_an_operation_comes_out_at_once(monkeypatch):
    """It may be one that a signal handler raises: nothing is tried a second time."""
    calls = []

    def forward(node, a, b):
        calls.append(node)
        raise Interrupted

    monkeypatch.setattr(torch.ops.elementwise.arithmetic.Add, "forward", forward)
    with pytest.raises(Interrupted):
        torch.ones(2) + torch.ones(2)
    assert len(calls) == 1
