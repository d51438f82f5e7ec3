"""Comparisons, logic and bits: results are booleans or integers, and have no gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#comparison-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import require_bools, require_numbers
from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.ops.common import (
    BinaryOp,
    check_broadcast,
    raw,
    reject_complex,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.promotion import promote


class Compare(BinaryOp):
    """One of NumPy's comparisons or bit operations, named by ``function``."""

    def forward(self, a: Array, b: Array, *, function: str) -> Array:
        self.function = function
        xp = array_module(b if isinstance(a, np.generic) else a)  # a number may come first
        return getattr(xp, function)(a, b)

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        """Say which sizes or dtypes do not fit."""
        name = f"bitwise_{self.function}" if self.function.endswith("shift") else self.function
        check_same_device(name, arrays)
        check_broadcast(name, *[np.shape(raw(x)) for x in arrays])
        if any(is_inexact(raw(x).dtype) for x in arrays):
            got = [str(raw(x).dtype) for x in arrays]
            raise NotImplementedError(f"{name}: bitwise operation: expected integers or booleans, got {got}")


def _compare(name: str, function: str, input: Any, other: Any) -> Array:
    """Compare a Tensor with a Tensor or a number."""
    require_tensor(name, input)
    return _combine(name, function, input, other)


def _logic(name: str, input: Any, other: Any) -> Array:
    """Combine two Tensors by the function of the same name."""
    require_tensors(name, input=input, other=other)
    return _combine(name, name, input, other)


def _combine(name: str, function: str, input: Any, other: Any) -> Array:
    a, b = promote(name, input, other)
    return Compare.apply(a, b, function=function)


def _order(name: str, function: str, input: Any, other: Any) -> Array:
    """Compare a Tensor with a Tensor or a number, where one can be the larger."""
    require_tensor(name, input)
    a, b = promote(name, input, other)
    reject_complex(name, a, b)
    return Compare.apply(a, b, function=function)


def eq(input: Any, other: Any) -> Tensor:
    """input == other."""
    return _compare("eq", "equal", input, other)


def ne(input: Any, other: Any) -> Tensor:
    """input != other."""
    return _compare("ne", "not_equal", input, other)


def lt(input: Any, other: Any) -> Tensor:
    """input < other."""
    return _order("lt", "less", input, other)


def le(input: Any, other: Any) -> Tensor:
    """input <= other."""
    return _order("le", "less_equal", input, other)


def gt(input: Any, other: Any) -> Tensor:
    """input > other."""
    return _order("gt", "greater", input, other)


def ge(input: Any, other: Any) -> Tensor:
    """input >= other."""
    return _order("ge", "greater_equal", input, other)


def logical_and(input: Tensor, other: Tensor) -> Tensor:
    """Whether both are True (or not 0)."""
    return _logic("logical_and", input, other)


def logical_or(input: Tensor, other: Tensor) -> Tensor:
    """Whether at least one is True (or not 0)."""
    return _logic("logical_or", input, other)


def logical_xor(input: Tensor, other: Tensor) -> Tensor:
    """Whether exactly one is True (or not 0)."""
    return _logic("logical_xor", input, other)


def logical_not(input: Tensor) -> Tensor:
    """Whether it is False (or 0)."""
    require_tensor("logical_not", input)
    return eq(input, 0)


def bitwise_and(input: Any, other: Any) -> Tensor:
    """input & other, for integers and booleans."""
    return _combine("bitwise_and", "bitwise_and", input, other)


def bitwise_or(input: Any, other: Any) -> Tensor:
    """input | other, for integers and booleans."""
    return _combine("bitwise_or", "bitwise_or", input, other)


def bitwise_xor(input: Any, other: Any) -> Tensor:
    """input ^ other, for integers and booleans."""
    return _combine("bitwise_xor", "bitwise_xor", input, other)


def bitwise_left_shift(input: Any, other: Any) -> Tensor:
    """input << other, for integers."""
    return _combine("bitwise_left_shift", "left_shift", input, other)


def bitwise_right_shift(input: Any, other: Any) -> Tensor:
    """input >> other, for integers."""
    return _combine("bitwise_right_shift", "right_shift", input, other)


def bitwise_not(input: Tensor) -> Tensor:
    """~input, for integers and booleans."""
    require_tensor("bitwise_not", input)
    if raw(input).dtype.kind not in "bui":
        raise RuntimeError(f"bitwise_not: expected integers or booleans, got {raw(input).dtype}")
    return ElementTest.apply(input, function="invert")


class ElementTest(Op):
    """One of NumPy's functions of a single array that have no derivative, named by ``function``."""

    def forward(self, x: Array, *, function: str) -> Array:
        return getattr(array_module(x), function)(x)


def isnan(input: Tensor) -> Tensor:
    """Whether each element is NaN."""
    require_tensor("isnan", input)
    return ElementTest.apply(input, function="isnan")


def isinf(input: Tensor) -> Tensor:
    """Whether each element is infinite."""
    require_tensor("isinf", input)
    return ElementTest.apply(input, function="isinf")


def isfinite(input: Tensor) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    require_tensor("isfinite", input)
    return ElementTest.apply(input, function="isfinite")


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Whether |input - other| <= atol + rtol |other|, element by element.

    Parameters
    ----------
    input, other : Tensor
        Broadcast against each other.
    rtol, atol : float
        The relative and the absolute tolerance.
    equal_nan : bool
        Whether two NaN count as equal.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.isclose.html
    """
    require_numbers("isclose", rtol=rtol, atol=atol)
    require_bools("isclose", equal_nan=equal_nan)
    require_tensor("isclose", input)
    require_tensor("isclose", other, "other")
    if not (rtol >= 0 and atol >= 0):
        raise RuntimeError(f"isclose: expected rtol and atol of at least 0, got rtol={rtol} and atol={atol}")
    if raw(input).dtype != raw(other).dtype:
        raise RuntimeError(f"isclose: expected one dtype, got {raw(input).dtype} and {raw(other).dtype}")
    a, b = promote("isclose", input, other)
    return CloseTest.apply(a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


class CloseTest(BinaryOp):
    """NumPy's ``isclose``."""

    def forward(self, a: Array, b: Array, *, rtol: float, atol: float, equal_nan: bool) -> Array:
        return array_module(a).isclose(a, b, rtol, atol, equal_nan)


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close; the arguments are those of :func:`isclose`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.allclose(torch.tensor([1.0]), torch.tensor([1.0 + 1e-7]))
    True
    """
    require_tensor("allclose", input)
    require_tensor("allclose", other, "other")
    if raw(input).dtype != raw(other).dtype:
        raise RuntimeError(
            f"allclose: expected one dtype, but {raw(input).dtype} did not match {raw(other).dtype}"
        )
    return bool(raw(isclose(input, other, rtol, atol, equal_nan)).all())


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same shape and the same elements: one boolean."""
    require_tensor("equal", input)
    require_tensor("equal", other, "other")
    if tuple(input.shape) != tuple(other.shape):
        return False
    return bool((raw(input) == raw(other)).all())
