"""``torch.jit``: there is no TorchScript here; what programs decorate or trace stays the Python that it is.

References
----------
https://docs.pytorch.org/docs/stable/jit.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler import as_it_is, tell_that_nothing_is_compiled
from tinygrad_edu.missing_names import error_of_module as _error_of_module

__all__ = ["export", "ignore", "is_scripting", "is_tracing", "script", "trace", "unused"]


def script(
    obj: Any,
    optimize: Any = None,
    _frames_up: int = 0,
    _rcb: Any = None,
    example_inputs: Any = None,
) -> Any:
    """Return a module or function as it is, and warn that nothing was compiled; also a decorator.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.jit.script.html
    """
    tell_that_nothing_is_compiled("torch.jit.script")
    return as_it_is(obj)


def trace(
    func: Any,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    *,
    example_kwarg_inputs: Any = None,
) -> Any:
    """Return a module or function as it is, and warn that nothing was compiled.

    In contrast to a trace, what it returns follows every ``if`` of the program anew.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.jit.trace.html
    """
    tell_that_nothing_is_compiled("torch.jit.trace")
    return as_it_is(func)


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Return a function as it is; also a decorator with arguments."""
    return drop if callable(drop) else as_it_is


def unused(fn: Any) -> Any:
    """Return a function as it is."""
    return fn


def export(fn: Any) -> Any:
    """Return a function as it is."""
    return fn


def is_scripting() -> bool:
    """Tell whether the code runs as TorchScript: never."""
    return False


def is_tracing() -> bool:
    """Tell whether the code is being traced: never."""
    return False


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
