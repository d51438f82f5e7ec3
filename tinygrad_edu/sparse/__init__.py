"""Sparse tensors: those that keep only the elements that are not zero; see ``tensor.py`` for how and why.

References
----------
https://docs.pytorch.org/docs/stable/sparse.html
"""

from __future__ import annotations

from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.sparse.functions import (
    log_softmax as log_softmax,
    softmax as softmax,
    sum as sum,
)
from tinygrad_edu.sparse.product import (
    addmm as addmm,
    mm as mm,
    sampled_addmm as sampled_addmm,
)


def __getattr__(name: str) -> None:
    raise _error_of_module(__name__, name)
