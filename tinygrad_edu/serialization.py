"""Saving and loading.

References
----------
https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from tinygrad_edu import _tensor
from tinygrad_edu.backend import DeviceLike, to_device

FileLike: TypeAlias = "str | os.PathLike[str] | BinaryIO"

ALLOWED_MODULES = ("tinygrad_edu", "numpy", "collections", "builtins", "_codecs", "copyreg")
"""Where ``load`` may take classes from, unless ``weights_only=False``."""

FORBIDDEN_BUILTINS = {
    "eval",
    "exec",
    "compile",
    "open",
    "getattr",
    "setattr",
    "__import__",
    "input",
    "breakpoint",
}


def save(obj: Any, f: FileLike) -> None:
    """Write an object, such as a ``state_dict``, to a file.

    A named file is replaced at the end in one go: if something goes wrong, the old one is still there, whole.

    Parameters
    ----------
    obj : object
        Tensors, numbers, strings, and dicts, lists and tuples of them.
    f : str, path or binary file
        Where to.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.save.html
    """
    if hasattr(f, "write"):
        _write(obj, f)  # type: ignore[arg-type]
        return
    path = Path(f)  # type: ignore[arg-type]
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            _write(obj, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise


def _write(obj: Any, file: BinaryIO) -> None:
    data = pickle.dumps(obj, protocol=5)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # a zip has a check sum
        archive.writestr("tinygrad_edu/data.pkl", data)


class _SafeUnpickler(pickle.Unpickler):
    """Refuses classes and functions from anywhere but a few modules."""

    def find_class(self, module: str, name: str) -> Any:
        top = module.partition(".")[0]
        if top not in ALLOWED_MODULES or (top == "builtins" and name in FORBIDDEN_BUILTINS):
            raise pickle.UnpicklingError(
                f"load: expected only tensors, numbers and containers, got {module}.{name}. If you trust the file, use "
                "weights_only=False: it can then run any code."
            )
        return super().find_class(module, name)


def load(f: FileLike, map_location: DeviceLike = None, *, weights_only: bool = True) -> Any:
    """Read an object that :func:`save` has written.

    Parameters
    ----------
    f : str, path or binary file
        Where from.
    map_location : device, optional
        Put all tensors there.
    weights_only : bool
        Refuse anything but tensors, numbers and containers; otherwise a file can run any code.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    RuntimeError
        If it is truncated or was written by something else.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.load.html
    """
    data = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    name = getattr(f, "name", "the file") if hasattr(f, "read") else str(f)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            content = archive.read("tinygrad_edu/data.pkl")
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise RuntimeError(
            f"load: {name} is not a file of tinygrad_edu.save, or it is truncated or damaged: expected a zip archive with "
            f"tinygrad_edu/data.pkl, got {len(data)} bytes ({error})"
        ) from None
    unpickler = _SafeUnpickler(io.BytesIO(content)) if weights_only else pickle.Unpickler(io.BytesIO(content))
    obj = unpickler.load()
    return obj if map_location is None else _moved(obj, map_location)


def _moved(obj: Any, device: DeviceLike) -> Any:
    """Return nested containers with all their tensors on ``device``."""
    if isinstance(obj, _tensor.Tensor):
        obj.array = to_device(obj.array, device)
        return obj
    if isinstance(obj, dict):
        for key, value in obj.items():
            obj[key] = _moved(value, device)
        return obj
    if isinstance(obj, list):
        obj[:] = [_moved(x, device) for x in obj]
        return obj
    if type(obj) is tuple:
        return tuple([_moved(x, device) for x in obj])
    return obj
