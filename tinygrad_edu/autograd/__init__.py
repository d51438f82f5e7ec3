"""Automatic differentiation: the graph, and everything that walks it.

References
----------
https://docs.pytorch.org/docs/stable/autograd.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.autograd.anomaly import detect_anomaly, set_detect_anomaly
from tinygrad_edu.autograd.api import Variable, backward, grad
from tinygrad_edu.autograd.function import Function, once_differentiable
from tinygrad_edu.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "inference_mode",
    "no_grad",
    "once_differentiable",
    "set_detect_anomaly",
    "set_grad_enabled",
]

if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
