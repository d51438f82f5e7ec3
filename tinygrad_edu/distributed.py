"""``torch.distributed``: one process trains here, and programs that ask find that out.

References
----------
https://docs.pytorch.org/docs/stable/distributed.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["destroy_process_group", "init_process_group", "is_available", "is_initialized"]


def is_available() -> bool:
    """Tell whether several processes can train together: never."""
    return False


def is_initialized() -> bool:
    """Tell whether there is a group of processes that train together: never."""
    return False


def init_process_group(backend: str | None = None, **options: Any) -> None:
    """Refuse to make a group of processes; programs import this name, and call it when they are many.

    Raises
    ------
    NotImplementedError
        Always.

    References
    ----------
    https://docs.pytorch.org/docs/stable/distributed.html#torch.distributed.init_process_group
    """
    raise NotImplementedError(
        "init_process_group: one process trains here; there is nothing that joins several. "
        "Hint: start the program without torchrun"
    )


def destroy_process_group(group: Any = None) -> None:
    """Refuse to end a group of processes, for there is none.

    Raises
    ------
    AssertionError
        Always, as in PyTorch without ``init_process_group``.
    """
    raise AssertionError("destroy_process_group: there is no process group")


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
