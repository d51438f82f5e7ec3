"""Tools for looking at the engine: ``python -m tinygrad_edu.learn --help`` lists those with a command line."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_edu.learn.recorder import record as record
    from tinygrad_edu.learn.tape import Tape as Tape

# Each name, and the file in which it is: that is imported when the name is used (PEP 562).
_FILES = {"record": "recorder", "Tape": "tape"}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_FILES})
