"""The names that an expression of a call may use: a library, here or PyTorch, and makers of its tensors."""

from __future__ import annotations

import functools
import importlib
import math
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from tests.ops.samples import Input

MODULES = {
    "F": "nn.functional",
    "linalg": "linalg",
    "init": "nn.init",
    "nn": "nn",
    "optim": "optim",
    "lr_scheduler": "optim.lr_scheduler",
    "data": "utils.data",
    "transforms": "vision.transforms",
}
MAKERS = (
    "real",
    "ints",
    "bools",
    "positive",
    "unit",
    "signs",
    "param",
    "trained",
    "sgd",
    "same_sgd",
    "image",
    "path",
)


class Makers:
    """Make tensors of one library, the same numbers for the same call."""

    def __init__(self, library: Any) -> None:
        self.library = library
        self.optimizer: Any = None

    def make(self, shape: tuple[int, ...], low: float, high: float, kind: str = "real") -> Any:
        rng = np.random.default_rng(zlib.crc32(f"{shape} {low} {high} {kind}".encode()))
        array = Input(shape, low, high, kind).make(rng)
        return self.library.tensor(array.astype(np.float32) if array.dtype.kind == "f" else array)

    def real(self, *shape: int, low: float = -2.0, high: float = 2.0) -> Any:
        return self.make(shape, low, high)

    def positive(self, *shape: int) -> Any:
        return self.make(shape, 0.4, 2.6)

    def unit(self, *shape: int) -> Any:
        return self.make(shape, 0.05, 0.95)

    def ints(self, *shape: int, low: int = 0, high: int = 3) -> Any:
        return self.make(shape, low, high, "int")

    def bools(self, *shape: int) -> Any:
        return self.make(shape, 0, 1, "bool")

    def signs(self, *shape: int) -> Any:
        return self.real(*shape).sign()

    def param(self, *shape: int) -> Any:
        """Return a leaf that requires a gradient."""
        return self.library.nn.Parameter(self.real(*shape))

    def trained(self, *shape: int) -> Any:
        """Return a parameter with a gradient."""
        parameter = self.param(*shape)
        parameter.grad = self.real(*shape)
        return parameter

    def sgd(self) -> Any:
        return self.library.optim.SGD([self.trained(3)], lr=0.1)

    def same_sgd(self) -> Any:
        """Return one optimizer, however often it is asked for in a call."""
        self.optimizer = self.optimizer or self.sgd()
        return self.optimizer

    def image(self) -> Any:
        return np.arange(48, dtype=np.uint8).reshape(8, 6)

    def path(self, name: str) -> str:
        """Return a path in a folder that is thrown away; under "saved" lies a tensor."""
        path = Path(scratch().name) / f"{self.library.__name__}-{name}"
        if name == "saved" and not path.exists():
            self.library.save(self.real(2, 3), path)
        return str(path)


@functools.cache
def scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def namespace(library: Any) -> dict[str, Any]:
    """Return what the names in an expression stand for, with this library as ``torch``."""
    makers = Makers(library)
    names: dict[str, Any] = {"torch": library, "np": np, "math": math}
    for name, module in MODULES.items():
        try:
            names[name] = importlib.import_module(f"{library.__name__}.{module}")
        except ImportError:  # PyTorch has no vision
            continue
    return {**names, **{name: getattr(makers, name) for name in MAKERS}}
