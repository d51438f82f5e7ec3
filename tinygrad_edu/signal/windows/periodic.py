"""The windows that ``torch`` itself has: periodic ones by default, of any floating-point dtype.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#spectral-ops
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.backend import Array, DeviceLike
from tinygrad_edu.creation import Dtype
from tinygrad_edu.signal.windows.windows import finished, kaiser_values, sum_of_cosines


def places(name: str, window_length: int, periodic: bool, dtype: Any) -> tuple[Array, int]:
    """Return 0, 1, ... and the distance from the first to the last of a symmetric window; check the arguments."""
    length = as_int(name, "window_length", window_length)
    require_bools(name, periodic=periodic)
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if dtype is not None and not dtype.is_floating_point:
        raise RuntimeError(f"{name} expects floating point dtypes, got: {dtype}")
    return np.arange(length, dtype=np.float64), max(length if periodic else length - 1, 1)


def bartlett_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Triangle that begins at 0: 1 - |2 n / N - 1|."""
    n, last = places("bartlett_window", window_length, periodic, dtype)
    return finished(1 - abs(2 * n / last - 1), dtype, device, requires_grad)


def blackman_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Three cosines: 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    n, last = places("blackman_window", window_length, periodic, dtype)
    return finished(sum_of_cosines(n, last, [0.42, 0.5, 0.08]), dtype, device, requires_grad)


def hamming_window(
    window_length: int,
    periodic: bool = True,
    alpha: float = 0.54,
    beta: float = 0.46,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Cosine that is raised to end a little above 0: alpha - beta cos(2 pi n / N)."""
    n, last = places("hamming_window", window_length, periodic, dtype)
    return finished(sum_of_cosines(n, last, [alpha, beta]), dtype, device, requires_grad)


def hann_window(
    window_length: int,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Cosine that is raised to end at 0: (1 - cos(2 pi n / N)) / 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.hann_window(4)
    tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """
    n, last = places("hann_window", window_length, periodic, dtype)
    return finished(sum_of_cosines(n, last, [0.5, 0.5]), dtype, device, requires_grad)


def kaiser_window(
    window_length: int,
    periodic: bool = True,
    beta: float = 12.0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """I_0(beta sqrt(1 - (2 n / N - 1)^2)) / I_0(beta), close to the best for a given width."""
    n, last = places("kaiser_window", window_length, periodic, dtype)
    return finished(kaiser_values(n, last, beta), dtype, device, requires_grad)
