"""``torch.distributed``: one process trains here, and programs that ask find that out.

References
----------
https://docs.pytorch.org/docs/stable/distributed.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["is_available"]


def is_available() -> bool:
    """Tell whether several processes can train together: never.

    As in a PyTorch that was built without it, nothing else is in this module.
    """
    return False


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
