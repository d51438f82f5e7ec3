"""Functions of functions: gradients, Jacobians, and functions of single samples applied to batches (``torch.func``).

Each of them takes a function and returns one. In PyTorch they are interpreters below Python; here they are Python:
``grad`` is a backward (``gradients.py``), ``vmap`` is a loop (``mapping.py``).

References
----------
https://docs.pytorch.org/docs/stable/func.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.func.directions import jvp as jvp, linearize as linearize
from tinygrad_edu.func.gradients import (
    grad as grad,
    grad_and_value as grad_and_value,
    hessian as hessian,
    jacfwd as jacfwd,
    jacrev as jacrev,
    vjp as vjp,
)
from tinygrad_edu.func.mapping import vmap as vmap
from tinygrad_edu.func.module_state import (
    functional_call as functional_call,
    stack_module_state as stack_module_state,
)
from tinygrad_edu.missing_names import error_of_module as _error_of_module

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
