"""What a step of the forward computed, in plain words."""

from __future__ import annotations

from tinygrad_edu.learn.sentences.forward_table import FORWARD
from tinygrad_edu.learn.sentences.numbers import elementwise
from tinygrad_edu.learn.sentences.words import (
    capital,
    count,
    is_empty,
    is_of_engine,
    is_single,
    item,
    listed,
    number,
    shape,
)
from tinygrad_edu.learn.tape import ForwardStep


def forward_sentence(step: ForwardStep) -> str:
    """Say what a step of the forward computed."""
    if not step.seen:
        return f"This {step.op} ran before anything was recorded: its numbers are not known."
    if not step.outputs or is_empty(step):
        return f"{step.op} had nothing to compute: there are no elements."
    say = FORWARD.get(step.op) if is_of_engine(step) else None
    text = say(step) if say is not None else ""
    return capital(text or elementwise(step) or plain(step))


def plain(step: ForwardStep) -> str:
    """Say of any operation what came in and what went out."""
    shapes = [shape(x.value.shape) for x in step.inputs if x.value is not None]
    out = step.outputs[0]
    came = (
        listed([f"an array of shape {s}" if s != "()" else "a number" for s in shapes])
        if shapes
        else "nothing"
    )
    went = (
        f"the number {number(item(out))}"
        if is_single(out)
        else f"{count(out.size, 'number')} of shape {shape(out.shape)}"
    )
    return f"{step.op} made {went} from {came}."
