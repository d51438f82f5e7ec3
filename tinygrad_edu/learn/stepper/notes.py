"""What the page says in words besides the numbers: options, broadcasting, bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.learn.tape import ForwardStep, Sent, Tape

LONGEST_TEXT = 120


def options_of(step: ForwardStep) -> list[list[str]]:
    """Return the options of an operation as texts: [["stride", "(1, 1)"]]."""
    return [[name, text_of(value)] for name, value in step.options.items()]


def number_of(x: Any) -> Any:
    """Return what stands in the place of an array: a number, or a text."""
    if isinstance(x, bool | int | float) and np.isfinite(x):
        return x
    return text_of(x)


def text_of(x: Any) -> str:
    """Return a short text for anything."""
    if hasattr(x, "shape") and x.shape:
        return f"array of {tuple(x.shape)}"
    text = repr(x.item()) if isinstance(x, np.generic) else repr(x)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."


def kept_bytes(tape: Tape) -> int:
    """Return how many bytes all steps together keep for the backward: each array once."""
    return sum({id(saved.value): saved.nbytes for step in tape.forward for saved in step.saved}.values())


def stretched_axes(shape: tuple[int, ...], to: tuple[int, ...]) -> list[int]:
    """Return the axes of ``to`` along which an array of ``shape`` is repeated."""
    added = len(to) - len(shape)
    sizes = (None,) * added + shape
    return [
        axis
        for axis, (size, wanted) in enumerate(zip(sizes, to, strict=True))
        if size is None or size != wanted
    ]


def stretched(step: ForwardStep) -> list[str]:
    """Say of each input of an elementwise step, which is stretched to the shape of the output, along what."""
    if not step.is_elementwise or not step.outputs:
        return []
    shape, texts = step.outputs[0].shape, []
    for number, operand in enumerate(step.inputs):
        if operand.value is None or operand.value.shape == shape:
            continue
        if is_stretched_to(operand.value.shape, shape):
            axes = axes_in_words(stretched_axes(operand.value.shape, shape))
            texts.append(
                f"{operand.name or f'input {number}'}: {operand.value.shape} is stretched to {shape}, along {axes}"
            )
    return texts


def why_summed(step: ForwardStep | None, sent: Sent) -> str:
    """Say why the gradient of an input is a sum over some axes: because the input was stretched."""
    if step is None or not step.is_elementwise or not step.outputs or sent.value is None:
        return ""
    if sent.input >= len(step.inputs):
        return ""
    operand, shape = step.inputs[sent.input].value, step.outputs[0].shape
    if operand is None or operand.shape == shape or not is_stretched_to(operand.shape, shape):
        return ""
    axes = axes_in_words(stretched_axes(operand.shape, shape))
    return f"summed over {axes}, because {operand.shape} was stretched to {shape}"


def is_stretched_to(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Tell whether broadcasting makes ``to`` of ``shape``."""
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def axes_in_words(axes: list[int]) -> str:
    """Return "axis 0", or "axes 0 and 2"."""
    if len(axes) == 1:
        return f"axis {axes[0]}"
    return f"axes {', '.join(map(str, axes[:-1]))} and {axes[-1]}"
