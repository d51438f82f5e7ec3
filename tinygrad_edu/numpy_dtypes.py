"""What NumPy's dtypes are asked: one place for what tensors can hold and NumPy has no letter for.

``dtype.kind`` is a letter: "b" for booleans, "i" and "u" for integers, "c" for complex numbers. For floating-point
numbers it is "f", except for bfloat16, which comes from the package ml_dtypes: a guest, whose letter is "V". So whoever
wants to know whether numbers have fractions asks here.

References
----------
https://github.com/jax-ml/ml_dtypes
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

from tinygrad_edu_kernels.dtypes import (
    BFLOAT16 as BFLOAT16,
    COMPILED_DTYPES,
    FLOAT16 as FLOAT16,
    HALF_DTYPES as HALF_DTYPES,
)

FLOATING_DTYPES = *COMPILED_DTYPES, *HALF_DTYPES
DIFFERENTIABLE_DTYPES = *FLOATING_DTYPES, np.dtype(np.complex64), np.dtype(np.complex128)

FLOATING_KINDS = "fV"
INEXACT_KINDS = "fVc"
NUMBER_KINDS = "biufVc"


def is_floating(dtype: Any) -> bool:
    """Tell whether a NumPy dtype is of real floating-point numbers.

    Examples
    --------
    >>> is_floating(BFLOAT16), is_floating(np.dtype("complex64"))
    (True, False)
    """
    return dtype.kind in FLOATING_KINDS


def is_inexact(dtype: Any) -> bool:
    """Tell whether a NumPy dtype is of floating-point numbers, real or complex: NumPy's word for them."""
    return dtype.kind in INEXACT_KINDS


def float_limits(dtype: Any) -> Any:
    """Return what ``numpy.finfo`` knows, also of bfloat16."""
    return ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
