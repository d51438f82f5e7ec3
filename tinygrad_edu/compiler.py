"""``torch.compile``: a step is written down once, as a list of array functions, and replayed.

How, stands in ``tinygrad_edu/replay``.

References
----------
https://docs.pytorch.org/docs/stable/torch.compiler.html
"""

from __future__ import annotations

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tinygrad_edu.arguments import require_bools
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.type_names import type_name

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

__all__ = ["compile", "disable", "is_compiling", "reset"]


MODES = ("default", "lite", "reduce-overhead", "max-autotune-no-cudagraphs", "max-autotune")
WITH_GRAPHS = ("reduce-overhead", "max-autotune")


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
    """Return a module or function that is replayed from its third call on, without building a graph; also a decorator.

    A whole training step gains most: forward, backward and the optimizer's step. Of a model whose backward is called
    outside, forward and backward are replayed. What cannot be replayed runs as it is, and a warning says why. The
    environment variable ``TINYGRAD_EDU_REPLAY=0`` has everything run as it is.

    Parameters
    ----------
    model : Module or callable, optional
        What to replay; without it, a decorator is returned.
    fullgraph : bool
        Raise if it cannot be replayed.
    mode : str, optional
        With "reduce-overhead" or "max-autotune", a step on a GPU is started as CUDA graphs where CuPy can capture it;
        the others, and all on the CPU, are lists.
    dynamic, backend, options, name, recompile_limit, isolate_recompiles, shapes_spec
        How PyTorch would compile it; accepted.
    disable : bool
        Return it as it is.

    Returns
    -------
    OptimizedModule or Compiled
        It has the attribute ``source``, the list as Python, and the method ``check()``.

    Raises
    ------
    RuntimeError
        If there is no such ``mode``, or both ``mode`` and ``options`` are given.

    Notes
    -----
    The first call runs as always, the second is written down, the third is compared with the list, bit by bit, and the
    fourth with the list of kernels that becomes of it on the CPU. A list is used as long as shapes, dtypes, switches,
    parameters and the Python values that the program reads are the same; otherwise another one is written, at most
    eight.

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
    if disable or os.environ.get("TINYGRAD_EDU_REPLAY") == "0":
        return as_it_is if model is None else as_it_is(model)
    if model is None:
        return functools.partial(replayed, fullgraph=bool(fullgraph), graphs=mode in WITH_GRAPHS)
    return replayed(model, bool(fullgraph), mode in WITH_GRAPHS)


def replayed(model: Any, fullgraph: bool, graphs: bool) -> Any:
    """Return a module or function that is replayed."""
    from tinygrad_edu.replay import Compiled, OptimizedModule  # loaded by those who use it

    if hasattr(model, "named_parameters"):
        return OptimizedModule(model, fullgraph, graphs)
    return Compiled(as_it_is(model), fullgraph, graphs)


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
    """Forget all lists of all functions; each begins anew."""
    replay = sys.modules.get("tinygrad_edu.replay.compiled")
    for compiled in () if replay is None else list(replay.ALL):
        compiled.forget()


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
