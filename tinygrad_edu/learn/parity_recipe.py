"""What a recipe of the parity report is made of: tensors to be made, and a call of an operation with them."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor, ops
from tinygrad_edu.backend import device as Device
from tinygrad_edu.numpy_dtypes import is_floating

SIZES = ("small", "typical")


@dataclass(frozen=True)
class Values:
    """A tensor to be made.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    low, high : float
        Its numbers lie between these; integers end below ``high``.
    kind : {"real", "int", "bool", "order", "sign"}
        Distinct reals; int64; bool; in each row the numbers 0, 1, 2 ... in some order; 1.0 and -1.0.
    grad : bool
        Whether reals have a gradient.
    """

    shape: tuple[int, ...]
    low: float = -2.0
    high: float = 2.0
    kind: str = "real"
    grad: bool = True

    def numbers(self, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Return them, in float64 if they are real; those at most a corner's width from 0 or 1 do not occur."""
        if self.kind == "int":
            return rng.integers(int(self.low), int(self.high), self.shape)
        if self.kind == "bool":
            return np.asarray(rng.random(self.shape) < 0.5)
        if self.kind == "order":
            return np.argsort(rng.random(self.shape), axis=-1)
        if self.kind == "sign":
            return np.where(rng.random(self.shape) < 0.5, -1.0, 1.0)
        size = int(np.prod(self.shape))
        steps = (rng.permutation(size) + rng.uniform(0.33, 0.42, size)) / max(size, 1)
        return (self.low + (self.high - self.low) * steps).reshape(self.shape)

    def tensor(self, rng: np.random.Generator, device: Device, dtype: torch.dtype) -> Tensor:
        """Make it there; ``dtype`` is that of reals."""
        array = self.numbers(rng)
        if not is_floating(array.dtype):
            return torch.tensor(array, device=device)
        wants_grad = self.grad and self.kind == "real"
        return torch.tensor(array, dtype=dtype, device=device, requires_grad=wants_grad)


def real(*shape: int, low: float = -2.0, high: float = 2.0, grad: bool = True) -> Values:
    """Reals between ``low`` and ``high``."""
    return Values(shape, low, high, grad=grad)


def positive(*shape: int) -> Values:
    """Reals well above 0."""
    return Values(shape, 0.4, 2.6)


def unit(*shape: int) -> Values:
    """Reals between 0 and 1."""
    return Values(shape, 0.05, 0.95)


def ints(*shape: int, high: int = 10) -> Values:
    """Integers from 0 to ``high`` - 1."""
    return Values(shape, 0, high, "int")


def bools(*shape: int) -> Values:
    """Trues and falses: conditions and masks."""
    return Values(shape, kind="bool")


def order(*shape: int) -> Values:
    """Places in each row, none twice."""
    return Values(shape, kind="order")


def signs(*shape: int) -> Values:
    """1.0 and -1.0: the targets of ranking losses."""
    return Values(shape, kind="sign")


class Case:
    """A call that is ready to run on one device.

    Attributes
    ----------
    leaves : list of Tensor
        The inputs whose gradients are compared; none if nothing is differentiated, or if ``run`` does it itself.
    """

    def __init__(self, leaves: list[Tensor]) -> None:
        self.leaves = leaves

    def run(self) -> Any:
        """Return the outputs: Tensors, numbers, and tuples or lists of them."""
        raise NotImplementedError


class Call(Case):
    """A function and the arguments that were made for it."""

    def __init__(
        self, function: Callable[..., Any], maker: Maker, args: Any, options: dict[str, Any]
    ) -> None:
        self.function = function
        self.args = maker.make(args)
        self.options = {name: maker.make(value) for name, value in options.items()}
        super().__init__(maker.leaves)

    def run(self) -> Any:
        """Call the function."""
        return self.function(*self.args, **self.options)


class Maker:
    """Makes the tensors of one case, always the same numbers for the same label, on any device."""

    def __init__(self, label: str, device: Device, dtype: torch.dtype) -> None:
        self.rng = np.random.default_rng(zlib.crc32(label.encode()))
        self.device, self.dtype = device, dtype
        self.leaves: list[Tensor] = []

    def make(self, value: Any) -> Any:
        """Return ``value`` with a tensor in the place of each ``Values``."""
        if isinstance(value, list | tuple):
            return type(value)([self.make(item) for item in value])
        if not isinstance(value, Values):
            return value
        tensor = value.tensor(self.rng, self.device, self.dtype)
        if tensor.requires_grad:
            self.leaves.append(tensor)
        return tensor


@dataclass(frozen=True)
class Recipe:
    """An operation and how it is called.

    Parameters
    ----------
    name : str
        Its name in ``tinygrad_edu.ops``.
    arguments : dict
        ``"small"`` and ``"typical"``: the positional arguments.
    options : dict
        The keyword arguments of both.
    function : callable, optional
        What to call in place of ``ops.<name>``.
    rounding : float
        By how much the tolerance is widened, where an operation is known to magnify rounding errors.
    """

    name: str
    arguments: dict[str, tuple[Any, ...]]
    options: dict[str, Any] = field(default_factory=dict)
    function: Callable[..., Any] | None = None
    rounding: float = 1.0
    kind: str = "operation"

    def prepare(self, size: str, device: Device, dtype: torch.dtype) -> Case:
        """Make the arguments on a device."""
        maker = Maker(f"{self.name} {size}", device, dtype)
        return Call(self.function or getattr(ops, self.name), maker, self.arguments[size], self.options)


def op(name: str, small: tuple[Any, ...], typical: tuple[Any, ...], **more: Any) -> Recipe:
    """Write a row of a table; ``function`` and ``rounding`` go to the recipe, other options to the call."""
    extra = {key: more.pop(key) for key in ("function", "rounding") if key in more}
    return Recipe(name, {"small": small, "typical": typical}, more, **extra)


def alike(names: str, make: Callable[..., Values], inputs: int = 1) -> list[Recipe]:
    """Write a row for each of several elementwise functions whose inputs are of one kind."""
    small = tuple([make(3, 5) for _ in range(inputs)])
    typical = tuple([make(1024, 1024) for _ in range(inputs)])
    return [op(name, small, typical) for name in names.split()]


def two(names: str, left: Callable[..., Values], right: Callable[..., Values]) -> list[Recipe]:
    """Write a row for each of several functions of two inputs, the second of which is broadcast."""
    return [op(name, (left(3, 5), right(5)), (left(1024, 1024), right(1024))) for name in names.split()]
