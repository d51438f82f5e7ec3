"""NumPy's floating-point warnings, switched off while operations run: 1 / 0 is infinity and no news, as in PyTorch.

NumPy keeps what it does on such an error in a context variable, so switching it off for one operation touches no
other thread and nothing of the user's. ``np.errstate(all="ignore")`` does the same and takes .9 us; setting the
variable takes .1 us, and an addition of two small tensors takes 2.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np


def find_variable() -> tuple[contextvars.ContextVar[Any], Any, Any]:
    """Return NumPy's context variable, its present value, and the value that ignores all errors."""
    before, after = contextvars.copy_context(), contextvars.copy_context()
    after.run(np.seterr, all="ignore")
    ((variable, value),) = [(v, value) for v, value in after.items() if before.get(v) is not value]
    return variable, before.get(variable), value


FLOAT_ERRORS, USUAL, IGNORED = find_variable()


class ignored_float_errors:
    """A ``with`` block in which NumPy does not warn of floating-point errors."""

    def __enter__(self) -> None:
        is_usual = FLOAT_ERRORS.get(None) is USUAL  # neither a callback nor a buffer size has been set
        self._before = FLOAT_ERRORS.set(IGNORED if is_usual else ignoring_value())

    def __exit__(self, *exc_info: object) -> None:
        FLOAT_ERRORS.reset(self._before)


def ignoring_value() -> Any:
    """Return the present value, with its callback and buffer size, but for the errors, which are ignored."""
    context = contextvars.copy_context()
    context.run(np.seterr, all="ignore")
    return context[FLOAT_ERRORS]


def quietly(function: Callable[..., Any], /, *args: Any, **options: Any) -> Any:
    """Call a function in such a block."""
    with ignored_float_errors():
        return function(*args, **options)
