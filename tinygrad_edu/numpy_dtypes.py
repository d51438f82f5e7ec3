"""What NumPy's dtypes are asked: one place for what tensors can hold and NumPy has no letter for.

``dtype.kind`` is a letter: "b" for booleans, "i" and "u" for integers, "c" for complex numbers. For floating-point
numbers it is "f", except for bfloat16, which comes from the package ml_dtypes: a guest, whose letter is "V". So whoever
wants to know whether numbers have fractions asks here.
"""

from __future__ import annotations

from typing import Any

FLOATING_KINDS = "fV"
INEXACT_KINDS = "fVc"
NUMBER_KINDS = "biufVc"


def is_floating(dtype: Any) -> bool:
    """Tell whether a NumPy dtype is of real floating-point numbers.

    Examples
    --------
    >>> import numpy
    >>> is_floating(numpy.dtype("float16")), is_floating(numpy.dtype("complex64"))
    (True, False)
    """
    return dtype.kind in FLOATING_KINDS


def is_inexact(dtype: Any) -> bool:
    """Tell whether a NumPy dtype is of floating-point numbers, real or complex: NumPy's word for them."""
    return dtype.kind in INEXACT_KINDS
