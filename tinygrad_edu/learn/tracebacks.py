"""Short tracebacks: your frames, and the one frame of the engine that matters.

An error deep in a model passes through the calls of modules and the checks of operations. ``short_tracebacks()`` folds
those: what is printed are the frames of your program, and that of the operation which has failed.
``full_traceback()`` shows all of it.
"""

from __future__ import annotations

import contextlib
import sys
import traceback
from types import TracebackType
from typing import Any

from tinygrad_edu.autograd.errors.explaining import Stop, explained, operation_of

FOLDED = (
    "({count} frames of the engine are folded. learn.full_traceback() shows them where a prompt is left; "
    "learn.short_tracebacks(False) ends this.)\n"
)


def places_of(error_traceback: TracebackType | None) -> list[Stop]:
    """Return the frames of a traceback, outermost first."""
    stops = []
    while error_traceback is not None:
        stops.append(Stop(error_traceback.tb_frame, error_traceback.tb_lasti, error_traceback.tb_lineno))
        error_traceback = error_traceback.tb_next
    return stops


def kept(message: str, stops: list[Stop]) -> list[Stop]:
    """Return the frames to show: those of the user, and that of the operation if the error was raised by the engine."""
    user = [stop for stop in stops if not stop.is_inside()]
    last = max((i for i, stop in enumerate(stops) if not stop.is_inside()), default=-1)
    inside = stops[last + 1 :][::-1]  # innermost first
    if not inside:
        return user
    operation = operation_of(message, inside)
    return [*user, next(stop for stop in inside if stop.frame is operation)]


def shortened(
    error: BaseException, error_traceback: TracebackType | None
) -> tuple[TracebackType | None, int]:
    """Return a traceback with the engine's frames folded, and how many those are."""
    stops = places_of(error_traceback)
    chosen = kept(str(error), stops)
    if not any(not stop.is_inside() for stop in chosen):  # nothing of the user's is in it
        return error_traceback, 0
    short: TracebackType | None = None
    for frame, instruction, line in reversed(chosen):
        short = TracebackType(short, frame, instruction, line)
    return short, len(stops) - len(chosen)


class ShortHook:
    """What ``sys.excepthook`` is while tracebacks are short; it knows what was there before."""

    def __init__(self, before: Any) -> None:
        self.before = before

    def __call__(
        self, kind: type[BaseException], error: BaseException, error_traceback: TracebackType | None
    ) -> None:
        """Print an error that nobody has caught."""
        if isinstance(error, Exception):
            explained(error)
        short, count = shortened(error, error_traceback)
        if not count:
            self.before(kind, error, error_traceback)
            return
        sys.stderr.writelines(traceback.TracebackException(kind, error, short).format())
        sys.stderr.write(FOLDED.format(count=count))


def show_in_ipython(
    shell: Any, kind: type[BaseException], error: BaseException, error_traceback: Any, tb_offset: Any = None
) -> None:
    """Show an error in IPython or Jupyter."""
    short, count = shortened(error, error_traceback)
    shell.showtraceback((kind, error, short), tb_offset=tb_offset)
    if count:
        sys.stderr.write(FOLDED.format(count=count))


def ipython_shell() -> Any:
    """Return the shell of IPython in which the program runs, if it does."""
    module = sys.modules.get("IPython")
    return None if module is None else module.get_ipython()


def are_short() -> bool:
    """Tell whether tracebacks are short now."""
    return isinstance(sys.excepthook, ShortHook)


def switch(on: bool) -> None:
    """Change what the process prints of an error that nobody catches; or put back what it was."""
    if on == are_short():
        return
    shell = ipython_shell()
    if isinstance(sys.excepthook, ShortHook):
        sys.excepthook = sys.excepthook.before
    else:
        sys.excepthook = ShortHook(sys.excepthook)
    if shell is not None:
        shell.set_custom_exc((Exception,) if on else (), show_in_ipython if on else None)


class short_tracebacks(contextlib.ContextDecorator):
    """Fold the engine's frames in tracebacks: from now on, or within a ``with`` block.

    It changes what this process prints of an error that nobody catches: ``sys.excepthook``, and what IPython and
    Jupyter show. ``short_tracebacks(False)`` puts back what was there before, and so does the end of a ``with`` block;
    an error that leaves the block takes its short traceback along.

    Errors that have nothing to do with the engine look as ever.

    Parameters
    ----------
    on : bool
        False ends it.

    Examples
    --------
    >>> import traceback
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> def model(x):
    ...     return torch.nn.Linear(3, 2)(x)
    >>> try:
    ...     with learn.short_tracebacks():
    ...         model(torch.ones(1, 4))
    ... except RuntimeError as error:
    ...     [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    ['<module>', 'model', 'linear']
    """

    def __init__(self, on: bool = True) -> None:
        self.on = on
        self._before = are_short()
        switch(on)

    def __repr__(self) -> str:
        return (
            f"Tracebacks are {'short; learn.short_tracebacks(False) ends this' if are_short() else 'long'}."
        )

    def __enter__(self) -> None:
        """Keep what the constructor has set; as a decorator, set it for the call."""
        switch(self.on)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, error_traceback: Any
    ) -> None:
        switch(self._before)
        if self.on and error is not None:
            short, count = shortened(error, error_traceback)
            if count:
                error.__dict__["full_traceback"] = error_traceback
                error.__traceback__ = short


def full_traceback(error: BaseException | None = None) -> None:
    """Print an error with all frames, also those that were folded; by default the last one that a prompt has shown."""
    error = getattr(sys, "last_value", None) if error is None else error
    if error is None:
        raise ValueError(
            "full_traceback: expected an error, or a prompt at which one was shown; there was none"
        )
    whole = error.__dict__.get("full_traceback", error.__traceback__)
    sys.stderr.writelines(traceback.TracebackException(type(error), error, whole).format())
