"""What an optimizer remembers about a parameter: made anew, counted, and taken over from a file."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.backend import array_module, to_device
from tinygrad_edu.numpy_dtypes import NUMBER_KINDS
from tinygrad_edu.type_names import type_name

COUNTERS = ("step", "eta", "mu", "mu_product")
"""Numbers in the state of a parameter, which keep their dtype, on the CPU."""


def zeros_for(param: Tensor, fill_value: float = 0.0) -> Tensor:
    """Return a new state tensor of the parameter's shape, dtype, device and memory order."""
    return tensor_from_array(array_module(param.array).full_like(param.array, fill_value))


def new_step_counter(count: float = 0.0) -> Tensor:
    """Return a 0-d float tensor on the CPU that counts the steps of one parameter, as in PyTorch."""
    dtype = np.float64 if dtypes.get_default_dtype() is dtypes.float64 else np.float32
    return tensor_from_array(np.array(count, dtype))


def count_step(step: Tensor) -> float:
    """Add one to a step counter, in place, and return the new count."""
    count = float(step.array) + 1.0
    step.array[...] = count
    return count


def copy_for(param: Tensor, value: Any, key: Any = None) -> Any:
    """Return a copy of loaded state, its tensors on the device and in the dtype of their parameter."""
    if isinstance(value, Tensor):
        if not value._is_strided:
            return value.detach().to(device=param.device, dtype=param.dtype, copy=True)
        if key in COUNTERS:
            return tensor_from_array(to_device(value.array, "cpu").copy())
        dtype = param.array.dtype if param.dtype.is_floating_point else value.array.dtype
        return tensor_from_array(to_device(value.array, param.device).astype(dtype))
    if isinstance(value, dict):
        return {name: copy_for(param, item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(copy_for(param, item) for item in value)
    return value


def check_param_state(param: Tensor, value: Any, names: tuple[str, ...], number: Any) -> None:
    """Raise unless loaded state fits a parameter: a step would read past the end of what is too small."""
    if not isinstance(value, dict):
        raise ValueError(f"loaded state dict has a {type_name(value)} as the state of parameter {number}")
    step = value.get("step")
    is_number = isinstance(step, int | float | np.number) or (isinstance(step, Tensor) and step.numel() == 1)
    if step is not None and not is_number:
        raise ValueError(f"loaded state dict has no number as step of parameter {number}")
    for name in names:
        remembered = value.get(name)
        if remembered is None:
            continue
        if not isinstance(remembered, Tensor) or remembered.dtype.numpy_dtype.kind not in NUMBER_KINDS:
            raise ValueError(f"loaded state dict has no tensor of numbers as {name} of parameter {number}")
        if remembered.shape != param.shape:
            raise ValueError(
                f"loaded state dict has a {name} of shape {remembered.shape} for parameter {number}, whose shape is "
                f"{param.shape}"
            )
