"""The methods of Tensor that turn it into something else: NumPy, Python numbers, text, copies, pickles."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from tinygrad_edu import _tensor_str
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.errors.cuts import tell_cut
from tinygrad_edu.autograd.telling import tell_read
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, on_card_of, to_device, to_numpy
from tinygrad_edu.numpy_dtypes import BFLOAT16
from tinygrad_edu.tensor_types import find_type, name_of_type


class ConvertMethods(TensorBase):
    """Methods that lead out of Tensor; part of it."""

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """Return the numbers as a NumPy array that shares the memory."""
        require_bools("numpy", force=force)
        tell_read("numpy()")
        if self.array.dtype == BFLOAT16:
            raise TypeError(
                "Got unsupported ScalarType BFloat16: NumPy has none of its own. Hint: use tensor.float().numpy()"
            )
        if force:
            tell_cut("numpy(force=True)", self, None)
            return to_numpy(self.array)
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                "host memory first."
            )
        return self.array

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        tell_cut("item()", self, None)
        number = self.array.item()
        tell_read("item()", self, number)
        return number

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        tell_cut("tolist()", self, None)
        tell_read("tolist()")
        return self.array.tolist()

    def new(self, *data: Any, device: Any = None) -> Any:
        """Make a tensor of this one's dtype and device: ``x.new(2, 3)`` of a shape, ``x.new([1, 2])`` of values.

        Old programs write it for ``new_empty`` and ``new_tensor``.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.tensor([1, 2]).new(2, 1).zero_()
        tensor([[0],
                [0]])
        """
        return find_type(name_of_type(self))(*data, device=self.device if device is None else device)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __repr__(self) -> str:
        return _tensor_str.tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 else object.__format__(self, spec)

    def __reduce__(self) -> tuple[Any, ...]:
        check_leaf(self, "pickle")
        state = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        del state["array"]
        return (
            rebuild_tensor,
            (type(self), to_numpy(self.array), str(self.device), self._requires_grad),
            state or None,
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        check_leaf(self, "deepcopy")
        with on_card_of(self.array):
            copied = tensor_from_array(self.array.copy(), self._requires_grad, type(self))
            if self._grad is not None:
                copied._grad = tensor_from_array(self._grad.array.copy())
        memo[id(self)] = copied
        vars(copied).update(copy.deepcopy(users_attributes(self), memo))
        return copied


def users_attributes(tensor: TensorBase) -> dict[str, Any]:
    """Return the attributes that the program has given a tensor."""
    return {name: value for name, value in vars(tensor).items() if name[0] != "_" and name != "array"}


def check_leaf(tensor: TensorBase, protocol: str) -> None:
    """Raise for a tensor that was computed: its graph cannot be copied."""
    if not tensor.is_leaf:
        raise RuntimeError(
            f"Only Tensors created explicitly by the user (graph leaves) support the {protocol} protocol at the "
            f"moment: this one was made by {tensor.grad_fn}. Hint: use detach() first."
        )


def rebuild_tensor(cls: type[TensorBase], array: Array, device_name: str, requires_grad: bool) -> Any:
    """Make a tensor from what was pickled."""
    return tensor_from_array(to_device(array, device_name), requires_grad, cls)
