"""Switches for what autograd does in the current thread: record the graph or not; and who observes it.

References
----------
https://docs.pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation
"""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Generator
from types import TracebackType
from typing import Any, TypeVar

from tinygrad_edu.arguments import require_bools

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class AutogradMode:
    """The switches.

    Attributes
    ----------
    grad_enabled : bool
        Whether operations are recorded.
    inference : bool
        Whether tensors are made that never will be.
    observers : tuple of Observer
        Who sees what runs: mostly nobody.
    autocast : dict
        For each type of device on which ``autocast`` is on, the NumPy dtype of products: mostly empty.
    """

    def __init__(self) -> None:
        self.grad_enabled = True
        self.inference = False
        self.observers: tuple[Any, ...] = ()
        self.autocast: dict[str, Any] = {}


class ThisThread(threading.local):
    """What every thread has for itself."""

    def __init__(self) -> None:
        self.mode = AutogradMode()


this_thread = ThisThread()


class ModeSwitch:
    """Sets switches of this thread within a ``with`` block or a decorated function, then restores them.

    Parameters
    ----------
    grad_enabled : bool
        Whether operations are recorded.
    inference : bool, optional
        Whether tensors are made that never will be; as it is, by default.
    """

    def __init__(self, grad_enabled: bool, inference: bool | None = None) -> None:
        self._wanted = grad_enabled, inference
        self._before: list[tuple[bool, bool]] = []

    def __enter__(self) -> None:
        mode = this_thread.mode
        self._before.append((mode.grad_enabled, mode.inference))
        mode.grad_enabled, inference = self._wanted
        if inference is not None:
            mode.inference = inference

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        mode = this_thread.mode
        mode.grad_enabled, mode.inference = self._before.pop()

    def __call__(self, function: Decorated) -> Decorated:
        wanted = self._wanted

        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator_in_the_mode(*args: Any, **kwargs: Any) -> Any:
                return run_generator(function(*args, **kwargs), wanted)

            return generator_in_the_mode  # type: ignore[return-value]

        @functools.wraps(function)
        def inside_the_mode(*args: Any, **kwargs: Any) -> Any:
            with ModeSwitch(*wanted):  # one for every call: it may run in several threads
                return function(*args, **kwargs)

        return inside_the_mode  # type: ignore[return-value]


def run_generator(
    generator: Generator[Any, Any, Any], wanted: tuple[bool, bool | None]
) -> Generator[Any, Any, Any]:
    """Run a generator with the switches set while it computes, but not while its caller does."""
    with ModeSwitch(*wanted):
        try:
            item = next(generator)
        except StopIteration as stop:
            return stop.value
    while True:
        try:
            answer = yield item
        except GeneratorExit:
            with ModeSwitch(*wanted):
                generator.close()
            raise
        except BaseException as error:
            with ModeSwitch(*wanted):
                try:
                    item = generator.throw(error)
                except StopIteration as stop:
                    return stop.value
            continue
        with ModeSwitch(*wanted):
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
        require_bools("set_grad_enabled", mode=mode)
        super().__init__(grad_enabled=bool(mode))
        super().__enter__()

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __call__(self, function: Decorated) -> Decorated:
        self.__exit__(None, None, None)
        return ModeSwitch(*self._wanted)(function)


def is_grad_enabled() -> bool:
    """Tell whether operations are being recorded in this thread."""
    return this_thread.mode.grad_enabled


def is_inference_mode_enabled() -> bool:
    """Tell whether inference mode is on in this thread."""
    return this_thread.mode.inference
