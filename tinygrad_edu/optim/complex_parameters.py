"""Updating complex parameters: their real and imaginary parts are updated as real numbers, each by itself."""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.ops import view_as_complex, view_as_real


def update_parts(optimizer: Any, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
    """Do one step for a complex parameter, by ``update_parameter`` on a view of its parts.

    What is remembered of the parameter, such as averages of its gradient, is complex, as in PyTorch, and seen as real
    meanwhile, too.
    """
    parts = view_as_real(param.detach())
    remembered = optimizer.state.pop(param, {})
    optimizer.state[parts] = {name: as_real(value) for name, value in remembered.items()}
    try:
        optimizer.update_parameter(parts, view_as_real(grad.detach()), group)
    finally:
        remembered = optimizer.state.pop(parts)
        optimizer.state[param] = {name: as_complex(value, parts) for name, value in remembered.items()}


def as_real(value: Any) -> Any:
    """Return a complex Tensor as its parts; anything else as it is."""
    return view_as_real(value) if isinstance(value, Tensor) and value.is_complex() else value


def as_complex(value: Any, parts: Tensor) -> Any:
    """Return a Tensor like the parts as complex numbers; anything else as it is."""
    return view_as_complex(value) if isinstance(value, Tensor) and value.shape == parts.shape else value
