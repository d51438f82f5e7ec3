"""``torch.hub``: weights are loaded from files, by their address; nothing is loaded from the network.

References
----------
https://docs.pytorch.org/docs/stable/hub.html
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlparse
from urllib.request import url2pathname

from tinygrad_edu import serialization
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.serialization.storage import MapLocation


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to load a model; programs call it for models that are written for PyTorch itself.

    Raises
    ------
    NotImplementedError
        Always.
    """
    raise _not_there("load")


def load_state_dict_from_url(
    url: str,
    model_dir: str | os.PathLike[str] | None = None,
    map_location: MapLocation = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Load weights from a file by its address, ``file:///folder/name.pth``.

    Parameters
    ----------
    url : str
        The address.
    model_dir, progress, file_name : optional
        About downloads, which there are none of.
    map_location : device, dict or callable, optional
        Where to put the tensors, as in :func:`load`.
    check_hash : bool
        Whether the file's SHA-256 must begin as the name says: ``resnet18-f37072fd.pth``.
    weights_only : bool
        As in :func:`load`; False is the default in PyTorch.

    Raises
    ------
    NotImplementedError
        For an address in the network.
    RuntimeError
        If the name says another hash.

    References
    ----------
    https://docs.pytorch.org/docs/stable/hub.html#torch.hub.load_state_dict_from_url

    Examples
    --------
    >>> import pathlib
    >>> import tempfile
    >>> import tinygrad_edu as torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     torch.save({"weight": torch.ones(2)}, f"{folder}/model.pth")
    ...     address = pathlib.Path(folder, "model.pth").as_uri()  # file:///...
    ...     torch.hub.load_state_dict_from_url(address)
    {'weight': tensor([1., 1.])}
    """
    address = urlparse(url)
    if address.scheme != "file":
        raise _not_there("load_state_dict_from_url")
    path = Path(url2pathname(address.path))
    if check_hash:
        _check_hash(path)
    return serialization.load(path, map_location, weights_only=weights_only)


def _check_hash(path: Path) -> None:
    """Raise unless the file is what its name says."""
    found = re.search(r"-([a-f0-9]*)\.", path.name)
    expected, actual = found[1] if found else "", hashlib.sha256(path.read_bytes()).hexdigest()
    if not actual.startswith(expected):
        raise RuntimeError(f'invalid hash value (expected "{expected}", got "{actual}")')


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> NoReturn:
    """Refuse to download a file.

    Raises
    ------
    NotImplementedError
        Always.
    """
    raise _not_there("download_url_to_file")


def _not_there(name: str) -> NotImplementedError:
    return NotImplementedError(
        f"torch.hub.{name}: nothing is loaded from the network here. Hint: write the model down, download its file of "
        "weights yourself, and read it with torch.load (or by its address, file:///...)"
    )


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
