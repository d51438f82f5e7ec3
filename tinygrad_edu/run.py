"""``python -m tinygrad_edu.run script.py arguments``: run a script that imports torch, as it is, on this engine.

``python -m tinygrad_edu.run -m module arguments`` does it for a module. The script sees what it sees when Python itself
runs it: ``sys.argv``, ``sys.path``, ``__name__ == "__main__"``; its errors and its exit status are the same. What is
imported as torch is this engine (``as_torch.py``).

The workers of a DataLoader and other children of ``multiprocessing`` import the script anew. They ask
``__main__.__spec__`` how it was started: so that they come by here as well, and know torch, this module's name stands
there while the script runs.
"""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import runpy
import sys
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType, TracebackType
from typing import Any

USAGE = """usage: python -m tinygrad_edu.run script.py [argument ...]
       python -m tinygrad_edu.run -m module [argument ...]"""
PROGRAM = "TINYGRAD_EDU_RUN"  # in the environment: what the children are to import anew


class MainSpec(ModuleSpec):
    """Says to ``multiprocessing`` that the program was started as ``-m tinygrad_edu.run``, to all others what is true.

    Parameters
    ----------
    parent : str
        The package that the program lies in, from which it imports with ``from .name import ...``.
    """

    def __init__(self, parent: str) -> None:
        super().__init__("tinygrad_edu.run", None)
        self._parent = parent

    @property
    def parent(self) -> str:
        """The package that the program lies in."""
        return self._parent


def code_of_script(path: str) -> CodeType:
    """Read and compile a script."""
    try:
        with io.open_code(path) as file:
            return compile(file.read(), path, "exec")
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}",
            file=sys.stderr,
        )
        raise SystemExit(2) from None


def code_of_module(name: str) -> tuple[CodeType, ModuleSpec]:
    """Find the code of a module, or of the ``__main__`` of a package."""
    try:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = importlib.util.find_spec(f"{name}.__main__")
    except ModuleNotFoundError as error:
        raise SystemExit(f"{sys.executable}: {error}") from None
    loader: Any = spec.loader if spec else None
    code = loader.get_code(spec.name) if spec and hasattr(loader, "get_code") else None
    if spec is None or code is None:
        raise SystemExit(f"{sys.executable}: No module named {name}")
    return code, spec


def prepare(arguments: list[str]) -> tuple[CodeType, ModuleType]:
    """Set ``sys.argv``, ``sys.path`` and ``__main__`` as Python does; return the program's code and its module."""
    if arguments[:1] == ["-m"] and len(arguments) > 1:
        code, spec = code_of_module(arguments[1])
        path, parent, program, rest = (
            spec.origin or "",
            spec.parent or "",
            f"-m {arguments[1]}",
            arguments[2:],
        )
        first = path
    elif arguments and not arguments[0].startswith("-"):
        first, parent, rest = arguments[0], "", arguments[1:]
        path = program = os.path.abspath(first)
        code = code_of_script(path)
        if not sys.flags.safe_path:
            sys.path[0] = os.path.dirname(os.path.realpath(path))
    else:
        print(USAGE, file=sys.stderr)
        raise SystemExit(2)
    os.environ[PROGRAM] = program
    sys.argv[:] = [first, *rest]
    module = ModuleType("__main__")
    vars(module).update(__file__=path, __builtins__=builtins, __package__=parent or None)
    module.__spec__ = MainSpec(parent)
    sys.modules["__main__"] = module
    return code, module


def main(arguments: list[str]) -> None:
    """Run a program to its end."""
    import tinygrad_edu.as_torch  # noqa: F401  (from here on torch is this engine)

    try:
        code, module = prepare(arguments)
        exec(code, vars(module))
    except Exception as error:
        error.__traceback__ = _of_the_program(error.__traceback__)
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from None


def _of_the_program(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the lines of this file, which a traceback would begin with."""
    while trace and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


def globals_for_child() -> dict[str, Any]:
    """Import the program anew, in a child of ``multiprocessing``; return what it has defined."""
    import tinygrad_edu.as_torch  # noqa: F401

    program = os.environ[PROGRAM]
    if program.startswith("-m "):
        return runpy.run_module(program.removeprefix("-m "), run_name="__mp_main__", alter_sys=True)
    return runpy.run_path(program, run_name="__mp_main__")


if __name__ == "__main__":
    main(sys.argv[1:])
elif __name__ == "__mp_main__":
    globals().update(globals_for_child())
