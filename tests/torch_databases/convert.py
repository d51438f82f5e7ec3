"""Arguments of one engine as arguments of the other, and results as something that can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu
from tests.exchange import library_array
from tests.torch_databases.databases import SHARED_DTYPES, torch
from tinygrad_edu.autograd.tensor_base import tensor_from_array

functional = torch.nn.functional


class NotShared(Exception):
    """The sample needs something that this engine does not mean to have: sparse tensors, other devices."""


class Converter:
    """Turns arguments of PyTorch into arguments of this engine; a tensor met twice stays one tensor."""

    def __init__(self) -> None:
        self.pairs: dict[int, tuple[Any, Any]] = {}

    def convert(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return self.convert_tensor(value)
        if isinstance(value, torch.dtype):
            return our_dtype(value)
        if isinstance(value, torch.device):
            return str(value)
        if isinstance(value, torch.Size):
            return tuple(value)
        if isinstance(value, slice):
            return slice(*[self.convert(x) for x in (value.start, value.stop, value.step)])
        if isinstance(value, list | tuple):
            return type(value)([self.convert(x) for x in value])
        if isinstance(value, dict):
            return {key: self.convert(x) for key, x in value.items()}
        if callable(value) and getattr(functional, getattr(value, "__name__", ""), None) is value:
            return getattr(tinygrad_edu.nn.functional, value.__name__)  # an activation of a layer
        if type(value).__module__.split(".")[0] == "torch":
            raise NotShared(f"a {type(value).__name__}")
        return value

    def convert_tensor(self, tensor: Any) -> Any:
        if id(tensor) not in self.pairs:
            ours = tensor_from_array(as_array(tensor).copy())
            if isinstance(tensor, torch.nn.Parameter):
                ours = tinygrad_edu.nn.Parameter(ours, requires_grad=tensor.requires_grad)
            self.pairs[id(tensor)] = tensor, ours.requires_grad_(tensor.requires_grad)
        return self.pairs[id(tensor)][1]


def our_dtype(dtype: Any) -> Any:
    if dtype not in SHARED_DTYPES:
        raise NotShared(f"{dtype}")
    return SHARED_DTYPES[dtype]


def as_array(tensor: Any) -> np.ndarray[Any, Any]:
    """Return the numbers of a Tensor of either engine."""
    if isinstance(tensor, tinygrad_edu.Tensor):
        return tensor.array
    if (
        tensor.layout != torch.strided
        or tensor.device.type != "cpu"
        or tensor.is_quantized
        or tensor.ndim > 64
    ):
        raise NotShared(f"a {tensor.layout} tensor of {tensor.ndim} dimensions on {tensor.device}")
    our_dtype(tensor.dtype)
    return library_array(tensor.detach().resolve_conj().resolve_neg())  # also of zeros without memory


def flatten(value: Any) -> list[Any]:
    """Return the tensors and other values of a result, in order."""
    if isinstance(value, dict):
        return [x for key in value for x in flatten(value[key])]
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size | tinygrad_edu.Size):
        return [x for part in value for x in flatten(part)]
    return [value]


def clone(value: Any) -> Any:
    """Return arguments of PyTorch with copies of the tensors, as leaves."""
    if isinstance(value, torch.Tensor):
        if type(value) not in (torch.Tensor, torch.nn.Parameter):
            raise NotShared(f"a {type(value).__name__}")
        return value.detach().clone().requires_grad_(value.requires_grad)
    if isinstance(value, torch.Size):
        return value
    if isinstance(value, list | tuple):
        return type(value)([clone(x) for x in value])
    if isinstance(value, dict):
        return {key: clone(x) for key, x in value.items()}
    return value


def describe(value: Any) -> str:
    """Return arguments in short: tensors by dtype and shape."""
    if isinstance(value, torch.Tensor):
        return f"{str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(map(describe, value)) + ")"
    if isinstance(value, dict):
        return ", ".join(f"{key}={describe(x)}" for key, x in value.items())
    return repr(value)
