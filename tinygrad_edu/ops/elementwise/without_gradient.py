"""Functions that PyTorch does not differentiate: they leave no trace in the graph."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, special_module
from tinygrad_edu.ops.common import as_float, reject_complex
from tinygrad_edu.ops.summation import wide


class WithoutGradient(Op):
    """A function of SciPy's of one argument, by its name there; it has no derivative here, as in PyTorch."""

    num_differentiable = 0

    def forward(self, x: Array, *, function: str) -> Array:
        return getattr(special_module(x), function)(wide(x)).astype(x.dtype, copy=False)


def without_gradient(name: str, input: Any, function: str) -> Any:
    """Compute one of SciPy's functions, which PyTorch calls by another name."""
    x = as_float(name, input)
    reject_complex(name, x)
    return WithoutGradient.apply(x, function=function)
