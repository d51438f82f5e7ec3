"""Compile the kernels for processors that need not be the one at hand, and say which of their loops are on vectors.

``python -m tests.kernels.vectors.compile [FAMILY ...]`` prints that, for some families of kernels or for all of them.

Nothing that is compiled here is ever run. The warm-up says with which types each kernel is called: it is run with
kernels that write these down and do nothing else. Numba then makes LLVM's code of each one, once, as it does for
everybody; LLVM's passes, in the order that Numba has for them, go over it for every processor. It is done in a process
of its own, whose Numba has been told the first of the processors.
"""

from __future__ import annotations

import importlib
import itertools
import json
import pkgutil
import subprocess
import sys
from types import ModuleType
from typing import Any

import numba
from numba.core.caching import NullCache
from numba.core.codegen import JITCodeLibrary, JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.core.typing.typeof import Purpose, typeof

import tinygrad_edu as torch
import tinygrad_edu_kernels
from tests.benchmarks.runner import ROOT, environment_for
from tests.kernels.vectors.loops import Loop, loops_of
from tinygrad_edu import warmup

TARGETS = {
    "AVX2": ("haswell", "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+popcnt"),
    "AVX-512": (
        "skylake-avx512",
        "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+lzcnt,+popcnt,+avx512f,+avx512vl,+avx512bw,+avx512dq,+avx512cd",
    ),
}

FIRST = "AVX2"
AS_JSON = "--json"
PACKAGE = tinygrad_edu_kernels.__name__ + "."


def modules() -> list[ModuleType]:
    """Return the modules that hold kernels of the CPU."""
    return [
        importlib.import_module(info.name)
        for info in pkgutil.walk_packages(tinygrad_edu_kernels.__path__, PACKAGE)
        if not info.ispkg and not info.name.endswith(("cuda", "cuda_launch")) and ".threads." not in info.name
    ]


def kernels() -> dict[str, tuple[ModuleType, str, Dispatcher]]:
    """Return all compiled functions by their names: ``pooling.cpu._max_planes``."""
    return {
        f"{module.__name__.removeprefix(PACKAGE)}.{name}": (module, name, value)
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, Dispatcher) and value.py_func.__module__ == module.__name__
    }


class Recorder:
    """Stands for a kernel: writes down the types that it is called with."""

    def __init__(self, calls: list[tuple[Dispatcher, tuple[Any, ...]]], kernel: Dispatcher) -> None:
        self.calls, self.kernel = calls, kernel

    def __call__(self, *arguments: Any) -> None:
        call = self.kernel, tuple(typeof(argument, Purpose.argument) for argument in arguments)
        if call not in self.calls:
            self.calls.append(call)


def calls_of_the_warm_up(families: list[str]) -> list[tuple[Dispatcher, tuple[Any, ...]]]:
    """Return every kernel that Python calls, with the types of its arguments."""
    calls: list[tuple[Dispatcher, tuple[Any, ...]]] = []
    torch.set_num_threads(1)
    found = kernels()
    for module, name, kernel in found.values():
        setattr(module, name, Recorder(calls, kernel))
    for family in families or warmup.RECIPES:
        warmup.RECIPES[family](torch.float32)
    for module, name, kernel in found.values():
        setattr(module, name, kernel)
    return calls


class Library(JITCodeLibrary):
    """A function's code, which is kept as it is before LLVM's passes, and becomes no machine code."""

    numbers = itertools.count(1)

    def finalize(self) -> None:
        """Keep the code, then optimise it."""
        self.unfinished = self._final_module.clone()
        super().finalize()

    def _finalize_specific(self) -> None:
        """Do without machine code."""

    def get_pointer_to_function(self, name: str) -> int:
        """Return a number for an address, as long as nobody goes there."""
        self._ensure_finalized()
        return next(self.numbers)


class Codegen(JITCPUCodegen):
    """Numba's way to code for a processor, which is chosen by Numba's settings when this is made."""

    _library_class = Library

    def set_env(self, env_name: str, env: Any) -> None:
        """Do without the place that machine code would have for it."""

    def __init__(self, processor: str) -> None:
        numba.config.CPU_NAME, numba.config.CPU_FEATURES = TARGETS[processor]
        super().__init__(f"code for {processor}")
        self.made: dict[Library, Library] = {}

    @global_compiler_lock
    def translated(self, library: Library) -> Library:
        """Return the same function, and all that it is made of, for this processor."""
        if library not in self.made:
            made = self.made[library] = self.create_library(library.name)
            made._final_module = library.unfinished.clone()
            for part in library._linking_libraries:
                made.add_linking_library(self.translated(part))
            made.finalize()
        return self.made[library]


def compiled(families: list[str]) -> dict[str, dict[str, list[tuple[str, int, int]]]]:
    """Compile the kernels of these families (of all, if none is named), and return their loops."""
    calls = calls_of_the_warm_up(families)
    context = cpu_target.target_context
    context._internal_codegen = Codegen(FIRST)
    for _, _, kernel in kernels().values():
        kernel._cache = NullCache()
        kernel.targetoptions.update(no_cpython_wrapper=True, no_cfunc_wrapper=True)
    for kernel, types in calls:
        kernel.compile(types)
    others = {processor: Codegen(processor) for processor in TARGETS if processor != FIRST}
    found: dict[str, dict[str, list]] = {processor: {} for processor in TARGETS}
    for name, (_, _, kernel) in kernels().items():
        for overload in kernel.overloads.values():
            library, function = overload.library, overload.fndesc.mangled_name
            for processor in TARGETS:
                code = library if processor == FIRST else others[processor].translated(library)
                loops = loops_of(code.get_llvm_str(), function)
                found[processor].setdefault(name, []).extend(
                    (loop.kind, loop.bits, loop.fewest) for loop in loops
                )
    return found


def compiled_in_a_process(families: list[str]) -> dict[str, dict[str, list[Loop]]]:
    """Return the loops of all kernels of these families, for each processor."""
    environment = environment_for(sys.executable, 1)
    environment["NUMBA_CPU_NAME"], environment["NUMBA_CPU_FEATURES"] = TARGETS[FIRST]
    command = [sys.executable, "-m", "tests.kernels.vectors.compile", AS_JSON, *families]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {
        processor: {name: [Loop(*loop) for loop in loops] for name, loops in of_kernels.items()}
        for processor, of_kernels in json.loads(done.stdout).items()
    }


def main() -> None:
    """Print the loops: as JSON for the process that started this one, or in words."""
    if sys.argv[1:2] == [AS_JSON]:
        json.dump(compiled(sys.argv[2:]), sys.stdout)
        return
    for processor, of_kernels in compiled_in_a_process(sys.argv[1:]).items():
        for name, loops in of_kernels.items():
            print(f"{processor:8}{name:44}", *(loop for loop in loops if loop.kind != "rest"), sep="  ")


if __name__ == "__main__":
    main()
