"""The comparison with PyTorch: mistakes are planted that finite differences do not see."""

from __future__ import annotations

import sys

import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn

pytestmark = pytest.mark.host("PyTorch runs on the CPU")


def leaf(*values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def is_here(library):
    return library is torch


@pytest.fixture
def real():
    return pytest.importorskip("torch")


parity = [pytest.mark.torch_parity, pytest.mark.usefixtures("real")]


def mark(test):
    for one in parity:
        test = one(test)
    return test


@mark
def test_the_same():
    x, w = leaf([1.0, 2.0], [3.0, 4.0]), leaf([0.5, -1.0])
    report = learn.compare_with_torch(lambda x, w: (x * w).exp().sum(0), (x, w))
    assert report.ok
    assert report
    names = [comparison.name for comparison in report.comparisons]
    assert names == ["output 0", "gradient of input 0", "gradient of input 1"]
    assert "output 0: the same, up to" in str(report)
    assert x.grad is None


@mark
def test_a_function_that_needs_the_library():
    report = learn.compare_with_torch(lambda torch, x: torch.nn.functional.gelu(x), leaf(-1.0, 2.0))
    assert report.ok, report


@mark
def test_a_forward_that_is_wrong_in_itself():
    """Its derivative is that of the wrong forward: gradcheck is content."""

    def softmax(torch, x):
        e = torch.exp(x)
        return e / (e.sum() + (1.0 if is_here(torch) else 0.0))

    x = leaf(1.0, 2.0)
    assert learn.gradcheck_report(lambda x: softmax(torch, x), x)
    report = learn.compare_with_torch(softmax, x)
    assert not report
    output, gradient = report.comparisons
    assert [difference.place for difference in output.differences] == [(0,), (1,)]
    assert gradient.differences
    assert str(output).startswith("output 0: 2 elements differ, by at most 0.")
    assert "[1]: here 0.66524" in str(output)


@mark
def test_a_wrong_gradient_alone():
    report = learn.compare_with_torch(
        lambda torch, x: x * 2 if is_here(torch) else x + x.detach(), leaf(1.0, 2.0)
    )
    output, gradient = report.comparisons
    assert output.ok
    assert not gradient.ok


@mark
@pytest.mark.parametrize(
    ("ours", "theirs", "problem"),
    [
        (lambda x: x.sum(), lambda x: x.sum(0, keepdim=True), "here of shape [], in PyTorch [1]"),
        (lambda x: x.float(), lambda x: x, "here of dtype float32, in PyTorch float64"),
        (lambda x: x, lambda x: (x, x), "here 1 outputs, PyTorch 2"),
        (lambda x: x.detach(), lambda x: x, "gradient of input 0: this engine alone has None"),
        (lambda x: x, lambda x: x.reshape(7), "PyTorch alone raises RuntimeError: shape '[7]'"),
        (lambda x: x.reshape(7), lambda x: x, "this engine alone raises RuntimeError: reshape"),
        (lambda x: x[9], lambda x: x.reshape(7), "this engine raises IndexError"),
    ],
)
def test_other_differences(ours, theirs, problem):
    report = learn.compare_with_torch(
        lambda torch, x: (ours if is_here(torch) else theirs)(x), leaf(1.0, 2.0)
    )
    assert not report
    assert problem in str(report)


@mark
def test_the_same_error():
    report = learn.compare_with_torch(lambda x: x.reshape(7), leaf(1.0))
    assert report
    assert str(report) == "call, which raises RuntimeError on both: the same, up to 0"


@mark
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "complex64", "int64"])
def test_dtypes(dtype):
    dtype = getattr(torch, dtype)
    x = torch.tensor([1, 2, 3]).to(dtype)
    if dtype.is_floating_point or dtype.is_complex:
        x.requires_grad_()
    assert learn.compare_with_torch(lambda x: x * x, x)


@mark
def test_tolerances():
    fn = lambda torch, x: x * (1.001 if is_here(torch) else 1.0)  # noqa: E731
    assert not learn.compare_with_torch(fn, leaf(1.0))
    assert learn.compare_with_torch(fn, leaf(1.0), rtol=0.01)


def test_this_engine_in_the_place_of_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", torch)
    with pytest.raises(ImportError, match="`torch` is this engine here"):
        learn.compare_with_torch(lambda x: x, leaf(1.0))


def test_without_pytorch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError):
        learn.compare_with_torch(lambda x: x, leaf(1.0))


@mark
def test_a_function_that_returns_no_tensor():
    with pytest.raises(TypeError, match="expected a function that returns a Tensor"):
        learn.compare_with_torch(lambda x: {"x": x}, torch.ones(1))


@mark
@pytest.mark.parametrize(
    "fn", [lambda x: torch.sin(x), torch.sin, lambda x: x + torch.ones(2), lambda x: torch.ones(2) * 2]
)
def test_a_function_that_calls_this_engine_by_its_name(fn):
    with pytest.raises(TypeError, match="its first parameter is to be called torch"):
        learn.compare_with_torch(fn, torch.tensor([1.0, 2.0], requires_grad=True))


@mark
def test_lists_of_tensors():
    x = torch.tensor([1.0, 2.0])
    assert learn.compare_with_torch(lambda torch, parts: torch.cat(parts), ([x, x],)).ok


@mark
def test_an_array_of_numpy_is_no_result():
    with pytest.raises(TypeError, match="returns a Tensor"):
        learn.compare_with_torch(lambda x: x.detach().numpy(), torch.ones(2))


@pytest.mark.torch_parity
@pytest.mark.parametrize("tool", ["draw", "memory", "why_no_grad"])
def test_tools_name_a_tensor_of_pytorch(tool, real):
    with pytest.raises(
        TypeError, match=r"expected a Tensor.*, got torch\.Tensor \(is there still an `import torch`"
    ):
        getattr(learn, tool)(real.ones(2))
