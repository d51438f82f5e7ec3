"""Labels: events that stand for a piece of a program, of the user's or of the engine's."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.profiler.event import Category

if TYPE_CHECKING:
    from tinygrad_edu.profiler.event import FunctionEvent
    from tinygrad_edu.profiler.recorder import Recorder

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class recorded:
    """A ``with`` block that is one event while a profiler records, and otherwise costs next to nothing."""

    _recorder: Recorder | None = None
    _event: FunctionEvent | None = None

    def __init__(self, name: str, category: Category, key: str | None = None) -> None:
        self.name = name
        self._category = category
        self._key = key

    def __enter__(self) -> recorded:
        self._recorder = this_thread.mode.recorder
        if self._recorder is not None:
            self._event = self._recorder.begin(self.name, self._category, self._key)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._recorder is not None and self._event is not None:
            self._recorder.end(self._event)
        self._recorder = self._event = None


class record_function(recorded):
    """Give a piece of the program a row of its own in the profiler's table.

    Works as a context manager and as a decorator. Nothing happens while no profiler is on.

    Parameters
    ----------
    name : str
        The label.
    args : str, optional
        Accepted as in PyTorch, and not shown.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.profiler.record_function.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.profiler.profile() as prof:
    ...     with torch.profiler.record_function("square"):
    ...         y = torch.ones(3) * torch.ones(3)
    >>> [(event.name, [child.name for child in event.cpu_children]) for event in prof.events()]
    [('square', ['Mul']), ('Mul', [])]
    """

    def __init__(self, name: str, args: str | None = None) -> None:
        super().__init__(name, Category.LABEL)
        self.args = args

    def __call__(self, function: Decorated) -> Decorated:
        """Label every call of a function."""

        @functools.wraps(function)
        def labelled(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):  # one for every call: it may be recursive
                return function(*args, **kwargs)

        return labelled  # type: ignore[return-value]


class recorded_module(recorded):
    """The forward of a module as one event, if the profiler wants modules."""

    def __init__(self, module: Any) -> None:
        super().__init__("", Category.MODULE)
        self._module = module

    def __enter__(self) -> recorded_module:
        recorder = this_thread.mode.recorder
        if recorder is not None and recorder.with_modules:
            self._recorder = recorder
            self._event = recorder.begin_module(self._module)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._recorder is not None and self._event is not None:
            self._recorder.end_module(self._event)


class recorded_function(recorded):
    """The forward of a user's ``autograd.Function`` as one event."""

    def __init__(self, ctx: Any, inputs: tuple[Any, ...]) -> None:
        super().__init__("", Category.FORWARD)
        self._ctx = ctx
        self._inputs = inputs

    def __enter__(self) -> recorded_function:
        self._recorder = this_thread.mode.recorder
        if self._recorder is not None:
            self._event = self._recorder.begin_forward(self._ctx, self._inputs)
        return self
