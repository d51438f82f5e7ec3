"""Walking through the arrays of an optimizer step, which the loops of ``cpu.py`` want 1-D and contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES, HALF_DTYPES

Array = Any


def walk(nanoseconds: float, loop: Any, arrays: list[Array | None], numbers: tuple[Any, ...]) -> None:
    """Call ``loop(*arrays, *numbers, first, last)`` for all elements; threads may share them.

    Parameters
    ----------
    nanoseconds : float
        For how long an element keeps one thread busy.
    loop : compiled function
        Walks through elements first..last of the arrays.
    arrays : list of arrays or None
        The parameter, its gradient, and the arrays of its state.
    numbers : tuple of bool and float
        The hyperparameters.
    """
    flat, copied = flatten(arrays)
    count = len(flat[0])
    threads.run_over(count, nanoseconds * count, loop, *flat, *numbers)
    store(copied)


def flatten(arrays: list[Array | None]) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """Return the arrays of ``walk`` as the loops want them: 1-D, contiguous, float32 or float64.

    Those are views of the arrays, at no cost, unless an array is a transposed, sliced or read-only one or
    holds half precision: that is copied, and ``store`` brings the result back. An absent array becomes an empty one,
    so that every loop is compiled once and not again for each combination of options.

    Returns
    -------
    flat : list of arrays
        One for each of ``arrays``.
    copied : list of (array, copy)
        Those that could not be viewed and that the step changes: all but the gradient.

    Raises
    ------
    TypeError
        If the parameter is not of floating-point numbers.
    ValueError
        If the shapes differ: a loop must never run past the end of an array.
    """
    param: Array = arrays[0]
    grad = arrays[1]
    shape, dtype = param.shape, param.dtype
    if dtype not in COMPILED_DTYPES:
        dtype = compute_dtype(param)
    flat, copied = [], []
    is_flat = len(shape) == 1
    for array in arrays:
        if array is None:
            flat.append(np.empty(0, dtype))  # a loop that does without it takes nothing from it
        elif array.shape != shape:
            raise ValueError(
                f"optimizer step: expected gradient and state of the parameter's shape {shape}, got {array.shape}"
            )
        elif (array.dtype is dtype or array.dtype == dtype) and array.flags.carray:
            # Contiguous, aligned and writeable. Most dtypes are the same object, not so those of unpickled arrays.
            flat.append(array if is_flat else array.ravel())
        else:
            flat.append(np.array(array, dtype, order="C").reshape(-1))
            if array is not grad:
                copied.append((array, flat[-1]))
    return flat, copied


def store(copied: list[tuple[Array, Array]]) -> None:
    """Copy the results back into those arrays that ``flatten`` could not return as a view."""
    for array, numbers in copied:
        with np.errstate(over="ignore"):  # float32 -> float16 may overflow to inf, as in PyTorch
            array[...] = numbers.reshape(array.shape)


def compute_dtype(param: Array) -> Any:
    """Return the dtype in which a parameter is updated that is neither float32 nor float64: float32 for halves."""
    if param.dtype not in HALF_DTYPES:
        raise TypeError(
            f"optimizer step: expected a parameter of float16, bfloat16, float32 or float64, got {param.dtype}"
        )
    return np.dtype(np.float32)
