"""``torch.compile``: here nothing is compiled as a whole, and programs that ask for it run as they are.

The operations run on compiled kernels as it is; a program's own Python stays Python, to be stepped through.

References
----------
https://docs.pytorch.org/docs/stable/torch.compiler.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.type_names import type_name

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

__all__ = ["compile", "disable", "is_compiling", "reset"]


MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")


def compile(
    model: Compiled | None = None,
    *,
    fullgraph: bool = False,
    dynamic: bool | None = None,
    backend: Any = None,
    mode: str | None = None,
    options: dict[str, Any] | None = None,
    name: str | None = None,
    disable: bool = False,
    recompile_limit: int | None = None,
    isolate_recompiles: bool = False,
    shapes_spec: Any = None,
) -> Any:
    """Return a module or function as it is, and warn that nothing was compiled; also a decorator.

    Parameters
    ----------
    model : Module or callable, optional
        What PyTorch would compile; without it, a decorator is returned.
    fullgraph, dynamic, backend, mode, options, name, recompile_limit, isolate_recompiles, shapes_spec
        How PyTorch would compile it; accepted.
    disable : bool
        With True, PyTorch does what this function always does, so nothing is said.

    Raises
    ------
    RuntimeError
        If there is no such ``mode``, or both ``mode`` and ``options`` are given.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.compile.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> model = torch.nn.Linear(2, 3)
    >>> torch.compile(model, disable=True) is model
    True
    """
    require_bools("compile", fullgraph=fullgraph, disable=disable, isolate_recompiles=isolate_recompiles)
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"compile: Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if mode is not None and options is not None:
        raise RuntimeError("compile: expected mode or options, got both")
    if not disable:
        tell_that_nothing_is_compiled("torch.compile")
    return as_it_is if model is None else as_it_is(model)


def tell_that_nothing_is_compiled(name: str) -> None:
    """Warn, at the line of the program that called a function of this package; Python shows it once a line."""
    warnings.warn(f"{name} compiles nothing here: the program runs as it is, line by line.", stacklevel=3)


def as_it_is(model: Compiled) -> Compiled:
    """Return a callable."""
    if not callable(model):
        raise TypeError(f"compile(): argument 'model' must be callable, not {type_name(model)}")
    return model


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """Return a function as it is: none is compiled; also a decorator."""
    return as_it_is if fn is None else as_it_is(fn)


def is_compiling() -> bool:
    """Tell whether the code runs within a compilation: never."""
    return False


def reset() -> None:
    """Forget what was compiled, which is nothing."""


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
