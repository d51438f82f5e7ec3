"""``torch.backends.cudnn``: there is no cuDNN here; its switches can be set, and change nothing.

Attributes
----------
enabled, benchmark, deterministic, allow_tf32 : bool
    PyTorch's switches, with its defaults.
benchmark_limit : int or None
    The same.

References
----------
https://docs.pytorch.org/docs/stable/backends.html#module-torch.backends.cudnn
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module

enabled = True
benchmark = False
deterministic = False
allow_tf32 = True
benchmark_limit: int | None = None


def is_available() -> bool:
    """Tell whether cuDNN can be used: never."""
    return False


def version() -> None:
    """Return the version of cuDNN: None, for there is none."""
    return


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
