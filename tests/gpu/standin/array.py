"""The stand-in's array: NumPy inside, CuPy's manners outside.

It is no subclass of NumPy's, does not turn into one by itself, does not mix with one, and counts how often the
host reads from it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.gpu.standin.api import API, check_call, require_name
from tests.gpu.standin.capture import refuse_library
from tests.gpu.standin.cards import Current, Device, synced
from tests.gpu.standin.ufuncs import Ufunc, add_up

DTYPES = "?bhilqBHILQefdFD"

IMPLICIT = (
    "Implicit conversion to a NumPy array is not allowed. "
    "Please use `.get()` to construct a NumPy array explicitly."
)


def unwrap(x: Any) -> Any:
    """Return what NumPy can compute with; refuse arrays of the host, and of a card that is not in use."""
    if isinstance(x, ndarray):
        if x._card != Current.card:
            raise ValueError(
                "Array device must be same as the current device: "
                f"array device = {x._card} while current = {Current.card}"
            )
        return x._host
    if isinstance(x, np.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, list | tuple):
        return type(x)([unwrap(item) for item in x]) if type(x) in (list, tuple) else x
    return x


def wrap(result: Any, sources: tuple[Any, ...] = ()) -> Any:
    """Return NumPy's answer as CuPy gives it: no scalars, but arrays without dimensions."""
    if isinstance(result, np.ndarray):
        for source in sources:
            if isinstance(source, ndarray) and source._host is result:
                return source
        return ndarray._of(result)
    if isinstance(result, np.generic):
        return ndarray._of(np.asarray(result))
    if isinstance(result, list | tuple):
        items = [wrap(item, sources) for item in result]
        return items if isinstance(result, list) else tuple(items)
    return result


class Flags:
    """How the array lies in memory. CuPy's has no ``writeable``."""

    def __init__(self, flags: Any) -> None:
        self.c_contiguous, self.f_contiguous = flags.c_contiguous, flags.f_contiguous
        self.owndata, self.fnc, self.forc = flags.owndata, flags.fnc, flags.forc


class MemoryPointer:
    """Where the array begins."""

    def __init__(self, array: ndarray) -> None:
        self.ptr, self.device_id, self.mem = array._host.ctypes.data, array._card, array._host


class ndarray:
    """An array on a card that is not there."""

    __slots__ = ("__weakref__", "_card", "_host")
    __array_priority__ = 100
    __array_ufunc__ = None  # np.exp(array) is refused; CuPy would send it to cupy.exp
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        self._host, self._card = np.empty(shape, dtype, order), Current.card  # type: ignore[call-overload]

    @classmethod
    def _of(cls, host: np.ndarray[Any, Any], card: int | None = None) -> ndarray:
        if host.dtype.char not in DTYPES:
            raise ValueError(f"Unsupported dtype {host.dtype}")
        array = object.__new__(cls)
        array._host, array._card = host, Current.card if card is None else card
        return array

    def _view(self, host: np.ndarray[Any, Any]) -> ndarray:
        return ndarray._of(host, self._card)

    # ---- refused --------------------------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(IMPLICIT)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in (np.shape, np.ndim):  # CuPy has these two, and no number is looked at
            return function(args[0]._host)
        raise TypeError(f"numpy.{function.__name__} was called with an array of the GPU")

    # ---- what makes the host wait ---------------------------------------------------------------------

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> Any:
        if out is not None:
            out[...] = self._host
            return synced(out)
        return synced(self._host.copy(order))  # type: ignore[arg-type]

    def item(self) -> Any:
        return synced(self._host.item())

    def tolist(self) -> Any:
        return synced(self._host.tolist())

    def tobytes(self, order: str = "C") -> bytes:
        return synced(self._host.tobytes(order))  # type: ignore[arg-type]

    def nonzero(self) -> tuple[ndarray, ...]:
        return synced(wrap(unwrap(self).nonzero()))

    def __bool__(self) -> bool:
        return synced(bool(self._host))

    def __int__(self) -> int:
        return synced(int(self._host))

    def __float__(self) -> float:
        return synced(float(self._host))

    def __complex__(self) -> complex:
        return synced(complex(self._host))

    def __format__(self, spec: str) -> str:
        return synced(format(self._host.item(), spec) if self.ndim == 0 else format(self._host, spec))

    def __repr__(self) -> str:
        return synced(repr(self._host))

    def __str__(self) -> str:
        return synced(str(self._host))

    def __reduce__(self) -> Any:
        return synced((from_host, (self._host,)))

    # ---- what it is -----------------------------------------------------------------------------------

    shape = property(lambda self: self._host.shape)
    strides = property(lambda self: self._host.strides)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: Flags(self._host.flags))
    device = property(lambda self: Device(self._card))
    data = property(MemoryPointer)
    T = property(lambda self: self._view(self._host.T))
    mT = property(lambda self: self._view(self._host.mT))
    real = property(
        lambda self: self._view(self._host.real), lambda self, value: self.real.__setitem__(..., value)
    )
    imag = property(
        lambda self: self._view(self._host.imag), lambda self, value: self.imag.__setitem__(..., value)
    )
    base = property(lambda self: None if self._host.base is None else self._view(self._host.base))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        interface = dict(self._host.__array_interface__)
        return {
            "version": 3,
            "stream": 1,
            **{k: interface[k] for k in ("shape", "typestr", "descr", "data", "strides")},
        }

    def __len__(self) -> int:
        return len(self._host)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        with Device(self._card):
            return self.copy()

    # ---- elements -------------------------------------------------------------------------------------

    def places(self, index: Any) -> Any:
        """Return an index for NumPy: on the card, one that is out of range goes round instead of raising."""
        parts = index if isinstance(index, tuple) else (index,)
        used = sum(dimensions_of(part) for part in parts)
        found, dim = [], 0
        for part in parts:
            if isinstance(part, np.ndarray):
                raise TypeError(f"Unsupported type {type(part)}")
            if isinstance(part, list):
                part = ndarray._of(np.array(part, None if part else int), self._card)
            if isinstance(part, ndarray) and part.dtype.kind in "iu":
                size = self._host.shape[dim]
                found.append(unwrap(part) % size if size else unwrap(part))
            else:
                found.append(unwrap(part))
            dim += self.ndim - used if part is Ellipsis else dimensions_of(part)
        return tuple(found)

    def __getitem__(self, index: Any) -> ndarray:
        if has_mask(index):
            synced(None)  # how many elements there are is known on the card only
        places = self.places(index)
        if any(isinstance(p, np.ndarray) for p in places):
            return wrap(np.asarray(unwrap(self)[places]))
        if Ellipsis not in places:
            places = (*places, Ellipsis)  # a view also of a single element
        return self._view(self._host[places])

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(value, np.ndarray) and value.ndim:
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        if has_mask(index) and isinstance(value, ndarray) and value.ndim:
            synced(None)
        with np.errstate(all="ignore"):
            unwrap(self)[self.places(index)] = (
                value.item() if isinstance(value, np.ndarray) else unwrap(value)
            )

    def set(self, arr: np.ndarray[Any, Any], stream: Any = None) -> None:
        self._host[...] = arr

    def scatter_add(self, slices: Any, value: Any) -> None:
        np.add.at(self._host, self.places(slices), unwrap(value))

    def take(self, indices: Any, axis: Any = None, out: Any = None) -> Any:
        indices = unwrap(indices)
        return wrap(
            unwrap(self).take(
                np.asarray(indices, None if np.size(indices) else int), axis, unwrap(out), mode="wrap"
            )
        )

    # ---- copies ---------------------------------------------------------------------------------------

    def copy(self, order: str = "C") -> ndarray:
        return ndarray._of(self._host.copy(order))  # type: ignore[arg-type]  # on the card in use, from whichever

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        with np.errstate(all="ignore"):
            host = unwrap(self).astype(dtype, order=order, casting=casting or "unsafe", copy=copy)  # type: ignore[arg-type]
        return self if host is self._host else ndarray._of(host)

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return self._view(self._host.view() if dtype is None else self._host.view(dtype))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        if require_name("cupy.ndarray", name) == "value":
            raise AttributeError(f"the stand-in has no cupy.ndarray.{name}")
        return Method(self, name)


class Method:
    """A method that NumPy's arrays have too, called as CuPy's is."""

    METADATA = ("reshape", "transpose", "swapaxes", "squeeze", "diagonal", "ravel", "flatten")

    def __init__(self, owner: ndarray, name: str) -> None:
        self.owner, self.name = owner, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        check_call("cupy.ndarray", self.name, (self.owner, *args), kwargs)
        if self.name == "dot" and self.owner.dtype.kind in "fc":
            refuse_library("cuBLAS")
        if self.name == "repeat" and isinstance(args[0], ndarray):
            raise ValueError("repeats: expected an int or a sequence of ints, got an array")
        host = self.owner._host if self.name in self.METADATA else unwrap(self.owner)
        values = {key: unwrap(value) for key, value in kwargs.items()}
        with np.errstate(all="ignore"):
            if self.name == "sum":
                result = add_up(host, *[unwrap(a) for a in args], **values)
            else:
                result = getattr(host, self.name)(*[unwrap(a) for a in args], **values)
        if self.name in self.METADATA:
            result.flags.writeable = True  # NumPy's diagonal is read-only, CuPy's is not
            return self.owner._view(result)
        return wrap(result, (self.owner, *args, *kwargs.values()))


def dimensions_of(part: Any) -> int:
    """Return how many dimensions a part of an index stands for."""
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, bool | np.bool_):
        return 0
    return part.ndim if isinstance(part, ndarray) and part.dtype == bool else 1


def has_mask(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, ndarray) and part.dtype == bool for part in parts)


def from_host(host: np.ndarray[Any, Any]) -> ndarray:
    """Return a copy on the card in use."""
    return ndarray._of(host.copy())


# ---- operators ------------------------------------------------------------------------------------------

BRIDGE = (unwrap, wrap)

OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "true_divide", "floordiv": "floor_divide",
    "mod": "remainder", "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
    "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}  # fmt: skip
UNARY = {"neg": "negative", "pos": "positive", "abs": "absolute", "invert": "invert"}


def leaves_it_to(other: Any) -> bool:
    """Tell whether the other operand wants to do the work: a Tensor, for example."""
    return not isinstance(other, ndarray | np.ndarray) and getattr(other, "__array_priority__", 0) > 100


def add_operator(name: str, ufunc: Ufunc, reflected: bool) -> None:
    """Give the array ``a + b``, and ``b + a`` and ``a += b``."""

    def forward(self: ndarray, other: Any) -> Any:
        return NotImplemented if leaves_it_to(other) else ufunc(self, other)

    def backward(self: ndarray, other: Any) -> Any:
        return NotImplemented if leaves_it_to(other) else ufunc(other, self)

    def in_place(self: ndarray, other: Any) -> Any:
        return NotImplemented if leaves_it_to(other) else ufunc(self, other, out=self)

    setattr(ndarray, f"__{name}__", forward)
    if reflected:
        setattr(ndarray, f"__r{name}__", backward)
        setattr(ndarray, f"__i{name}__", in_place)


def add_unary(name: str, ufunc: Ufunc) -> None:
    def unary(self: ndarray) -> Any:
        return ufunc(self)

    setattr(ndarray, f"__{name}__", unary)


def numpy_ufunc(name: str) -> Ufunc:
    return Ufunc("cupy", name, getattr(np, name), BRIDGE)


for _name, _ufunc in OPERATORS.items():
    add_operator(_name, numpy_ufunc(_ufunc), reflected=True)
for _name, _ufunc in COMPARISONS.items():
    add_operator(_name, numpy_ufunc(_ufunc), reflected=False)
for _name, _ufunc in UNARY.items():
    if _ufunc in API["cupy"]:
        add_unary(_name, numpy_ufunc(_ufunc))


def _matmul(self: ndarray, other: Any) -> Any:
    if leaves_it_to(other):
        return NotImplemented
    if self.dtype.kind in "fc":
        refuse_library("cuBLAS")
    return wrap(unwrap(self) @ unwrap(other))


def _rmatmul(self: ndarray, other: Any) -> Any:
    return NotImplemented if leaves_it_to(other) else wrap(unwrap(other) @ unwrap(self))


ndarray.__matmul__, ndarray.__rmatmul__ = _matmul, _rmatmul  # type: ignore[attr-defined]  # CuPy has no __imatmul__
