"""Which line of the user's program has called the engine: for messages of errors, and for the profiler."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

PACKAGE_FOLDER = str(Path(__file__).parent.parent)


def user_line() -> str:
    """Return ``file:line`` of the innermost frame outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE_FOLDER):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def user_stack() -> list[str]:
    """Return the frames outside this package as ``file(line): function``, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame is not None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE_FOLDER):
            lines.append(f"{code.co_filename}({frame.f_lineno}): {code.co_name}")
        frame = frame.f_back
    return lines
