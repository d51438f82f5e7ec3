"""The methods of Tensor that tell what it is: on which kind of device, in which order in memory, like which other."""

from __future__ import annotations

import itertools

from tinygrad_edu._tensor_methods.memory import address_of
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.common import require_tensor


class QuestionMethods(TensorBase):
    """Methods that tell something about the tensor; part of Tensor."""

    @property
    def is_cpu(self) -> bool:
        """Whether it lives on the CPU."""
        return bool(self.device.type == "cpu")

    # Kinds of devices and of tensors that there are not.
    is_ipu = is_maia = is_meta = is_mkldnn = is_mps = is_mtia = is_vulkan = is_xla = is_xpu = False
    is_nested = is_quantized = False

    def is_nonzero(self) -> bool:
        """Tell whether the only element is not zero."""
        return bool(self)

    def is_signed(self) -> bool:
        """Tell whether the dtype has negative numbers."""
        return self.array.dtype.kind not in "bu"

    def is_same_size(self, other: TensorBase) -> bool:
        """Tell whether another Tensor has the same shape."""
        require_tensor("is_same_size", other, "other")
        return bool(self.shape == other.shape)

    def is_set_to(self, tensor: TensorBase) -> bool:
        """Tell whether another Tensor is the same memory in the same shape, with the same steps through it."""
        require_tensor("is_set_to", tensor, "tensor")
        same_memory = address_of(self.array) == address_of(tensor.array)
        return same_memory and self.shape == tensor.shape and self.stride() == tensor.stride()

    def is_shared(self) -> bool:
        """Tell whether other processes see the memory: that on a GPU counts as such, that of the CPU never is."""
        return self.is_cuda

    def is_distributed(self) -> bool:
        """Tell whether it is spread over several processes: never."""
        return False

    def get_device(self) -> int:
        """Return the number of the GPU it is on; -1 for the CPU."""
        return (self.device.index or 0) if self.is_cuda else -1

    def const_data_ptr(self) -> int:
        """Return the address of the first element."""
        return address_of(self.array)

    def dim_order(self, *, ambiguity_check: bool = False) -> tuple[int, ...]:
        """Return the dimensions in the order in which they lie in memory, the one with the largest steps first.

        With ``ambiguity_check``, it is an error if there is more than one such order, as for sizes of 1.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.zeros(2, 3, 4).permute(2, 0, 1).dim_order()
        (1, 2, 0)
        """
        require_bools("dim_order", ambiguity_check=ambiguity_check)
        strides, shape = self.stride(), self.shape
        if ambiguity_check and (1 in shape or any(a == b for a, b in itertools.pairwise(strides))):
            raise RuntimeError(
                "The tensor does not have unique dim order, or cannot map to exact one of the given memory formats."
            )
        order: list[int] = []
        if self.is_contiguous():
            return tuple(range(self.ndim))
        for dim in range(self.ndim):
            place = len(order)
            for i in reversed(range(len(order))):
                other = order[i]
                if 0 in (strides[dim], strides[other]):  # repeated: any order will do
                    continue
                if (strides[other], shape[other]) >= (strides[dim], shape[dim]):
                    break
                place = i
            order.insert(place, dim)
        return tuple(order)
