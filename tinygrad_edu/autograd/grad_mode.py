"""Switches for what autograd does in the current thread: record the graph or not, look for NaN or not.

References
----------
https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.profiler.recorder import Recorder

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class AutogradMode:
    """The switches.

    ``quiet`` is a context in which NumPy's floating-point warnings are off, so that 1 / 0 is infinity and no
    news, as in PyTorch: ``run_quietly(function, *args)``. NumPy keeps its error state in a context variable;
    running in a context that has been prepared takes a tenth of the time of ``np.errstate``. A context cannot
    be entered again by what runs in it; ``quiet.copy().run`` always works. Where code of the user may run, which
    has context variables of its own, ``numpy_errors``, which is that variable, is set to ``ignored_errors()``.
    """

    def __init__(self) -> None:
        self.grad_enabled = True
        self.inference = False
        self.watched = False  # NaN is looked for or a profiler records: what every operation asks
        self._detect_anomaly = False
        self._recorder: Recorder | None = None
        before = contextvars.copy_context()
        self.quiet = before.copy()
        self.quiet.run(np.seterr, all="ignore")
        self.run_quietly = self.quiet.run
        (self.numpy_errors,) = [var for var, value in self.quiet.items() if before.get(var) is not value]
        self._usual_errors = before.get(self.numpy_errors)

    def ignored_errors(self) -> Any:
        """Return the value of ``numpy_errors`` that is the present one but for the warnings, which are off."""
        if self.numpy_errors.get(None) is self._usual_errors:
            return self.quiet[self.numpy_errors]
        context = contextvars.copy_context()  # the user has set a callback or a buffer size: keep it
        context.run(np.seterr, all="ignore")
        return context[self.numpy_errors]

    @property
    def detect_anomaly(self) -> bool:
        """Whether NaN is looked for."""
        return self._detect_anomaly

    @detect_anomaly.setter
    def detect_anomaly(self, value: bool) -> None:
        self._detect_anomaly = value
        self.watched = value or self._recorder is not None

    @property
    def recorder(self) -> Recorder | None:
        """Who notes what runs, while a profiler is on."""
        return self._recorder

    @recorder.setter
    def recorder(self, value: Recorder | None) -> None:
        self._recorder = value
        self.watched = self._detect_anomaly or value is not None


class ThisThread(threading.local):
    """What every thread has for itself."""

    def __init__(self) -> None:
        self.mode = AutogradMode()


this_thread = ThisThread()


class ModeSwitch:
    """Sets attributes of this thread's ``mode`` within a ``with`` block or a decorated function, then restores them."""

    def __init__(self, **changes: bool) -> None:
        self._changes = changes
        self._before: list[dict[str, bool]] = []

    def __enter__(self) -> None:
        mode = this_thread.mode
        before = {}
        for name, value in self._changes.items():
            before[name] = getattr(mode, name)
            setattr(mode, name, value)
        self._before.append(before)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        mode = this_thread.mode
        for name, value in self._before.pop().items():
            setattr(mode, name, value)

    def __call__(self, function: Decorated) -> Decorated:
        changes = self._changes

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator_in_the_mode(*args: Any, **kwargs: Any) -> Any:
                return run_generator(function(*args, **kwargs), changes)

            return generator_in_the_mode  # type: ignore[return-value]

        @functools.wraps(function)
        def inside_the_mode(*args: Any, **kwargs: Any) -> Any:
            with ModeSwitch(**changes):  # one for every call: it may run in several threads
                return function(*args, **kwargs)

        return inside_the_mode  # type: ignore[return-value]


def run_generator(generator: Generator[Any, Any, Any], changes: dict[str, bool]) -> Generator[Any, Any, Any]:
    """Run a generator with the switches set while it computes, but not while its caller does."""
    with ModeSwitch(**changes):
        try:
            item = next(generator)
        except StopIteration as stop:
            return stop.value
    while True:
        try:
            answer = yield item
        except GeneratorExit:
            with ModeSwitch(**changes):
                generator.close()
            raise
        except BaseException as error:
            with ModeSwitch(**changes):
                try:
                    item = generator.throw(error)
                except StopIteration as stop:
                    return stop.value
            continue
        with ModeSwitch(**changes):
            try:
                item = generator.send(answer)
            except StopIteration as stop:
                return stop.value


class _BareDecorator(ModeSwitch):
    """A switch without parameters, which also decorates without parentheses: ``@no_grad``."""

    def __new__(cls, function: Any = None) -> Any:
        if not callable(function):
            return super().__new__(cls)
        return cls()(function)


class no_grad(_BareDecorator):
    """Record no graph: results have ``requires_grad=False``.

    Works as a context manager and as a decorator.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.ones(2, requires_grad=True)
    >>> with torch.no_grad():
    ...     (x * 2).requires_grad
    False
    >>> @torch.no_grad()
    ... def double(x):
    ...     return x * 2
    >>> double(x).requires_grad
    False
    """

    def __init__(self) -> None:
        super().__init__(grad_enabled=False)


class enable_grad(_BareDecorator):
    """Record the graph, also inside a ``no_grad`` block.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.enable_grad.html
    """

    def __init__(self) -> None:
        super().__init__(grad_enabled=True)


class inference_mode(_BareDecorator):
    """Record no graph, and promise never to: the results cannot be used in autograd later.

    Parameters
    ----------
    mode : bool
        False switches it off again within an outer block.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.inference_mode.html
    """

    def __init__(self, mode: bool = True) -> None:
        super().__init__(grad_enabled=not mode, inference=bool(mode))


class set_grad_enabled(ModeSwitch):
    """Switch recording on or off, at once; as a context manager it restores the old setting at the end.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad_mode.set_grad_enabled.html
    """

    def __init__(self, mode: bool) -> None:
        super().__init__(grad_enabled=bool(mode))
        super().__enter__()

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __call__(self, function: Decorated) -> Decorated:
        self.__exit__(None, None, None)
        return ModeSwitch(**self._changes)(function)


class detect_anomaly(ModeSwitch):
    """Stop at the first NaN, in forward or backward, and say which operation made it.

    Every operation also notes the line of the user's program that called it, so errors can name it.
    This costs time: use it to look for a fault.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection
    """

    def __init__(self) -> None:
        super().__init__(detect_anomaly=True)


class set_detect_anomaly(set_grad_enabled):
    """Switch anomaly detection on or off; as a context manager it restores the old setting at the end."""

    def __init__(self, mode: bool) -> None:
        ModeSwitch.__init__(self, detect_anomaly=bool(mode))
        ModeSwitch.__enter__(self)


def is_grad_enabled() -> bool:
    """Tell whether operations are being recorded in this thread."""
    return this_thread.mode.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Tell whether inference mode is on in this thread."""
    return this_thread.mode.inference


def is_anomaly_enabled() -> bool:
    """Tell whether anomaly detection is on in this thread."""
    return this_thread.mode.detect_anomaly
