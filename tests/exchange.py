"""NumPy arrays as tensors of either library, and back: also of bfloat16, which PyTorch does not exchange with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.numpy_dtypes import BFLOAT16


def library_tensor(library: Any, array: Any, requires_grad: bool = False) -> Any:
    """Return an array as a tensor of this engine or PyTorch, of the same dtype."""
    if getattr(array, "dtype", None) != BFLOAT16:
        return library.tensor(array, requires_grad=requires_grad)
    bits = library.tensor(array.view(np.int16))  # which no conversion can change, not even those of NaN
    return bits.view(library.bfloat16).clone().requires_grad_(requires_grad)


def library_array(tensor: Any) -> np.ndarray[Any, Any]:
    """Return a tensor of this engine or PyTorch as an array of the same dtype."""
    if repr(tensor.dtype) == "torch.bfloat16":
        return tensor.detach().cpu().float().numpy().astype(BFLOAT16)
    return tensor.numpy(force=True)
