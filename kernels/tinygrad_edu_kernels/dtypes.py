"""The dtypes that compiled kernels know, and the two of half precision, in whose place they compute in float32.

Whether an array has one of them is asked before nearly every kernel: ``array.dtype in COMPILED_DTYPES``. For float32,
the first of them, this takes half the time of a look at ``dtype.char``, for which NumPy makes a string every time (34
nanoseconds and 62; for float64 77 and 60). And of the byte order of another machine only the comparison knows.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
COMPILED_DTYPES = FLOAT32, FLOAT64

FLOAT16: Any = np.dtype(np.float16)
BFLOAT16: Any = np.dtype(ml_dtypes.bfloat16)
HALF_DTYPES = FLOAT16, BFLOAT16
"""Two bytes a number: float16 has eleven binary digits and ends at 65504, bfloat16 has eight and float32's range."""
