"""Files that are replaced in one go: whoever is killed while writing leaves the old file or the new one, whole."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed anyway
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def replacing(f: str | os.PathLike[str]) -> Iterator[Any]:
    """Open a file to be written, which takes the place of the old one when the ``with`` block ends well.

    The bytes first go to a file ``<name>.<random>.part`` beside it. A link stays a link, and the mode and the owner
    of the old file are kept. What is no regular file (``/dev/null``, a pipe) is written as it is.

    Parameters
    ----------
    f : str or path
        The name.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "numbers"
    ...     with replacing(path) as file:
    ...         _ = file.write(b"123")
    ...         before = path.exists()
    ...     before, path.read_bytes()
    (False, b'123')
    """
    present = _stat(f)
    if present is not None and not stat.S_ISREG(present.st_mode):
        with open(f, "wb") as file:
            yield file
        return
    if present is not None and not os.access(f, os.W_OK):
        raise PermissionError(13, "Permission denied", os.fspath(f))
    path = Path(os.path.realpath(f))
    _remove_leftovers(path)
    temporary, part = _open_temporary(path)
    try:
        with part as file:
            if present is not None:
                _take_over_rights(file, present)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if (
                fcntl is not None
            ):  # before it is closed: as long as it is open, nobody takes it for a leftover
                os.replace(temporary, path)
        if fcntl is None:
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise


def _stat(f: str | os.PathLike[str]) -> os.stat_result | None:
    try:
        return os.stat(f)
    except FileNotFoundError:
        return None


def _open_temporary(path: Path) -> tuple[Path, BinaryIO]:
    """Make a new file beside ``path``, and lock it as long as it is open."""
    while True:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
        file = open(temporary, "xb")  # noqa: SIM115 - the caller closes it
        if fcntl is None:
            return temporary, file
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if _stat(temporary) is not None:
            return temporary, file
        file.close()  # somebody took it for a leftover before it was locked


def _take_over_rights(file: BinaryIO, present: os.stat_result) -> None:
    """Give a new, still empty file the owner and the mode of the old one."""
    if hasattr(os, "fchown"):
        with contextlib.suppress(PermissionError):
            os.fchown(file.fileno(), present.st_uid, present.st_gid)
    os.chmod(file.name, stat.S_IMODE(present.st_mode))


def _remove_leftovers(path: Path) -> None:
    """Remove what processes have left that were killed while they wrote this file: nobody locks it any more."""
    pattern = re.compile(re.escape(path.name) + r"\.[0-9a-f]{8}\.part")
    try:
        leftovers = [path.with_name(name) for name in os.listdir(path.parent) if pattern.fullmatch(name)]
    except OSError:
        return
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            if fcntl is None:
                os.remove(leftover)
                continue
            with open(leftover, "rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.remove(leftover)
