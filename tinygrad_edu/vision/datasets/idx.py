"""The IDX file format, in which MNIST and its relatives are published.

A file is a header and the numbers, all in big-endian byte order, perhaps compressed with gzip::

    offset  bytes      meaning
    0       2          zero
    2       1          element type (0x08 unsigned byte, 0x0D float, ...; see ELEMENT_DTYPES)
    3       1          number of dimensions d
    4       4 * d      the size of each dimension, unsigned 32-bit
    4+4*d   the rest   the elements, the last dimension varying fastest

The first four bytes together are the *magic number*: 0x00000803 for MNIST's images (unsigned bytes,
three dimensions) and 0x00000801 for its labels.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]

GZIP_MAGIC = b"\x1f\x8b"

ELEMENT_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}


class IdxFormatError(ValueError):
    """A file that is not the IDX file it should be; the message names the file and what is wrong."""


def read_idx(path: str | os.PathLike[str], expected_ndim: int | None = None) -> AnyArray:
    """Read an IDX file, compressed with gzip or not (the content decides, not the file's name).

    Parameters
    ----------
    path : str or path-like
        The file.
    expected_ndim : int, optional
        The number of dimensions that the array must have; any if left out.

    Returns
    -------
    numpy.ndarray
        A fresh, writable array in the machine's byte order, with the file's shape and element type.

    Raises
    ------
    IdxFormatError
        If the file is empty, truncated or corrupt, has bytes left over after the last element, is no
        IDX file, or has another number of dimensions.
    FileNotFoundError
        If there is no such file.

    References
    ----------
    "The IDX file format", http://yann.lecun.com/exdb/mnist/
    """
    path = Path(path)
    content = _read_and_unpack(path)
    dtype, shape, offset = _parse_header(path, content)
    if expected_ndim is not None and len(shape) != expected_ndim:
        raise IdxFormatError(
            f"read_idx: {path}: expected {expected_ndim} dimensions, got {len(shape)} (shape {shape}); "
            "are the files of images and labels swapped?"
        )
    expected_bytes = math.prod(shape) * dtype.itemsize  # Python integers: a corrupt header cannot overflow
    actual_bytes = len(content) - offset
    if actual_bytes != expected_bytes:
        problem = "the file is truncated" if actual_bytes < expected_bytes else "there are trailing bytes"
        raise IdxFormatError(
            f"read_idx: {path}: expected {expected_bytes} bytes of elements for shape {shape}, "
            f"got {actual_bytes}: {problem}"
        )
    elements = np.frombuffer(content, dtype=dtype, offset=offset).astype(
        dtype.newbyteorder("=")
    )  # a writable copy
    try:
        return elements.reshape(shape)
    except ValueError as error:  # more than 64 dimensions, or a size 0 beside sizes that overflow
        raise IdxFormatError(
            f"read_idx: {path}: expected a shape that NumPy can hold, got {shape}"
        ) from error


def write_idx(path: str | os.PathLike[str], array: npt.ArrayLike) -> None:
    """Write an array as an IDX file, compressed with gzip if the name ends in ``.gz``.

    Raises
    ------
    TypeError
        If the element type is not one of IDX: uint8, int8, int16, int32, float32, float64.
    ValueError
        If there are more than 255 dimensions, or one of 2**32 or more.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from tinygrad_edu.vision.datasets import idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "labels.gz")
    ...     idx.write_idx(path, np.array([5, 0, 4], dtype=np.uint8))
    ...     idx.read_idx(path)
    array([5, 0, 4], dtype=uint8)
    """
    array = np.asarray(array)
    codes = [code for code, dtype in ELEMENT_DTYPES.items() if dtype == array.dtype.newbyteorder(">")]
    if not codes:
        names = ", ".join(dtype.newbyteorder("=").name for dtype in ELEMENT_DTYPES.values())
        raise TypeError(f"write_idx: expected one of {names}, got {array.dtype}")
    if array.ndim > 255 or max(array.shape, default=0) >= 2**32:
        raise ValueError(f"write_idx: expected at most 255 dimensions below 2**32, got shape {array.shape}")
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[0], array.ndim, *array.shape)
    content = header + array.astype(ELEMENT_DTYPES[codes[0]]).tobytes()
    path = Path(path)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def _read_and_unpack(path: Path) -> bytes:
    """Return the file's bytes, decompressed if they are gzip's."""
    content = path.read_bytes()
    if not content:
        raise IdxFormatError(f"read_idx: {path}: expected an IDX file, got an empty file")
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except EOFError as error:
        raise IdxFormatError(
            f"read_idx: {path}: expected a complete gzip file, got {len(content)} bytes that end too early: "
            "the file is truncated"
        ) from error
    except (gzip.BadGzipFile, zlib.error, struct.error) as error:
        raise IdxFormatError(
            f"read_idx: {path}: expected a sound gzip file, got a corrupt one ({error})"
        ) from error


def _parse_header(path: Path, content: bytes) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Return the element type, the shape, and the offset of the first element."""
    if len(content) < 4:
        raise IdxFormatError(
            f"read_idx: {path}: expected a header of at least 4 bytes, got {len(content)}: "
            "the file is truncated"
        )
    zero, code, ndim = struct.unpack_from(">HBB", content)
    if zero != 0 or code not in ELEMENT_DTYPES:
        raise IdxFormatError(
            f"read_idx: {path}: expected a magic number such as 0x00000803 (images) or 0x00000801 (labels), "
            f"got 0x{content[:4].hex()}: this is not an IDX file"
        )
    offset = 4 + 4 * ndim
    if len(content) < offset:
        raise IdxFormatError(
            f"read_idx: {path}: expected a header of {offset} bytes for {ndim} dimensions, "
            f"got {len(content)}: the file is truncated"
        )
    return ELEMENT_DTYPES[code], struct.unpack_from(f">{ndim}I", content, 4), offset
