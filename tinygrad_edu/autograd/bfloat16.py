"""bfloat16 is computed in float32: an operation gets float32, and what it returns is rounded, once.

NumPy does so by itself for its own float16. Of bfloat16, a guest in NumPy, it knows too little: a sum of such numbers,
or one of them times 0.5, is of float32 there, and some functions do not take them. So ``Op.apply`` sends them here. The
changes of dtype are operations with a gradient; what goes back is rounded once for every operation, too.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.numpy_dtypes import BFLOAT16, is_inexact
from tinygrad_edu_kernels.dtypes import FLOAT32

DTYPE, OR_FLOAT32 = repeat("dtype"), repeat(FLOAT32)


def has_bfloat16(arrays: tuple[Any, ...]) -> bool:
    """Tell whether one of the arrays is of bfloat16; numbers and None, which have no dtype, are not."""
    return BFLOAT16 in map(getattr, arrays, DTYPE, OR_FLOAT32)


def apply_in_float32(op: Any, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run an operation on float32 in place of bfloat16; the results are rounded, unless other floats went in, too."""
    arrays = [x.array if isinstance(x, TensorBase) else x for x in inputs]
    inexact = {x.dtype for x in arrays if hasattr(x, "dtype") and is_inexact(x.dtype)}
    results = op.apply(*[widened(x) for x in inputs], **options)
    if inexact != {BFLOAT16}:
        return results
    return tuple(map(narrowed, results)) if isinstance(results, tuple) else narrowed(results)


def widened(x: Any) -> Any:
    """Return a Tensor, array or scalar of bfloat16 as float32; anything else as it is."""
    if isinstance(x, TensorBase):
        return x.to(dtype=dtypes.float32) if x.array.dtype is BFLOAT16 else x
    return x.astype(np.float32) if getattr(x, "dtype", None) == BFLOAT16 else x


def narrowed(result: TensorBase) -> Any:
    """Return a Tensor of float32 as bfloat16; one of another dtype, such as positions, as it is."""
    return result.to(dtype=dtypes.bfloat16) if result.array.dtype == np.float32 else result
