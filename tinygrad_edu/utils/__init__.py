"""Tools around training: so far, loading data (``torch.utils.data``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.utils import data as data

__all__ = ["data"]

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
