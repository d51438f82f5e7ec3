"""How a batch travels from a worker to its parent.

A small one is pickled and goes through the pipe. A large array would fill it and wait there until somebody reads. It is
written into a file of its own instead, which lies in memory and has no name, and the file's descriptor goes through
the pipe, behind the pickle that says what to make of the bytes. Such a file is gone as soon as nobody holds it open:
nothing has to be tidied up, however a process ends.

Where a system has no such files, everything goes through the pipe.

References
----------
https://docs.python.org/3/library/pickle.html#out-of-band-buffers
https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import os
import pickle
import socket
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

PICKLE_PROTOCOL = 5  # the bytes of an array may stay outside of the pickle
LARGE_BYTES = 1 << 16  # what is smaller is through the pipe sooner than a file is made
MOST_FILES = 16  # a system allows some hundreds of open files in a process
HAS_FILES = hasattr(os, "memfd_create") and hasattr(socket, "send_fds")


@dataclass(frozen=True)
class Parcel:
    """A packed batch: a pickle, and descriptors of the files that hold the large arrays, in the pickle's order."""

    data: bytes
    files: list[int] = field(default_factory=list)


def pack(value: Any) -> Parcel:
    """Pack a batch; its large arrays are copied into files now."""
    files: list[int] = []

    def goes_into_pickle(buffer: pickle.PickleBuffer) -> bool:
        bytes_of_array = buffer.raw()
        if not HAS_FILES or bytes_of_array.nbytes < LARGE_BYTES or len(files) == MOST_FILES:
            return True
        try:
            files.append(_file_of(bytes_of_array))
        except OSError:  # too many files are open, or such memory is not to be had
            return True
        return False

    try:
        return Parcel(pickle.dumps(value, PICKLE_PROTOCOL, buffer_callback=goes_into_pickle), files)
    except BaseException:
        for file in files:
            os.close(file)
        raise


def send(connection: Connection, parcel: Parcel) -> None:
    """Send a parcel, and let go of its files."""
    try:
        connection.send_bytes(parcel.data)
        if HAS_FILES:
            with _socket_of(connection) as pipe:
                socket.send_fds(pipe, [bytes([len(parcel.files)])], parcel.files)
    finally:
        for file in parcel.files:
            os.close(file)


def receive(connection: Connection) -> Any:
    """Receive what :func:`send` has sent, and unpack it.

    Raises
    ------
    EOFError
        If the other end was closed.
    RuntimeError
        If this process may not open so many files.
    """
    data = connection.recv_bytes()
    files: list[int] = []
    sent = b"\0"
    if HAS_FILES:
        with _socket_of(connection) as pipe:
            sent, files, _, _ = socket.recv_fds(pipe, 1, MOST_FILES, socket.MSG_CMSG_CLOEXEC)
        if not sent:
            raise EOFError
    try:
        if len(files) < sent[0]:  # the system leaves out those that do not fit
            raise RuntimeError(
                "Too many open files. Communication with the workers is no longer possible. Please increase the limit "
                "using `ulimit -n` in the shell"
            )
        arrays = [_read(file) for file in files]
    finally:
        for file in files:
            os.close(file)
    return pickle.loads(data, buffers=arrays)


def _socket_of(connection: Connection) -> socket.socket:
    return socket.fromfd(connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)


def _file_of(content: memoryview) -> int:
    """Return a file with this content."""
    file = os.memfd_create("tinygrad_edu_batch")
    try:
        written = 0
        while written < content.nbytes:  # the system takes at most 2 GiB at a time
            written += os.write(file, content[written:])
    except BaseException:
        os.close(file)
        raise
    return file


def _read(file: int) -> np.ndarray[Any, Any]:
    """Return the content of a file. It is read and not mapped: that would keep the file open as long as the array."""
    content = np.empty(os.fstat(file).st_size, np.uint8)
    read, room = 0, content.data
    while read < content.size:
        read += os.preadv(file, [room[read:]], read)
    return content
