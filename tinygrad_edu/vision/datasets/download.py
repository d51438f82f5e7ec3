"""Fetching a dataset's files: several mirrors, check sums, and never half a file under the final name."""

from __future__ import annotations

import hashlib
import http.client
import os
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 30.0


class DownloadError(RuntimeError):
    """A file that no mirror delivered; the message says what was tried and how to help oneself."""


def download_file(
    filename: str,
    mirrors: Sequence[str],
    folder: str | os.PathLike[str],
    md5: str | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> Path:
    """Download ``filename`` into ``folder`` from the first of ``mirrors`` that delivers it whole.

    The bytes go to a temporary file beside the target, which takes the final name only after its length
    and check sum were found right; an error or Ctrl-C removes it.

    Parameters
    ----------
    filename : str
        The file's name, on the mirrors and in the folder.
    mirrors : sequence of str
        The addresses to which the name is appended, in the order in which they are tried.
    folder : str or path-like
        Where the file goes; made if it is not there.
    md5 : str, optional
        The check sum that the file must have, in hexadecimal.
    timeout : float
        Seconds without any byte from a mirror after which the next one is tried.

    Returns
    -------
    pathlib.Path
        The finished file.

    Raises
    ------
    DownloadError
        If no mirror delivers the file.
    OSError
        If the folder or the file cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{filename}"
        try:
            return _download_from(url, folder / filename, md5, timeout)
        except DownloadError as error:
            failures.append(f"  {url}: {error}")
    raise DownloadError(
        f"Error downloading {filename}. Tried:\n" + "\n".join(failures) + "\n"
        f"Without a network, get the file elsewhere and put it at {folder / filename} "
        "(uncompressed, without .gz, is fine too)."
    )


def _download_from(url: str, target: Path, md5: str | None, timeout: float) -> Path:
    """Fetch one address into ``target`` by way of a temporary file in the same folder."""
    # A name of its own for each attempt: two programs may download into the same folder at once.
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    checksum = hashlib.md5(usedforsecurity=False)
    try:
        with partial.open("xb") as file:
            for chunk in _chunks_of(url, target.name, timeout):
                checksum.update(chunk)
                file.write(chunk)
        if md5 is not None and checksum.hexdigest() != md5:
            raise DownloadError(
                f"expected MD5 {md5}, got {checksum.hexdigest()}: not the right file, or damaged"
            )
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)  # already gone if all went well
    return target


def _chunks_of(url: str, label: str, timeout: float) -> Iterator[bytes]:
    """Yield the bytes behind an address, with a progress bar.

    Whatever goes wrong on the network is a DownloadError.
    """
    from tqdm import tqdm  # here because only downloads need it

    try:
        request = urllib.request.Request(url, headers={"User-Agent": "tinygrad_edu"})
        with urllib.request.urlopen(request, timeout=timeout) as response:
            announced = response.headers.get("Content-Length")
            total = int(announced) if announced is not None else None
            received = 0
            # disable=None: no bar where the output is not a terminal
            with tqdm(total=total, desc=label, unit="B", unit_scale=True, disable=None) as progress:
                while chunk := response.read(CHUNK_BYTES):
                    received += len(chunk)
                    progress.update(len(chunk))
                    yield chunk
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DownloadError(_reason(error, timeout)) from error
    if total is not None and received != total:
        raise DownloadError(f"expected {total} bytes, got {received}: the connection was cut")


def _reason(error: Exception, timeout: float) -> str:
    """Say in a few words why a transfer failed."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause: Any = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer for {timeout:g} s"
    return f"{type(cause).__name__}: {cause}" if isinstance(cause, Exception) else str(cause)
