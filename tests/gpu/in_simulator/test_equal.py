"""Every CUDA kernel against the plain loops, on grids too small and too large."""

from __future__ import annotations

import numpy as np
import pytest

from tests.gpu.calls import FAMILIES, kernel_names, make_calls, run, rung
from tests.gpu.in_simulator.conftest import use_grid
from tinygrad_edu_kernels import cuda_launch
from tinygrad_edu_kernels.convolution import cuda as convolution

# Plain Python complains where the hardware wraps around or gives NaN.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def tolerance(dtype):
    return {"float16": 2e-3, "float32": 1e-5, "float64": 1e-12}.get(dtype.name, 0)


def assert_equal_to_the_reference(family, dtype):
    expected_calls = make_calls(family, dtype)
    for call, expected_call in zip(make_calls(family, dtype), expected_calls, strict=True):
        expected = run(expected_call, rung(family, "reference"))
        actual = run(call, rung(family, "cuda"))
        for a, e in zip(actual, expected, strict=True):
            assert (a.dtype, a.shape) == (e.dtype, e.shape), call
            rtol = 0 if family == "dropout" else tolerance(e.dtype)  # the hash is the same bit for bit
            np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol, err_msg=str(call))


@pytest.fixture
def poisoned_memory(monkeypatch):
    """Let new memory hold what nobody could mistake for a result."""

    def empty(shape, dtype):
        dtype = np.dtype(dtype)
        return np.full(shape, np.nan if dtype.kind == "f" else np.iinfo(dtype).max, dtype)

    monkeypatch.setattr(np, "empty", empty)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("grid", "poisoned_memory")
def test_equal_to_the_reference(family):
    assert_equal_to_the_reference(family, "float32")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.usefixtures("poisoned_memory")
def test_equal_to_the_reference_in_float64(family, monkeypatch):
    use_grid(monkeypatch, (2, 8))
    assert_equal_to_the_reference(family, "float64")


@pytest.mark.parametrize("images", [1, 2])
def test_convolution_in_parts(images, monkeypatch):
    """The batch in parts of one or two images, as if the columns of more had no room."""
    use_grid(monkeypatch, (2, 8))
    parts = []

    def chunks(count, image_bytes):
        parts.append(range(0, count, images))
        return [slice(first, min(first + images, count)) for first in parts[-1]]

    monkeypatch.setattr(convolution, "_chunks", chunks)
    assert_equal_to_the_reference("convolution", "float64")
    assert max(map(len, parts)) > 1


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kernel_and_function_is_called(family, monkeypatch):
    """Without this, a kernel that no call reaches would pass all checks."""
    launched = set()
    start = cuda_launch.start

    def watched(kernel, grid, arguments):
        launched.add(kernel.fn.__name__)
        start(kernel, (1, 1), arguments)

    monkeypatch.setattr(cuda_launch, "start", watched)
    calls = make_calls(family, "float32")
    for call in calls:
        run(call, rung(family, "cuda"))
    assert launched == set(kernel_names(family))
    functions = {
        name
        for name, value in vars(rung(family, "cuda")).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == rung(family, "cuda").__name__
    }
    assert functions - {call.function for call in calls} == set()
