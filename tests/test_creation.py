"""Making tensors from data, of constants, in sequences."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = [
    "torch.tensor(1)",
    "torch.tensor(1.5)",
    "torch.tensor(True)",
    "torch.tensor(1 + 2j)",
    "torch.tensor([])",
    "torch.tensor([[], []])",
    "torch.tensor([1, 2.5])",
    "torch.tensor([True, False])",
    "torch.tensor([True, 2])",
    "torch.tensor([1, 2 + 1j])",
    "torch.tensor([[1, 2], [3, 4]], dtype=torch.float16)",
    "torch.tensor([1, 2], dtype=torch.bool)",
    "torch.tensor([1.9, -1.9], dtype=torch.int64)",
    "torch.tensor(np.ones(3))",
    "torch.tensor(np.float32(3))",
    "torch.tensor(np.arange(3))",
    "torch.tensor([np.float32(1), np.float32(2)])",
    "torch.tensor([np.float64(1), np.float64(2)])",
    "torch.tensor([np.int32(1), np.int32(2)])",
    "torch.tensor([np.ones(2), np.zeros(2)])",
    "torch.tensor([np.ones(2, np.float32), np.zeros(2, np.float32)])",
    "torch.tensor((1, 2, 3))",
    "torch.tensor([(1, 2), (3, 4)])",
    "torch.tensor(range(4))",
    "torch.tensor([torch.tensor(1.0), torch.tensor(2.0)])",
    "torch.tensor([torch.tensor(1), torch.tensor(2)])",
    "torch.tensor([[1, 2], [3]])",
    "torch.tensor('a')",
    "torch.tensor(None)",
    "torch.tensor([None])",
    "torch.tensor({})",
    "torch.tensor(2 ** 63)",
    "torch.tensor(-2 ** 63)",
    "torch.tensor(2 ** 64)",
    "torch.tensor([2 ** 63])",
    "torch.tensor(2 ** 40, dtype=torch.int32)",
    "torch.tensor(300, dtype=torch.uint8)",
    "torch.tensor(-1, dtype=torch.uint8)",
    "torch.tensor(1.5, requires_grad=True)",
    "torch.tensor(1, requires_grad=True)",
    "torch.tensor([1.0], dtype=torch.int64, requires_grad=True)",
    "torch.tensor(float('nan'))",
    "torch.tensor([float('inf'), -float('inf')])",
    "torch.tensor(1e+300)",
    "torch.tensor(1e+300, dtype=torch.float64)",
    "torch.tensor(0.1, dtype=torch.float64).item()",
    "torch.tensor(10000000000.0, dtype=torch.float16)",
    "torch.as_tensor([1, 2])",
    "torch.as_tensor(np.ones(2))",
    "torch.as_tensor(np.ones(2), dtype=torch.float32)",
    "torch.as_tensor(3.0)",
    "torch.as_tensor(torch.ones(2, requires_grad=True))",
    "torch.as_tensor(torch.ones(2), dtype=torch.int64)",
    "torch.from_numpy(np.ones((2, 3)))",
    "torch.from_numpy(np.array(3.0))",
    "torch.from_numpy([1])",
    "torch.from_numpy(np.array(['a']))",
    "torch.from_numpy(np.arange(6).reshape(2, 3).T)",
    "torch.zeros(2, 3)",
    "torch.zeros((2, 3))",
    "torch.zeros([2, 3])",
    "torch.zeros(())",
    "torch.zeros([])",
    "torch.zeros(0)",
    "torch.zeros(2, dtype=torch.int64)",
    "torch.zeros(2, dtype=torch.bool)",
    "torch.zeros(2, dtype=torch.complex64)",
    "torch.zeros(-1)",
    "torch.zeros(2.5)",
    "torch.zeros(torch.Size([2]))",
    "torch.zeros(torch.ones(2, 3).shape)",
    "torch.zeros(np.int64(2))",
    "torch.zeros(torch.tensor(2))",
    "torch.zeros(2, torch.tensor(3))",
    "torch.zeros('a')",
    "torch.zeros(2, requires_grad=True)",
    "torch.zeros(2, dtype=torch.int64, requires_grad=True)",
    "torch.ones(2, 3, dtype=torch.float64)",
    "torch.ones(size=(2, 3))",
    "torch.zeros(size=(2, 3))",
    "torch.full((2,), 3)",
    "torch.full((2,), 3.0)",
    "torch.full((2,), True)",
    "torch.full((2,), 2j)",
    "torch.full((2,), 3, dtype=torch.float32)",
    "torch.full((), 7)",
    "torch.full([2, 2], torch.tensor(3.0))",
    "torch.full(2, 3)",
    "torch.full((2,), 1.5, dtype=torch.int64)",
    "torch.zeros_like(torch.ones(2, 3, dtype=torch.int32))",
    "torch.ones_like(torch.ones(2, 3), dtype=torch.int64)",
    "torch.full_like(torch.ones(2, dtype=torch.int64), 2.7)",
    "torch.full_like(torch.ones(2), 3)",
    "torch.zeros_like(torch.ones(2, requires_grad=True))",
    "torch.zeros_like([1])",
    "torch.empty(2, 3).shape",
    "torch.empty_like(torch.ones(2)).shape",
    "torch.empty(0, 3)",
    "torch.arange(5)",
    "torch.arange(5.0)",
    "torch.arange(1, 5)",
    "torch.arange(1, 5, 2)",
    "torch.arange(5, 1, -1)",
    "torch.arange(5, 1, -2)",
    "torch.arange(0, 1, 0.1)",
    "torch.arange(0, 1, 0.3)",
    "torch.arange(0.5, 3)",
    "torch.arange(0)",
    "torch.arange(-3)",
    "torch.arange(3, 1)",
    "torch.arange(1, 1)",
    "torch.arange(1, 5, 0)",
    "torch.arange(5, dtype=torch.float32)",
    "torch.arange(5, dtype=torch.int8)",
    "torch.arange(0.9, 4.9, dtype=torch.int64)",
    "torch.arange(start=1, end=4)",
    "torch.arange(end=4)",
    "torch.arange(start=1, end=4, step=2)",
    "torch.arange(torch.tensor(4))",
    "torch.arange(True)",
    "torch.arange(float('nan'))",
    "torch.arange(float('inf'))",
    "torch.arange(2 ** 40, 2 ** 40 + 3)",
    "torch.arange(2 ** 53, 2 ** 53 + 3)",
    "torch.arange(0, 1, 0.1, dtype=torch.float64)",
    "torch.arange(1, 2, 0.1, dtype=torch.float64)",
    "torch.arange(5, requires_grad=True)",
    "torch.arange(5.0, requires_grad=True)",
    "torch.linspace(0, 1, 5)",
    "torch.linspace(0, 1, 1)",
    "torch.linspace(0, 1, 0)",
    "torch.linspace(0, 10, 5, dtype=torch.int64)",
    "torch.linspace(3, -3, 7)",
    "torch.linspace(0, 1, -1)",
    "torch.linspace(start=0, end=1, steps=3)",
    "torch.linspace(0, 1, 5, dtype=torch.float64)",
    "torch.logspace(0, 2, 3)",
    "torch.logspace(0, 2, 3, base=2)",
    "torch.logspace(-1, 1, 3, dtype=torch.float64)",
    "torch.eye(3)",
    "torch.eye(2, 3)",
    "torch.eye(3, 2, dtype=torch.int64)",
    "torch.eye(0)",
    "torch.eye(-1)",
    "torch.meshgrid(torch.arange(2), torch.arange(3), indexing='ij')",
    "torch.meshgrid(torch.arange(2), torch.arange(3), indexing='xy')",
    "torch.meshgrid(torch.arange(2), indexing='zz')",
    "torch.meshgrid([torch.arange(2), torch.arange(3)], indexing='ij')",
    "torch.meshgrid(torch.tensor(1), torch.arange(3), indexing='ij')",
    "torch.Tensor(2, 3).shape",
    "torch.Tensor([1, 2])",
    "torch.Tensor(2).shape",
    "torch.Tensor()",
    "torch.Tensor(np.ones(2))",
    "torch.Tensor([[1, 2], [3, 4]])",
    "torch.Tensor(torch.ones(2))",
    "torch.empty(3).new_zeros(2)",
    "torch.asarray([1, 2])",
    "torch.asarray(3, dtype=torch.int8)",
    "torch.asarray(np.ones(2))",
    "torch.asarray(np.float32(3))",
    "torch.asarray([1.0, 2.0], requires_grad=True)",
    "torch.asarray(torch.ones(2, requires_grad=True), requires_grad=True)",
    "torch.asarray(torch.ones(2, requires_grad=True), requires_grad=False)",
    "torch.asarray(torch.ones(2), dtype=torch.float64)",
    "torch.asarray(torch.ones(2), dtype=torch.float64, copy=False)",
    "torch.asarray([1, 2], copy=False)",
    "torch.asarray(np.ones(2), copy=False)",
    "torch.asarray(np.ones(2), copy=True)",
    "torch.asarray(bytearray(b'abc'), dtype=torch.uint8)",
    "torch.asarray(bytearray(b'abc'))",
    "torch.frombuffer(bytearray(b'12345678'), dtype=torch.int32)",
    "torch.frombuffer(bytearray(b'12345678'), dtype=torch.float16, count=2)",
    "torch.frombuffer(bytearray(b'12345678'), dtype=torch.int16, count=1, offset=3)",
    "torch.frombuffer(bytearray(b'12345678'), dtype=torch.float32, requires_grad=True).requires_grad",
    "torch.frombuffer(bytearray(b'1234567'), dtype=torch.float32)",
    "torch.frombuffer(bytearray(8), dtype=torch.float32, count=3)",
    "torch.frombuffer(bytearray(8), dtype=torch.float32, offset=9)",
    "torch.frombuffer(bytearray(8), dtype=torch.float32, count=0)",
    "torch.frombuffer(bytearray(8), dtype=torch.int32, requires_grad=True)",
    "torch.frombuffer(bytearray(), dtype=torch.uint8)",
    "torch.frombuffer(3, dtype=torch.int32)",
    "torch.frombuffer(np.arange(3), dtype=torch.int64)",
    "torch.ones(2, 3).T.is_contiguous()",
    "torch.Tensor(torch.Size([2, 2])).shape",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


def test_python_numbers_keep_their_precision():
    assert torch.tensor(0.1, dtype=torch.float64).item() == 0.1
    assert torch.tensor([0.1, 0.2], dtype=torch.float64).tolist() == [0.1, 0.2]
    assert torch.full((1,), 0.1, dtype=torch.float64).item() == 0.1
    assert torch.arange(2**53, 2**53 + 3).tolist() == [2**53, 2**53 + 1, 2**53 + 2]


def test_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        for t in (
            torch.tensor(1.5),
            torch.zeros(2),
            torch.rand(2),
            torch.arange(0.0, 1.0),
            torch.ones(2) * 2,
        ):
            assert t.dtype == torch.float64
        assert torch.tensor(1j).dtype == torch.complex128
        assert (torch.tensor([1]) / 2).dtype == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.tensor(1.5).dtype == torch.float32
    with pytest.raises(TypeError, match="expected a floating-point dtype, got torch.int64"):
        torch.set_default_dtype(torch.int64)


def test_a_tensor_of_a_tensor_warns():
    with pytest.warns(UserWarning, match="To copy construct from a tensor"):
        t = torch.tensor(torch.ones(2, requires_grad=True))
    assert not t.requires_grad


def test_results_can_be_written_to():
    for t in (torch.full((2,), 1.0), torch.eye(2), torch.zeros_like(torch.ones(1, 2).expand(3, 2))):
        t.add_(1)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: torch.tensor([[1, 2], [3]]),
            ValueError,
            r"equal length at every level, got \[\[1, 2\], \[3\]\]",
        ),
        (
            lambda: torch.tensor(["a", "b"]),
            TypeError,
            r"Could not infer dtype of str: expected numbers, got \['a'",
        ),
        (lambda: torch.tensor([None]), RuntimeError, "Could not infer dtype of NoneType"),
        (lambda: torch.tensor(2**63), ValueError, "Overflow when unpacking long long"),
        (lambda: torch.tensor(np.array(["a"])), TypeError, "expected one of bool, .*, got NumPy dtype <U1"),
        (lambda: torch.tensor(np.zeros(2, np.uint64)), TypeError, "got NumPy dtype uint64"),
        (lambda: torch.zeros(2, -1), RuntimeError, r"zeros: .* negative dimension -1: \[2, -1\]"),
        (lambda: torch.zeros(2.5), TypeError, "must be tuple of ints, but found element of type float"),
        (lambda: torch.arange(0, 3, 0), RuntimeError, "step to be nonzero, got 0"),
        (lambda: torch.arange(3, 0), RuntimeError, "inconsistent with step sign: start=3, end=0, step=1"),
        (lambda: torch.from_numpy([1]), TypeError, r"expected np.ndarray \(got list\)"),
        (
            lambda: torch.tensor(300, dtype=torch.uint8),
            RuntimeError,
            "cannot be converted to type uint8 without",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_long_data_are_shortened_in_errors():
    with pytest.raises(TypeError) as error:
        torch.tensor(["x" * 1000])
    assert len(str(error.value)) < 200


@pytest.mark.host("what shares memory with NumPy")
def test_memory_is_shared_where_it_can_be():
    array, x, data = np.zeros(2), torch.zeros(2), bytearray(4)
    torch.asarray(array).add_(1)
    assert array.tolist() == [1.0, 1.0]
    torch.asarray(array, copy=True).add_(1)
    assert array.tolist() == [1.0, 1.0]
    assert torch.asarray(x) is x
    assert torch.asarray(x, copy=True) is not x
    torch.frombuffer(data, dtype=torch.uint8, offset=1).fill_(7)
    assert data == bytearray([0, 7, 7, 7])
    with pytest.warns(UserWarning, match="not writable"):
        fixed = torch.frombuffer(b"12", dtype=torch.uint8)
    assert fixed.tolist() == [49, 50]
