"""CuPy's ufuncs: NumPy's arithmetic, but only for the types that CuPy's take, and without ``where``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.gpu.standin.api import API


class Ufunc:
    """One ufunc of CuPy, computed by NumPy's or SciPy's of the same name."""

    def __init__(self, space: str, name: str, function: np.ufunc, bridge: Any) -> None:
        self.__name__ = name
        self._space, self._function, self._bridge = space, function, bridge
        self._loops: dict[str, str] = {}
        for loop in API[space][name].split()[1:]:
            inputs, outputs = loop.replace("q", "l").replace("Q", "L").split("->")
            self._loops.setdefault(inputs, outputs)
        self._found: dict[tuple[Any, ...], tuple[str, str]] = {}
        self.nin = len(next(iter(self._loops)))

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind") -> Any:
        unwrap, wrap = self._bridge
        if not self.nin <= len(args) <= self.nin + 1:
            raise TypeError(f"{self.__name__}: expected {self.nin} arrays, got {len(args)}")
        arrays = [unwrap(x) for x in args]
        if dtype is not None or len(args) > self.nin:
            return wrap(self._function(*arrays, dtype=dtype), args)
        inputs, outputs = self.loop_for(tuple([kind_of(x) for x in arrays]))
        arrays = [np.asarray(x, char) for x, char in zip(arrays, inputs, strict=True)]
        with np.errstate(all="ignore"):
            result = self._function(*arrays)
            if isinstance(result, tuple):
                return tuple([wrap(r.astype(char)) for r, char in zip(result, outputs, strict=True)])
            result = np.asarray(result).astype(outputs, copy=False)
            if out is None:
                return wrap(result)
            np.copyto(unwrap(out), result, casting=casting)  # type: ignore[arg-type]
            return out

    def loop_for(self, kinds: tuple[Any, ...]) -> tuple[str, str]:
        """Return the types of inputs and outputs; TypeError if CuPy has none for such inputs."""
        if kinds not in self._found:
            self._found[kinds] = self._find_loop(kinds)
        return self._found[kinds]

    def _find_loop(self, kinds: tuple[Any, ...]) -> tuple[str, str]:
        arrays = [k for k in kinds if isinstance(k, np.dtype)]
        weak = [k(0) for k in kinds if not isinstance(k, np.dtype)]
        common = np.result_type(*arrays, *weak)
        wanted = [k if isinstance(k, np.dtype) else common for k in kinds]
        for inputs, outputs in self._loops.items():
            if all(np.can_cast(have, np.dtype(char)) for have, char in zip(wanted, inputs, strict=True)):
                return inputs, outputs
        names = ", ".join(str(k) for k in kinds)
        raise TypeError(
            f"Wrong type of arguments for cupy.{self.__name__}: {names}; it has {API[self._space][self.__name__]}"
        )

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        """Change elements in place, each as often as its place occurs."""
        if self.__name__ not in (
            "add",
            "subtract",
            "maximum",
            "minimum",
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
        ):
            raise NotImplementedError(f"`{self.__name__}.at` is not supported yet")
        unwrap, _ = self._bridge
        self._function.at(unwrap(a), a.places(indices), unwrap(b))

    def reduce(
        self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False
    ) -> Any:
        unwrap, wrap = self._bridge
        return wrap(self._function.reduce(unwrap(array), axis, dtype, unwrap(out), keepdims))

    def __repr__(self) -> str:
        return f"<ufunc 'cupy_{self.__name__}'>"


def kind_of(x: Any) -> Any:
    """Return the dtype of an array or NumPy scalar; of a Python number its class."""
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype
    if isinstance(x, bool | int | float | complex):
        return type(x)
    raise TypeError(f"Unsupported type {type(x)}")


def add_up(host: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
    """Return the sum as hundreds of threads have it, each of a part, and then of those sums.

    It is as exact as NumPy's pairs, which need the numbers side by side in memory.
    """
    dims = range(host.ndim)
    axes = dims if axis is None else [d % host.ndim for d in np.atleast_1d(axis)]
    kept = [d for d in dims if d not in axes]
    shape = [host.shape[d] for d in kept]
    rows = host.transpose(*kept, *axes).reshape(*shape, math.prod(host.shape[d] for d in axes))
    result = np.ascontiguousarray(rows).sum(-1, dtype=dtype)
    if keepdims:
        result = np.expand_dims(result, tuple(axes))
    if out is None:
        return result
    out[...] = result
    return out
