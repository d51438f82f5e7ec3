"""Frequencies that belong to the numbers of a Fourier transform: ``torch.fft.fftfreq`` and ``rfftfreq``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, as_number, optional_dtype
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.creation import finish
from tinygrad_edu.float_errors import ignored_float_errors


def fftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Frequencies of the numbers that :func:`fft` returns: 0, 1, 2, ..., -2, -1, each divided by d n.

    Parameters
    ----------
    n : int
        The number of points.
    d : float
        How far they are apart.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.fftfreq.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    n = as_int("fftfreq", "n", n)
    turns = np.arange(n)
    turns[(n + 1) // 2 :] -= n
    return _frequencies("fftfreq", turns, n, d, dtype, device, requires_grad)


def rfftfreq(
    n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """Frequencies of the n // 2 + 1 numbers that :func:`rfft` returns: 0, 1, 2, ..., each divided by d n.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.fft.rfftfreq.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000])
    """
    n = as_int("rfftfreq", "n", n)
    return _frequencies("rfftfreq", np.arange(n // 2 + 1), n, d, dtype, device, requires_grad)


def _frequencies(
    name: str, turns: Any, n: int, d: float, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    dtype = optional_dtype(name, dtype) or dtypes.get_default_dtype()
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} requires a floating point or complex dtype, got {dtype}")
    if n < 0:
        raise RuntimeError(f"{name}: expected n >= 0, got {n}")
    with ignored_float_errors():
        frequencies = turns * (1.0 / np.float64(n * as_number(name, "d", d)))
    return finish(frequencies, dtype, device, requires_grad)
