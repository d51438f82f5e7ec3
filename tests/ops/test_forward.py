"""Every operation of the table against NumPy: values, shapes and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device import to_numpy
from tests.names import listed
from tests.ops.op_table import SAMPLES, TABLE, as_arrays, expected_arrays, ids, prepare
from tests.ops.samples import strided
from tinygrad_edu import kernel_table, linalg, ops

WITH_REFERENCE = [(entry, sample) for entry, sample in SAMPLES if entry.reference is not None]

# What ``ops`` exports besides operations: helpers of the methods of Tensor.
HELPERS = {
    "normalize_dim",
    "promote",
    "raw",
    "raw_index",
    "scalar_like",
    "sizes_of",
    "unbroadcast",
}
# Whose numbers are complex: the programs of test_complex_numbers.py and test_fft.py compute with them.
OF_COMPLEX_NUMBERS = {
    *("adjoint", "complex", "conj", "conj_physical", "imag", "istft", "polar", "real"),
    *("resolve_conj", "resolve_neg", "stft", "view_as_complex", "view_as_real"),
}
OTHER_NAMES = {"clip": "clamp", "concatenate": "cat"}


def check(found, expected, tolerance):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_every_operation_is_in_the_table():
    names = {entry.name for entry in TABLE if not entry.name.startswith("linalg.")}
    assert names | HELPERS | OF_COMPLEX_NUMBERS | set(OTHER_NAMES) == set(listed(ops))
    assert not names & (HELPERS | OF_COMPLEX_NUMBERS)
    assert all(getattr(ops, other) is getattr(ops, name) for other, name in OTHER_NAMES.items())


def test_every_name_of_linalg_is_in_the_table():
    names = {entry.name.removeprefix("linalg.") for entry in TABLE if entry.name.startswith("linalg.")}
    assert names | {"LinAlgError"} == set(listed(linalg))


@pytest.mark.parametrize("layout", [np.ascontiguousarray, strided], ids=["contiguous", "strided"])
@pytest.mark.parametrize(("entry", "sample"), WITH_REFERENCE, ids=ids(WITH_REFERENCE))
def test_forward(entry, sample, layout):
    if entry.name == "view" and layout is strided:
        pytest.skip("a view needs memory that fits")
    _, run = prepare(entry, sample, layout=layout)
    check(as_arrays(run()), expected_arrays(entry, sample), 1e-10)


@pytest.mark.parametrize(("entry", "sample"), WITH_REFERENCE, ids=ids(WITH_REFERENCE))
def test_float32_gives_float32(entry, sample):
    """Results keep float32, and are as exact as it allows."""
    call, run = prepare(entry, sample, dtype=np.float32)
    found, expected = as_arrays(run()), expected_arrays(entry, sample)
    if any(x.array.dtype == np.float32 for x in call.tensors) and entry.name not in (
        "cast",
        "bincount",
        "float_power",
    ):
        assert [x.dtype for x in found] == [
            np.float32 if x.dtype == np.float64 else x.dtype for x in expected
        ]
    check(found, expected, entry.float32_tolerance)


@pytest.mark.parametrize("entry", [e for e in TABLE if e.kernels and e.reference], ids=lambda e: e.name)
def test_on_the_reference_kernels(entry):
    for sample in entry.samples:
        _, run = prepare(entry, sample)
        with kernel_table.use_kernels("reference"):
            found = as_arrays(run())
        check(found, expected_arrays(entry, sample), 1e-10)


def test_the_inputs_are_left_as_they_are():
    for entry, sample in SAMPLES:
        call, run = prepare(entry, sample)
        before = [to_numpy(x).copy() for x in call.tensors]
        run()
        for x, old in zip(call.tensors, before, strict=True):
            if entry.name == "batch_norm" and not x.requires_grad:
                continue  # running statistics
            np.testing.assert_array_equal(to_numpy(x), old, err_msg=sample.label)
