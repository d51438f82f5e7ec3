"""Windows: numbers that rise and fall again, by which a signal is weighed before its spectrum is taken.

A symmetric window of M numbers is the same read from its end; a periodic one (``sym=False``) is a symmetric one of
M + 1 numbers without its last, so that one can follow the other.

References
----------
https://docs.pytorch.org/docs/stable/signal.html
F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier transform, 1978
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, as_number, require_bools
from tinygrad_edu.backend import Array, DeviceLike
from tinygrad_edu.creation import Dtype, finish


def places(name: str, M: int, sym: bool, dtype: Dtype) -> tuple[Array, int]:
    """Return 0, 1, ..., M - 1 and the distance N from first to last of a symmetric window; check the arguments."""
    length = as_int(name, "M", M)
    require_bools(name, sym=sym)
    if length < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={length}")
    if dtype not in (None, dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return np.arange(length, dtype=np.float64), max(length - 1 if sym else length, 1)


def finished(values: Array, dtype: Dtype, device: DeviceLike, requires_grad: bool) -> Tensor:
    """Return a window as a Tensor; a single number is 1."""
    wanted = dtypes.get_default_dtype() if dtype is None else dtype
    return finish(np.ones(1) if len(values) == 1 else values, wanted, device, requires_grad)


def bartlett(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Triangle that begins at 0: 1 - |2 n / N - 1|.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.signal.windows.bartlett(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    n, last = places("bartlett", M, sym, dtype)
    return finished(1 - abs(2 * n / last - 1), dtype, device, requires_grad)


def blackman(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Three cosines: 0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    values = cosines("blackman", M, [0.42, 0.5, 0.08], sym, dtype)
    return finished(values, dtype, device, requires_grad)


def cosine(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Half a wave: sin(pi (n + 1/2) / M), where the M + 1 of a periodic window takes the place of M."""
    n, last = places("cosine", M, sym, dtype)
    return finished(np.sin(math.pi * (n + 0.5) / (last + 1)), dtype, device, requires_grad)


def exponential(
    M: int,
    *,
    center: float | None = None,
    tau: float = 1.0,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """e^(-|n - center| / tau); the center is the middle by default, and must be if the window is symmetric."""
    n, last = places("exponential", M, sym, dtype)
    if as_number("exponential", "tau", tau) <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    middle = last / 2 if center is None else as_number("exponential", "center", center)
    values = np.exp(-abs(n - middle) / tau)
    if center is not None:
        return finish(values, dtypes.get_default_dtype() if dtype is None else dtype, device, requires_grad)
    return finished(values, dtype, device, requires_grad)


def gaussian(
    M: int,
    *,
    std: float = 1.0,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Bell curve about the middle: e^(-((n - N / 2) / std)^2 / 2).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.signal.windows.gaussian(3)
    tensor([0.6065, 1.0000, 0.6065])
    """
    n, last = places("gaussian", M, sym, dtype)
    if as_number("gaussian", "std", std) <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    return finished(np.exp(-(((n - last / 2) / std) ** 2) / 2), dtype, device, requires_grad)


def general_cosine(
    M: int,
    *,
    a: Iterable[float],
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Sum of cosines with changing signs: a_0 - a_1 cos(2 pi n / N) + a_2 cos(4 pi n / N) - ..."""
    values = cosines("general_cosine", M, a, sym, dtype)
    return finished(values, dtype, device, requires_grad)


def cosines(name: str, M: int, a: Any, sym: bool, dtype: Dtype) -> Array:
    """Return the numbers of ``general_cosine``."""
    n, last = places(name, M, sym, dtype)
    if not isinstance(a, Iterable):
        raise TypeError(f"Coefficients must be a list/tuple: expected numbers, got {type(a).__name__}")
    factors = list(a)
    if not factors:
        raise ValueError("Coefficients cannot be empty: expected at least one")
    return sum_of_cosines(n, last, factors)


def sum_of_cosines(n: Array, last: int, factors: Sequence[float]) -> Array:
    """Return a_0 - a_1 cos(2 pi n / N) + a_2 cos(4 pi n / N) - ..."""
    values = np.zeros(len(n))
    for i, factor in enumerate(factors):
        values = values + (-1) ** i * factor * np.cos(2 * math.pi * i * n / last)
    return values


def general_hamming(
    M: int,
    *,
    alpha: float = 0.54,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Cosine that is raised: alpha - (1 - alpha) cos(2 pi n / N)."""
    values = cosines("general_hamming", M, [alpha, 1 - alpha], sym, dtype)
    return finished(values, dtype, device, requires_grad)


def hamming(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Cosine that is raised to end a little above 0: 0.54 - 0.46 cos(2 pi n / N)."""
    values = cosines("hamming", M, [0.54, 0.46], sym, dtype)
    return finished(values, dtype, device, requires_grad)


def hann(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Cosine that is raised to end at 0: (1 - cos(2 pi n / N)) / 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.signal.windows.hann(5)
    tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    values = cosines("hann", M, [0.5, 0.5], sym, dtype)
    return finished(values, dtype, device, requires_grad)


def kaiser(
    M: int,
    *,
    beta: float = 12.0,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """I_0(beta sqrt(1 - (2 n / N - 1)^2)) / I_0(beta), close to the best for a given width."""
    n, last = places("kaiser", M, sym, dtype)
    if as_number("kaiser", "beta", beta) < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")
    return finished(kaiser_values(n, last, beta), dtype, device, requires_grad)


def kaiser_values(n: Array, last: int, beta: float) -> Array:
    """Return the numbers of ``kaiser``."""
    from scipy.special import i0

    return i0(beta * np.sqrt(np.maximum(1 - (2 * n / last - 1) ** 2, 0))) / i0(beta)


def nuttall(
    M: int,
    *,
    sym: bool = True,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Four cosines, with the smallest side lobes of a continuous first derivative."""
    values = cosines("nuttall", M, [0.3635819, 0.4891775, 0.1365995, 0.0106411], sym, dtype)
    return finished(values, dtype, device, requires_grad)
