"""Comparing one call here with the same call in PyTorch: outputs, dtypes and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device import tensor_from_array, to_numpy
from tests.ops.samples import flatten
from tinygrad_edu._tensor import Tensor

torch = pytest.importorskip("torch")


def make_pair(array, requires_grad=None):
    """Return the array as a tensor of either library; floating-point ones require a gradient by default."""
    array = np.asarray(array)
    needs = array.dtype.kind == "f" if requires_grad is None else requires_grad
    return tensor_from_array(array.copy(), needs), torch.tensor(array, requires_grad=needs)


def compare(ours, theirs, *arrays, tolerance=1e-6, gradient=True, nongrad=(), **options):
    """Call both functions on the arrays (anything else is handed over as it is) and compare what comes out.

    ``nongrad`` are the positions of arrays that no gradient is asked for. The gradient of a NaN is not
    compared: in PyTorch it depends on the dtype and on the vector instructions.
    """
    pairs = [
        make_pair(x, False if i in nongrad else None) if isinstance(x, np.ndarray) else (x, x)
        for i, x in enumerate(arrays)
    ]
    expected = flatten(theirs(*[b for _, b in pairs], **options))
    found = flatten(ours(*[a for a, _ in pairs], **options))
    assert len(found) == len(expected)
    rng = np.random.default_rng(0)
    for a, b in zip(found, expected, strict=True):
        assert_same(a, b, tolerance)
        if gradient and getattr(b, "requires_grad", False):
            assert a.requires_grad
            seed = np.asarray(rng.standard_normal(tuple(b.shape)), a.array.dtype)
            b.backward(torch.tensor(seed), retain_graph=True)
            a.backward(tensor_from_array(seed), retain_graph=True)
    for a, b in pairs:
        if gradient and isinstance(a, Tensor) and a.requires_grad:
            assert (a.grad is None) == (b.grad is None)
            if b.grad is not None:
                known = ~np.isnan(to_numpy(a))
                found, expected = to_numpy(a.grad)[known], b.grad.numpy(force=True)[known]
                np.testing.assert_allclose(found, expected, tolerance, tolerance, err_msg="gradient")


def assert_same(a, b, tolerance=1e-6):
    """Compare one output: dtype, shape and values, NaN and infinities too."""
    if not hasattr(b, "dtype"):
        assert a == b
        return
    assert str(a.dtype) == str(b.dtype)
    assert tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(to_numpy(a), b.numpy(force=True), tolerance, tolerance)


def raises_alike(ours, theirs, *arrays, **options):
    """Both must refuse, with the same kind of error; return the message of ours."""
    pairs = [make_pair(x, False) if isinstance(x, np.ndarray) else (x, x) for x in arrays]
    with pytest.raises(Exception) as their_error:  # noqa: PT011
        theirs(*[b for _, b in pairs], **options)
    with pytest.raises(their_error.type) as error:
        ours(*[a for a, _ in pairs], **options)
    return str(error.value)
