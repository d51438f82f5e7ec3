"""Labels: events that stand for a piece of the user's program."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from tinygrad_edu.autograd.observer import observed_block
from tinygrad_edu.profiler.event import Category

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class record_function:
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
        self.name = name
        self.args = args

    def __enter__(self) -> record_function:
        self._block = observed_block(self.name, Category.LABEL.value)
        self._block.__enter__()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._block.__exit__(exc_type, exc, tb)

    def __call__(self, function: Decorated) -> Decorated:
        """Label every call of a function."""

        @functools.wraps(function)
        def labelled(*args: Any, **kwargs: Any) -> Any:
            with record_function(self.name, self.args):  # one for every call: it may be recursive
                return function(*args, **kwargs)

        return labelled  # type: ignore[return-value]
