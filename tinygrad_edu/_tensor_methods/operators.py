"""The operators of Tensor: what ``+``, ``[]``, ``==``, ``len`` and the like do.

Every method is one line: it hands over to the function of the same name in ``ops``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_edu import _tensor, ops
from tinygrad_edu._tensor_methods.inplace import set_item

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


class Operators:
    """Python's operators; part of Tensor."""

    _functions = ops  # what ``array_module`` returns for a Tensor

    def __add__(self, other: Any) -> Tensor:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Tensor:
        return ops.add(other, self)

    def __sub__(self, other: Any) -> Tensor:
        return ops.sub(self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return ops.sub(other, self)

    def __mul__(self, other: Any) -> Tensor:
        return ops.mul(self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return ops.mul(other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return ops.div(self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return ops.div(other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return ops.floor_divide(other, self)

    def __mod__(self, other: Any) -> Tensor:
        return ops.remainder(self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return ops.remainder(other, self)

    def __pow__(self, other: Any) -> Tensor:
        return ops.pow(self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return ops.pow(other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return ops.matmul(self, array_as_tensor(other))

    def __rmatmul__(self, other: Any) -> Tensor:
        return ops.matmul(array_as_tensor(other), self)

    def __and__(self, other: Any) -> Tensor:
        return ops.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Tensor:
        return ops.bitwise_and(other, self)

    def __or__(self, other: Any) -> Tensor:
        return ops.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Tensor:
        return ops.bitwise_or(other, self)

    def __xor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return ops.bitwise_xor(other, self)

    def __lshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(self, other)

    def __rlshift__(self, other: Any) -> Tensor:
        return ops.bitwise_left_shift(other, self)

    def __rshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(self, other)

    def __rrshift__(self, other: Any) -> Tensor:
        return ops.bitwise_right_shift(other, self)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.eq(self, other) if is_operand(other) else NotImplemented

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return ops.ne(self, other) if is_operand(other) else NotImplemented

    def __lt__(self, other: Any) -> Tensor:
        return ops.lt(self, other)

    def __le__(self, other: Any) -> Tensor:
        return ops.le(self, other)

    def __gt__(self, other: Any) -> Tensor:
        return ops.gt(self, other)

    def __ge__(self, other: Any) -> Tensor:
        return ops.ge(self, other)

    __hash__ = object.__hash__  # by identity: tensors are keys of optimizer state

    def __neg__(self) -> Tensor:
        return ops.neg(self)

    def __pos__(self: Any) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return ops.absolute(self)

    def __invert__(self) -> Tensor:
        return ops.bitwise_not(self)

    def __iadd__(self: Any, other: Any) -> Tensor:
        return self.add_(other)

    def __isub__(self: Any, other: Any) -> Tensor:
        return self.sub_(other)

    def __imul__(self: Any, other: Any) -> Tensor:
        return self.mul_(other)

    def __itruediv__(self: Any, other: Any) -> Tensor:
        return self.div_(other)

    def __ipow__(self: Any, other: Any) -> Tensor:
        return self.pow_(other)

    def __ifloordiv__(self: Any, other: Any) -> Tensor:
        return self.floor_divide_(other)

    def __imod__(self: Any, other: Any) -> Tensor:
        return self.remainder_(other)

    def __iand__(self: Any, other: Any) -> Tensor:
        return self.bitwise_and_(other)

    def __ior__(self: Any, other: Any) -> Tensor:
        return self.bitwise_or_(other)

    def __ixor__(self: Any, other: Any) -> Tensor:
        return self.bitwise_xor_(other)

    def __ilshift__(self: Any, other: Any) -> Tensor:
        return self.bitwise_left_shift_(other)

    def __irshift__(self: Any, other: Any) -> Tensor:
        return self.bitwise_right_shift_(other)

    def __getitem__(self, index: Any) -> Tensor:
        return ops.getitem(self, index)

    def __setitem__(self: Any, index: Any, value: Any) -> None:
        set_item(self, index, value)

    def __len__(self: Any) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(ops.unbind(self))

    def __contains__(self, element: Any) -> bool:
        if not is_operand(element):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool(ops.any(ops.eq(self, element)))

    def __bool__(self: Any) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one value' if self.array.size else 'no values'} is "
                f"ambiguous: expected one element, got shape {list(self.shape)}"
            )
        return bool(self.array.item())

    def __float__(self: Any) -> float:
        return float(only_element(self))

    def __int__(self: Any) -> int:
        return int(only_element(self))

    def __complex__(self: Any) -> complex:
        return complex(only_element(self))

    def __index__(self: Any) -> int:
        if self.array.dtype.kind not in "bui" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    @property
    def T(self: Any) -> Tensor:
        """The tensor with its dimensions in reverse order."""
        return ops.permute(self, *range(self.ndim)[::-1])

    @property
    def mT(self: Any) -> Tensor:
        """The tensor with its last two dimensions swapped."""
        if self.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
            )
        return ops.transpose(self, -2, -1)


def array_as_tensor(other: Any) -> Any:
    """Return an array that stands beside a tensor as a Tensor; anything else as it is."""
    is_array = hasattr(other, "shape") and not isinstance(other, _tensor.Tensor)
    return _tensor.tensor_from_array(other) if is_array else other


def is_operand(other: Any) -> bool:
    """Tell whether a tensor can be compared with this: a Tensor, an array or a number."""
    return hasattr(other, "dtype") or isinstance(other, int | float | complex)


def only_element(tensor: Tensor) -> Any:
    """Return the only element as a Python number."""
    if tensor.array.size != 1:
        raise ValueError(
            f"only one element tensors can be converted to Python scalars, got shape {list(tensor.shape)}"
        )
    return tensor.array.item()
