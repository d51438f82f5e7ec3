"""Where the user's program is, and what it calls its tensors: for the tape."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from tinygrad_edu.autograd.callers import is_of_the_user
from tinygrad_edu.autograd.tensor_base import TensorBase, array_of
from tinygrad_edu.learn.tape import LeafKind, Line


def user_frames(outermost: FrameType | None = None) -> list[FrameType]:
    """Return the frames of the user's program, innermost first, up to its outermost one or to a module's own lines."""
    frame: FrameType | None = sys._getframe(1)
    frames = []
    while frame is not None:
        if is_of_the_user(frame):
            frames.append(frame)
            if frame is outermost or frame.f_code.co_name == "<module>":
                break
        frame = frame.f_back
    return frames


class Lines:
    """The lines at which frames are: each is looked up once, however often a loop comes by."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], tuple[CodeType, Line]] = {}  # by the id of the code, which is kept

    def of(self, frames: list[FrameType]) -> tuple[Line, ...]:
        """Return where frames are."""
        return tuple([self._of_frame(frame) for frame in frames])

    def _of_frame(self, frame: FrameType) -> Line:
        key = id(frame.f_code), frame.f_lasti
        if key not in self._known:
            self._known[key] = frame.f_code, line_of(frame)
        return self._known[key][1]


def line_of(frame: FrameType) -> Line:
    """Return where a frame is, down to the columns of the expression that runs."""
    code = frame.f_code
    number, end_number, start, end = position(frame)
    source = linecache.getline(code.co_filename, number, frame.f_globals)
    if not source:
        start = end = -1
    if start >= 0:
        last = linecache.getline(code.co_filename, end_number, frame.f_globals)
        start, end = column(source, start), column(last, end)
    return Line(code.co_filename, number, code.co_name, source.strip(), end_number, start, end)


def position(frame: FrameType) -> tuple[int, int, int, int]:
    """Return line, last line and columns (in bytes of UTF-8) of the instruction at which a frame is; -1 if unknown."""
    positions = list(frame.f_code.co_positions())
    number, end_number, start, end = positions[frame.f_lasti // 2]
    if number is None or end_number is None or start is None or end is None:
        return frame.f_lineno, frame.f_lineno, -1, -1
    return number, end_number, start, end


def column(line: str, offset: int) -> int:
    """Turn an offset in bytes into one in characters."""
    return len(line.encode("utf-8")[:offset].decode("utf-8", "replace"))


class Names:
    """What the user's program calls its tensors and modules: parameters by their modules, others by its variables."""

    def __init__(self) -> None:
        self._of_modules: dict[int, tuple[Any, str, LeafKind]] = {}  # by id: the tensor, its name, its kind

    def learn_from(self, module: Any, name: str) -> None:
        """Note the names of the parameters and buffers of an outermost module that the user calls ``name``."""
        prefix = f"{name}." if name else ""
        for path, tensor in module.named_parameters():
            self._of_modules.setdefault(id(tensor), (tensor, prefix + path, "parameter"))
        for path, tensor in module.named_buffers():
            self._of_modules.setdefault(id(tensor), (tensor, prefix + path, "buffer"))

    def of_module_tensor(self, tensor: Any) -> tuple[str, LeafKind | None]:
        """Return name and kind of a parameter or buffer; "" and None if it is none."""
        known, name, kind = self._of_modules.get(id(tensor), (None, "", None))
        return (name, kind) if known is tensor else ("", None)

    def buffer_of(self, array: Any) -> tuple[str, LeafKind | None]:
        """Return name and kind of the parameter or buffer that has this array; "" and None if there is none."""
        for tensor, name, kind in self._of_modules.values():
            if array_of(tensor) is array:
                return name, kind
        return "", None


def held_things(frames: list[FrameType]) -> Iterator[tuple[str, Any]]:
    """Yield what the user's frames hold as (expression, value): variables, self.x, params[0].

    The outermost frame comes first: what a layer calls x is called images where the layer is used.
    """
    for frame in reversed(frames):
        yield from things_of(frame.f_locals)
    if frames and frames[-1].f_locals is not frames[0].f_globals:
        yield from things_of(frames[0].f_globals)


def things_of(variables: Any) -> Iterator[tuple[str, Any]]:
    """Yield variables; then what the lists and the dictionaries among them hold, and ``self``."""
    items = [
        (name, value) for name, value in list(variables.items()) if name != "_" and not name.startswith("__")
    ]
    yield from items
    for name, value in items:
        if type(value) in (list, tuple) and len(value) <= 64:
            for i, element in enumerate(value):
                yield f"{name}[{i}]", element
        elif type(value) is dict and len(value) <= 64:
            for key, element in list(value.items()):
                yield f"{name}[{key!r}]", element
        elif name == "self" and hasattr(value, "__dict__"):
            for attribute, element in list(vars(value).items()):
                yield f"self.{attribute}", element


class NamesOfArrays:
    """What the user's frames call the tensors that have these arrays, while one operation runs.

    Parameters
    ----------
    frames : list of frame
        Of the user's program, innermost first. They are searched when the first name is asked for.
    """

    def __init__(self, frames: list[FrameType]) -> None:
        self._frames = frames
        self._names: dict[int, str] | None = None  # by the id of the array, which its tensor keeps alive

    def of(self, array: Any) -> str:
        """Return the name; empty if no frame holds such a tensor."""
        if self._names is None:
            self._names = {}
            for name, value in held_things(self._frames):
                if isinstance(value, TensorBase):
                    text = name if value._is_strided else f"{name}.values()"
                    self._names.setdefault(id(array_of(value)), text)
        return self._names.get(id(array), "")


def name_of_output(node: Any, output_nr: int, frames: list[FrameType]) -> str:
    """Return what the user's frames call an output of a node; empty if none holds it."""
    for name, value in held_things(frames):
        if isinstance(value, TensorBase) and value._edge == (node, output_nr):
            return name
    return ""


def name_of_object(thing: Any, frames: list[FrameType]) -> str:
    """Return what the user's frames call an object, such as a module; empty if none holds it."""
    return next((name for name, value in held_things(frames) if value is thing), "")
