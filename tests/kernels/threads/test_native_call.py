"""tinygrad_edu_kernels.threads.native_call: the arguments of a kernel that threads share, and its address."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numba import njit

from tinygrad_edu_kernels.threads import mailbox, native_call, sharing

pytestmark = pytest.mark.skipif(not sharing.is_available(), reason="no team of threads here")


def share(kernel, count, parts, *arguments):
    """Have a kernel called by a team of nobody but this thread."""
    mail = mailbox.new_mailbox()
    mailbox.post(mail, count, parts, kernel, arguments)
    return mail


@njit(nogil=True)
def note_bounds(bounds, first, last):
    bounds[first, 0] += first
    bounds[first, 1] += last


@pytest.mark.parametrize(("count", "parts"), [(1, 1), (7, 1), (7, 2), (7, 3), (7, 7), (64, 12)])
def test_parts_cover_everything_once(count, parts):
    bounds = np.zeros((count, 2), np.int64)
    share(note_bounds, count, parts, bounds)
    bounds = bounds[bounds[:, 1] > 0]
    assert len(bounds) == parts
    np.testing.assert_array_equal(bounds[1:, 0], bounds[:-1, 1])
    assert (bounds[0, 0], bounds[-1, 1]) == (0, count)
    assert np.ptp(bounds[:, 1] - bounds[:, 0]) <= 1


@njit(nogil=True)
def add_up(a, b, c, d, pair, nothing, yes, whole, real, small, out, first, last):
    for i in range(first, last):
        out[i] = a[i] + b[i, 1] + c[0, i, 0] + d[1, 0, 0, i] + pair[0] * pair[1] + whole + real + small
        if nothing is None and yes:
            out[i] += 1000


def kinds_of_arguments():
    """Arrays of all dimensions, layouts and dtypes, and everything else that kernels are given."""
    rng = np.random.default_rng(0)
    read_only = rng.standard_normal((5, 2))
    read_only.flags.writeable = False
    return (
        rng.integers(0, 9, 5).astype(np.int32),
        read_only,
        rng.standard_normal((2, 5, 1)).astype(np.float32)[:1],
        np.asfortranarray(rng.standard_normal((2, 1, 1, 5))),
        (3, 4),
        None,
        True,
        -7,
        0.125,
        np.float32(2.5),
    )


def test_every_kind_of_argument_comes_through():
    arguments = kinds_of_arguments()
    expected, out = np.zeros(5), np.zeros(5)
    add_up(*arguments, expected, 0, 5)
    share(add_up, 5, 3, *arguments, out)
    np.testing.assert_array_equal(out, expected)


def test_arrays_are_given_back():
    arguments = kinds_of_arguments()
    out = np.zeros(5)
    before = [sys.getrefcount(item) for item in (*arguments[:4], out)]
    for _ in range(50):
        share(add_up, 5, 3, *arguments, out)
    assert [sys.getrefcount(item) for item in (*arguments[:4], out)] == before


def test_one_address_for_each_kind_of_array():
    single, double = np.zeros((2, 2), np.int64), np.zeros((2, 2))
    address, _, _ = mailbox.native(note_bounds, (single,))
    assert mailbox.native(note_bounds, (single[:1],))[0] == address
    assert mailbox.native(note_bounds, (double,))[0] != address
    share(note_bounds, 1, 1, double)
    np.testing.assert_array_equal(double, [[0, 1], [0, 0]])


@njit(nogil=True)
def want_memory(sizes, first, last):
    for i in range(first, last):
        sizes[i] += np.empty(sizes[i], np.int8).size


def test_a_kernel_without_memory_says_so(team_of_three):
    """Everything else is done, and the next work goes well."""
    sizes = np.ones(12, np.int64)
    sizes[4] = 1 << 60
    with pytest.raises(
        MemoryError, match="a kernel that threads share failed, most likely for want of memory"
    ):
        sharing.run_over(12, 1e9, want_memory, sizes)
    np.testing.assert_array_equal(np.delete(sizes, 4), 2)
    sizes[4] = 1
    sharing.run_over(12, 1e9, want_memory, sizes)
    np.testing.assert_array_equal(np.delete(sizes, 4), 4)


def test_a_kernel_without_memory_while_the_mailbox_is_in_use():
    mail, sizes = mailbox.new_mailbox(), np.full(2, 1 << 60)
    mail[mailbox.IN_USE] = 1
    with pytest.raises(
        MemoryError, match="a kernel that threads share failed, most likely for want of memory"
    ):
        mailbox.post(mail, 2, 2, want_memory, (sizes,))
    assert mail[mailbox.IN_USE] == 1


@njit(nogil=True)
def take_first(items, first, last):
    items[0]


def test_more_arguments_than_a_mailbox_holds():
    with pytest.raises(Exception, match="expected arguments of up to 1024 bytes, got 1040"):
        share(take_first, 1, 1, (0,) * 130)


def test_arrays_in_a_tuple_are_refused():
    """Their owners would be given back while other threads use them."""
    with pytest.raises(Exception, match="expected arrays, numbers and tuples of numbers as arguments, got"):
        share(take_first, 1, 1, (np.zeros(1), np.zeros(1)))


def test_arrays_have_no_owner_in_the_mailbox():
    mail = share(want_memory, 1, 1, np.ones(7, np.int64))
    owner, parent, size = mail[native_call.ARGUMENTS :][:3]
    assert (owner, parent, size) == (0, 0, 7)
