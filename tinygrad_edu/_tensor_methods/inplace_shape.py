"""The methods of Tensor that give it another shape, or other memory, in place: no number is touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor_methods.memory import resized
from tinygrad_edu.arguments import as_int, as_ints, wrong_type
from tinygrad_edu.autograd.callers import user_line
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.memory_formats import check_memory_format
from tinygrad_edu.ops.common import require_dtype_of, require_tensor
from tinygrad_edu.ops.shape.sizes import sizes_of
from tinygrad_edu.ops.shape.strided import elements_needed, memory_span, strided


class InplaceShapeMethods(TensorBase):
    """Methods that rearrange the tensor itself; part of Tensor."""

    def t_(self) -> Self:
        """See ``torch.t``; changes the tensor in place."""
        return become(self, ops.t(self), "t_")

    def transpose_(self, dim0: int, dim1: int) -> Self:
        """See ``torch.transpose``; changes the tensor in place."""
        return become(self, ops.transpose(self, dim0, dim1), "transpose_")

    def swapaxes_(self, axis0: int, axis1: int) -> Self:
        """See ``torch.swapaxes``; changes the tensor in place."""
        return become(self, ops.transpose(self, axis0, axis1), "swapaxes_")

    def swapdims_(self, dim0: int, dim1: int) -> Self:
        """See ``torch.swapdims``; changes the tensor in place."""
        return become(self, ops.transpose(self, dim0, dim1), "swapdims_")

    def squeeze_(self, *dims: Any, dim: Any = None, axis: Any = None) -> Self:
        """See ``torch.squeeze``; changes the tensor in place."""
        given = dims[0] if len(dims) == 1 else dims or dim
        return become(self, ops.squeeze(self, given, axis=axis), "squeeze_")

    def unsqueeze_(self, dim: Any = None, *, axis: Any = None) -> Self:
        """See ``torch.unsqueeze``; changes the tensor in place."""
        return become(self, ops.unsqueeze(self, dim, axis=axis), "unsqueeze_")

    def as_strided_(
        self, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
    ) -> Self:
        """See ``torch.as_strided``; changes the tensor in place."""
        return become(self, ops.as_strided(self, size, stride, storage_offset), "as_strided_")

    def resize_(self, *sizes: Any, size: Any = None, memory_format: Any = None) -> Self:
        """Give the tensor another shape: the same memory if it is large enough, else more, with the old numbers first.

        New elements are not initialised. There is no gradient.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.resize_.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.tensor([[1, 2], [3, 4]]).resize_(3)
        tensor([1, 2, 3])
        """
        shape = sizes_of("resize_", sizes if size is None else (size,), "size")
        check_memory_format("resize_", memory_format, len(shape))
        if min(shape, default=0) < 0:
            raise RuntimeError(f"resize_: expected sizes of at least 0, got {list(shape)}")
        if self.requires_grad:
            raise RuntimeError("cannot resize variables that require grad")
        if shape != tuple(self.shape):
            self.check_may_change(False)
            self.array = resized(self.array, shape)
            self._view = None
            self.increment_version(f"resize_ at {user_line()}")
        return self

    def resize_as_(self, the_template: TensorBase, *, memory_format: Any = None) -> Self:
        """Give the tensor the shape of another one: ``resize_``."""
        require_tensor("resize_as_", the_template, "the_template")
        return self.resize_(the_template.shape, memory_format=memory_format)

    def set_(
        self,
        source: TensorBase | None = None,
        storage_offset: int = 0,
        size: Sequence[int] | None = None,
        stride: Sequence[int] | None = None,
    ) -> Self:
        """Have the tensor see the memory of another one, of its dtype; without arguments, it becomes empty.

        Parameters
        ----------
        source : Tensor, optional
            Whose memory.
        storage_offset : int
            Where the first element lies, counted from the first one of ``source``.
        size, stride : sequence of int, optional
            The shape, and how far apart neighbours lie; those of ``source`` by default.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.set_.html
        """
        if source is None:
            source = creation.empty(0, dtype=self.dtype, device=self.device)
        if not isinstance(source, TensorBase):
            raise wrong_type("set_", "source", "Tensor", source)
        require_dtype_of("set_", self, source=source)
        if self.requires_grad and this_thread.mode.grad_enabled:
            raise RuntimeError(
                "set_: expected a tensor that needs no gradient; call detach() first, or use no_grad()"
            )
        self.check_may_change(False)
        array = source.array.view()
        if size is not None:
            shape = as_ints("set_", "size", size)
            steps = rows_of(shape) if stride is None else as_ints("set_", "stride", stride)
            offset = as_int("set_", "storage_offset", storage_offset)
            if elements_needed("set_", shape, steps, offset) > memory_span(array):
                raise RuntimeError(
                    f"set_: sizes {list(shape)}, strides {list(steps)} and storage offset {offset} are out of bounds "
                    f"for a storage of {memory_span(array)} elements"
                )
            array = strided(array, shape, steps, offset)
        self.array, self._view = array, None
        self.share_version(source.version_counter())
        return self


def become(tensor: TensorBase, view: TensorBase, name: str) -> Any:
    """Have a tensor be a view of itself: of other sizes, on the same memory; autograd takes over its history."""
    recorded = this_thread.mode.grad_enabled and tensor.requires_grad
    tensor.check_may_change(recorded)
    tensor.array = view.array.view()
    if tensor._view is not None:  # one more step from its base
        tensor._view = view._view
    tensor.increment_version(f"{name} at {user_line()}")
    if recorded:
        tensor.set_history(view._edge)
    return tensor


def rows_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, counted in elements, of a shape whose elements lie row after row."""
    steps, step = [], 1
    for size in reversed(shape):
        steps.append(step)
        step *= max(size, 1)
    return tuple(reversed(steps))
