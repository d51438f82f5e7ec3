"""``torch.backends.mps``: Apple's graphics chips are not used here, and programs that ask find that out.

References
----------
https://docs.pytorch.org/docs/stable/backends.html#module-torch.backends.mps
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["is_available", "is_built"]


def is_available() -> bool:
    """Tell whether tensors can be put on an Apple chip: never."""
    return False


def is_built() -> bool:
    """Tell whether this package could use one: no."""
    return False


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
