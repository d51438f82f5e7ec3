"""The dtypes that compiled kernels know.

Whether an array has one of them is asked before nearly every kernel: ``array.dtype in COMPILED_DTYPES``. For float32,
the first of them, this takes half the time of a look at ``dtype.char``, for which NumPy makes a string every time (34
nanoseconds and 62; for float64 77 and 60). And of the byte order of another machine only the comparison knows.
"""

from __future__ import annotations

import numpy as np

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
COMPILED_DTYPES = FLOAT32, FLOAT64
