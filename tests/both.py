"""Evaluates an expression with this package as ``torch``, and with PyTorch, and compares what comes out."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import tinygrad_edu


def describe(value: Any) -> Any:
    """Return a result in a form that is the same for both packages."""
    if hasattr(value, "requires_grad"):
        return (
            "tensor",
            tuple(value.shape),
            repr(value.dtype),
            value.detach().tolist(),
            value.requires_grad,
            value.is_leaf,
        )
    if isinstance(value, tuple | list):
        return [describe(x) for x in value]
    if isinstance(value, np.ndarray):
        return "array", value.dtype.name, value.shape, value.tolist()
    if isinstance(value, bool | int | float | complex | str | None):
        return type(value).__name__, value
    return repr(value)


def agree(a: Any, b: Any) -> bool:
    """Compare two descriptions; numbers may differ in the last digits of a float32."""
    if isinstance(a, tuple | list) and isinstance(b, tuple | list):
        return len(a) == len(b) and all(agree(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or a == b or abs(a - b) <= 1e-5 * abs(a)
    return type(a) is type(b) and a == b


def outcome(expression: str, torch: Any) -> Any:
    """Return ("value", description) or ("error", name of its class)."""
    with warnings.catch_warnings():
        if torch is not tinygrad_edu:
            warnings.simplefilter("ignore")
        try:
            return "value", describe(eval(expression, {"torch": torch, "np": np, "math": math}))
        except Exception as error:
            return "error", type(error).__name__


def check(expression: str, torch: Any) -> None:
    """Raise unless both packages do the same."""
    ours, theirs = outcome(expression, tinygrad_edu), outcome(expression, torch)
    assert agree(ours, theirs), f"{expression}\n  here:    {ours}\n  PyTorch: {theirs}"
