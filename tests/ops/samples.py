"""How the table of operations is written: what an entry is made of, and how its inputs are made.

An entry names an operation, the calls it is tried with, and the same calculation in NumPy. The inputs are
descriptions (``Input``); arrays are made of them anew for every test, always the same numbers, in the dtype
and memory layout the test asks for.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.numpy_dtypes import is_floating


@dataclass(frozen=True)
class Input:
    """An array to be made; ``kind`` is "real", "int" (from low to high - 1) or "bool"."""

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "real"
    grad: bool = True

    def make(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return distinct values, none close to 0, 1, or another place where functions have a corner."""
        size = int(np.prod(self.shape))
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), self.shape)
        if self.kind == "bool":
            return np.asarray(rng.random(self.shape) < 0.5)
        steps = (rng.permutation(size) + rng.uniform(0.33, 0.42, size)) / max(size, 1)
        return (self.low + (self.high - self.low) * steps).reshape(self.shape)

    def __str__(self) -> str:
        return "x".join(map(str, self.shape)) or "0d"


def real(*shape: int, low: float = -2.0, high: float = 2.0, grad: bool = True) -> Input:
    return Input(shape, low, high, grad=grad)


def positive(*shape: int, grad: bool = True) -> Input:
    return Input(shape, 0.4, 2.6, grad=grad)


def unit(*shape: int) -> Input:
    """Between 0 and 1."""
    return Input(shape, 0.05, 0.95)


def ints(*shape: int, low: int = 0, high: int = 3) -> Input:
    return Input(shape, low, high, "int")


def bools(*shape: int) -> Input:
    return Input(shape, kind="bool")


class Same:
    """Stands for the first input once more: f(x, x)."""

    def __str__(self) -> str:
        return "same"


SAME = Same()


@dataclass
class Sample:
    """One call: positional arguments, and options by keyword."""

    args: tuple[Any, ...]
    options: dict[str, Any]
    label: str = ""

    def rng(self) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(self.label.encode()))


def S(*args: Any, **options: Any) -> Sample:
    return Sample(args, options)


def describe(value: Any) -> str:
    """Return a short name of an argument, for the test's id."""
    if isinstance(value, list | tuple):
        return "(" + ",".join(describe(v) for v in value) + ")"
    if isinstance(value, np.ndarray):
        return "array" + "x".join(map(str, value.shape))
    if isinstance(value, slice):
        return f"{value.start}:{value.stop}:{value.step}"
    return str(value)


@dataclass
class Entry:
    """An operation and the calls it is tried with.

    ``differentiable`` tells whether its derivative is checked, ``second`` whether that of the derivative is;
    ``integers`` whether PyTorch takes int64 as well. ``torch_name`` is its name there; ``torch_call`` makes
    the function where the arguments are others. ``parity`` is False where PyTorch has nothing to compare
    with, and ``torch_gradient`` where it has no derivative. ``kernels`` says that compiled kernels do the
    work.
    """

    name: str
    reference: Callable[..., Any] | None
    samples: list[Sample]
    call: Callable[..., Any] | None = None
    differentiable: bool = True
    second: bool = True
    integers: bool = False
    torch_name: str = ""
    torch_call: Callable[..., Any] | None = None
    parity: bool = True
    kernels: bool = False
    float32_tolerance: float = 2e-5
    torch_gradient: bool = True
    parity_tolerance: float = 1e-10

    def __post_init__(self) -> None:
        for number, sample in enumerate(self.samples):
            parts = [describe(a) for a in sample.args]
            parts += [f"{key}={describe(value)}" for key, value in sample.options.items()]
            sample.label = f"{self.name}-{number}-" + ",".join(parts)


def strided(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the same numbers spread out in memory: every second element, dimensions in reverse order."""
    spread = np.full([2 * size for size in array.shape[::-1]], 77, array.dtype)
    view = spread[(*[slice(None, None, 2)] * array.ndim, ...)].transpose()
    view[...] = array
    return view


class Call:
    """The arguments of one sample, made of arrays that ``wrap`` turns into what a library works on.

    ``tensors`` are the wrapped inputs, each once; ``differentiable`` those of them a gradient is wanted of.
    """

    def __init__(
        self,
        sample: Sample,
        wrap: Callable[[Any, bool], Any],
        dtype: Any = np.float64,
        layout: Callable[[Any], Any] = np.ascontiguousarray,
    ) -> None:
        self.rng, self.wrap, self.dtype, self.layout = sample.rng(), wrap, np.dtype(dtype), layout
        self.tensors: list[Any] = []
        self.differentiable: list[Any] = []
        self.args = [self.build(a) for a in sample.args]
        self.options = {key: self.build(value) for key, value in sample.options.items()}

    def build(self, value: Any) -> Any:
        if isinstance(value, Input):
            return self.build_input(value)
        if isinstance(value, np.ndarray):
            return self.wrap(value.astype(self.dtype if is_floating(value.dtype) else value.dtype), False)
        if value is SAME:
            return self.tensors[0]
        if isinstance(value, list):
            return [self.build(v) for v in value]
        if isinstance(value, tuple):
            return tuple([self.build(v) for v in value])
        return value

    def build_input(self, value: Input) -> Any:
        array = value.make(self.rng)
        if value.kind == "real":
            array = (
                array.astype(self.dtype)
                if is_floating(self.dtype)
                else np.round(array * 4).astype(self.dtype)
            )
        array = self.layout(array).reshape(value.shape) if not value.shape else self.layout(array)
        grad = value.kind == "real" and value.grad and is_floating(self.dtype)
        tensor = self.wrap(array, grad)
        self.tensors.append(tensor)
        if grad:
            self.differentiable.append(tensor)
        return tensor

    def run(self, function: Callable[..., Any]) -> Any:
        return function(*self.args, **self.options)


def flatten(output: Any) -> list[Any]:
    """Return the tensors, arrays or numbers of an output, which may be a tuple of them, or of tuples."""
    if isinstance(output, tuple | list):
        return [item for part in output for item in flatten(part)]
    return [output]
