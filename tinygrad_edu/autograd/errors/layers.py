"""Which layer of the user's model is running, read from the stack: for those who look on."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from tinygrad_edu.autograd.errors.expressions import is_a


def running_modules() -> list[Any]:
    """Return the modules whose ``forward`` runs now in this thread, outermost first."""
    frame: FrameType | None = sys._getframe(1)
    modules = []
    while frame is not None:
        if frame.f_code.co_name == "__call__" and is_a(frame.f_locals.get("self"), "ModuleCall"):
            modules.append(frame.f_locals["self"])
        frame = frame.f_back
    return modules[::-1]


def running_layer() -> str:
    """Return the path of the innermost layer that runs now: "'fc1' (Linear) of Net"; nothing outside of all."""
    modules = running_modules()
    if not modules:
        return ""
    layer, kind = modules[-1], type(modules[-1]).__name__
    for outer in modules[:-1]:
        path = next((name for name, module in outer.named_modules() if module is layer), "")
        if path:
            return f"'{path}' ({kind}) of {type(outer).__name__}"
    return kind
