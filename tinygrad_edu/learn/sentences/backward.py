"""What a step of the backward did with the gradient that arrived, in plain words."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.learn.formulas import TABLE
from tinygrad_edu.learn.sentences.backward_table import BACKWARD
from tinygrad_edu.learn.sentences.numbers import filled_in, numbers_of_names
from tinygrad_edu.learn.sentences.words import (
    axes,
    called,
    capital,
    count,
    first,
    is_empty,
    is_of_engine,
    is_single,
    item,
    number,
    parameter_names,
    shape,
    stretched_axes,
    wanted,
)
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep, Sent, Value


def backward_sentence(back: BackwardStep) -> str:
    """Say what a step of the backward did."""
    if back.kind != "op":
        return accumulated(back)
    step, grad = back.step, next((g for g in back.grads if g is not None), None)
    sentences = [arrival(back)]
    if step is None or not step.seen or grad is None:
        sentences.append("its forward was not recorded, so only the gradients are known")
    elif is_empty(step) or not grad.size:
        sentences.append("there are no elements, so there is nothing to pass on")
    elif not any(sent.value is not None for sent in back.sent):
        sentences.append("none of its inputs wants a gradient")
    else:
        sentences += [said(back, step, grad), *broadcasts(back, step, grad)]
    return " ".join([finished(text) for text in sentences if text])


def finished(text: str) -> str:
    """Make a sentence of words: a capital letter first, a full stop at the end."""
    return capital(text) if text.endswith(".") else f"{capital(text)}."


def arrival(back: BackwardStep) -> str:
    """Say where the gradient comes from, if that is more than the step before."""
    grad = back.grads[0]
    hooked = "A hook has changed the gradient that arrived here" if back.hooked else ""
    if not back.came_from:
        if grad is not None and is_single(grad) and item(grad) == 1:
            return "here the backward begins, with 1.0: the derivative of the loss with respect to itself"
        return "here the backward begins, with the gradient that was given"
    if len(back.came_from) == 1 or hooked or grad is None:
        return hooked
    values = [sent.value for _, sent in back.came_from if sent.value is not None]
    if is_single(grad) and len(values) <= 6:
        written = f"{sum_of([item(value) for value in values])} = {number(item(grad))}"
        return f"{len(values)} gradients meet here and are added: {written}"
    return f"{len(values)} gradients meet here and are added"


def sum_of(numbers: list[Any]) -> str:
    """Return "0.30 + 0.12", with negative summands in parentheses."""
    return " + ".join([f"({number(x)})" if x < 0 else number(x) for x in numbers])


def accumulated(back: BackwardStep) -> str:
    """Say what was added to the ``grad`` of a leaf."""
    name = back.leaf.name if back.leaf is not None and back.leaf.name else "leaf"
    several = f"{finished(arrival(back))} " if len(back.came_from) > 1 else ""
    done = back.accumulation
    if back.kind == "collect":
        grad = back.grads[0]
        end = f": {number(item(grad))}" if is_single(grad) and grad is not None else ""
        return f"{several}autograd.grad takes the gradient of {name}{end}."
    if done is None:
        return f"{several}A hook took the gradient of {name} away."
    if is_single(done.after):
        after = number(item(done.after))
        if done.before is None:
            return f"{several}{name}.grad was empty, and is {after} now."
        return f"{several}{name}.grad: {sum_of([item(done.before), item(done.added)])} = {after}."
    extent = f"between {number(done.after.lowest)} and {number(done.after.highest)}"
    if done.after.not_finite:
        extent = f"{done.after.not_finite} of them NaN or infinite"
    size = f"{count(done.after.size, 'number')} of shape {shape(done.after.shape)}, {extent}"
    if done.before is None:
        return f"{several}{name}.grad was empty; now it has {size}."
    return f"{several}Added to what {name}.grad had; the sum has {size}."


def said(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    """Return the sentence of an operation, or that of its formula, or that of its shapes."""
    say = BACKWARD.get(step.op) if is_of_engine(step) else None
    text = say(back, step, grad) if say is not None else ""
    return text or by_formula(back, step, grad) or by_shapes(back, step)


def by_shapes(back: BackwardStep, step: ForwardStep) -> str:
    """Say of any operation which gradients it sent."""
    parts = [
        f"{called(step, sent.input)} gets {described(sent.value)}"
        for sent in wanted(back)
        if sent.value is not None
    ]
    return f"{step.op} passes on: {'; '.join(parts)}"


def described(value: Value) -> str:
    """Return a number, or how many there are."""
    return (
        number(item(value))
        if is_single(value)
        else f"{count(value.size, 'number')} of shape {shape(value.shape)}"
    )


def by_formula(back: BackwardStep, step: ForwardStep, grad: Value) -> str:
    """Put the numbers into the formula: what comes in, times the local derivative."""
    row = TABLE.get(step.op) if is_of_engine(step) else None
    if row is None or not row.local or not step.is_elementwise:
        return ""
    numbers = numbers_of_names(step)
    if numbers is None or grad.window.dtype.kind == "c" or not grad.size:
        return ""
    numbers |= {"g": float(first(grad)), "out": float(first(step.outputs[0]))}
    parts = []
    for sent in wanted(back):
        key = parameter_names(step)[sent.input]
        if key in row.local and sent.value is not None:
            parts.append(one_gradient(step, sent, key, sent.value, numbers))
    where = "" if is_single(grad) else " (the first numbers)" if parts else ""
    return "; ".join([part for part in parts if part]) + where


def one_gradient(step: ForwardStep, sent: Sent, key: str, value: Value, numbers: dict[str, float]) -> str:
    """Say what one input gets: "the gradient of w is g * b: 0.50 × 3.00 = 1.50"."""
    row = TABLE[step.op]
    gradient = row.gradients[key]
    symbols = row.gradient_text[key].partition(" = ")[2]
    if " if " in gradient or ";" in row.expression or "m" in gradient.split():
        return times_slope(step, sent, value)
    if value.shape != step.outputs[0].shape:
        return f"the gradient of {called(step, sent.input)} is {symbols}"
    claim = filled_in(gradient, numbers, first(value))
    if not claim:
        return times_slope(step, sent, value)
    return f"the gradient of {called(step, sent.input)} is {symbols}: {claim}"


def times_slope(step: ForwardStep, sent: Sent, value: Value) -> str:
    """Say "the slope here is 0.10, so 0.5 × 0.10 = 0.05 reaches x"."""
    name = called(step, sent.input)
    if sent.local is None:
        return f"the gradient of {name} is the one that comes in times the slope at each number"
    slope = number(first(sent.local))
    return f"the slope of {step.op} is {slope} there: {name} gets {number(first(value))}"


# ---- broadcasting --------------------------------------------------------------------------------------------


def broadcasts(back: BackwardStep, step: ForwardStep, grad: Value) -> list[str]:
    """Say over which axes a gradient was summed because an operand had been stretched."""
    if not step.is_elementwise:
        return []
    found = []
    for sent in wanted(back):
        value = sent.value
        if value is None or value.shape == grad.shape or value.size == grad.size:
            continue
        dims = stretched_axes(value.shape, grad.shape)
        if not dims:
            continue
        name = called(step, sent.input)
        why = f"because {shape(value.shape)} was stretched to {shape(grad.shape)}"
        found.append(f"that of {name} is summed over {axes(dims)}, {why}")
    return found
