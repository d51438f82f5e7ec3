"""The methods of Tensor about shapes, dtypes and devices that are no function of ``ops`` as it stands."""

from __future__ import annotations

import math
from typing import Any, Self

from tinygrad_edu import creation, dtypes, ops
from tinygrad_edu._tensor_methods.memory import address_of, owner_of
from tinygrad_edu.arguments import as_numpy_dtype, require_bools
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import is_pinned, pinned, resolve_device
from tinygrad_edu.memory_formats import check_memory_format, lies_in
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.tensor_types import find_type, name_of_type


class ShapeMethods(TensorBase):
    """Methods that rearrange or convert; part of Tensor."""

    def view_as(self, other: TensorBase) -> Self:
        """See ``torch.view_as``."""
        require_tensor("view_as", other, "other")
        return ops.view(self, other.shape)

    def reshape_as(self, other: TensorBase) -> Self:
        """See ``torch.reshape_as``."""
        require_tensor("reshape_as", other, "other")
        return ops.reshape(self, other.shape)

    def unflatten(self, dim: int, sizes: Any) -> Self:
        """See ``torch.unflatten``."""
        return ops.unflatten(self, dim, sizes)

    def expand_as(self, other: TensorBase) -> Self:
        """See ``torch.expand_as``."""
        require_tensor("expand_as", other, "other")
        return ops.expand(self, other.shape)

    def tile(self, *sizes: Any, dims: Any = None) -> Self:
        """See ``torch.tile``."""
        return ops.tile(self, ops.sizes_of("tile", sizes if dims is None else (dims,), "dims"))

    def is_contiguous(self, *, memory_format: Any = None) -> bool:
        """Tell whether the elements lie in memory row by row, or as another format says."""
        if memory_format is None or not memory_format.order:
            return bool(self.array.flags.c_contiguous)
        return lies_in(memory_format, self.array.shape, self.stride())

    def split(self, split_size: Any, dim: int = 0) -> tuple[Self, ...]:
        """See ``torch.split``."""
        return ops.split(self, split_size, dim)

    def where(self, condition: TensorBase, other: Any) -> Self:
        """See ``torch.where``."""
        return ops.where(condition, self, other)

    # ---- sizes ---------------------------------------------------------------------------------------

    def size(self, dim: Any = None, *, axis: Any = None) -> Any:
        """Return the shape, or the size of one dimension."""
        dim = dim if axis is None else axis
        return self.shape if dim is None else self.shape[ops.normalize_dim("size", dim, self.ndim)]

    def dim(self) -> int:
        """Return the number of dimensions."""
        return self.ndim

    ndimension = dim

    def numel(self) -> int:
        """Return the number of elements."""
        return int(self.array.size)

    def nelement(self) -> int:
        """Return the number of elements."""
        return int(self.array.size)

    def element_size(self) -> int:
        """Return the bytes an element takes."""
        return self.itemsize

    def stride(self, dim: Any = None, *, axis: Any = None) -> Any:
        """Return how many elements apart neighbours along each dimension (or one) lie in memory."""
        dim = dim if axis is None else axis
        strides = [s // self.itemsize for s in self.array.strides]
        if self.array.size == 0:  # NumPy has zeros then, PyTorch counts an empty dimension as one element
            strides = [math.prod(max(n, 1) for n in self.array.shape[i + 1 :]) for i in range(self.ndim)]
        return tuple(strides) if dim is None else strides[ops.normalize_dim("stride", dim, self.ndim)]

    def storage_offset(self) -> int:
        """Return how many elements the first one lies behind the beginning of the memory it is in."""
        return (self.data_ptr() - address_of(owner_of(self.array))) // self.itemsize

    def data_ptr(self) -> int:
        """Return the address of the first element."""
        return address_of(self.array)

    def is_floating_point(self) -> bool:
        """Tell whether the dtype is a real floating-point type."""
        return is_floating(self.array.dtype)

    def is_complex(self) -> bool:
        """Tell whether the dtype is complex."""
        return bool(self.array.dtype.kind == "c")

    # ---- conversion ----------------------------------------------------------------------------------

    def to(
        self,
        *args: Any,
        dtype: Any = None,
        device: Any = None,
        non_blocking: bool = False,
        copy: bool = False,
        other: TensorBase | None = None,
        memory_format: Any = None,
    ) -> Self:
        """Return the tensor with another dtype and/or on another device; itself if nothing changes.

        Takes a dtype, a device, both, or another tensor whose dtype and device are meant. ``non_blocking`` is
        accepted.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.to.html
        """
        check_memory_format("to", memory_format, self.ndim)
        require_bools("to", non_blocking=non_blocking, copy=copy)
        for arg in args if other is None else (*args, other):
            if isinstance(arg, dtypes.dtype):
                dtype = arg
            elif hasattr(arg, "array"):
                dtype, device = arg.dtype, arg.device
            elif arg is not None and not isinstance(arg, bool):
                device = arg
        result = self
        if device is not None and resolve_device(device) != self.device:
            result = ops.move(result, device)
        if dtype is not None:
            result = ops.cast(result, as_numpy_dtype("to", dtype))
        return ops.clone(self) if copy and result is self else result

    def cpu(self, memory_format: Any = None) -> Self:
        """Return the tensor on the CPU."""
        return self.to(device="cpu", memory_format=memory_format)

    def cuda(self, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Self:
        """Return the tensor on a GPU."""
        return self.to(device="cuda" if device is None else device, memory_format=memory_format)

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the name of the type, such as "torch.FloatTensor", or the tensor converted to ``dtype``.

        ``dtype`` may also be a tensor type, such as ``torch.LongTensor``, or the name of one; those of
        ``torch.cuda`` mean the GPU.
        """
        if dtype is None:
            return name_of_type(self)
        require_bools("type", non_blocking=non_blocking)
        if isinstance(dtype, dtypes.dtype):
            return self.to(dtype=dtype)
        wanted = find_type(dtype)
        return self.to(dtype=wanted.dtype, device="cuda" if wanted.is_cuda else "cpu")

    def type_as(self, other: TensorBase) -> Self:
        """Return the tensor with the dtype of another."""
        require_tensor("type_as", other, "other")
        return self.to(dtype=other.dtype)

    def pin_memory(self) -> Self:
        """Return a copy in page-locked memory, from where a GPU can copy it while the host goes on.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.pin_memory.html
        """
        if self.is_cuda:
            raise RuntimeError(f"cannot pin '{self.type()}' only dense CPU tensors can be pinned")
        if self.is_pinned():
            return self
        return tensor_from_array(pinned(self.array))

    def is_pinned(self) -> bool:
        """Tell whether the numbers are in page-locked memory."""
        return is_pinned(self.array)

    def float(self) -> Self:
        """Return the tensor as float32."""
        return self.to(dtype=dtypes.float32)

    def double(self) -> Self:
        """Return the tensor as float64."""
        return self.to(dtype=dtypes.float64)

    def half(self) -> Self:
        """Return the tensor as float16."""
        return self.to(dtype=dtypes.float16)

    def bfloat16(self) -> Self:
        """Return the tensor as bfloat16."""
        return self.to(dtype=dtypes.bfloat16)

    def long(self) -> Self:
        """Return the tensor as int64."""
        return self.to(dtype=dtypes.int64)

    def int(self) -> Self:
        """Return the tensor as int32."""
        return self.to(dtype=dtypes.int32)

    def short(self) -> Self:
        """Return the tensor as int16."""
        return self.to(dtype=dtypes.int16)

    def char(self) -> Self:
        """Return the tensor as int8."""
        return self.to(dtype=dtypes.int8)

    def byte(self) -> Self:
        """Return the tensor as uint8."""
        return self.to(dtype=dtypes.uint8)

    def bool(self) -> Self:
        """Return the tensor as bool."""
        return self.to(dtype=dtypes.bool_)

    def new_zeros(
        self,
        *sizes: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: Any = False,
    ) -> Any:
        """See ``torch.zeros``; dtype and device are this tensor's unless given."""
        options = self._options(dtype, device, requires_grad)
        return creation.zeros(*sizes, size=size, **options)

    def new_ones(
        self,
        *sizes: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: Any = False,
    ) -> Any:
        """See ``torch.ones``; dtype and device are this tensor's unless given."""
        options = self._options(dtype, device, requires_grad)
        return creation.ones(*sizes, size=size, **options)

    def new_empty(
        self,
        *sizes: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: Any = False,
    ) -> Any:
        """See ``torch.empty``; dtype and device are this tensor's unless given."""
        options = self._options(dtype, device, requires_grad)
        return creation.empty(*sizes, size=size, **options)

    def new_empty_strided(
        self, size: Any, stride: Any, *, dtype: Any = None, device: Any = None, requires_grad: Any = False
    ) -> Any:
        """See ``torch.empty_strided``; dtype and device are this tensor's unless given."""
        return creation.empty_strided(size, stride, **self._options(dtype, device, requires_grad))

    def new_full(
        self, size: Any, fill_value: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False
    ) -> Any:
        """See ``torch.full``; dtype and device are this tensor's unless given."""
        return creation.full(size, fill_value, **self._options(dtype, device, requires_grad))

    def new_tensor(self, data: Any, dtype: Any = None, device: Any = None, requires_grad: Any = False) -> Any:
        """See ``torch.tensor``; dtype and device are this tensor's unless given."""
        return creation.tensor(data, **self._options(dtype, device, requires_grad))

    def _options(self, dtype: Any, device: Any, requires_grad: Any) -> dict[str, Any]:
        """Return the options for a new tensor, with this one's dtype and device unless others are given."""
        dtype = self.dtype if dtype is None else dtype
        device = self.device if device is None else device
        return {"dtype": dtype, "device": device, "requires_grad": requires_grad}
