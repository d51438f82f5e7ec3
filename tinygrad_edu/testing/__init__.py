"""Tensors compared in tests, and random ones made for them (``torch.testing``).

References
----------
https://docs.pytorch.org/docs/stable/testing.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.testing.comparison import assert_close as assert_close
from tinygrad_edu.testing.making import make_tensor as make_tensor

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
