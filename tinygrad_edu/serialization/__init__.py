"""Saving and loading, in PyTorch's format: what one engine has written the other one reads.

A file is a zip archive (``container.py``) with a pickle in it, which says what there is (``pickler.py``,
``interpreter.py``), and with the bytes of the tensors beside it (``storage.py``). A pickle can name any function and
have it called; so ``load`` does not give it to ``pickle`` at all, unless it is told to trust it (``trusting.py``).

References
----------
https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from tinygrad_edu.arguments import as_int
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.serialization.container import Archive, LoadError, write_archive
from tinygrad_edu.serialization.files import replacing
from tinygrad_edu.serialization.interpreter import Interpreter
from tinygrad_edu.serialization.pickler import Pickler
from tinygrad_edu.serialization.storage import MapLocation, TensorReader
from tinygrad_edu.serialization.trusting import TrustingUnpickler

__all__ = [
    "LoadError",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]

FileLike: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_trusted: dict[tuple[str, str], Any] = {}


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let ``load`` make objects of these classes, or call these functions, from now on.

    Each is a class or function, or a pair of one and the full name that it has in files.

    References
    ----------
    https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.add_safe_globals

    Examples
    --------
    >>> import fractions
    >>> import tinygrad_edu as torch
    >>> torch.serialization.add_safe_globals([fractions.Fraction])
    >>> torch.serialization.get_safe_globals()
    [<class 'fractions.Fraction'>]
    >>> torch.serialization.clear_safe_globals()
    """
    for entry in safe_globals:
        obj, name = entry if isinstance(entry, tuple) else (entry, f"{entry.__module__}.{entry.__qualname__}")
        module, _, qualname = name.rpartition(".")
        _trusted[module, qualname] = obj


def get_safe_globals() -> list[Any]:
    """Return what ``add_safe_globals`` was given.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.serialization.get_safe_globals()
    []
    """
    return list(_trusted.values())


def clear_safe_globals() -> None:
    """Forget what ``add_safe_globals`` was given.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.serialization.clear_safe_globals()
    """
    _trusted.clear()


@contextlib.contextmanager
def safe_globals(safe_globals: list[Any]) -> Iterator[None]:
    """Let ``load`` make objects of these classes within a ``with`` block.

    Examples
    --------
    >>> import fractions
    >>> import tinygrad_edu as torch
    >>> with torch.serialization.safe_globals([fractions.Fraction]):
    ...     len(torch.serialization.get_safe_globals())
    1
    """
    before = dict(_trusted)
    add_safe_globals(safe_globals)
    try:
        yield
    finally:
        _trusted.clear()
        _trusted.update(before)


def save(obj: Any, f: FileLike, *, pickle_protocol: int = 2) -> None:
    """Write an object, such as a ``state_dict``, to a file that PyTorch can read, too.

    A named file is replaced at the end in one go: if something goes wrong, the old one is still there, whole.

    Parameters
    ----------
    obj : object
        Tensors, numbers, strings, and dicts, lists and tuples of them. Anything else that can be pickled is written
        as well, but ``load`` reads it only with ``weights_only=False``.
    f : str, path or binary file
        Where to.
    pickle_protocol : int
        2 is what PyTorch's ``load`` expects.

    Raises
    ------
    RuntimeError
        If tensors of different dtypes share memory.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.save.html

    Examples
    --------
    >>> import io
    >>> import tinygrad_edu as torch
    >>> buffer = io.BytesIO()
    >>> torch.save({"weight": torch.ones(2)}, buffer)
    >>> _ = buffer.seek(0)
    >>> torch.load(buffer)
    {'weight': tensor([1., 1.])}
    """
    if not isinstance(f, str | os.PathLike) and not hasattr(f, "write"):
        raise AttributeError(f"save: expected f to be a name or a file to write to, got {type(f).__name__}")
    pickler = Pickler(as_int("save", "pickle_protocol", pickle_protocol))
    data = pickler.pickled(obj)
    with contextlib.nullcontext(f) if hasattr(f, "write") else replacing(f) as file:
        write_archive(file, data, pickler.storage_bytes())


def load(f: FileLike, map_location: MapLocation = None, *, weights_only: bool | None = None) -> Any:
    """Read an object that :func:`save` has written, or PyTorch.

    Parameters
    ----------
    f : str, path or binary file
        Where from.
    map_location : device, dict or callable, optional
        Where to put the tensors: all on one device, or by the name of the device they were saved from
        (``{"cuda:0": "cpu"}``), or where ``map_location(tensor, name)`` puts them.
    weights_only : bool, optional
        True, the default, refuses anything but tensors, numbers and containers; with False a file can run any code.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    LoadError
        If it is truncated or damaged, was written by something else, or names something that is not safe. It is a
        RuntimeError and a pickle.UnpicklingError.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.load.html

    Examples
    --------
    >>> import io
    >>> import tinygrad_edu as torch
    >>> buffer = io.BytesIO()
    >>> x = torch.zeros(2, 3)
    >>> torch.save([x, x[0]], buffer)
    >>> x, row = torch.load(buffer)
    >>> _ = row.fill_(1)
    >>> x
    tensor([[1., 1., 1.],
            [0., 0., 0.]])
    """
    if isinstance(f, str | os.PathLike):
        with open(f, "rb") as file:
            return _load(file, str(f), map_location, weights_only)
    if not hasattr(f, "read"):
        raise AttributeError(f"load: expected f to be a name or a file to read from, got {type(f).__name__}")
    return _load(f, getattr(f, "name", "the file"), map_location, weights_only)


def _load(file: Any, name: Any, map_location: MapLocation, weights_only: bool | None) -> Any:
    if not (hasattr(file, "seekable") and file.seekable()):  # a pipe
        file = io.BytesIO(file.read())
    archive = Archive(file, name)
    reader = TensorReader(archive, map_location)
    data = archive.read("data.pkl")
    if weights_only is False:
        return TrustingUnpickler(data, reader).load()
    return Interpreter(data, reader, _trusted).run()


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
