"""The zip archive around what was saved: PyTorch's layout, written and read.

::

    archive/data.pkl             the objects; a tensor says in which storage it lies, and where
    archive/.format_version      1
    archive/.storage_alignment   64
    archive/byteorder            little
    archive/data/0               the bytes of the first storage, and so on
    archive/version              3

Nothing is compressed, and the bytes of an entry begin at a multiple of 64, so that a program could map the file into
its memory and compute there.

References
----------
https://docs.pytorch.org/docs/stable/notes/serialization.html#serialized-file-format-for-torch-save
APPNOTE.TXT - .ZIP File Format Specification, https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import pickle
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterable
from typing import Any

ALIGNMENT = 64
CHUNK = 1 << 20  # bytes read or written at once
HEADER_SIZE = 30  # what stands before an entry's name
ZIP64_LIMIT = (1 << 31) - 1  # from here on zipfile writes sizes of eight bytes

# What zipfile raises for damaged archives of one kind or another.
DAMAGE = (
    zipfile.BadZipFile,
    ArithmeticError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)


class LoadError(RuntimeError, pickle.UnpicklingError):
    """A file cannot be loaded: it is damaged, or holds something that must not be loaded, or cannot be.

    It is both what PyTorch raises for damaged files and what it raises for forbidden names.

    Examples
    --------
    >>> import io
    >>> import tinygrad_edu as torch
    >>> try:
    ...     torch.load(io.BytesIO(b"not a file of ours"))
    ... except torch.serialization.LoadError as error:
    ...     print(str(error)[:31])
    load: the file is not a file of
    """


class Archive:
    """The entries of an archive, each checked before anything of it is read.

    Parameters
    ----------
    file : binary file
        What is read; it must be able to seek.
    name : str
        The name for messages.

    Raises
    ------
    LoadError
        If it is no zip archive, or one that no ``save`` writes: with compressed, encrypted, repeated or overlapping
        entries, or with entries that are longer than the file.
    """

    def __init__(self, file: Any, name: str) -> None:
        self.name = name
        self.size = file.seek(0, 2)
        try:
            self.zip = zipfile.ZipFile(file)
            self._check_entries(self.zip.infolist())
        except LoadError:
            raise
        except DAMAGE as error:
            raise self.damaged(error) from None
        self.entries = {info.filename: info for info in self.zip.infolist()}
        self.folder = self._find_folder()

    def damaged(self, reason: Any) -> LoadError:
        """Return the error for a file that is not whole."""
        return LoadError(
            f"load: {self.name} is not a file of tinygrad_edu.save or torch.save, or it is truncated or damaged: "
            f"expected a zip archive with one data.pkl, got {self.size} bytes ({reason})"
        )

    def _check_entries(self, infos: list[zipfile.ZipInfo]) -> None:
        end, names = 0, set()
        for info in sorted(infos, key=lambda info: info.header_offset):
            if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
                raise self.damaged(f"the entry {info.filename} is compressed")
            if info.flag_bits & 1:
                raise self.damaged(f"the entry {info.filename} is encrypted")
            if info.filename in names:
                raise self.damaged(f"there are two entries {info.filename}")
            if info.header_offset < end:
                raise self.damaged(f"the entry {info.filename} overlaps another one")
            end = info.header_offset + HEADER_SIZE + len(info.filename) + info.file_size
            names.add(info.filename)
        if end > self.size:
            raise self.damaged("an entry is longer than the file")

    def _find_folder(self) -> str:
        """Return the name of the folder in which everything lies."""
        folders = [name.removesuffix("/data.pkl") for name in self.entries if name.endswith("/data.pkl")]
        if len(folders) != 1:
            raise self.damaged(f"{len(folders)} entries are called data.pkl")
        if f"{folders[0]}/constants.pkl" in self.entries:
            raise LoadError(f"load: {self.name} is a TorchScript program, which only PyTorch can run")
        return folders[0]

    def size_of(self, name: str) -> int | None:
        """Return the size of an entry in the folder; None if it is not there."""
        info = self.entries.get(f"{self.folder}/{name}")
        return None if info is None else info.file_size

    def read(self, name: str) -> bytes:
        """Return the bytes of an entry."""
        content = bytearray(self.size_of(name) or 0)
        self.read_into(name, memoryview(content))
        return bytes(content)

    def read_into(self, name: str, memory: memoryview) -> None:
        """Fill memory with the bytes of an entry, and check their check sum."""
        try:
            with self.zip.open(f"{self.folder}/{name}") as entry:
                for start in range(0, len(memory), CHUNK):
                    part = memory[start : start + CHUNK]
                    part[:] = entry.read(len(part))
                entry.read(1)  # at the end the check sum is compared
        except DAMAGE as error:
            raise self.damaged(error) from None

    def is_foreign_endian(self) -> bool:
        """Tell whether numbers are written in the other order of bytes than this machine's."""
        if self.size_of("byteorder") is None:
            return False
        order = self.read("byteorder")
        if order not in (b"little", b"big"):
            raise self.damaged(f"byteorder is {order[:20]!r}")
        return order != sys.byteorder.encode()


def write_archive(file: Any, pickled: bytes, storages: Iterable[memoryview]) -> None:
    """Write an archive of a pickle and the storages that it speaks of, from the first byte to the last."""
    target = _CountingFile(file)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]
        _write_entry(archive, target, "data.pkl", pickled)
        _write_entry(archive, target, ".format_version", b"1")
        _write_entry(archive, target, ".storage_alignment", str(ALIGNMENT).encode())
        _write_entry(archive, target, "byteorder", sys.byteorder.encode())
        for number, storage in enumerate(storages):
            _write_entry(archive, target, f"data/{number}", storage)
        _write_entry(archive, target, "version", b"3\n")


class _CountingFile:
    """A file that is only written to, and how many bytes were; zipfile then never goes back in it."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.position = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.position += view.nbytes
        while view.nbytes:  # an unbuffered file may take less than it is given
            written = self.file.write(view)
            view = view[len(view) if written is None else written :]
        return len(data)

    def flush(self) -> None:
        if hasattr(self.file, "flush"):
            self.file.flush()


def _write_entry(
    archive: zipfile.ZipFile, target: _CountingFile, name: str, content: bytes | memoryview
) -> None:
    """Write an entry whose bytes begin at a multiple of 64; the gap is in the header's extra field, as PyTorch's."""
    info = zipfile.ZipInfo(f"archive/{name}")
    info.file_size = len(content)
    header = HEADER_SIZE + len(info.filename) + 4
    if info.file_size * 1.05 > ZIP64_LIMIT:
        header += 20  # the sizes of a big entry stand in a field of their own
    gap = -(target.position + header) % ALIGNMENT
    info.extra = struct.pack("<2sH", b"FB", gap) + b"Z" * gap
    with archive.open(info, "w") as entry:
        for start in range(0, len(content), CHUNK):
            entry.write(content[start : start + CHUNK])
