"""The table of operations against PyTorch: values, gradients, shapes and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device import tensor_from_array, to_numpy
from tests.exchange import library_array, library_tensor
from tests.ops.op_table import SAMPLES, TABLE, as_arrays, ids, prepare, torch_function
from tests.ops.samples import Call, flatten
from tinygrad_edu.numpy_dtypes import BFLOAT16

pytestmark = [
    pytest.mark.torch_parity,
    pytest.mark.filterwarnings(
        "ignore:Using padding='same'", "ignore:index_reduce", r"ignore:torch\.\w+ is deprecated"
    ),
]
torch = pytest.importorskip("torch")

WITH_PARITY = [(entry, sample) for entry, sample in SAMPLES if entry.parity]
WITH_INTEGERS = [
    (entry, sample)
    for entry, sample in WITH_PARITY
    if entry.integers
    and "alpha" not in sample.options
    and not any(isinstance(x, np.ndarray) for x in sample.args)
]
SINGLE = [e for e in TABLE if e.parity]


def torch_call(entry, sample, dtype):
    """Return the call with PyTorch's tensors."""
    call = Call(sample, lambda array, grad: library_tensor(torch, array, grad), dtype=dtype)
    return call, call.run(torch_function(entry, torch))


def dtype_name(x):
    """Return the dtype of a Tensor of either library, or the type of a number."""
    return str(x.dtype).removeprefix("torch.") if hasattr(x, "dtype") else type(x).__name__


def check_same(ours, theirs, tolerance, label):
    ours, theirs = flatten(ours), flatten(theirs)
    assert len(ours) == len(theirs), label
    for a, b in zip(ours, theirs, strict=True):
        assert dtype_name(a) == dtype_name(b), label
        b = library_array(b) if hasattr(b, "detach") else np.asarray(b)
        (a,) = as_arrays(a)
        assert a.shape == b.shape, label
        np.testing.assert_allclose(as_wide(a), as_wide(b), rtol=tolerance, atol=tolerance, err_msg=label)


def as_wide(array):
    """Return numbers of bfloat16 as float32, which NumPy's comparison knows."""
    return array.astype(np.float32) if array.dtype == BFLOAT16 else array


def check_gradients(call, outputs, other, other_outputs, tolerance, label):
    """Weigh the outputs with the same random numbers, go backward, and compare what arrives at the inputs."""
    rng = np.random.default_rng(5)
    for a, b in zip(flatten(outputs), flatten(other_outputs), strict=True):
        assert getattr(a, "requires_grad", False) == getattr(b, "requires_grad", False), label
        if not getattr(b, "requires_grad", False):
            continue
        seed = np.asarray(rng.standard_normal(a.shape), a.array.dtype)
        a.backward(tensor_from_array(seed), retain_graph=True)
        b.backward(library_tensor(torch, seed), retain_graph=True)
    for x, y in zip(call.differentiable, other.differentiable, strict=True):
        assert (x.grad is None) == (y.grad is None), label
        if y.grad is not None:
            np.testing.assert_allclose(
                as_wide(to_numpy(x.grad)),
                as_wide(library_array(y.grad)),
                rtol=tolerance,
                atol=tolerance,
                err_msg=label,
            )


@pytest.mark.parametrize(("entry", "sample"), WITH_PARITY, ids=ids(WITH_PARITY))
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-10), ("float32", 2e-5)], ids=["float64", "float32"]
)
def test_like_torch(entry, sample, dtype, tolerance):
    tolerance = max(tolerance, entry.parity_tolerance if dtype == "float64" else entry.float32_tolerance)
    other, expected = torch_call(entry, sample, dtype)
    call, run = prepare(entry, sample, dtype=dtype)
    found = run()
    check_same(found, expected, tolerance, sample.label)
    if entry.torch_gradient:
        check_gradients(call, found, other, expected, 5 * tolerance, sample.label)


@pytest.mark.parametrize(("entry", "sample"), WITH_INTEGERS, ids=ids(WITH_INTEGERS))
def test_integers_like_torch(entry, sample):
    _, expected = torch_call(entry, sample, "int64")
    _, run = prepare(entry, sample, dtype="int64")
    check_same(run(), expected, 1e-6, sample.label)
