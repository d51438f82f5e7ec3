"""Numbers put into the formula of an operation that computes each element by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.learn.formulas import TABLE
from tinygrad_edu.learn.formulas.evaluate import evaluate
from tinygrad_edu.learn.formulas.text import TextWriter
from tinygrad_edu.learn.sentences.words import (
    count,
    first,
    is_of_engine,
    is_single,
    item,
    listed,
    number,
    parameter_names,
    stretching,
)
from tinygrad_edu.learn.tape import ForwardStep


def elementwise(step: ForwardStep) -> str:
    """Put the numbers, or the first of them, into the formula."""
    row = TABLE.get(step.op) if is_of_engine(step) else None
    if row is None or not row.local:
        return ""
    out = step.outputs[0]
    notation = row.expression.removeprefix("out = ")
    numbers = numbers_of_names(step)
    if step.op in COPIES or numbers is None:
        return ""
    if ";" in notation or " if " in notation:
        return each_becomes(step)
    claim = filled_in(notation, numbers, first(out))
    if not claim:
        return each_becomes(step)
    if is_single(out):
        return f"{step.op}: {claim}."
    stretched = stretching(step)
    said = f" There {listed(stretched)}." if stretched and any(s != () for s in shapes_of(step)) else ""
    each = f"{step.op} computes each of {count(out.size, 'number')} by itself"
    return f"{each}: the first is {claim}.{said}"


def each_becomes(step: ForwardStep) -> str:
    """Say what becomes of the first number, where the formula is too long to put numbers into it."""
    x, out = step.inputs[0].value, step.outputs[0]
    if x is None or len(step.inputs) > 1:
        return ""
    if is_single(out):
        return f"{step.op} of {number(item(x))} is {number(item(out))}."
    change = f"{number(first(x))} becomes {number(first(out))}"
    return f"{step.op} computes each of {count(out.size, 'number')} by itself: the first, {change}."


COPIES = {
    "Cast",
    "Move",
    "Clone",
    "Fill",
    "CopyInto",
    "Stepwise",
    "RoundedDivide",
    "Dropout",
    "Keep",
    "Where",
}


def shapes_of(step: ForwardStep) -> list[tuple[int, ...]]:
    """Return the shapes of operands that were stretched."""
    out = step.outputs[0].shape
    return [x.value.shape for x in step.inputs if x.value is not None and x.value.shape != out]


def numbers_of_names(step: ForwardStep) -> dict[str, float] | None:
    """Return what stands for each name of the formula, the first number of every array; None if they are complex."""
    numbers: dict[str, Any] = {}
    for name, operand in zip(parameter_names(step), step.inputs, strict=False):
        if operand.value is not None:
            numbers[name] = first(operand.value)
        elif isinstance(operand.number, int | float):
            numbers[name] = operand.number
    numbers |= {name: option for name, option in step.options.items() if isinstance(option, int | float)}
    if any(np.iscomplexobj(x) for x in numbers.values()):
        return None
    return {name: float(x) for name, x in numbers.items()}


def filled_in(notation: str, numbers: dict[str, float], result: Any) -> str:
    """Return "0.50 × 3.0 = 1.50": a formula with its numbers, and what came out; empty if that is not so.

    It is not so at corners and limits that a formula leaves to its note.
    """
    try:
        value = evaluate(notation, {name: np.float64(x) for name, x in numbers.items()})[
            "result"
        ]  # 1 / 0 is inf
    except NameError:  # of a name that is no number
        return ""
    if not np.isclose(value, float(result), rtol=1e-3, atol=1e-6):
        return ""
    written = TextWriter({name: number(x) for name, x in numbers.items()}).expression(notation)
    return written if written == number(result) else f"{written} = {number(result)}"
