"""``learn.break_on``: a breakpoint of pdb on a class or function, by its name; and what a debugger may pass by."""

from __future__ import annotations

import bdb
import difflib
import importlib
import inspect
import pdb
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

from tinygrad_edu.kernel_table import FAMILIES
from tinygrad_edu.type_names import type_name

PASSED_BY = (
    "tinygrad_edu.arguments",
    "tinygrad_edu.autograd.grad_mode",
    "tinygrad_edu.autograd.observer",
    "tinygrad_edu.autograd.recording",
    "tinygrad_edu.autograd.tensor_base",
    "tinygrad_edu.backend",
    "tinygrad_edu.dtypes",
    "tinygrad_edu.float_errors",
    "tinygrad_edu.kernel_table",
    "tinygrad_edu.memory_formats",
    "tinygrad_edu.numpy_dtypes",
    "tinygrad_edu.ops.common",
    "tinygrad_edu.ops.nn.conv_checks",
    "tinygrad_edu.ops.promotion",
    "tinygrad_edu.ops.shape.sizes",
    "tinygrad_edu.scalars",
    "tinygrad_edu.size",
    "tinygrad_edu.type_names",
    "contextlib",
    "functools",
    "importlib*",
    "numpy*",
    "typing",
    "weakref",
)
"""Modules in which ``step`` does not stop: they check arguments and dtypes, choose kernels and devices, keep modes."""


def break_on(name: str) -> list[str]:
    """Set a breakpoint of pdb on a method or function of the engine, or of the program, without naming its module.

    Parameters
    ----------
    name : str
        "Linear.backward", "conv2d", "reference.conv2d_grad_weight": a method or a function, with as much of its module
        before it as is needed to tell it from others of the name. A class stands for its ``forward`` and ``backward``.
        If several have the name, all of them get a breakpoint.

    Returns
    -------
    list of str
        Where the program will stop: "tinygrad_edu/ops/linalg/matmul.py:246 Linear.backward".

    Raises
    ------
    ValueError
        If nothing has that name; the message says what is called nearly so.

    Notes
    -----
    It can be typed at pdb's prompt, and it can stand in a program that runs without a debugger: pdb then begins
    where the breakpoint is met.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> learn.break_on("Linaer.backward")
    Traceback (most recent call last):
    ...
    ValueError: break_on: no class or function is called 'Linaer.backward'. Did you mean Linear.backward?
    """
    if not isinstance(name, str):
        raise TypeError(f'break_on: expected a name, such as "Linear.backward", got {type_name(name)}')
    found = places(name)
    debugger = running_debugger() or pdb.Pdb()
    said = []
    for function, only_for in found:
        code = function.__code__
        condition = None if only_for is None else f"type(self).__name__ == {only_for!r}"
        error = debugger.set_break(code.co_filename, code.co_firstlineno, False, condition, code.co_name)
        if error:
            raise ValueError(f"break_on: {error}")
        said.append(f"{shortened(code.co_filename)}:{code.co_firstlineno} {function.__qualname__}")
    if running_debugger() is None:
        begin(debugger, sys._getframe(1))
    return said


def shortened(path: str) -> str:
    """Return a path of the engine from its package on."""
    parts = Path(path).parts
    for package in ("tinygrad_edu", "tinygrad_edu_kernels"):
        if package in parts:
            last = len(parts) - 1 - parts[::-1].index(package)
            return "/".join(parts[last:])
    return path


# ---- the names -----------------------------------------------------------------------------------------


def places(name: str) -> list[tuple[FunctionType, str | None]]:
    """Return the functions of a name; with an inherited one, the class for whose objects alone it is meant."""
    *before, last = name.split(".")
    found = matching(before, last)
    if not found:
        for family in FAMILIES:  # the readable kernels, which may not have been needed yet
            importlib.import_module(f"tinygrad_edu_kernels.{family}.reference")
        found = matching(before, last)
    if not found:
        raise ValueError(f"break_on: no class or function is called {name!r}.{suggestions(name)}")
    return found


def matching(before: list[str], last: str) -> list[tuple[FunctionType, str | None]]:
    """Return the functions whose name ends so, each once."""
    found: dict[Any, tuple[FunctionType, str | None]] = {}
    for module, owner, name, function in known_functions():
        path = [*module.__name__.split("."), *([owner.__name__] if owner is not None else [])]
        named = name == last and is_within(before, path, owner)
        whole = owner is not None and owner.__name__ == last and name in ("forward", "backward")
        if named or (whole and is_within(before, path[:-1], None)):
            inherited = owner is not None and name not in vars(owner)
            only_for = owner.__name__ if inherited and owner is not None else None
            found.setdefault((function.__code__, only_for), (function, only_for))
    return list(found.values())


def is_within(before: list[str], path: list[str], owner: type | None) -> bool:
    """Tell whether what stands before a name is in its path, in this order, a class directly before its method."""
    if before and owner is not None and before[-1] != path[-1]:
        return False
    rest = iter(path)
    return all(part in rest for part in before)


def known_functions() -> Iterator[tuple[ModuleType, type | None, str, FunctionType]]:
    """Yield the functions and methods of the engine and of the program, as (module, class or None, name, function)."""
    for module in loaded_modules():
        for name, thing in list(vars(module).items()):
            if getattr(thing, "__module__", None) != module.__name__:
                continue  # it was imported there
            if inspect.isclass(thing):
                for method in methods_of(thing):
                    function = as_function(getattr(thing, method, None))
                    if function is not None:
                        yield module, thing, method, function
            else:
                function = as_function(thing)
                if function is not None:
                    yield module, None, name, function


def methods_of(kind: type) -> list[str]:
    """Return the names of a class's own methods, and of the two that matter if it inherits them."""
    own = [
        name
        for name in vars(kind)
        if not name.startswith("__") or name in ("__init__", "__call__", "__getitem__")
    ]
    return list(dict.fromkeys([*own, "forward", "backward"]))


def as_function(thing: Any) -> FunctionType | None:
    """Return the function written in Python that a function, a method or something decorated is; else None."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    thing = getattr(thing, "__func__", thing)
    return thing if isinstance(thing, FunctionType) and thing.__code__.co_filename != "<string>" else None


def loaded_modules() -> list[ModuleType]:
    """Return the modules of the engine, and the program itself."""
    names = [
        name for name in sys.modules if name.partition(".")[0] in ("tinygrad_edu", "tinygrad_edu_kernels")
    ]
    modules = [sys.modules[name] for name in [*names, "__main__"]]
    return [module for module in modules if isinstance(module, ModuleType)]


def suggestions(name: str) -> str:
    """Return " Did you mean ...?"; empty if nothing is called nearly so."""
    names = set()
    for _, owner, function, _ in known_functions():
        names |= {function} if owner is None else {f"{owner.__name__}.{function}", owner.__name__}
    close = difflib.get_close_matches(name, sorted(names), 3, 0.7)
    if not close and "." in name:
        close = difflib.get_close_matches(name.rpartition(".")[2], sorted(names), 3, 0.7)
    best = [c for c in close if difflib.SequenceMatcher(None, name, c).ratio() > 0.9][:1] or close
    return f" Did you mean {' or '.join(best)}?" if best else ""


# ---- the debugger ----------------------------------------------------------------------------------------


def running_debugger() -> bdb.Bdb | None:
    """Return the debugger that is tracing this thread, or at whose prompt this was typed; None if there is none."""
    tracing = getattr(sys.gettrace(), "__self__", None)
    if isinstance(tracing, bdb.Bdb):
        return tracing
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        owner = frame.f_locals.get("self")
        if isinstance(owner, bdb.Bdb):
            return owner
        frame = frame.f_back
    return None


def begin(debugger: bdb.Bdb, frame: FrameType | None) -> None:
    """Let a debugger trace from here on, and stop at its breakpoints alone."""
    debugger.reset()
    while frame is not None:
        frame.f_trace = debugger.trace_dispatch
        debugger.botframe = frame
        frame = frame.f_back
    debugger.set_continue()
    sys.settrace(debugger.trace_dispatch)


def pass_checks_by() -> None:
    """Let ``step`` of the debugger that is running stop no more where the engine checks arguments; ``.pdbrc`` calls it.

    A breakpoint in these modules is still met.
    """
    debugger = running_debugger()
    if debugger is not None:
        debugger.skip = {*(debugger.skip or ()), *PASSED_BY}
