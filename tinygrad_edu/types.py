"""``torch.types``: what programs write behind a colon.

References
----------
https://github.com/pytorch/pytorch/blob/main/torch/types.py
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from tinygrad_edu._tensor import Size as Size, Tensor as Tensor
from tinygrad_edu.backend import device
from tinygrad_edu.missing_names import error_of_module as _error_of_module

Number: TypeAlias = int | float | bool
Device: TypeAlias = device | str | int | None
FileLike: TypeAlias = str | os.PathLike[str] | IO[bytes]
IntLikeType: TypeAlias = int
FloatLikeType: TypeAlias = float
BoolLikeType: TypeAlias = bool
Storage: TypeAlias = Any

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
