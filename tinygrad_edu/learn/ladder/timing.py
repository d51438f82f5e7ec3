"""How long the kernels of a family take on each rung, with the same arguments."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu.backend import to_device
from tinygrad_edu.kernel_table import record_kernels, use_kernels
from tinygrad_edu.learn.ladder.recipes import RECIPES

BUDGET = 0.15  # seconds that a rung may take for a kernel, after the first call


class Call(NamedTuple):
    """A call of a kernel, as a program made it."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Calls:
    """Notes the first call of each kernel of a family, with copies of its arguments."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.calls: dict[str, Call] = {}

    def run_kernel(self, name: str, kernel: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the kernel and return its result."""
        family, _, function = name.partition(".")
        if family == self.family and function not in self.calls:
            self.calls[function] = Call(function, copied(args), copied(kwargs))
        return kernel(*args, **kwargs)


class Timing(NamedTuple):
    """Seconds that a kernel took on each rung; None where it cannot run here."""

    name: str
    sizes: str
    reference: float | None
    cpu: float | None
    cuda: float | None


def calls_of(family: str) -> list[Call]:
    """Return a call of each kernel that the recipe of a family uses."""
    calls = Calls(family)
    with torch.random.fork_rng(), torch.enable_grad(), use_kernels("fast"):
        torch.manual_seed(0)
        record_kernels(calls)
        try:
            RECIPES[family]()
        finally:
            record_kernels(None)
    return list(calls.calls.values())


def measure(family: str) -> list[Timing]:
    """Measure all rungs of a family: of several calls, the fastest counts."""
    timings = []
    for call in calls_of(family):
        seconds = {rung: seconds_of(family, rung, call) for rung in ("reference", "cpu", "cuda")}
        timings.append(Timing(call.name, sizes_of(call), **seconds))
    return timings


def seconds_of(family: str, rung: str, call: Call) -> float | None:
    """Return how long a call takes on a rung."""
    if rung == "cuda" and not torch.cuda.is_available():
        return None
    kernel = getattr(importlib.import_module(f"tinygrad_edu_kernels.{family}.{rung}"), call.name, None)
    if kernel is None:
        return None
    run = on_card if rung == "cuda" else on_host
    if rung != "reference":
        run(kernel, call)  # compiles it, or loads it
    fastest, spent = float("inf"), 0.0
    while spent <= BUDGET:
        seconds = run(kernel, call)
        fastest, spent = min(fastest, seconds), spent + max(seconds, 1e-4)
    return fastest


def on_host(kernel: Callable[..., Any], call: Call) -> float:
    """Call a kernel with copies of the arguments, which it may write into; return the seconds."""
    args, kwargs = copied(call.args), copied(call.kwargs)
    start = time.perf_counter()
    kernel(*args, **kwargs)
    return time.perf_counter() - start


def on_card(kernel: Callable[..., Any], call: Call) -> float:
    """Do that on the card, and wait until it has finished."""
    args = [to_device(x, "cuda") if isinstance(x, np.ndarray) else x for x in call.args]
    kwargs = {key: to_device(x, "cuda") if isinstance(x, np.ndarray) else x for key, x in call.kwargs.items()}
    torch.cuda.synchronize()
    start = time.perf_counter()
    kernel(*args, **kwargs)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def copied(value: Any) -> Any:
    """Return arguments with copies of their arrays."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if type(value) in (tuple, list):
        return type(value)([copied(one) for one in value])
    return value


def sizes_of(call: Call) -> str:
    """Write the shapes of the arrays of a call."""
    shapes = ["×".join(map(str, x.shape)) for x in call.args if isinstance(x, np.ndarray) and x.ndim]
    return ", ".join(shapes)
