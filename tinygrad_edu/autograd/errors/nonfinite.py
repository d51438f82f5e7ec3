"""What is said of the first NaN or Inf: which element, what went into it, and what mends it if that is known."""

from __future__ import annotations

import linecache
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.autograd.errors.explaining import short_path
from tinygrad_edu.autograd.errors.mends import ALREADY, OF_PARAMETER, mend_of_backward, mend_of_forward
from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.autograd.tensor_base import array_of
from tinygrad_edu.backend import array_module
from tinygrad_edu.numpy_dtypes import is_inexact

ELEMENTWISE = (
    "tinygrad_edu.ops.elementwise.",
    "tinygrad_edu.ops.nn.activation",
    "tinygrad_edu.ops.nn.dropout",
)
"""The modules whose operations compute each element by itself."""


def numbers_of(x: Any) -> Any:
    """Return the array of a Tensor or an array with numbers that may be infinite; None for anything else.

    Of a sparse Tensor these are its elements.
    """
    array = array_of(x)
    return array if hasattr(array, "shape") and is_inexact(array.dtype) else None


def has_nan(x: Any) -> bool:
    """Tell whether an array, or a Tensor, holds a NaN; anything else does not."""
    array = numbers_of(x)
    return array is not None and bool(array_module(array).isnan(array).any())


def has_inf(x: Any) -> bool:
    """Tell whether an array, or a Tensor, holds an infinity; anything else does not."""
    array = numbers_of(x)
    return array is not None and bool(array_module(array).isinf(array).any())


def describe(x: Any) -> str:
    """Return the shape and the range of the finite values of an array."""
    array = array_of(x)
    if not hasattr(array, "shape"):
        return repr(array)
    lowest, highest = extent(array)
    values = "no finite value" if lowest is None else f"values from {lowest:.6g} to {highest:.6g}"
    return f"{list(array.shape)} with {values}"


def extent(array: Any) -> tuple[float | None, float | None]:
    """Return the smallest and the largest finite value, of complex numbers those of the absolute value."""
    finite = array[array_module(array).isfinite(array)]
    if finite.dtype.kind == "c":
        finite = abs(finite)
    return (float(finite.min()), float(finite.max())) if finite.size else (None, None)


def first_bad(array: Any, nan: bool) -> tuple[tuple[int, ...], int]:
    """Return where the first NaN, or the first Inf, is, and how many there are."""
    xp = array_module(array)
    bad = xp.isnan(array) if nan else xp.isinf(array)
    index = np.unravel_index(int(bad.ravel().argmax()), array.shape) if array.ndim else ()
    return tuple(int(i) for i in index), int(bad.sum())


def at(x: Any, index: Sequence[int], shape: Sequence[int]) -> Any:
    """Return the value of an operand that meets an element of the result; None if it does not broadcast to it."""
    array = array_of(x)
    if array is None or not hasattr(array, "shape"):
        return array
    if array.ndim > len(shape):
        return None
    place = index[len(shape) - array.ndim :]
    sizes = zip(array.shape, shape[len(shape) - array.ndim :], strict=True)
    if any(n not in (1, m) for n, m in sizes):
        return None
    return array[tuple([0 if n == 1 else i for i, n in zip(place, array.shape, strict=True)])].item()


def is_elementwise(node: Node) -> bool:
    """Tell whether every element of the result is made from those of the inputs that are in the same place."""
    return type(node).__module__.startswith(ELEMENTWISE)


def text_of(value: Any) -> str:
    """Return a number with six digits, anything else as it is."""
    return f"{value:.6g}" if isinstance(value, int | float | complex) else repr(value)


def bracket(index: Sequence[int]) -> str:
    """Return an index as it is written: [1, 2]; nothing for that of a single number."""
    return str(list(index)) if index else ""


def forward_note(node: Node, arrays: Sequence[Any], output: Any, nan: bool) -> str:
    """Say which element of a result is NaN or Inf, and why."""
    index, count = first_bad(output, nan)
    lines = [
        f"The first is output{bracket(index)} = {output[index]}; {count} of {output.size} elements are so"
    ]
    values: list[Any] = []
    if is_elementwise(node):
        values = [at(x, index, output.shape) for x in arrays if x is not None]
        values = [value for value in values if value is not None]
        lines.append("The inputs there: " + ", ".join(map(text_of, values)))
    given = [numbers_of(x) for x in arrays]
    already = next((i for i, x in enumerate(given) if has_nan(x) or (not nan and has_inf(x))), None)
    if already is not None:
        bad, _ = first_bad(given[already], has_nan(given[already]))
        lines.append(f"Input {already} has one already, at {list(bad)}: {given[already][bad]}")
        lines.append(f"Hint: {OF_PARAMETER if is_leaf(node, already) else ALREADY}")
        return "\n".join(lines)
    largest = max(
        [abs(x) for array in given if array is not None for x in extent(array) if x is not None], default=0.0
    )
    has_infinite = any(map(has_inf, given))
    mend = mend_of_forward(type(node).__name__, values, str(output.dtype), largest, has_infinite)
    return "\n".join([*lines, *([f"Hint: {mend}"] if mend else [])])


def is_leaf(node: Node, number: int) -> bool:
    """Tell whether an input is a leaf that wants a gradient, such as a parameter."""
    edges = node.next_edges
    edge = edges[number] if number < len(edges) else None
    return edge is not None and isinstance(edge[0], AccumulateGrad)


def backward_note(node: Node, grad: Any, grad_outputs: Sequence[Any], saved: Any, nan: bool) -> str:
    """Say which element of a gradient is NaN or Inf, what came in there, and what had been saved."""
    grad = array_of(grad)
    index, count = first_bad(grad, nan)
    lines = [line_of_forward(node)] if node.made_at else []
    lines.append(
        f"The first is gradient{bracket(index)} = {grad[index]}; {count} of {grad.size} elements are so"
    )
    came_in = values_at(grad_outputs, index, grad.shape)
    if came_in:
        lines.append("The gradient that came in there: " + ", ".join(map(text_of, came_in)))
    else:
        lines.append(
            "The gradients that came in: " + "; ".join(describe(x) for x in grad_outputs if x is not None)
        )
    kept = values_at(saved or (), index, grad.shape)
    if kept:
        lines.append("What the forward had saved, there: " + ", ".join(map(text_of, kept)))
    mend = mend_of_backward(type(node).__name__, came_in, kept)
    return "\n".join([*lines, *([f"Hint: {mend}"] if mend else [])])


def line_of_forward(node: Node) -> str:
    """Return the line of the program that made a node, and the layer in which it was."""
    file, _, number = str(node.made_at).rpartition(":")
    layer = f"in layer {node.made_in}\n" if node.made_in else ""
    return f"{layer}at {short_path(file)}:{number}: {linecache.getline(file, int(number)).strip()}"


def values_at(arrays: Sequence[Any], index: Sequence[int], shape: Sequence[int]) -> list[Any]:
    """Return the values in one place of those arrays that have this shape."""
    found = [array_of(x) for x in arrays if x is not None]
    return [x[tuple(index)].item() for x in found if getattr(x, "shape", None) == tuple(shape)]
