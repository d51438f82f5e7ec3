"""Automatic mixed precision: products in half precision (:class:`autocast`) and the scaling of gradients.

References
----------
https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.amp.autocast_mode import (
    autocast,
    custom_bwd,
    custom_fwd,
    is_autocast_available,
)
from tinygrad_edu.amp.grad_scaler import GradScaler
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
