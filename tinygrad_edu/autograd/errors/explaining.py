"""What an error of the engine says of the user's program: the line, what the operands are called there, a hint.

Nothing of this runs before an error is on its way out. Then the frames of the stack tell the rest: the innermost one
of the user's program is at the line that went wrong, and the engine's frame below it has the operands as arguments.
The error keeps its type and its message; what is found is a note (``BaseException.add_note``), which tracebacks show
below the message.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tinygrad_edu.autograd.callers import BETWEEN, ENGINE_FOLDERS
from tinygrad_edu.autograd.errors.expressions import Named, is_tensor, named_arguments, tensors_among
from tinygrad_edu.autograd.errors.hints import OF_OPERATION, Operand, hint_for
from tinygrad_edu.autograd.grad_mode import this_thread

E = TypeVar("E", bound=BaseException)

INSIDE = (*ENGINE_FOLDERS, str(Path(np.__file__).parent) + os.sep)
"""Where an error of the engine may come from: the engine computes with NumPy."""

SHOWN, LONGEST = 4, 120  # operands, and characters of a line


class Stop(NamedTuple):
    """A frame of the stack, and where it is: the offset of its instruction, and the line."""

    frame: FrameType
    instruction: int
    line: int

    def is_inside(self) -> bool:
        """Tell whether it belongs to the engine, or to what the engine calls."""
        file = self.frame.f_code.co_filename
        return file.startswith(INSIDE) or file == BETWEEN

    def is_of_python(self) -> bool:
        """Tell whether it belongs to what imports and starts programs, which has no file."""
        return self.frame.f_code.co_filename.startswith("<frozen ")

    def place(self) -> str:
        """Return ``file:line``, from the current folder if the file is in it."""
        return f"{short_path(self.frame.f_code.co_filename)}:{self.line}"

    def source(self) -> str:
        """Return the text of the line, or nothing where it cannot be had."""
        code = self.frame.f_code
        return linecache.getline(code.co_filename, self.line, self.frame.f_globals).strip()


def explained(error: E, changed: Any = None) -> E:
    """Return an error with a note about the user's line, its operands and what may mend it.

    Parameters
    ----------
    error : Exception
        On its way out, or about to be raised.
    changed : VersionCounter, optional
        Of an array that was changed in place: the user's name for it is looked for.
    """
    attributes = error.__dict__  # not setattr: an error may forbid it
    if not attributes.get("is_explained"):
        attributes["is_explained"] = True
        with contextlib.suppress(
            Exception
        ):  # whatever goes wrong here, the user's error is the one to be seen
            note = note_about(error, changed)
            if note:
                attributes.setdefault("__notes__", []).append(note)
    return error


def note_about(error: BaseException, changed: Any = None) -> str:
    """Return the note; nothing for an error that comes from the user's own text."""
    stops = stops_of(error)
    count = next((i for i, stop in enumerate(stops) if not stop.is_inside()), len(stops))
    if count in (0, len(stops)):
        return ""
    inside, user = stops[:count], stops[count]
    operands = named_arguments(user, inside[-1].frame)
    operation = operation_of(str(error), inside)
    known = {id(x.value): x.text for x in reversed(operands)}  # of several names, the first
    of_operation = [Named(known.get(id(x.value), x.text), x.value) for x in tensors_among(operation)]
    if changed is not None:
        return "\n".join([line_of(user), *about_the_change(str(error), changed, stops[count:])])
    shown = list({(x.text, id(x.value)): x for x in tensors_of(operands)}.values())
    shown += [x for x in of_operation if id(x.value) not in {id(y.value) for y in shown}]
    lines = [line_of(user), *filter(None, ["; ".join(describe(x) for x in shown[:SHOWN])])]
    if "not require grad" in str(error):
        lines += [why_no_gradient(x) for x in shown if not x.value.requires_grad]
    elif "Hint:" not in str(error):
        asked, found = inside[-1].frame.f_code.co_name, operation.f_code.co_name  # hstack ends in cat
        name = asked if asked in OF_OPERATION else found
        hint = hint_for(name, str(error), [operand_of(x) for x in of_operation or shown])
        lines += [f"Hint: {hint}"] if hint else []
    return "\n".join(lines)


def stops_of(error: BaseException) -> list[Stop]:
    """Return where the stack is, innermost first: the frames that the error has left, then those that still run."""
    left, traceback = [], error.__traceback__
    while traceback is not None:
        left.append(Stop(traceback.tb_frame, traceback.tb_lasti, traceback.tb_lineno))
        traceback = traceback.tb_next
    stops = left[::-1]
    frame: FrameType | None = left[0].frame.f_back if left else sys._getframe(1)
    while frame is not None:
        if left or frame.f_code.co_filename != __file__:  # not those of this file, which run right now
            stops.append(Stop(frame, frame.f_lasti, frame.f_lineno))
        frame = frame.f_back
    return [stop for stop in stops if not stop.is_of_python()]


def operation_of(message: str, inside: list[Stop]) -> FrameType:
    """Return the frame of the operation that a message begins with; else the one that the user has called."""
    begins_with = re.match(r"\w+", message)
    name = begins_with[0] if begins_with else ""
    for stop in reversed(inside):
        if stop.frame.f_code.co_name == name:
            return stop.frame
    return inside[-1].frame


def tensors_of(operands: list[Named]) -> list[Named]:
    """Return those operands that are Tensors."""
    return [x for x in operands if is_tensor(x.value)]


def line_of(user: Stop) -> str:
    """Say where the user's program is."""
    name = user.frame.f_code.co_name
    where = "" if name.startswith("<") else f", in {name}"
    source = user.source()[:LONGEST]
    return f"at {user.place()}{where}" + (f": {source}" if source else "")


def describe(operand: Named) -> str:
    """Return name, dtype and shape of a Tensor."""
    x = operand_of(operand)
    return f"{x.text} is {x.dtype} {list(x.shape)}" + ("" if x.device == "cpu" else f" on {x.device}")


def operand_of(operand: Named) -> Operand:
    """Return what hints are made from."""
    x = operand.value
    return Operand(operand.text, tuple(x.shape), str(x.dtype).removeprefix("torch."), str(x.device))


def about_the_change(message: str, counter: Any, stops: list[Stop]) -> list[str]:
    """Say what the user's program calls an array that was changed in place, and how its line may be known."""
    values = [item for stop in stops for item in stop.frame.f_locals.items()]
    names = [name for name, value in values if is_tensor(value) and value._counter is counter]
    lines = [f"The one that was changed is called {names[0]}"] if names else []
    if " called at " not in message:
        lines.append(
            "Hint: with tinygrad_edu.learn.explain() round the forward, the line that saved it is named"
        )
    return lines


def why_no_gradient(operand: Named) -> str:
    """Say why a Tensor needs no gradient, if somebody has looked on; else how to learn it."""
    for observer in this_thread.mode.observers:
        reason: str = observer.why_no_gradient(operand.value, operand.text)
        if reason:
            return reason
    return f"Hint: tinygrad_edu.learn.why_no_grad({operand.text}) says why"


def short_path(file: str) -> str:
    """Return the path from the current folder, if the file is in it; else as it is."""
    folder = os.getcwd() + os.sep
    return file.removeprefix(folder)
