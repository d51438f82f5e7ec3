"""Settings of the libraries that compute.

References
----------
https://docs.pytorch.org/docs/stable/backends.html
"""

from typing import TYPE_CHECKING

from tinygrad_edu.backends import cuda, cudnn, mps
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["cuda", "cudnn", "mps"]

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
