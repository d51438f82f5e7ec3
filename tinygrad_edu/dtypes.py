"""Data types, and PyTorch's rules for mixing them.

NumPy and PyTorch disagree on what ``int64 array + float32 array`` is (float64 there, float32 here), so
the promotion rules are spelled out in :func:`promote_types` and :func:`result_type`.
"""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.numpy_dtypes import float_limits
from tinygrad_edu.type_names import other_library, type_name


class dtype:
    """The type of a tensor's elements, such as ``torch.float32``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.dtype

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.float32
    torch.float32
    >>> torch.int64.is_floating_point
    False
    >>> torch.float64.itemsize
    8
    """

    __slots__ = ("category", "name", "numpy_dtype")

    def __init__(self, name: str, category: int) -> None:
        self.name = name
        self.numpy_dtype = np.dtype(name)
        self.category = category

    @property
    def is_floating_point(self) -> bool:
        """Whether it is a real floating-point type."""
        return self.category == FLOATING

    @property
    def is_complex(self) -> bool:
        """Whether it is a complex type."""
        return self.category == COMPLEX

    @property
    def is_signed(self) -> bool:
        """Whether negative numbers can be stored."""
        return self.numpy_dtype.kind not in "bu"

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return self.numpy_dtype.itemsize

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> str | tuple[Any, ...]:
        return from_numpy_dtype, (self.numpy_dtype,)


# Categories in the order of promotion: a higher one wins over a lower one.
BOOLEAN, INTEGRAL, FLOATING, COMPLEX = range(4)

bool_ = dtype("bool", BOOLEAN)  # the package calls these three bool, int and float
uint8 = dtype("uint8", INTEGRAL)
int8 = dtype("int8", INTEGRAL)
int16 = short = dtype("int16", INTEGRAL)
int32 = int_ = dtype("int32", INTEGRAL)
int64 = long = dtype("int64", INTEGRAL)
float16 = half = dtype("float16", FLOATING)
bfloat16 = dtype("bfloat16", FLOATING)
float32 = float_ = dtype("float32", FLOATING)
float64 = double = dtype("float64", FLOATING)
complex64 = cfloat = dtype("complex64", COMPLEX)
complex128 = cdouble = dtype("complex128", COMPLEX)

ALL_DTYPES = (
    bool_,
    uint8,
    int8,
    int16,
    int32,
    int64,
    float16,
    bfloat16,
    float32,
    float64,
    complex64,
    complex128,
)
_BY_NUMPY_DTYPE = {d.numpy_dtype: d for d in ALL_DTYPES}

NumpyDtype: TypeAlias = "np.dtype[Any]"


def from_numpy_dtype(numpy_dtype: Any) -> dtype:
    """Return the dtype that stands for a NumPy dtype.

    Raises
    ------
    TypeError
        If tensors cannot hold it (strings, objects, dates, long double, ...).
    """
    found = _BY_NUMPY_DTYPE.get(np.dtype(numpy_dtype))
    if found is None:
        names = ", ".join(d.name for d in ALL_DTYPES)
        raise TypeError(f"dtype: expected one of {names}, got NumPy dtype {np.dtype(numpy_dtype)}")
    return found


def _require_dtype(name: str, value: Any) -> dtype:
    """Return a dtype; raise if it is something else."""
    if not isinstance(value, dtype):
        raise TypeError(f"{name}(): argument must be torch.dtype, not {type(value).__name__}")
    return value


class finfo:
    """The limits of a floating-point dtype (by default the default dtype).

    Attributes
    ----------
    bits : int
        How many bits an element takes.
    eps : float
        The distance from 1 to the next number.
    max, min, tiny : float
        The largest, the most negative and the smallest positive normal number.
    resolution : float
        The last decimal digit that is sure.

    References
    ----------
    https://docs.pytorch.org/docs/stable/type_info.html#torch.torch.finfo
    """

    def __init__(self, type: dtype | None = None) -> None:
        type = _DefaultDtype.value if type is None else _require_dtype("finfo", type)
        if type.category < FLOATING:
            raise TypeError(
                f"torch.finfo() requires a floating point input type, got {type}. Use torch.iinfo"
            )
        info = float_limits(type.numpy_dtype)
        self.dtype, self.bits = type.name, info.bits
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.tiny = self.smallest_normal = float(info.tiny)
        self.resolution = float(f"1e-{info.precision}")

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        limits = ", ".join([f"{name}={getattr(self, name):g}" for name in names])
        return f"finfo({limits}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype.

    References
    ----------
    https://docs.pytorch.org/docs/stable/type_info.html#torch.torch.iinfo
    """

    def __init__(self, type: dtype) -> None:
        if _require_dtype("iinfo", type).category != INTEGRAL:
            raise TypeError(f"torch.iinfo() requires an integer input type, got {type}. Use torch.finfo")
        info: Any = np.iinfo(type.numpy_dtype)
        self.dtype, self.bits, self.max, self.min = type.name, info.bits, int(info.max), int(info.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


class _DefaultDtype:
    """Holds the dtype of tensors made from Python floats; changed by ``set_default_dtype``."""

    value = float32


def set_default_dtype(d: dtype) -> None:
    """Set the floating-point dtype of tensors made from Python floats (float32 at the start).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.set_default_dtype.html
    """
    if not isinstance(d, dtype) or not d.is_floating_point:
        raise TypeError(f"set_default_dtype: expected a floating-point dtype, got {d}")
    _DefaultDtype.value = d
    _result_numpy_dtype.cache_clear()


def get_default_dtype() -> dtype:
    """Return the floating-point dtype of tensors made from Python floats."""
    return _DefaultDtype.value


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """Return the smallest dtype that can hold both, by PyTorch's table.

    It is NumPy's table, except that an integer never widens a floating-point type.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.promote_types(torch.int64, torch.float16)
    torch.float16
    >>> torch.promote_types(torch.uint8, torch.int8)
    torch.int16
    """
    _require_dtype("promote_types", type1)
    _require_dtype("promote_types", type2)
    if type1.category != type2.category and max(type1.category, type2.category) >= FLOATING:
        higher, lower = (type1, type2) if type1.category > type2.category else (type2, type1)
        if lower.category < FLOATING:
            return higher
    if {type1, type2} == {float16, bfloat16}:  # neither holds the other
        return float32
    return from_numpy_dtype(np.promote_types(type1.numpy_dtype, type2.numpy_dtype))


def can_cast(from_: dtype, to: dtype) -> bool:
    """Tell whether PyTorch's promotion rules let values of one dtype be written into another.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.can_cast(torch.float32, torch.int64)
    False
    """
    return _require_dtype("can_cast", from_).category <= _require_dtype("can_cast", to).category


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """Return the dtype of an arithmetic operation between two Tensors or numbers.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.result_type(torch.ones(1, dtype=torch.int32), 1.0)
    torch.float32
    """
    a, b = getattr(tensor1, "array", tensor1), getattr(tensor2, "array", tensor2)
    return from_numpy_dtype(result_numpy_dtype(a, b))


def result_numpy_dtype(a: Any, b: Any) -> NumpyDtype:
    """Return the NumPy dtype of an arithmetic operation between two arrays or Python scalars.

    Arrays with dimensions beat 0-d arrays, which beat Python scalars: the lesser operand counts only if
    its category (bool < integer < floating < complex) is higher.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensor_attributes.html#type-promotion-doc
    """
    return _result_numpy_dtype(*_dtype_and_priority(a), *_dtype_and_priority(b))


def _dtype_and_priority(operand: Any) -> tuple[NumpyDtype, int]:
    """Return the dtype an operand stands for, and 2 for an array, 1 for a 0-d array, 0 for a scalar."""
    array_dtype = getattr(operand, "dtype", None)
    if array_dtype is not None and other_library(operand) is None:
        return array_dtype, 0 if isinstance(operand, np.generic) else min(operand.ndim, 1) + 1
    if isinstance(operand, bool):
        return bool_.numpy_dtype, 0
    if isinstance(operand, int):
        return int64.numpy_dtype, 0
    if isinstance(operand, float):
        return _DefaultDtype.value.numpy_dtype, 0
    if isinstance(operand, complex):
        return promote_types(_DefaultDtype.value, complex64).numpy_dtype, 0
    raise TypeError(f"expected a Tensor or a number, got {type_name(operand)}")


@functools.cache
def _result_numpy_dtype(
    dtype_a: NumpyDtype, priority_a: int, dtype_b: NumpyDtype, priority_b: int
) -> NumpyDtype:
    a, b = from_numpy_dtype(dtype_a), from_numpy_dtype(dtype_b)
    if priority_a == priority_b:
        return promote_types(a, b).numpy_dtype
    strong, weak = (a, b) if priority_a > priority_b else (b, a)
    if weak.category <= strong.category:
        return strong.numpy_dtype
    if weak.category == COMPLEX and strong.category == FLOATING:  # as precise as the stronger one is
        return (complex128 if strong is float64 else complex64).numpy_dtype
    return weak.numpy_dtype
