"""Which line of the user's program has called the engine: for messages of errors, and for the profiler."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from pathlib import Path
from types import FrameType

import tinygrad_edu_kernels

ENGINE_FOLDERS = (
    str(Path(__file__).parent.parent) + os.sep,
    str(Path(tinygrad_edu_kernels.__file__).parent) + os.sep,
)
BETWEEN = contextlib.__file__  # runs the context managers that the package has written as generators


def is_of_the_user(frame: FrameType) -> bool:
    """Tell whether a frame belongs to the user's program."""
    file = frame.f_code.co_filename
    return not file.startswith(ENGINE_FOLDERS) and file != BETWEEN


def user_line() -> str:
    """Return ``file:line`` of the innermost frame of the user's program."""
    frame = sys._getframe(1)
    while frame.f_back is not None and not is_of_the_user(frame):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def warn_user(message: str) -> None:
    """Warn, at the innermost line of the user's program, however deep in the engine this is."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and not is_of_the_user(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def user_stack() -> list[str]:
    """Return the frames of the user's program as ``file(line): function``, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame is not None:
        if is_of_the_user(frame):
            code = frame.f_code
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines
