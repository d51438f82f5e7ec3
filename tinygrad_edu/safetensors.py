"""Files of the safetensors format: tensors by name and nothing else; for models from the Hugging Face Hub, for example.

The functions are those of ``safetensors.torch``: in a program, ``from tinygrad_edu.safetensors import load_file``. The
library ``safetensors`` does the work; ``python -m pip install 'tinygrad_edu[safetensors]'`` installs it.

References
----------
https://huggingface.co/docs/safetensors/index, which describes the format
https://huggingface.co/docs/safetensors/api/torch
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import DeviceLike, device_of, to_device, to_numpy
from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.serialization.files import replacing
from tinygrad_edu.serialization.pickler import address

__all__ = ["load", "load_file", "save", "save_file"]

DTYPES = {
    "BOOL": dtypes.bool_,
    "U8": dtypes.uint8,
    "I8": dtypes.int8,
    "I16": dtypes.int16,
    "I32": dtypes.int32,
    "I64": dtypes.int64,
    "F16": dtypes.float16,
    "BF16": dtypes.bfloat16,
    "F32": dtypes.float32,
    "F64": dtypes.float64,
    "C64": dtypes.complex64,
}


def save_file(
    tensors: dict[str, Tensor], filename: str | os.PathLike[str], metadata: dict[str, str] | None = None
) -> None:
    """Write tensors to a file, which is replaced in one go.

    Parameters
    ----------
    tensors : dict
        Contiguous tensors by name, no two of which share memory.
    filename : str or path
        Where to.
    metadata : dict, optional
        Text by name, for whoever reads the file.

    Raises
    ------
    ValueError
        If something is not a tensor, not contiguous, or of a dtype that the format does not have.
    RuntimeError
        If two tensors share memory: they would no longer do so when they are loaded.

    Examples
    --------
    >>> import tempfile
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.safetensors import load_file, save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"weight": torch.ones(2)}, f"{folder}/model.safetensors")
    ...     load_file(f"{folder}/model.safetensors")
    {'weight': tensor([1., 1.])}
    """
    data = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(data)


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Return what :func:`save_file` writes.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import safetensors
    >>> safetensors.load(safetensors.save({"step": torch.tensor(3)}))
    {'step': tensor(3)}
    """
    check_tensors(tensors)
    numpy = library("numpy")
    return bytes(numpy.save({name: to_numpy(tensor.array) for name, tensor in tensors.items()}, metadata))


def load_file(filename: str | os.PathLike[str], device: DeviceLike = "cpu") -> dict[str, Tensor]:
    """Read the tensors of a file.

    Parameters
    ----------
    filename : str or path
        Where from.
    device : device
        Where the tensors go.

    Raises
    ------
    LoadError
        If the file is damaged, or has a tensor of a dtype that does not exist here; the message names it.

    Examples
    --------
    :func:`save_file` shows both.
    """
    return _tensors_of(Path(filename).read_bytes(), str(filename), device)


def load(data: bytes) -> dict[str, Tensor]:
    """Read the tensors of the bytes of a file; see :func:`save`."""
    return _tensors_of(data, "the data", "cpu")


def _tensors_of(data: bytes, name: str, device: DeviceLike) -> dict[str, Tensor]:
    safetensors = library()
    try:
        entries = safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        raise LoadError(
            f"safetensors.load: {name} is no safetensors file, or it is damaged: {error}"
        ) from None
    tensors = {}
    for key, entry in entries:
        dtype = DTYPES.get(entry["dtype"])
        if dtype is None:
            raise LoadError(
                f"safetensors.load: expected tensors of {', '.join(DTYPES)}, got {entry['dtype']} as {key!r}, a dtype "
                "that does not exist here"
            )
        array = np.frombuffer(bytearray(entry["data"]), dtype.numpy_dtype).reshape(entry["shape"])
        tensors[key] = tensor_from_array(to_device(array, device))
    return tensors


def library(part: str = "") -> ModuleType:
    """Return the library, or a part of it; say how to install it if it is not there."""
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            "this needs the library safetensors: python -m pip install 'tinygrad_edu[safetensors]'"
        ) from None
    module: ModuleType = getattr(safetensors, part) if part else safetensors
    return module


def check_tensors(tensors: Any) -> None:
    """Raise unless these tensors can be written."""
    if not isinstance(tensors, dict):
        raise ValueError(f"safetensors.save: expected a dict of tensors, got {type(tensors).__name__}")
    places = []
    for name, tensor in tensors.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise ValueError(
                f"safetensors.save: expected a Tensor by name, got {name!r}: {type(tensor).__name__}"
            )
        if tensor.dtype not in DTYPES.values():
            raise ValueError(
                f"safetensors.save: expected one of {', '.join(DTYPES)}, got {tensor.dtype} as {name!r}"
            )
        if not tensor.is_contiguous():
            raise ValueError(
                f"safetensors.save: expected contiguous tensors, got {name!r}. Hint: save {name}.contiguous()"
            )
        if tensor.array.nbytes:
            start = address(tensor.array)
            places.append((str(device_of(tensor.array)), start, start + tensor.array.nbytes, name))
    places.sort()
    for before, after in itertools.pairwise(places):
        if before[0] == after[0] and after[1] < before[2]:
            raise RuntimeError(
                f"safetensors.save: expected no two tensors that share memory, got {before[3]!r} and {after[3]!r}. "
                "Hint: leave one of them out, or save a clone()"
            )
