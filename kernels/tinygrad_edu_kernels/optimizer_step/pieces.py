"""Walking through the arrays of an optimizer step: in one go, or in pieces that threads share."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import carray, njit

from tinygrad_edu_kernels import overlap, parallel, team
from tinygrad_edu_kernels.dtypes import FLOAT32
from tinygrad_edu_kernels.mailbox import address_of, doubles_at, floats_at, share
from tinygrad_edu_kernels.optimizer_step.flat import flatten, store

Array = Any

MOST_ARRAYS = 5  # the parameter, its gradient, and the arrays of its state
PARTS_FOR_A_THREAD = 4  # so that a helper that comes late still finds some
NOTHING = np.empty(0, FLOAT32)


def walk(
    nanoseconds: float, loop: Any, part: Any, arrays: list[Array | None], numbers: tuple[Any, ...]
) -> None:
    """Call ``loop(*arrays, *numbers)``; or, with the arrays in pieces, let the threads of the team do so.

    Within ``overlap`` they may be at it still when this function returns.

    Parameters
    ----------
    nanoseconds : float
        For how long an element keeps one thread busy.
    loop : compiled function
        Walks through all elements of the arrays.
    part : function
        Does a part of that: ``part(arguments, number)``, by way of :func:`pieces`.
    arrays : list of arrays or None
        The parameter, its gradient, and the arrays of its state.
    numbers : tuple of bool and float
        The hyperparameters.
    """
    overlap.wait_for(arrays)
    flat, copied = flatten(arrays)
    param = flat[0]
    if not team.is_worthwhile_late(nanoseconds * len(param)) or param.dtype != FLOAT32:
        loop(*flat, *numbers)
    else:
        step = -(-len(param) // (PARTS_FOR_A_THREAD * parallel.setting.num_threads))
        flat += [NOTHING] * (MOST_ARRAYS - len(flat))
        flat.append(np.array(numbers, np.float64))  # yes and no as 1 and 0
        team.begin(param, _share_pieces, _compiled(part), -(-len(param) // step), *flat, step)
        if copied:
            overlap.wait()
    if copied:
        store(copied)


@functools.cache
def _compiled(part: Any) -> Any:
    return team.part_function(part)


# Numba compiles a function anew for each literal number, and for tuples of other lengths. So ``_piece`` is given no
# literals, and the tuple has 14 numbers, as that of a product of matrices: ``share`` is compiled once for both.


@njit(cache=True, nogil=True)
def _share_pieces(mailbox, owner, function, parts, a, b, c, d, e, numbers, step):
    """Put addresses and sizes into the mailbox, in the order in which ``pieces`` reads them."""
    arguments = (
        address_of(a), a.size, address_of(b), b.size, address_of(c), c.size, address_of(d), d.size,
        address_of(e), e.size, address_of(numbers), numbers.size, step, parts,
    )  # fmt: skip
    share(mailbox, function, parts, arguments, owner)


@njit(cache=True, error_model="numpy", nogil=True)
def pieces(arguments, part):
    """Return the pieces of the MOST_ARRAYS arrays that belong to a part, and the hyperparameters."""
    given = carray(arguments, (14,))
    step, numbers = given[12], carray(doubles_at(given[10]), (given[11],))
    first = part * step
    return (
        _piece(given[0], given[1], first, step),
        _piece(given[2], given[3], first, step),
        _piece(given[4], given[5], first, step),
        _piece(given[6], given[7], first, step),
        _piece(given[8], given[9], first, step),
        numbers,
    )


@njit(cache=True, error_model="numpy", nogil=True)
def _piece(address, size, first, step):
    """Return elements first .. first + step of an array of ``size`` float32; what there is of them."""
    begin = min(first, size)
    return carray(floats_at(address + 4 * begin), (min(step, size - begin),))
