"""``torch.onnx``: models are not written in ONNX's format here; programs import the module all the same.

References
----------
https://docs.pytorch.org/docs/stable/onnx.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """Tell whether the code runs within an export: never."""
    return False


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
