"""What else than arrays the result depends on: the Python values that the program's own functions read.

While a step is written down, Python reports each function that is entered (``sys.setprofile``). For those of the
program, what their code names is looked up (``values``), among globals, in closures and on objects, and guarded: if one
of these values is another one later, the list is not for that. A function that writes to such a place is refused,
because a list of array functions would not write.
"""

from __future__ import annotations

import collections
import dis
import gc
import os
import sys
from array import array as array_of_python
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.convert import ConvertMethods
from tinygrad_edu._tensor_methods.operators import Operators
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.random import Generator
from tinygrad_edu.replay.arrays import is_array
from tinygrad_edu.replay.guarding.bytecode import is_own_container

PACKAGE = str(Path(__file__).parents[2]) + os.sep
KERNELS = f"{os.sep}tinygrad_edu_kernels{os.sep}"
PYTHON = os.path.dirname(os.__file__) + os.sep
COMPUTING = "numpy", "scipy", "cupy", "cupyx", "cupy_backends", "numba", "numba_cuda", "llvmlite", "ml_dtypes"
LIBRARIES = tuple([f"{os.sep}site-packages{os.sep}{name}{os.sep}" for name in COMPUTING])

# Parts of the engine that change something other than arrays, or look at numbers.
ENGINE_REFUSED = (
    "optim/lr_scheduler", "optim/swa_utils", "amp", "utils", "learn", "profiler", "serialization", "func",
    "distributions", "sparse", "nn/graph", "autograd/functional", "autograd/function.py",
    "autograd/gradcheck", "vision/datasets", "vision/transforms", "vision/utils", "estimator",
    "distributed",
)  # fmt: skip
# Parts of Python's library that only compute; the rest is treated like the program's own functions.
HARMLESS = (
    "contextlib", "functools", "typing", "abc", "_collections_abc", "_weakrefset", "enum", "types",
    "weakref", "warnings", "copy", "collections", "operator", "inspect", "re", "reprlib", "dataclasses",
    "threading", "importlib", "os",
)  # fmt: skip
CLOCKS = ("now", "today", "utcnow")
NOISY = ("print", "warn", "urandom", "next", "input", "open", "setattr", "delattr", "exec", "eval")
CHANGING = (
    "append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse", "update", "setdefault",
    "popitem", "add", "discard", "appendleft", "popleft", "write", "__setitem__", "__delitem__",
    "__setattr__",
)  # fmt: skip
LOOKING = ("any", "all", "item", "tolist", "max", "min", "nonzero", "argmax", "argmin")
WRITING = {"STORE_ATTR", "DELETE_ATTR", "STORE_GLOBAL", "DELETE_GLOBAL", "DELETE_SUBSCR"}
SETTING = {"STORE_SUBSCR", "STORE_SLICE"}
SETTERS = (Operators.__setitem__.__code__, Tensor.grad.fset.__code__)  # type: ignore[attr-defined]
MUTABLE = (np.ndarray, bytearray, memoryview, array_of_python, collections.deque)
SEEDING = (Generator.manual_seed.__code__, Generator.set_state.__code__)
STATE_OF_OPTIMIZER = Optimizer.state_dict.__code__
GRAD_GETTER = Tensor.grad.fget.__code__  # type: ignore[attr-defined]
PRIVATE = ("array", "param_groups", "_grad", "__dict__", "grad_fn", "initial_seed")
PRIVATE_OF_MEMORY = ("_version", "_base", "_is_view", "data_ptr", "storage_offset", "untyped_storage")
TOLD = ConvertMethods.item.__code__  # which tells itself that it looks at a number


def kind_of_file(file: str) -> str:
    """Tell whose file it is: "engine", "harmless", or the "program"'s; or why its functions are refused."""
    if file.startswith(PACKAGE):
        part = file[len(PACKAGE) :].replace(os.sep, "/")
        return f"tinygrad_edu/{part} is called" if part.startswith(ENGINE_REFUSED) else "engine"
    if KERNELS in file or any(library in file for library in LIBRARIES) or file.startswith("<"):
        return "program" if file.startswith("<") and not file.startswith("<frozen") else "harmless"
    if file.startswith(PYTHON) and "site-packages" not in file:
        part = file[len(PYTHON) :].replace(os.sep, "/").split("/")[0].removesuffix(".py")
        if part == "logging":
            return "logging is called"
        return "harmless" if part in HARMLESS else "program"
    return "program"


class PythonWatch:
    """A ``with`` block in which the functions that are entered are noted.

    Python collects no cycles meanwhile: what it would call for that (``gc.callbacks``) is no part of the program.
    """

    def __init__(self, recorder: Any) -> None:
        self.recorder = recorder
        self.codes: dict[CodeType, dict[str, Any]] = {}
        self._kinds: dict[str, str] = {}
        self._set: set[tuple[Any, int]] = set()  # where elements of tensors are set, or their grad

    def __enter__(self) -> PythonWatch:
        self._collecting = gc.isenabled()
        gc.disable()
        sys.setprofile(self.see)
        return self

    def __exit__(self, *exc_info: object) -> None:
        sys.setprofile(None)
        if self._collecting:
            gc.enable()
        for code in self.codes:
            self.check_setting(code)

    def kind(self, frame: FrameType) -> str:
        """Tell whose function a frame is of."""
        file = frame.f_code.co_filename
        found = self._kinds.get(file)
        if found is None:
            found = self._kinds[file] = kind_of_file(file)
        return found

    def see(self, frame: FrameType, event: str, arg: Any) -> None:
        """Note a function that is entered; Python calls this."""
        if self.recorder.busy:
            return
        if event == "call":
            kind = self.kind(frame)
            if kind == "program":
                if frame.f_code not in self.codes:
                    self.codes[frame.f_code] = frame.f_globals
                    self.check_code(frame.f_code)
            elif kind not in ("engine", "harmless"):
                self.recorder.refuse(kind)
            elif frame.f_code in SEEDING:
                self.recorder.refuse("a random generator is started anew inside")
            elif frame.f_code is STATE_OF_OPTIMIZER:
                self.recorder.refuse("it reads the state_dict() of an optimizer")
            elif frame.f_code is GRAD_GETTER:
                self.recorder.looked_for_grad(frame.f_locals["self"])
            elif frame.f_code in SETTERS and frame.f_back is not None:
                self._set.add((frame.f_back.f_code, frame.f_back.f_lasti))
        elif (
            event == "return"
            and self.kind(frame) == "engine"
            and self.kind(frame.f_back or frame) == "program"
        ):
            self.recorder.returned(frame.f_code.co_name, arg)
        elif event == "c_call":
            self.check_builtin(frame, arg)

    def check_builtin(self, frame: FrameType, function: Any) -> None:
        """Refuse a built-in function that does something else than to compute."""
        name, owner = function.__name__, getattr(function, "__self__", None)
        kind = self.kind(frame)
        if kind == "program":
            if (
                name in NOISY
                or getattr(owner, "__name__", "") == "time"
                or type(owner).__module__ == "random"
                or (name in CLOCKS and getattr(owner, "__module__", "") == "datetime")
            ):
                self.recorder.refuse(f"{frame.f_code.co_name} calls {name}()")
            elif name in CHANGING:
                self.changed(frame, owner)
        elif kind == "engine" and name in LOOKING and is_array(owner) and frame.f_code is not TOLD:
            self.recorder.refuse(f"{frame.f_code.co_name} looks at numbers before it computes")

    def changed(self, frame: FrameType, owner: Any) -> None:
        """Refuse the change of a container, unless the function that changes it has just made it."""
        if not any(
            owner is value
            for name, value in frame.f_locals.items()
            if name not in argument_names(frame.f_code)
        ):
            self.recorder.refuse(f"{frame.f_code.co_name} changes a {type(owner).__name__} that outlives it")

    def check_setting(self, code: CodeType) -> None:
        """Refuse a function that sets an element, or ``grad``, of no tensor; even in a line that was not run."""
        instructions = list(dis.get_instructions(code))
        for i, instruction in enumerate(instructions):
            sets = instruction.opname in SETTING or sets_grad(instruction)
            if sets and (code, instruction.offset) not in self._set and not is_own_container(instructions, i):
                what = "grad" if sets_grad(instruction) else "an element"
                self.recorder.refuse(
                    f"{code.co_name} assigns to {what}, which a list of array functions would not do"
                )

    def check_code(self, code: CodeType) -> None:
        """Refuse a function of the program that writes to something that outlives it, or reads what is not told."""
        for instruction in dis.get_instructions(code):
            outer = instruction.opname == "STORE_DEREF" and instruction.argval in code.co_freevars
            if (instruction.opname in WRITING and not sets_grad(instruction)) or outer:
                what = instruction.argval if isinstance(instruction.argval, str) else "an element"
                self.recorder.refuse(
                    f"{code.co_name} assigns to {what}, which a list of array functions would not do"
                )
        for name in PRIVATE + PRIVATE_OF_MEMORY:
            if name in code.co_names:
                self.recorder.refuse(f"{code.co_name} reads .{name}")


def sets_grad(instruction: dis.Instruction) -> bool:
    """Tell whether an instruction is ``x.grad = ...``."""
    return instruction.opname == "STORE_ATTR" and instruction.argval == "grad"


def argument_names(code: CodeType) -> tuple[str, ...]:
    """Return the names of a function's arguments and of what it has from outside."""
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    return code.co_varnames[:count] + code.co_freevars
