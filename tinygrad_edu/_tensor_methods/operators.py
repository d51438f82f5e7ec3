"""The operators of Tensor: what ``+``, ``[]``, ``==``, ``len`` and the like do.

Most of them are the functions of ``ops`` themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu._tensor_methods.inplace import InplaceMethods
from tinygrad_edu._tensor_methods.writing import set_item
from tinygrad_edu.autograd.telling import tell_read
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.type_names import refuse_strangers


class Operators(TensorBase):
    """Python's operators; part of Tensor."""

    _functions = ops  # what ``array_module`` returns for a Tensor

    # A method is its function: x * y is ops.mul(x, y).
    __add__ = ops.add
    __sub__ = ops.sub
    __mul__ = ops.mul
    __truediv__ = ops.div
    __floordiv__ = ops.floor_divide
    __mod__ = ops.remainder
    __pow__ = ops.pow
    __and__ = ops.bitwise_and
    __or__ = ops.bitwise_or
    __xor__ = ops.bitwise_xor
    __lshift__ = ops.bitwise_left_shift
    __rshift__ = ops.bitwise_right_shift

    # x += y changes x in place: it is x.add_(y).
    __iadd__ = InplaceMethods.add_
    __isub__ = InplaceMethods.sub_
    __imul__ = InplaceMethods.mul_
    __itruediv__ = InplaceMethods.div_
    __ifloordiv__ = InplaceMethods.floor_divide_
    __imod__ = InplaceMethods.remainder_
    __ipow__ = InplaceMethods.pow_
    __iand__ = InplaceMethods.bitwise_and_
    __ior__ = InplaceMethods.bitwise_or_
    __ixor__ = InplaceMethods.bitwise_xor_
    __ilshift__ = InplaceMethods.bitwise_left_shift_
    __irshift__ = InplaceMethods.bitwise_right_shift_

    def __radd__(self, other: Any) -> Self:
        return ops.add(other, self)

    def __rsub__(self, other: Any) -> Self:
        return ops.sub(other, self)

    def __rmul__(self, other: Any) -> Self:
        return ops.mul(self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return ops.div(other, self)

    def __rfloordiv__(self, other: Any) -> Self:
        return ops.floor_divide(other, self)

    def __rmod__(self, other: Any) -> Self:
        return ops.remainder(other, self)

    def __rpow__(self, other: Any) -> Self:
        return ops.pow(other, self)

    def __rand__(self, other: Any) -> Self:
        return ops.bitwise_and(other, self)

    def __ror__(self, other: Any) -> Self:
        return ops.bitwise_or(other, self)

    def __rxor__(self, other: Any) -> Self:
        return ops.bitwise_xor(other, self)

    def __rlshift__(self, other: Any) -> Self:
        return ops.bitwise_left_shift(other, self)

    def __rrshift__(self, other: Any) -> Self:
        return ops.bitwise_right_shift(other, self)

    def __matmul__(self, other: Any) -> Self:
        return ops.matmul(self, array_as_tensor(other))

    def __rmatmul__(self, other: Any) -> Self:
        return ops.matmul(array_as_tensor(other), self)

    def __eq__(self, other: Any) -> Self:  # type: ignore[override]
        return ops.eq(self, other) if is_operand(other) else NotImplemented

    def __ne__(self, other: Any) -> Self:  # type: ignore[override]
        return ops.ne(self, other) if is_operand(other) else NotImplemented

    __lt__ = ops.lt
    __le__ = ops.le
    __gt__ = ops.gt
    __ge__ = ops.ge
    __hash__ = object.__hash__  # by identity: tensors are keys of optimizer state

    __neg__ = ops.neg
    __abs__ = ops.absolute
    __invert__ = ops.bitwise_not
    __getitem__ = ops.getitem

    def __pos__(self) -> Self:
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        set_item(self, index, value)

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return len(self.array)

    def __iter__(self) -> Iterator[Self]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(ops.unbind(self))

    def __contains__(self, element: Any) -> bool:
        if not is_operand(element):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool(ops.any(ops.eq(self, element)))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise RuntimeError(
                f"Boolean value of Tensor with {'more than one value' if self.array.size else 'no values'} is "
                f"ambiguous: expected one element, got shape {list(self.shape)}"
            )
        tell_read("bool()")
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(real_element(self))

    def __int__(self) -> int:
        return int(real_element(self))

    def __complex__(self) -> complex:
        return complex(only_element(self))

    def __index__(self) -> int:
        if self.array.dtype.kind not in "bui" or self.array.size != 1:
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self.item())

    @property
    def T(self) -> Self:
        """The tensor with its dimensions in reverse order."""
        return ops.permute(self, tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Self:
        """The tensor with its last two dimensions swapped."""
        if self.ndim < 2:
            raise RuntimeError(
                f"tensor.mT is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
            )
        return ops.transpose(self, -2, -1)


def array_as_tensor(other: Any) -> Any:
    """Return an array that stands beside a tensor as a Tensor; anything else as it is."""
    if isinstance(other, TensorBase) or not hasattr(other, "shape"):
        return other
    refuse_strangers("matmul", other)
    return tensor_from_array(other)


def is_operand(other: Any) -> bool:
    """Tell whether a tensor can be compared with this: a Tensor, an array or a number."""
    return hasattr(other, "dtype") or isinstance(other, int | float | complex)


def only_element(tensor: TensorBase) -> Any:
    """Return the only element as a Python number."""
    if tensor.array.size != 1:
        raise ValueError(
            f"only one element tensors can be converted to Python scalars, got shape {list(tensor.shape)}"
        )
    tell_read("float()")
    return tensor.array.item()


def real_element(tensor: TensorBase) -> Any:
    """Return the only element as a Python number that is not complex; raise if its imaginary part is not 0."""
    number = only_element(tensor)
    if not isinstance(number, complex):
        return number
    if number.imag:
        raise RuntimeError(
            f"expected a number without an imaginary part to convert to a real one, got {number}"
        )
    return number.real
