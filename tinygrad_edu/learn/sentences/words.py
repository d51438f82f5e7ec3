"""How sentences speak of numbers, shapes, operands and shares."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep, Leaf, Operand, Sent, Source, Value


def number(x: Any) -> str:
    """Return a number with three or four digits: "0.50", "-5.0", "1.2e-07".

    Examples
    --------
    >>> from tinygrad_edu.learn.sentences.words import number
    >>> number(-5), number(0.5), number(2 / 3), number(1234.56), number(1.25e-7)
    ('-5.0', '0.50', '0.6667', '1235', '1.25e-07')
    """
    if isinstance(x, bool | np.bool_):
        return str(bool(x))
    if isinstance(x, complex) or np.iscomplexobj(x):
        return f"{complex(x):.4g}"
    x = float(x) + 0.0  # no -0.0
    if not math.isfinite(x):
        return str(x)
    if x == round(x) and abs(x) < 10_000:
        return f"{x:.1f}"
    written = f"{x:.4g}"
    if "e" in written or len(written.partition(".")[2]) > 1:
        return written
    if "." in written:
        return written + "0"
    return written + ".0" if abs(x) < 1000 else written  # 0.99999 is 1.0


def shape(sizes: Sequence[int]) -> str:
    """Return a shape as Python writes it: "(4, 3)"."""
    return str(tuple(sizes))


def count(n: int, one: str, many: str = "") -> str:
    """Return "1 row", "3 rows"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(parts: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def share(part: int, whole: int) -> str:
    """Return "2 of 8"; of many the share in percent as well."""
    return f"{part:,} of {whole:,} ({100 * part / whole:.0f} %)" if whole >= 5 else f"{part} of {whole}"


def capital(text: str) -> str:
    """Let a sentence begin with a capital letter, unless its first word is a single letter or has dots: a name."""
    word = text.split(" ", 1)[0].rstrip(",:")
    return text[:1].upper() + text[1:] if word.isalpha() and len(word) > 1 else text


def axes(dims: Sequence[int]) -> str:
    """Return "axis 0", "axes 0 and 1"."""
    return ("axis " if len(dims) == 1 else "axes ") + listed([str(d) for d in dims])


# ---- values and operands -------------------------------------------------------------------------------


def is_single(value: Value | None) -> bool:
    """Tell whether there is exactly one number."""
    return value is not None and value.size == 1


def item(value: Value) -> Any:
    """Return the number of a value that has one."""
    return value.window.item()


def is_empty(step: ForwardStep) -> bool:
    """Tell whether one of the arrays that went in or came out has no elements."""
    values = [*[x.value for x in step.inputs], *step.outputs]
    return any(value is not None and not value.size for value in values)


def first(value: Value) -> Any:
    """Return the first number of a value."""
    return value.window.ravel()[0]


def part_note(value: Value) -> str:
    """Say so where only a part of a large array was kept."""
    return "" if value.array is not None else " (in the part of it that the tape has kept)"


def parameter_names(step: ForwardStep) -> list[str]:
    """Return what ``forward`` calls its inputs: ["a", "b"]."""
    if step.op_class is None or not issubclass(step.op_class, Op):
        return [f"input {i}" for i in range(len(step.inputs))]
    parameters = inspect.signature(step.op_class.forward).parameters.values()
    names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]
    more = [f"input {i}" for i in range(len(names), len(step.inputs))]
    return [*names, *more]


def called(step: ForwardStep, i: int) -> str:
    """Return what an input is called: the user's name, or that of ``forward``; a constant is its number."""
    operand = step.inputs[i]
    if operand.name:
        return operand.name
    if operand.value is None and operand.number is not None:
        return number(operand.number) if isinstance(operand.number, int | float) else str(operand.number)
    return parameter_names(step)[i]


def target_name(target: Source | None, output_nr: int = 0) -> str:
    """Return the name of where a gradient goes: "w", "h", or "the Mul before it"."""
    if isinstance(target, Leaf):
        return target.name or "the tensor it came from"
    if isinstance(target, ForwardStep):
        return target.output_names.get(output_nr) or f"the {target.op} before it"
    return "nobody"


def operand_number(operand: Operand) -> Any:
    """Return the single number of an operand; None if it has none, or several."""
    if operand.value is None:
        return operand.number if isinstance(operand.number, int | float) else None
    return item(operand.value) if is_single(operand.value) else None


def stretched_axes(small: Sequence[int], large: Sequence[int]) -> tuple[int, ...]:
    """Return along which axes of the large shape the small one was repeated by broadcasting."""
    padded = (0,) * (len(large) - len(small)) + tuple(small)
    return tuple([axis for axis, (a, b) in enumerate(zip(padded, large, strict=True)) if a != b])


def stretching(step: ForwardStep) -> list[str]:
    """Say for each operand that was broadcast, what was stretched to what."""
    out = step.outputs[0].shape
    return [
        f"{called(step, i)} of shape {shape(operand.value.shape)} was stretched to {shape(out)}"
        for i, operand in enumerate(step.inputs)
        if operand.value is not None and operand.value.shape != out and operand.value.size > 0
    ]


def is_of_engine(step: ForwardStep) -> bool:
    """Tell whether the operation is one of the engine's own, and not the user's of the same name."""
    return step.op_class is not None and step.op_class.__module__.startswith("tinygrad_edu.")


def wanted(back: BackwardStep) -> list[Sent]:
    """Return the gradients that were sent."""
    return [sent for sent in back.sent if sent.value is not None]


def signed(x: Any) -> str:
    """Return a factor; a negative one in parentheses."""
    return f"({number(x)})" if x < 0 else number(x)


def transposed(sizes: tuple[int, ...]) -> str:
    """Return a shape with its last two sizes interchanged."""
    return shape((*sizes[:-2], sizes[-1], sizes[-2]))
