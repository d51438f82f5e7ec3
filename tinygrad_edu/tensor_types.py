"""The old names for dtype and device at once: ``torch.FloatTensor``, ``torch.cuda.LongTensor`` and their like.

Programs from before there were dtypes call them to make a tensor, convert with them, and ask ``isinstance``. They are
no classes of tensors, here as in PyTorch: every tensor is a ``Tensor``. Here they are objects that Python lets stand
at the right of ``isinstance`` because they have a ``__instancecheck__``.
"""

from __future__ import annotations

from typing import Any, Union

from tinygrad_edu import backend, creation, cuda_availability, dtypes
from tinygrad_edu.arguments import is_int
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.size import Size
from tinygrad_edu.type_names import refuse_strangers, type_name


class TensorType:
    """The tensors of one dtype on one kind of device; ``torch.FloatTensor`` is one such object.

    Attributes
    ----------
    dtype : torch.dtype
        The dtype of its tensors.
    is_cuda : bool
        Whether they are on a GPU.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensors.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.LongTensor([1, 2])
    tensor([1, 2])
    >>> torch.LongTensor(2, 3).shape
    torch.Size([2, 3])
    >>> isinstance(torch.ones(2), torch.FloatTensor), isinstance(torch.ones(2), torch.LongTensor)
    (True, False)
    """

    def __init__(self, name: str, dtype: dtypes.dtype, is_cuda: bool) -> None:
        self.__name__ = self.__qualname__ = name
        self.__module__ = "tinygrad_edu.cuda" if is_cuda else "tinygrad_edu"
        self.dtype = dtype
        self.is_cuda = is_cuda

    def __call__(self, *data: Any, device: backend.DeviceLike = None) -> Tensor:
        """Make a tensor: ``FloatTensor(2, 3)`` of a shape, uninitialised; ``FloatTensor([1, 2])`` of values.

        A Tensor, or a NumPy array of the dtype, shares its memory. Floats are cut off to integers.

        Raises
        ------
        TypeError
            If it is something else, a Tensor of another dtype or device, or a type of the GPU where there is none.
        RuntimeError
            If the dtype cannot hold a number, or the device is of another kind.
        """
        where = self._device(device)
        if len(data) == 1 and isinstance(data[0], Size):
            data = data[0]
        if len(data) != 1 or (is_int(data[0]) and not isinstance(data[0], TensorBase)):
            return creation.empty(*(data or (0,)), dtype=self.dtype, device=where)
        values = data[0]
        refuse_strangers(self.__name__, values)
        if isinstance(values, TensorBase):
            if not self.__instancecheck__(values):
                raise TypeError(f"{self.__name__}: expected {self}, got a tensor of type {values.type()}")
            return values.view(values.shape)
        if not hasattr(values, "dtype") and not isinstance(values, list | tuple | range):
            raise TypeError(
                f"{self.__name__}: data must be a sequence or a tuple of ints, got {type_name(values)}"
            )
        return creation.as_tensor(values, dtype=self.dtype, device=where)

    def _device(self, device: backend.DeviceLike) -> backend.device:
        """Return the device of a new tensor; raise unless it is of this kind."""
        kind = "cuda" if self.is_cuda else "cpu"
        if self.is_cuda and not cuda_availability.is_cuda_available():
            raise TypeError(
                f"type {self._full_name()} not available: {cuda_availability.why_cuda_is_missing()}"
            )
        where = backend.resolve_device(kind if device is None else device)
        if where.type != kind:
            raise RuntimeError(f"{self.__name__}: expected a device of type {kind}, got {where}")
        return where

    def __instancecheck__(self, instance: Any) -> bool:
        return (
            isinstance(instance, TensorBase)
            and instance.dtype is self.dtype
            and instance.is_cuda == self.is_cuda
        )

    def __or__(self, other: Any) -> Any:
        return Union[self, other]  # noqa: UP007  # which takes what is no class

    def __ror__(self, other: Any) -> Any:
        return Union[other, self]  # noqa: UP007

    def _full_name(self) -> str:
        return f"torch.{'cuda.' if self.is_cuda else ''}{self.__name__}"

    def __repr__(self) -> str:
        return f"<class '{self._full_name()}'>"

    def __reduce__(self) -> str:
        return self.__name__  # which is found in the module


NAMES = {
    dtypes.bool_: "BoolTensor",
    dtypes.uint8: "ByteTensor",
    dtypes.int8: "CharTensor",
    dtypes.int16: "ShortTensor",
    dtypes.int32: "IntTensor",
    dtypes.int64: "LongTensor",
    dtypes.float16: "HalfTensor",
    dtypes.bfloat16: "BFloat16Tensor",
    dtypes.float32: "FloatTensor",
    dtypes.float64: "DoubleTensor",
    dtypes.complex64: "ComplexFloatTensor",
    dtypes.complex128: "ComplexDoubleTensor",
}
HOST_TYPES = {name: TensorType(name, dtype, False) for dtype, name in NAMES.items()}
CUDA_TYPES = {name: TensorType(name, dtype, True) for dtype, name in NAMES.items()}

BoolTensor = HOST_TYPES["BoolTensor"]
ByteTensor = HOST_TYPES["ByteTensor"]
CharTensor = HOST_TYPES["CharTensor"]
ShortTensor = HOST_TYPES["ShortTensor"]
IntTensor = HOST_TYPES["IntTensor"]
LongTensor = HOST_TYPES["LongTensor"]
HalfTensor = HOST_TYPES["HalfTensor"]
BFloat16Tensor = HOST_TYPES["BFloat16Tensor"]
FloatTensor = HOST_TYPES["FloatTensor"]
DoubleTensor = HOST_TYPES["DoubleTensor"]


def name_of_type(tensor: TensorBase) -> str:
    """Return what ``tensor.type()`` says: "torch.FloatTensor"."""
    return f"torch.{'cuda.' if tensor.is_cuda else ''}{NAMES[tensor.dtype]}"


def type_named(name: str) -> TensorType | None:
    """Return the type that is called "torch.FloatTensor" or "torch.cuda.FloatTensor"; None if there is none."""
    package, _, name = name.rpartition(".")
    return {"torch": HOST_TYPES, "torch.cuda": CUDA_TYPES}.get(package, {}).get(name)


def find_type(wanted: Any) -> TensorType:
    """Return the type that ``Tensor.type`` is given as an object or by its name.

    Raises
    ------
    ValueError
        If it is none.
    """
    is_class = isinstance(wanted, type) and wanted.__name__ == "Tensor"
    if is_class or (isinstance(wanted, str) and wanted == "torch.Tensor"):
        return HOST_TYPES[NAMES[dtypes.get_default_dtype()]]
    found = type_named(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(found, TensorType):
        raise ValueError(
            f"type: invalid type: expected a torch.dtype, a tensor type or its name, got {wanted!r}"
        )
    return found


class _DefaultDevice:
    """Whether ``set_default_tensor_type`` has put new tensors on the GPU."""

    is_of_type = False


def set_default_tensor_type(t: TensorType | str) -> None:
    """Set dtype and device of tensors made from Python floats, by a type or its name; deprecated in PyTorch.

    :func:`tinygrad_edu.set_default_dtype` and :func:`tinygrad_edu.set_default_device` say the same in words of
    today.

    Raises
    ------
    TypeError
        If it is no type of floating-point tensors, or one of a GPU that is not there.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_default_tensor_type.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.set_default_tensor_type(torch.DoubleTensor)
    >>> torch.ones(2).type()
    'torch.DoubleTensor'
    >>> torch.set_default_tensor_type("torch.FloatTensor")
    """
    found = type_named(t) if isinstance(t, str) else t
    if found is None and t is not None:
        raise AttributeError(f"set_default_tensor_type: expected the name of a tensor type, got {t!r}")
    if not isinstance(found, TensorType) or not found.dtype.is_floating_point:
        raise TypeError(
            f"set_default_tensor_type: only floating-point types are supported as the default type, got {t!r}"
        )
    where = found._device(None)
    dtypes.set_default_dtype(found.dtype)
    if found.is_cuda or _DefaultDevice.is_of_type:
        backend.set_default_device(where)
    _DefaultDevice.is_of_type = found.is_cuda
