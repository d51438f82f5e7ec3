"""Batches from one end of a pipe to the other."""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.utils.data.test_loader_iterator import open_files
from tinygrad_edu._tensor_methods.memory import memory_behind
from tinygrad_edu.numpy_dtypes import BFLOAT16
from tinygrad_edu.utils.data import transfer
from tinygrad_edu.utils.data.transfer import LARGE_BYTES, MOST_FILES, pack, receive, send

LARGE = LARGE_BYTES // 4
needs_files = pytest.mark.skipif(not transfer.HAS_FILES, reason="there are no files in memory here")


@pytest.fixture
def pipe():
    before = open_files()
    ours, theirs = multiprocessing.Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()
    assert open_files() == before


VALUES = {
    "small": np.arange(6.0).reshape(2, 3),
    "large": np.arange(LARGE, dtype=np.float32).reshape(4, -1),
    "by columns": np.asfortranarray(np.arange(LARGE, dtype=np.float32).reshape(4, -1)),
    "every second": np.arange(2 * LARGE, dtype=np.float32)[::2],
    "rounded": np.arange(LARGE).astype(BFLOAT16),
    "empty": np.zeros((0, 3)),
}
GOES_INTO_A_FILE = "large", "by columns"


@pytest.mark.parametrize("has_files", [pytest.param(True, marks=needs_files), False])
@pytest.mark.parametrize("name", VALUES)
def test_arrays_arrive_as_they_were_and_can_be_written_to(pipe, monkeypatch, name, has_files):
    value = VALUES[name]
    ours, theirs = pipe
    monkeypatch.setattr(transfer, "HAS_FILES", has_files)
    for parcel in (pack([value, "words"]), pack({"other": value})):
        assert len(parcel.files) == (has_files and name in GOES_INTO_A_FILE)
        with ThreadPool(1) as pool:  # without files, the pipe is too small for it
            sent = pool.apply_async(send, (theirs, parcel))
            received = receive(ours)
            sent.get()
        array = received["other"] if isinstance(received, dict) else received[0]
        np.testing.assert_array_equal(array, value)
        assert array.dtype == value.dtype
        assert array.flags.f_contiguous == value.copy("K").flags.f_contiguous
        array[...] = 7


@needs_files
def test_each_large_array_has_memory_of_its_own(pipe):
    ours, theirs = pipe
    images, labels = torch.ones(4, LARGE), torch.arange(4)
    parcel = pack([images, images.double(), labels])
    assert len(parcel.files) == 2
    assert len(parcel.data) < 2000
    send(theirs, parcel)
    got, doubled, few = receive(ours)
    assert torch.equal(got, images)
    assert torch.equal(doubled, images.double())
    assert few.tolist() == [0, 1, 2, 3]
    assert memory_behind(few.array) == 4  # whoever keeps it keeps no images


@needs_files
def test_there_are_not_too_many_files(pipe):
    parcel = pack([np.full(LARGE, i, np.float32) for i in range(MOST_FILES + 2)])
    assert len(parcel.files) == MOST_FILES
    ours, theirs = pipe
    with ThreadPool(1) as pool:
        sent = pool.apply_async(send, (theirs, parcel))
        assert [array[-1] for array in receive(ours)] == list(range(MOST_FILES + 2))
        sent.get()


@needs_files
def test_where_no_file_can_be_made_it_goes_through_the_pipe(monkeypatch):
    def fails(name):
        raise OSError("too many open files")

    monkeypatch.setattr(os, "memfd_create", fails)
    assert pack(np.zeros(LARGE)).files == []


@needs_files
def test_files_are_closed_whatever_goes_wrong(pipe, monkeypatch):
    ours, theirs = pipe
    before = open_files()
    with pytest.raises(TypeError, match="cannot pickle 'generator' object"):
        pack([np.zeros(LARGE), (i for i in range(3))])
    assert open_files() == before
    ours.close()
    with pytest.raises(OSError, match="Broken pipe"):
        send(theirs, pack(np.zeros(LARGE)))
    assert open_files() == before - 1


@needs_files
def test_too_many_open_files(pipe):
    resource = pytest.importorskip("resource")
    ours, theirs = pipe
    send(theirs, pack([np.zeros(LARGE), np.zeros(LARGE)]))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.dup(theirs.fileno()) for _ in range(3)]
    for number in free:
        os.close(number)
    try:  # two may be opened: the socket again, and one file
        resource.setrlimit(resource.RLIMIT_NOFILE, (free[2], hard))
        with pytest.raises(RuntimeError, match="Too many open files"):
            receive(ours)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@needs_files
def test_an_end_in_the_middle_of_a_message(pipe):
    ours, theirs = pipe
    theirs.send_bytes(b"half of it")
    theirs.close()
    with pytest.raises(EOFError):
        receive(ours)
