"""Counts the kernels that a program would start on a card: those of Numba, CuPy and cuBLAS.

What CuPy starts for a call is taken from its source (14.2): one kernel for a ufunc, a reduction or a copy, none for
a view, and for ``matmul`` what ``matmul_launches`` says.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.gpu.standin import array, modules, ufuncs
from tests.gpu.standin.array import ndarray, unwrap

VIEWS = {"empty", "empty_like", "broadcast_to", "transpose", "swapaxes", "view", "expand_dims", "squeeze"}
COPIES_AT_NEED = {"ascontiguousarray", "reshape"}


class Launches:
    """How many, by name, while it is switched on."""

    counts: dict[str, int]
    inside = False  # a call that is counted may make others, which are part of it

    def __init__(self) -> None:
        self.counts = {}

    def add(self, name: str, count: int = 1) -> None:
        if count:
            self.counts[name] = self.counts.get(name, 0) + count

    def install(self) -> None:
        """Count from now on, in this process."""
        from tinygrad_edu_kernels import cuda_launch

        watch(self, ufuncs.Ufunc, "__call__", lambda ufunc, *args, **options: 1)
        watch(self, modules.Function, "__call__", function_launches)
        watch(self, array.Method, "__call__", method_launches)
        watch(self, ndarray, "__matmul__", lambda a, b: 1)
        for name in ("__setitem__", "astype", "copy"):
            watch(self, ndarray, name, lambda *args, **options: 1)
        start = cuda_launch.start

        def counted_start(kernel: Any, grid: Any, arguments: Any) -> None:
            self.add("numba")
            start(kernel, grid, arguments)

        cuda_launch.start = counted_start


def watch(launches: Launches, owner: type, name: str, count: Any) -> None:
    """Let a method of the stand-in count what it would start."""
    original = getattr(owner, name)

    def watched(self: Any, *args: Any, **options: Any) -> Any:
        if launches.inside:
            return original(self, *args, **options)
        called = name if owner is ndarray else getattr(self, "__name__", None) or self.name
        launches.add(called, count(self, *args, **options))
        launches.inside = True
        try:
            return original(self, *args, **options)
        finally:
            launches.inside = False

    setattr(owner, name, watched)


def function_launches(function: Any, *args: Any, **options: Any) -> int:
    name = function.__name__
    if name in VIEWS:
        return 0
    if name in COPIES_AT_NEED:
        return needs_copy(args[0], *args[1:])
    return matmul_launches(*args) if name == "matmul" else 1


def method_launches(method: Any, *args: Any, **options: Any) -> int:
    if method.name in VIEWS:
        return 0
    if method.name in COPIES_AT_NEED:
        return int(not np.shares_memory(unwrap(method.owner), unwrap(method.owner).reshape(*args)))
    if method.name == "conj":
        return int(method.owner.dtype.kind == "c")  # of real numbers it is the array itself
    return 1


def needs_copy(x: Any, dtype: Any = None) -> int:
    same = dtype is None or x.dtype == dtype
    return int(not (x.flags.c_contiguous and same))


def matmul_launches(a: Any, b: Any, *rest: Any) -> int:
    """More than two dimensions: a copy of what is not contiguous, and for broadcasting lists of pointers."""
    copies = needs_copy(a) + needs_copy(b)
    dimensions = max(a.ndim, b.ndim) - 2
    shapes = [(1,) * (dimensions + 2 - x.ndim) + x.shape for x in (a, b)]
    broadcast = any(m != n for m, n in zip(shapes[0][:-2], shapes[1][:-2], strict=True))
    return copies + 1 + 3 * dimensions * broadcast


def main() -> None:
    """Print how many kernels a training step of the parity report's small CNN starts, its first step aside."""
    import tinygrad_edu as torch
    from tests.gpu.standin.install import Simulation
    from tinygrad_edu.learn.parity_programs import TrainingRecipe

    Simulation.everything = True
    case = TrainingRecipe().prepare("small", torch.device("cuda:0"), torch.float32)
    case.run()
    launches = Launches()
    launches.install()
    case.run()
    print(launches.counts)
    print(sum(launches.counts.values()))


if __name__ == "__main__":
    from tests.gpu.standin.install import install

    install()
    main()
