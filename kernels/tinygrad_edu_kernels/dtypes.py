"""The dtypes that compiled kernels know.

Whether an array has one of them is asked before nearly every kernel: ``array.dtype in COMPILED_DTYPES``. Comparing
dtypes takes a third of the time that a look at ``dtype.char`` takes, for which NumPy makes a string every time; and of
the byte order of another machine only the comparison knows.
"""

from __future__ import annotations

import numpy as np

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
COMPILED_DTYPES = FLOAT32, FLOAT64
