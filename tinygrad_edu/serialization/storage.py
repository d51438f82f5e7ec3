"""Tensors and storages: a tensor in a file is a storage, an offset, a shape and strides.

Tensors that share memory share a storage, so they share memory again when they are loaded; and a storage is written
once, and all of it, however little of it a tensor shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.tensor_base import check_can_require_grad, tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, array_module, is_on_host, on_card_of, to_device
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.numpy_dtypes import NUMBER_KINDS
from tinygrad_edu.serialization.container import Archive, LoadError

MapLocation: TypeAlias = "DeviceLike | Mapping[str, str] | Callable[[Any, str], Any]"

MAX_NDIM = 64  # NumPy's

# The names of PyTorch's storage classes.
STORAGE_DTYPES = {
    "BoolStorage": dtypes.bool_,
    "ByteStorage": dtypes.uint8,
    "CharStorage": dtypes.int8,
    "ShortStorage": dtypes.int16,
    "IntStorage": dtypes.int32,
    "LongStorage": dtypes.int64,
    "HalfStorage": dtypes.float16,
    "BFloat16Storage": dtypes.bfloat16,
    "FloatStorage": dtypes.float32,
    "DoubleStorage": dtypes.float64,
    "ComplexFloatStorage": dtypes.complex64,
    "ComplexDoubleStorage": dtypes.complex128,
}
FOREIGN_STORAGES = {
    "QInt8Storage": "qint8",
    "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32",
    "QUInt4x2Storage": "quint4x2",
    "QUInt2x4Storage": "quint2x4",
}
FOREIGN_DTYPES = (
    *("uint16", "uint32", "uint64", "complex32", "bits8", "bits16"),
    *(
        "float8_e4m3fn",
        "float8_e4m3fnuz",
        "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
        "float4_e2m1fn_x2",
    ),
    *FOREIGN_STORAGES.values(),
)


class StorageKind(NamedTuple):
    """A storage class of PyTorch, and the name of the dtype it stands for."""

    class_name: str
    dtype_name: str


STORAGE_KINDS = {
    name: StorageKind(name, dtype)
    for name, dtype in [*[(n, d.name) for n, d in STORAGE_DTYPES.items()], *FOREIGN_STORAGES.items()]
}
UNTYPED = StorageKind("UntypedStorage", "")


class Storage(NamedTuple):
    """The memory of one or more tensors: a one-dimensional array."""

    array: Array


class ForeignDtype(NamedTuple):
    """A dtype that PyTorch has and this engine does not."""

    name: str


def refuse_dtype(name: str) -> LoadError:
    """Return the error for a dtype that PyTorch has and this engine does not."""
    known = ", ".join([d.name for d in dtypes.ALL_DTYPES])
    return LoadError(
        f"load: expected tensors of {known}, got one of {name}, a dtype that does not exist here. Hint: in PyTorch, "
        "convert it with .float() and save it again."
    )


class TensorReader:
    """Makes the tensors of a file; every size is compared with that of the entry that it speaks of.

    Parameters
    ----------
    archive : Archive
        Where the storages are.
    map_location
        Where the tensors go; see ``load``.
    """

    def __init__(self, archive: Archive, map_location: MapLocation) -> None:
        self.archive = archive
        self.map_location = map_location
        self.storages: dict[str, tuple[StorageKind, Storage]] = {}
        self.is_foreign_endian = archive.is_foreign_endian()
        self.to_spend = 2 * archive.size

    # ---- storages ------------------------------------------------------------------------------------

    def storage(self, persistent_id: Any) -> Storage:
        """Return the storage that a persistent id speaks of: ("storage", kind, key, location, length)."""
        if type(persistent_id) is not tuple or len(persistent_id) != 5 or persistent_id[0] != "storage":
            raise LoadError(f"load: expected a storage's id, got {type(persistent_id).__name__}")
        _, kind, key, location, numel = persistent_id
        if not isinstance(kind, StorageKind) or type(key) is not str or type(location) is not str:
            raise LoadError("load: a storage's id is damaged")
        if key not in self.storages:
            self.storages[key] = kind, Storage(self._read_storage(kind, key, location, numel))
        known_kind, storage = self.storages[key]
        if known_kind != kind:
            raise LoadError(
                f"load: storage {key} is said to be {known_kind.dtype_name} and {kind.dtype_name}"
            )
        return storage

    def _read_storage(self, kind: StorageKind, key: str, location: str, numel: Any) -> Array:
        if kind.class_name not in STORAGE_DTYPES:
            if kind is UNTYPED:
                return np.empty(0, np.uint8)  # the tensor that comes next names its dtype, and is refused
            raise refuse_dtype(kind.dtype_name)
        dtype = STORAGE_DTYPES[kind.class_name].numpy_dtype
        present = self.archive.size_of(f"data/{key}")
        if type(numel) is not int or present is None or present != numel * dtype.itemsize:
            raise LoadError(
                f"load: expected a storage data/{key:.50} of a size that is written elsewhere, got {present} bytes"
            )
        raw = np.empty(present, np.uint8)
        self.archive.read_into(f"data/{key}", raw.data)
        array = raw.view(dtype)
        if dtype.kind == "b":
            np.minimum(raw, 1, out=raw)  # another byte would be neither true nor false
        elif self.is_foreign_endian:
            array.byteswap(inplace=True)
        return self.place(array, location)

    def place(self, array: Array, location: str) -> Array:
        """Return the array on the device that the caller wants, or else on the one it was saved from."""
        wanted = self.map_location
        if isinstance(wanted, Mapping):
            wanted = wanted.get(location)
        elif callable(wanted):
            placed = wanted(tensor_from_array(array), location)
            wanted = None if placed is None else placed.device
        if wanted is not None:
            return to_device(array, wanted)
        try:
            return to_device(array, location)
        except RuntimeError as error:
            raise LoadError(
                f"load: the file holds a tensor of device {location[:50]}, which cannot be used here: {error}. Hint: "
                "map_location='cpu' loads it on the CPU."
            ) from None

    # ---- what the names in a file stand for ------------------------------------------------------------

    def rebuild_tensor_v2(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any = False,
        backward_hooks: Any = None,
        metadata: Any = None,
    ) -> Any:
        """Make the tensor that PyTorch's function of this name makes."""
        if not isinstance(storage, Storage):
            raise LoadError(f"load: expected a tensor's storage, got {type(storage).__name__}")
        check_geometry(storage.array.size, offset, size, stride)
        array = strided_view(storage.array, offset, size, stride)
        if metadata:
            array = self._with_math_bits(array, metadata)
        return make_tensor(array, requires_grad, Tensor)

    def _with_math_bits(self, array: Array, bits: Any) -> Array:
        """Return the conjugate or the negative, which PyTorch only notes down and computes when it is needed."""
        if type(bits) is not dict or any(bit not in ("conj", "neg") or bits[bit] is not True for bit in bits):
            raise LoadError("load: a tensor has metadata other than conj and neg")
        self.spend(array.nbytes)
        array = array.conj() if "conj" in bits else array
        return -array if "neg" in bits else array

    def spend(self, nbytes: int) -> None:
        """Raise if more is copied than the file is long: one storage can be named again and again."""
        self.to_spend -= nbytes
        if self.to_spend < 0:
            raise LoadError("load: the file asks for far more memory than its own size")

    def rebuild_tensor_v3(
        self,
        storage: Any,
        offset: Any,
        size: Any,
        stride: Any,
        requires_grad: Any,
        backward_hooks: Any,
        dtype: Any,
        metadata: Any = None,
    ) -> Any:
        """Refuse: PyTorch writes so the dtypes that have no storage class, none of which exists here."""
        raise refuse_dtype(str(getattr(dtype, "name", "an unknown dtype")))

    def rebuild_parameter(self, data: Any, requires_grad: Any, backward_hooks: Any = None) -> Any:
        """Make a parameter of a tensor."""
        if type(data) is not Tensor:
            raise LoadError(f"load: expected a parameter's tensor, got {type(data).__name__}")
        return make_tensor(data.array, requires_grad, Parameter)

    def rebuild_parameter_with_state(
        self, data: Any, requires_grad: Any, backward_hooks: Any, state: Any
    ) -> Any:
        """Make a parameter to which the program had given attributes."""
        parameter = self.rebuild_parameter(data, requires_grad)
        set_attributes(parameter, state)
        return parameter

    def rebuild_from_type(self, rebuild: Any, cls: Any, args: Any, state: Any) -> Any:
        """Make a tensor that has attributes, or is of a class of its own."""
        functions = (self.rebuild_tensor_v2, self.rebuild_tensor_v3, self.rebuild_parameter)
        if rebuild not in functions or type(args) is not tuple:
            raise LoadError("load: a tensor with attributes is damaged")
        tensor = rebuild(*args)
        if not isinstance(cls, type) or not issubclass(cls, Tensor):
            raise LoadError("load: a tensor's class is damaged")
        if cls is not type(tensor):
            tensor = make_tensor(tensor.array, tensor.requires_grad, cls)
        if state:
            set_attributes(tensor, state)
        return tensor

    def rebuild_from_array(self, cls: Any, array: Any, device_name: Any, requires_grad: Any) -> Any:
        """Make a tensor of the format of version 0.1, which pickled NumPy arrays."""
        if cls not in (Tensor, Parameter) or type(array) is not np.ndarray or type(device_name) is not str:
            raise LoadError("load: a tensor is damaged")
        if array.dtype.kind not in NUMBER_KINDS:
            raise LoadError(f"load: expected a tensor of numbers, got {array.dtype}")
        dtypes.from_numpy_dtype(array.dtype)
        self.spend(array.nbytes)
        return make_tensor(self.place(array, device_name), requires_grad, cls)


def make_tensor(array: Array, requires_grad: Any, cls: type[Any]) -> Any:
    """Wrap an array, after a look at whether it can require a gradient."""
    if type(requires_grad) is not bool:
        raise LoadError(f"load: expected requires_grad to be a bool, got {type(requires_grad).__name__}")
    tensor = tensor_from_array(array.view(), False, cls)
    try:
        check_can_require_grad(tensor, requires_grad)
    except RuntimeError as error:
        raise LoadError(f"load: {error}") from None
    tensor._requires_grad = requires_grad
    return tensor


def set_attributes(tensor: Any, state: Any) -> None:
    """Give a tensor the attributes that the program had given it; none that the engine knows."""
    if type(state) is not dict:
        raise LoadError(f"load: expected a tensor's attributes in a dict, got {type(state).__name__}")
    for name in state:
        if type(name) is not str or name[:1] in ("", "_") or name == "array" or hasattr(type(tensor), name):
            raise LoadError(f"load: a tensor cannot be given an attribute {name!r:.50}")
    vars(tensor).update(state)


def is_count(n: Any) -> bool:
    """Tell whether this is a number of elements; not one of a million digits, which takes long to multiply."""
    return type(n) is int and 0 <= n < 2**63


def check_geometry(available: int, offset: Any, size: Any, stride: Any) -> None:
    """Raise unless a tensor lies within its storage of ``available`` elements."""
    numbers = [offset, *size, *stride] if isinstance(size, tuple) and isinstance(stride, tuple) else [None]
    if not all(is_count(n) for n in numbers) or len(size) != len(stride) or len(size) > MAX_NDIM:
        raise LoadError("load: a tensor's offset, shape or strides are damaged")
    last = offset + sum([(n - 1) * step for n, step in zip(size, stride, strict=True)])
    if 0 not in size and last >= available:
        raise LoadError(f"load: a tensor reaches to element {last} of a storage of {available}")


def strided_view(array: Array, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> Array:
    """Return a view of a one-dimensional array; read-only if two of its elements are one in memory."""
    numel = 1
    for n in size:
        numel *= n
    if numel == 0 or stride == contiguous_strides(size):
        return array[offset : offset + numel].reshape(size)
    steps = tuple([step * array.itemsize for step in stride])
    if not is_on_host(array):
        with on_card_of(array):
            return array_module(array).lib.stride_tricks.as_strided(array[offset:], size, steps)
    view: Any = np.ndarray(size, array.dtype, array, offset * array.itemsize, steps)
    reach = 0
    for step, n in sorted(zip(stride, size, strict=True)):
        if n > 1 and step <= reach:
            view.flags.writeable = False
        reach += (n - 1) * step
    return view


def contiguous_strides(size: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, counted in elements, of a contiguous tensor."""
    strides, step = [], 1
    for n in reversed(size):
        strides.append(step)
        step *= max(n, 1)
    return tuple(reversed(strides))
