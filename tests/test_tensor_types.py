"""The old names of tensor types: ``torch.FloatTensor`` and its like."""

from __future__ import annotations

import copy
import pickle
import typing

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check
from tinygrad_edu import cuda_availability
from tinygrad_edu.tensor_types import HOST_TYPES

NAMES = ["BoolTensor", "ByteTensor", "CharTensor", "ShortTensor", "IntTensor", "LongTensor"]
NAMES += ["HalfTensor", "FloatTensor", "DoubleTensor"]

CALLS = """
{type}()
{type}([1, 0])
{type}([[1, 0], [1, 1]])
{type}((2, 3))
{type}(range(3))
{type}([1.5, 2])
{type}([True, False])
{type}([])
{type}([[]])
{type}(2).shape
{type}(2, 3).shape
{type}(torch.Size([2, 3])).shape
{type}(np.int64(3)).shape
{type}(*torch.ones(2, 3).shape).shape
{type}(np.ones(2))
{type}(np.array([1, 2], dtype=np.int32))
{type}(torch.ones(2))
{type}(torch.ones(2, dtype=torch.int64))
{type}(torch.tensor(3))
{type}([torch.tensor(3), torch.tensor(4)])
{type}([np.float64(3), 2])
{type}([2], device='cpu')
{type}([300])
{type}([-1])
{type}([2**40])
{type}([2**70])
{type}([1e30])
{type}([float('nan')])
{type}([1 + 2j])
{type}(3.0)
{type}(2.5, 2)
{type}(True)
{type}(None)
{type}('ab')
{type}({{1: 2}})
{type}(iter([1, 2]))
{type}([[1, 2], [3]])
{type}(-1)
{type}([1], dtype=torch.int64)
{type}([1], requires_grad=True)
{type}.dtype
{type}.is_cuda
{type}.__name__
str({type})
callable({type})
isinstance(torch.ones(2), {type})
isinstance(torch.ones(2, dtype=torch.int64), {type})
isinstance(torch.ones(2, dtype=torch.uint8), ({type}, int))
isinstance(torch.nn.Parameter(torch.ones(2)), {type})
isinstance(2, {type})
torch.tensor([1.5, 0.0]).type({type})
torch.tensor([1, 0]).type('{type}')
torch.tensor([1, 0]).type('{type}'[6:])
torch.ones(2, dtype={type}.dtype).type()
torch.ones(2, dtype=torch.int16).type({type}).type()
torch.ones(2, dtype={type}.dtype).new([1, 0])
torch.ones(2, dtype={type}.dtype).new(2, 3).shape
torch.ones(2, dtype={type}.dtype).new(torch.ones(2))
"""

OTHERS = """
torch.ones(2).type(torch.Tensor)
torch.ones(2).double().type('torch.Tensor')
torch.ones(2).type(torch.nn.Parameter)
torch.ones(2).type(int)
torch.ones(2).type('torch.FooTensor')
torch.ones(2, dtype=torch.LongTensor)
torch.ones(2).to(torch.LongTensor)
torch.Tensor(torch.tensor(3))
torch.set_default_tensor_type(torch.LongTensor)
torch.set_default_tensor_type('torch.LongTensor')
torch.set_default_tensor_type('torch.FooTensor')
torch.set_default_tensor_type(torch.float64)
torch.set_default_tensor_type(torch.Tensor)
torch.set_default_tensor_type(None)
torch.cuda.FloatTensor.dtype
torch.cuda.FloatTensor.is_cuda
str(torch.cuda.LongTensor)
isinstance(torch.ones(2, device='cpu'), torch.cuda.FloatTensor)
"""


@pytest.mark.torch_parity
@pytest.mark.host("types of the CPU")
@pytest.mark.parametrize("name", NAMES)
def test_same_as_pytorch(name):
    import torch as pytorch

    for expression in CALLS.strip().format(type=f"torch.{name}").splitlines():
        check(expression, pytorch)


@pytest.mark.torch_parity
@pytest.mark.host("types of the CPU")
@pytest.mark.parametrize("expression", OTHERS.strip().splitlines())
def test_the_rest_is_the_same_as_in_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


def test_every_dtype_has_a_type():
    for name, kind in HOST_TYPES.items():
        assert torch.empty(1, dtype=kind.dtype, device="cpu").type() == f"torch.{name}"
    assert [getattr(torch, name) for name in NAMES] == [HOST_TYPES[name] for name in NAMES]


@pytest.mark.parametrize("kind", [torch.FloatTensor, torch.cuda.LongTensor])
def test_types_are_copied_and_pickled_as_names(kind):
    assert pickle.loads(pickle.dumps(kind)) is copy.deepcopy(kind) is kind


def test_types_as_annotations():
    assert typing.get_args(torch.FloatTensor | None) == (torch.FloatTensor, type(None))
    assert typing.get_args(int | torch.FloatTensor) == (int, torch.FloatTensor)


@pytest.mark.host("types of the CPU")
def test_memory_is_shared():
    array = np.zeros(2, np.float32)
    x = torch.FloatTensor(array)
    y = torch.FloatTensor(x)
    y[0] = 5
    assert array[0] == x[0] == 5


@pytest.mark.host("default types of the CPU")
@pytest.mark.parametrize("kind", [torch.DoubleTensor, "torch.DoubleTensor"])
def test_default_type(kind):
    torch.set_default_tensor_type(kind)
    try:
        assert torch.ones(2).dtype is torch.Tensor([1]).dtype is torch.float64
    finally:
        torch.set_default_tensor_type(torch.FloatTensor)
    assert torch.ones(2).dtype is torch.float32


def test_without_a_card_its_types_make_nothing(monkeypatch):
    monkeypatch.setattr(cuda_availability, "is_cuda_available", bool)
    monkeypatch.setattr(cuda_availability, "why_cuda_is_missing", "no card".upper)
    with pytest.raises(TypeError, match=r"type torch\.cuda\.FloatTensor not available: NO CARD"):
        torch.cuda.FloatTensor([1.0])
    with pytest.raises(TypeError, match="not available"):
        torch.set_default_tensor_type(torch.cuda.FloatTensor)


@pytest.mark.gpu
def test_types_of_the_card():
    x = torch.cuda.FloatTensor([1.0])
    assert isinstance(x, torch.cuda.FloatTensor)
    assert not isinstance(x, torch.FloatTensor)
    assert x.cpu().type(torch.cuda.LongTensor).type() == x.long().type() == "torch.cuda.LongTensor"
    assert x.type(torch.LongTensor).type() == "torch.LongTensor"
    assert x.new([2]).is_cuda
    with pytest.raises(RuntimeError, match="expected a device of type cuda, got cpu"):
        torch.cuda.FloatTensor([1.0], device="cpu")


@pytest.mark.gpu
def test_a_type_of_the_card_says_where_new_tensors_are():
    before = torch.get_default_device()
    try:
        torch.set_default_tensor_type(torch.cuda.FloatTensor)
        assert torch.ones(1).is_cuda
        torch.set_default_tensor_type(torch.FloatTensor)
        assert not torch.ones(1).is_cuda
    finally:
        torch.set_default_device(before)
