"""Pickles objects as PyTorch does: the names that it writes for a tensor are those of PyTorch's own functions.

They need not be there: Python's ``pickle`` insists on importing what it names, so this class writes them itself.

References
----------
https://docs.python.org/3/library/pickle.html#persistence-of-external-objects
https://github.com/pytorch/pytorch/blob/main/torch/serialization.py, _save
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.convert import users_attributes
from tinygrad_edu.backend import Array, array_module, device, device_of, on_card_of, to_numpy
from tinygrad_edu.layouts import layout
from tinygrad_edu.nn.parameter import Parameter, is_lazy
from tinygrad_edu.serialization.storage import STORAGE_DTYPES, STORAGE_KINDS, StorageKind
from tinygrad_edu.size import Size
from tinygrad_edu.torch_version import TorchVersion


class Name(NamedTuple):
    """A function or class of PyTorch, by its name."""

    module: str
    name: str


REBUILD_TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
REBUILD_SPARSE_TENSOR = Name("torch._utils", "_rebuild_sparse_tensor")
LAYOUT = Name("torch.serialization", "_get_layout")
REBUILD_PARAMETER = Name("torch._utils", "_rebuild_parameter")
REBUILD_PARAMETER_WITH_STATE = Name("torch._utils", "_rebuild_parameter_with_state")
REBUILD_FROM_TYPE = Name("torch._tensor", "_rebuild_from_type_v2")
TENSOR = Name("torch", "Tensor")
SIZE = Name("torch", "Size")
DEVICE = Name("torch", "device")
STORAGES = {dtype: Name("torch", name) for name, dtype in STORAGE_DTYPES.items()}
DTYPES = {dtype: Name("torch", dtype.name) for dtype in dtypes.ALL_DTYPES}


class StoredMemory(NamedTuple):
    """A storage that is to be written: a flat array, and what the pickle says of it."""

    kind: StorageKind
    key: str
    array: Array


_PythonPickler: Any = pickle._Pickler  # the one in Python, which says what it writes


class Pickler(_PythonPickler):  # type: ignore[misc]
    """Writes objects, and collects the storages of the tensors among them.

    Parameters
    ----------
    protocol : int
        Of the pickle; PyTorch reads 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> pickler = Pickler(2)
    >>> x = torch.zeros(2, 3)
    >>> data = pickler.pickled({"x": x, "its transpose": x.T})
    >>> len(pickler.storages), b"torch._utils" in data
    (1, True)
    """

    def __init__(self, protocol: int) -> None:
        self.buffer = io.BytesIO()
        super().__init__(self.buffer, protocol)
        self.storages: dict[tuple[Any, ...], StoredMemory] = {}

    def pickled(self, obj: Any) -> bytes:
        """Return the pickle of an object."""
        self.dump(obj)
        return self.buffer.getvalue()

    def storage_bytes(self) -> Any:
        """Yield the memory of the storages, in the order of their keys."""
        for storage in self.storages.values():
            yield to_numpy(storage.array).view(np.uint8).data if storage.array.size else memoryview(b"")

    def persistent_id(self, obj: Any) -> Any:
        """Return what the pickle says in place of a storage: where its bytes are found."""
        if not isinstance(obj, StoredMemory):
            return None
        kind = STORAGES[STORAGE_DTYPES[obj.kind.class_name]]
        return "storage", kind, obj.key, str(device_of(obj.array)), obj.array.size

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        """Write one object; called by ``pickle`` for each."""
        if isinstance(obj, dtypes.dtype):
            obj = DTYPES[obj]
        elif isinstance(obj, TorchVersion):
            obj = str(obj)
        if id(obj) in self.memo:
            return super().save(obj, save_persistent_id)
        if type(obj) is Name:
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Tensor | Size | device | layout):
            function, args = self._reduced(obj)
            self.save(function)
            self.save(args)
            self.write(pickle.REDUCE)
        else:
            return super().save(obj, save_persistent_id)
        self.memoize(obj)
        return None

    def _reduced(self, obj: Any) -> tuple[Name, tuple[Any, ...]]:
        """Return the function, and its arguments, that makes such an object."""
        if isinstance(obj, Size):
            return SIZE, (tuple(obj),)
        if isinstance(obj, device):
            return DEVICE, (obj.type,) if obj.index is None else (obj.type, obj.index)
        if is_lazy(obj):
            return Name("torch.nn.parameter", type(obj).__name__), (obj.requires_grad,)
        if isinstance(obj, layout):
            return LAYOUT, (repr(obj),)
        if not obj._is_strided:
            return REBUILD_SPARSE_TENSOR, (obj.layout, obj._parts())
        attributes = users_attributes(obj)
        if isinstance(obj, Parameter):
            args: tuple[Any, ...] = (obj.detach(), obj.requires_grad, OrderedDict())
            if attributes:
                return REBUILD_PARAMETER_WITH_STATE, (*args, attributes)
            return REBUILD_PARAMETER, args
        args = self._tensor_args(obj)
        if type(obj) is Tensor and not attributes:
            return REBUILD_TENSOR, args
        cls = TENSOR if type(obj) is Tensor else type(obj)
        return REBUILD_FROM_TYPE, (REBUILD_TENSOR, cls, args, attributes)

    def _tensor_args(self, tensor: Tensor) -> tuple[Any, ...]:
        """Return storage, offset, shape, strides, requires_grad and hooks (which are not saved)."""
        array = tensor.array
        found = shared_memory(array)
        if found is None:  # reversed, or otherwise not as PyTorch can have it
            with on_card_of(array):
                array = array_module(array).ascontiguousarray(array).reshape(array.shape)
            found = array.reshape(-1), 0
        flat, offset = found
        size = array.itemsize
        strides = tuple([step // size for step in array.strides])
        storage = self._storage_of(flat, tensor.dtype)
        return storage, offset // size, tuple(array.shape), strides, tensor.requires_grad, OrderedDict()

    def _storage_of(self, flat: Array, dtype: dtypes.dtype) -> StoredMemory:
        where = (address(flat), flat.nbytes, str(device_of(flat))) if flat.nbytes else (len(self.storages),)
        known = self.storages.get(where)
        if known is None:
            kind = STORAGE_KINDS[STORAGES[dtype].name]
            # the array is kept, so that its memory is not used for another one meanwhile
            known = StoredMemory(kind, str(len(self.storages)), flat.view(dtype.numpy_dtype))
            self.storages[where] = known
        elif known.kind.dtype_name != dtype.name:
            raise RuntimeError(
                "save: expected tensors that share memory to be of one dtype, got "
                f"{known.kind.dtype_name} and {dtype.name}. Hint: save a clone() of one of them."
            )
        return known


def shared_memory(array: Array) -> tuple[Array, int] | None:
    """Return the memory that an array is a view of, as a flat array, and how many bytes it begins after its start.

    None, if the memory has gaps, or an element of the array does not begin where PyTorch could have one.
    """
    owner = array
    while isinstance(owner.base, (type(array), np.ndarray)):
        owner = owner.base
    axes = sorted(range(owner.ndim), key=lambda axis: -owner.strides[axis])
    ordered = owner.transpose(axes)
    if not ordered.flags.c_contiguous or array.size == 0:
        return (array.reshape(-1), 0) if array.flags.c_contiguous else None
    flat = ordered.reshape(-1)
    offset = address(array) - address(flat)
    numbers = [offset, flat.nbytes, *array.strides]
    if any(number % array.itemsize or number < 0 for number in numbers):
        return None
    return flat, offset


def address(array: Array) -> int:
    """Return where an array begins in memory."""
    if isinstance(array, np.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)
