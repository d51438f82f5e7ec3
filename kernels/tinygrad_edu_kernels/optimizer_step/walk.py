"""How the loops of the update rules get their arrays, and are shared among threads."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import carray, njit

from tinygrad_edu_kernels import parallel, team
from tinygrad_edu_kernels.mailbox import address_of, doubles_at, floats_at, share

Array = Any

MOST_ARRAYS = 5  # the parameter, its gradient, and the arrays of its state
PARTS_FOR_A_THREAD = 4  # so that a helper that comes late still finds some
NOTHING = np.empty(0, np.float32)


def walk(nanoseconds: float, loop: Any, part: Any, flat: list[Array], numbers: tuple[Any, ...]) -> None:
    """Call ``loop(*flat, *numbers)``; or, with the arrays in pieces, let the threads of the team do so.

    Parameters
    ----------
    nanoseconds : float
        For how long an element keeps one thread busy.
    loop : compiled function
        Walks through all elements of the arrays.
    part : function
        Does a part of that: ``part(arguments, number)``, by way of :func:`pieces`.
    flat : list of arrays
        What ``flatten`` returned.
    numbers : tuple of bool and float
        The hyperparameters.
    """
    param = flat[0]
    if param.dtype.char != "f" or not team.is_worthwhile(nanoseconds * param.size):
        loop(*flat, *numbers)
        return
    step = -(-param.size // (PARTS_FOR_A_THREAD * parallel.get_num_threads()))
    arrays = *flat, *[NOTHING] * (MOST_ARRAYS - len(flat))
    hyperparameters = np.array(numbers, np.float64)  # yes and no as 1 and 0
    team.run(_share_pieces, _compiled(part), -(-param.size // step), *arrays, hyperparameters, step)


@functools.cache
def _compiled(part: Any) -> Any:
    return team.part_function(part)


@njit(cache=True, nogil=True)
def _share_pieces(mailbox, function, parts, a, b, c, d, e, numbers, step):
    """Put addresses and sizes into the mailbox, in the order in which ``pieces`` reads them."""
    arguments = (
        address_of(a), a.size, address_of(b), b.size, address_of(c), c.size, address_of(d), d.size,
        address_of(e), e.size, address_of(numbers), numbers.size, step,
    )  # fmt: skip
    share(mailbox, function, parts, arguments)


@njit(cache=True, error_model="numpy", nogil=True)
def pieces(arguments, part):
    """Return the pieces of the MOST_ARRAYS arrays that belong to a part, and the hyperparameters."""
    given = carray(arguments, (13,))
    first = part * given[12]
    numbers = carray(doubles_at(given[10]), (given[11],))
    return (
        _piece(given, 0, first), _piece(given, 2, first), _piece(given, 4, first), _piece(given, 6, first),
        _piece(given, 8, first), numbers,
    )  # fmt: skip


@njit(cache=True, error_model="numpy", nogil=True)
def _piece(given, place, first):
    """Return the piece of one array; nothing of one that is empty."""
    size = given[place + 1]
    array = carray(floats_at(given[place]), (size,))
    return array[min(first, size) : min(first + given[12], size)]


def flatten(arrays: list[Array | None]) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """Return the arrays of a step as the loops want them: 1-D, contiguous, float32 or float64.

    Those are views of the arrays, at no cost, unless an array is a transposed, sliced or read-only one or
    holds float16: that is copied, and ``store`` brings the result back. An absent array becomes an empty one,
    so that every loop is compiled once and not again for each combination of options.

    Parameters
    ----------
    arrays : list
        The parameter, its gradient, and the arrays of the state.

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
    shape, dtype = param.shape, compute_dtype(param)
    flat, copied = [], []
    for array in arrays:
        if array is None:
            flat.append(np.empty(0, dtype))  # a loop that does without it takes nothing from it
        elif array.shape != shape:
            raise ValueError(
                f"optimizer step: expected gradient and state of the parameter's shape {shape}, got {array.shape}"
            )
        elif array.dtype == dtype and array.flags.carray:  # contiguous, aligned and writeable
            flat.append(array if array.ndim == 1 else array.reshape(-1))
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
    """Return the dtype in which a parameter is updated: its own, but float32 for float16."""
    if param.dtype.char in "fd":
        return param.dtype
    if param.dtype.kind != "f":
        raise TypeError(
            f"optimizer step: expected a parameter of float16, float32 or float64, got {param.dtype}"
        )
    return np.dtype(np.float32)
