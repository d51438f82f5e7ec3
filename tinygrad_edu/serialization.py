"""Saving and loading.

A saved file is a zip archive, whose check sum tells a damaged file from a whole one, with one pickle in it. A
pickle can name any function and have it called; so ``load`` accepts a short list of names and nothing else.

References
----------
https://docs.pytorch.org/docs/stable/notes/serialization.html
"""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import secrets
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from tinygrad_edu._tensor_methods import convert
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import Array, DeviceLike, to_device

FileLike: TypeAlias = "str | os.PathLike[str] | BinaryIO"
MapLocation: TypeAlias = "DeviceLike | Mapping[str, str] | Callable[[Any, str], Any]"

CONTENT = "tinygrad_edu/data.pkl"

SAFE_GLOBALS = {
    ("tinygrad_edu._tensor_methods.convert", "rebuild_tensor"),
    ("tinygrad_edu._tensor", "Tensor"),
    ("tinygrad_edu._tensor", "Size"),  # of files written before Size had a file of its own
    ("tinygrad_edu.size", "Size"),
    ("tinygrad_edu.nn.parameter", "Parameter"),
    ("tinygrad_edu.dtypes", "from_numpy_dtype"),
    ("tinygrad_edu.backend", "device"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),  # these three: written under NumPy 1
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("_codecs", "encode"),
    ("builtins", "bytearray"),
    ("builtins", "complex"),
    ("builtins", "frozenset"),
    ("builtins", "range"),
    ("builtins", "set"),
    ("builtins", "slice"),
    ("collections", "Counter"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
}
"""The modules and names that ``load`` may take from a file, unless ``weights_only=False``."""


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let ``load`` make objects of these classes, or call these functions, from now on.

    References
    ----------
    https://docs.pytorch.org/docs/stable/notes/serialization.html#torch.serialization.add_safe_globals
    """
    SAFE_GLOBALS.update((obj.__module__, obj.__qualname__) for obj in safe_globals)


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
    if hasattr(f, "write"):
        _write(obj, f)
        return
    path = Path(os.path.realpath(f))  # a link stays a link
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(temporary, "xb") as file:
            _write(obj, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.remove(temporary)
        raise


def _write(obj: Any, file: Any) -> None:
    data = pickle.dumps(obj, protocol=5)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(CONTENT, data)


class _Unpickler(pickle.Unpickler):
    """Makes tensors where the caller wants them and, if it is to be safe, nothing that is not known."""

    def __init__(self, file: Any, map_location: MapLocation, safe: bool) -> None:
        super().__init__(file)
        self.map_location = map_location
        self.safe = safe

    def find_class(self, module: str, name: str) -> Any:
        if self.safe and (module, name) not in SAFE_GLOBALS:
            raise pickle.UnpicklingError(
                f"load: expected only tensors, numbers and containers, got {module}.{name}. If you trust the file, use "
                "weights_only=False, which lets it run any code, or allow the class with "
                "torch.serialization.add_safe_globals."
            )
        if (module, name) == ("tinygrad_edu._tensor_methods.convert", "rebuild_tensor"):
            return self.rebuild_tensor
        return super().find_class(module, name)

    def rebuild_tensor(self, cls: type[Any], array: Array, device_name: str, requires_grad: bool) -> Any:
        """Make a tensor on the device that the caller wants, or else on the one it was saved from."""
        wanted = self.map_location
        if isinstance(wanted, Mapping):
            wanted = wanted.get(device_name)
        elif callable(wanted):
            placed = wanted(tensor_from_array(array), device_name)
            wanted = None if placed is None else placed.device
        if wanted is not None:
            return convert.rebuild_tensor(cls, to_device(array, wanted), str(wanted), requires_grad)
        try:
            return convert.rebuild_tensor(cls, array, device_name, requires_grad)
        except RuntimeError as error:
            raise RuntimeError(
                f"load: the file holds a tensor of device {device_name}, which cannot be used here: {error}. Hint: "
                "map_location='cpu' loads it on the CPU."
            ) from None


def load(f: FileLike, map_location: MapLocation = None, *, weights_only: bool = True) -> Any:
    """Read an object that :func:`save` has written.

    Parameters
    ----------
    f : str, path or binary file
        Where from.
    map_location : device, dict or callable, optional
        Where to put the tensors: all on one device, or by the name of the device they were saved from
        (``{"cuda:0": "cpu"}``), or where ``map_location(tensor, name)`` puts them.
    weights_only : bool
        Refuse anything but tensors, numbers and containers; otherwise a file can run any code.

    Raises
    ------
    FileNotFoundError
        If the file is not there.
    RuntimeError
        If it is truncated or was written by something else.
    pickle.UnpicklingError
        If it names something that is not on the list of what is safe.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.load.html
    """
    if hasattr(f, "read"):
        data, name = f.read(), getattr(f, "name", "the file")
    else:
        data, name = Path(f).read_bytes(), str(f)
    content = _content_of(data, name)
    return _Unpickler(io.BytesIO(content), map_location, safe=weights_only).load()


def _content_of(data: bytes, name: str) -> bytes:
    """Return the pickle in an archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if CONTENT not in names and any(n.endswith("/data.pkl") for n in names):
                raise RuntimeError(
                    f"load: {name} was written by PyTorch itself, whose format is another one. Hint: there, turn the "
                    "tensors into NumPy arrays, and save those with numpy.savez."
                )
            return archive.read(CONTENT)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError, EOFError) as error:
        raise RuntimeError(
            f"load: {name} is not a file of tinygrad_edu.save, or it is truncated or damaged: expected a zip archive "
            f"with {CONTENT}, got {len(data)} bytes ({error})"
        ) from None
