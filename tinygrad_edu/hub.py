"""``torch.hub``: models and weights are not loaded from the network here; programs that ask are told so.

References
----------
https://docs.pytorch.org/docs/stable/hub.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from tinygrad_edu.missing_names import error_of_module as _error_of_module


def load(repo_or_dir: str, model: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to load a model; programs call it for models that are written for PyTorch itself.

    Raises
    ------
    NotImplementedError
        Always.
    """
    raise _not_there("load")


def load_state_dict_from_url(url: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Refuse to load weights from the network.

    Raises
    ------
    NotImplementedError
        Always.
    """
    raise _not_there("load_state_dict_from_url")


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
        "weights yourself, and read it with torch.load"
    )


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
