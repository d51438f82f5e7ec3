"""Finding the first NaN, and the line of the user's program it comes from."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from tinygrad_edu.backend import Array, array_module

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node

PACKAGE_FOLDER = str(Path(__file__).parent.parent)


def user_line() -> str:
    """Return ``file:line`` of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def user_stack() -> list[str]:
    """Return the frames outside this package as ``file(line): function``, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE_FOLDER):
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines


def has_nan(array: Any) -> bool:
    """Tell whether an array, or a Tensor, holds a NaN; anything else does not."""
    array = getattr(array, "array", array)
    if getattr(array, "dtype", None) is None or array.dtype.kind not in "fc":
        return False
    return bool(array_module(array).isnan(array).any())


def describe(array: Any) -> str:
    """Return the shape and the range of the finite values of an array."""
    array = getattr(array, "array", array)
    if not hasattr(array, "shape"):
        return repr(array)
    finite = array[array_module(array).isfinite(array)]
    extent = (
        f"values from {float(finite.min()):.6g} to {float(finite.max()):.6g}"
        if finite.size
        else "no finite value"
    )
    return f"{list(array.shape)} with {extent}"


def check_output(node: Node, inputs: tuple[Any, ...], output: Any) -> None:
    """Raise if a forward made a NaN, in its output or in one of them."""
    if any(has_nan(array) for array in (output if isinstance(output, tuple) else (output,))):
        arrays = [i for i in inputs if i is not None]
        origin = (
            "its input has one already" if any(has_nan(i) for i in arrays) else "none of its inputs has one"
        )
        raise RuntimeError(
            f"{type(node).__name__}: the forward returned a NaN ({origin}). "
            f"Inputs: {'; '.join(describe(i) for i in arrays)}. Called at {user_line()}"
        )


def check_no_nan(grad_inputs: tuple[Array | None, ...], node: Node) -> None:
    """Raise if a backward made a NaN."""
    for index, grad in enumerate(grad_inputs):
        if grad is not None and has_nan(grad):
            made_at = "(not recorded: switch anomaly detection on before the forward)"
            raise RuntimeError(
                f"Function '{node.name()}' returned nan values in its {index}th output: the gradient of shape "
                f"{list(grad.shape)} has a NaN. The operation was called at {node.made_at or made_at}"
            )
