"""The stand-in's modules: ``cupy``, ``cupyx`` and what is below them.

Only names that CuPy has are found, and calls are held against CuPy's signatures before NumPy answers them.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.special

from tests.gpu.standin import capture, cards
from tests.gpu.standin.api import API, check_call, require_name
from tests.gpu.standin.array import BRIDGE, Method, ndarray, unwrap, wrap
from tests.gpu.standin.capture import note_calls, noted, spoil
from tests.gpu.standin.ufuncs import Ufunc

READS_THE_CARD = {
    "nonzero",
    "flatnonzero",
    "argwhere",
    "unique",
    "bincount",
    "asnumpy",
    "extract",
    "trim_zeros",
}
"""The size of their results depends on the numbers, so the host has to wait for them."""

PLAIN_RESULT = {
    "shape",
    "ndim",
    "size",
    "result_type",
    "broadcast_shapes",
    "may_share_memory",
    "shares_memory",
    "can_cast",
}
PRODUCTS = {"matmul", "dot", "tensordot", "inner", "vdot", "einsum"}
NOTHING_THERE = {"empty", "empty_like"}


class Function:
    """A function that NumPy has too."""

    def __init__(self, space: str, name: str, function: Any) -> None:
        self.space, self.__name__, self.function = space, name, function

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        name = self.__name__
        check_call(self.space, name, args, kwargs)
        refuse_libraries(self.space, name, args)
        if name in READS_THE_CARD or (name == "where" and len(args) == 1):
            cards.synced(None)
        if name == "repeat" and isinstance(args[1], ndarray):
            raise ValueError("repeats: expected an int or a sequence of ints, got an array")
        values = {key: unwrap(value) for key, value in kwargs.items()}
        with np.errstate(all="ignore"):
            result = self.function(*[unwrap(a) for a in args], **values)
        if name in PLAIN_RESULT:
            return result
        if name in NOTHING_THERE:
            spoil(result)
        if isinstance(result, bool):
            result = np.asarray(result)  # allclose and array_equal answer with an array
        return wrap(result, (*args, *kwargs.values()))


def refuse_libraries(space: str, name: str, args: tuple[Any, ...]) -> None:
    """While a stream captures, refuse the functions that CuPy leaves to libraries."""
    if space == "cupy" and name in PRODUCTS and args[0].dtype.kind in "fc":
        capture.refuse_library("cuBLAS")
    if space == "cupy.linalg" and name not in ("norm", "cross", "matrix_transpose"):
        capture.refuse_library("cuSOLVER")
    if space == "cupy.random.Generator":
        capture.refuse_library("cuRAND")


class Space(types.ModuleType):
    """A module with the names of CuPy's."""

    def __init__(self, name: str, target: Any, **own: Any) -> None:
        super().__init__(name)
        self.__path__: list[str] = []  # so that it counts as a package
        self.__dict__.update(_target=target, **own)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        space = self.__name__
        kind = require_name(space, name)
        value = getattr(self._target, name, None)
        if value is None and kind != "value":
            raise AttributeError(f"the stand-in has no {space}.{name}: write it if it is needed")
        if kind.startswith("ufunc") and isinstance(value, np.ufunc):
            value = Ufunc(space, name, value, BRIDGE)
        elif callable(value) and not isinstance(value, type) and kind != "value":
            value = Function(space, name, value)
        setattr(self, name, value)
        return value


# ---- what NumPy does otherwise -----------------------------------------------------------------------------


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False
) -> ndarray:
    if isinstance(a, ndarray) and not copy:
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)  # on whichever card it is
    return array(a, dtype, order=order or "K")


def array(
    obj: Any, dtype: Any = None, copy: bool = True, order: Any = "K", subok: bool = False, ndmin: int = 0, *,
    blocking: bool = False,
) -> ndarray:  # fmt: skip
    host = obj if isinstance(obj, np.ndarray) else unwrap(obj)
    return wrap(np.array(host, dtype, order=order, ndmin=ndmin))


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> Any:
    return a.get(order=order, out=out) if isinstance(a, ndarray) else np.asarray(a)


def take_along_axis(a: Any, indices: Any, axis: Any) -> Any:
    host, places = unwrap(a), unwrap(indices)
    size = host.size if axis is None else host.shape[axis]
    return wrap(np.take_along_axis(host, places % size if size else places, axis))


def take(a: Any, indices: Any, axis: Any = None, out: Any = None) -> Any:
    return a.take(indices, axis, out)


def get_array_module(*args: Any) -> Any:
    return CUPY if any(isinstance(x, ndarray) for x in args) else np


class OpenGrid:
    """``cupy.ogrid``."""

    def __getitem__(self, key: Any) -> Any:
        return wrap(list(np.ogrid[key]) if isinstance(key, tuple) else np.ogrid[key])


class Generator:
    """Random numbers, other ones than NumPy's of the same seed."""

    def __init__(self, bit_generator: Any = None) -> None:
        self._rng = np.random.default_rng(None if bit_generator is None else [0xC0FFEE, int(bit_generator)])

    def __getattr__(self, name: str) -> Any:
        require_name("cupy.random.Generator", name)
        return Function("cupy.random.Generator", name, getattr(self._rng, name))


class Runtime(types.SimpleNamespace):
    """``cupy.cuda.runtime``."""

    def getDeviceCount(self) -> int:
        return cards.COUNT

    def getDevice(self) -> int:
        return cards.Current.card

    def setDevice(self, device: int) -> None:
        cards.Current.card = device

    def getDeviceProperties(self, device: int) -> dict[str, Any]:
        return {
            "name": b"Stand-in", "major": 9, "minor": 0, "totalGlobalMem": 8 << 30, "multiProcessorCount": 4,
            "warpSize": 32, "maxThreadsPerBlock": 1024,
        }  # fmt: skip

    def deviceSynchronize(self) -> None:
        cards.waited()

    def deviceCanAccessPeer(self, device: int, peer: int) -> int:
        return 0

    def runtimeGetVersion(self) -> int:
        return 12090

    def driverGetVersion(self) -> int:
        return 12090


CUDA = types.ModuleType("cupy.cuda")
CUDA.__dict__.update(
    is_available=lambda: True,
    runtime=Runtime(),
    Device=cards.Device,
    Stream=cards.Stream,
    Event=cards.Event,
    get_current_stream=cards.get_current_stream,
    get_elapsed_time=cards.get_elapsed_time,
    MemoryHook=cards.MemoryHook,
    MemoryPool=cards.MemoryPool,
    Graph=capture.Graph,
    using_allocator=cards.using_allocator,
)

CUPY = Space(
    "cupy",
    np,
    __version__=API["version"],
    ndarray=ndarray,
    array=noted(array),
    asarray=noted(asarray),
    asnumpy=asnumpy,
    take=take,
    take_along_axis=noted(take_along_axis),
    get_array_module=get_array_module,
    get_default_memory_pool=cards.memory_pool,
    cuda=CUDA,
    ogrid=OpenGrid(),
    linalg=Space("cupy.linalg", np.linalg),
    lib=types.SimpleNamespace(stride_tricks=Space("cupy.lib.stride_tricks", np.lib.stride_tricks)),
    random=Space("cupy.random", np.random, default_rng=Generator),
)


def scatter_add(a: ndarray, slices: Any, value: Any) -> None:
    a.scatter_add(slices, value)


class PinnedMemoryPointer(bytearray):
    """Memory of the host that cannot be moved."""


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray[Any, Any]:
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.ndarray(shape, dtype, PinnedMemoryPointer(nbytes), order=order)  # type: ignore[call-overload]


class ComputeTypes(types.ModuleType):
    """How products are computed."""

    COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_TF32 = 1, 7
    found: dict[str, int] = {}

    def set_compute_type(self, dtype: Any, compute_type: int) -> None:
        self.found[np.dtype(dtype).char] = compute_type

    def get_compute_type(self, dtype: Any) -> int:
        return self.found.get(np.dtype(dtype).char, self.COMPUTE_TYPE_DEFAULT)


CORE = types.ModuleType("cupy._core")
CORE.__dict__.update(__path__=[], _routines_linalg=ComputeTypes("cupy._core._routines_linalg"))


class CsrMatrix:
    """A sparse matrix made of its elements and their places, which is for nothing but products with dense ones."""

    def __init__(self, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> None:
        elements, places = arg1
        host = unwrap(elements)
        if host.dtype.char not in "?fdFD":
            raise ValueError("Only bool, float32, float64, complex64 and complex128 are supported")
        capture.refuse_library("cuSPARSE")
        cards.synced(None)  # how many places there are, where some are equal
        self._host = scipy.sparse.csr_matrix((host, unwrap(places)), shape, dtype, copy)

    def __matmul__(self, other: Any) -> Any:
        return wrap(self._host @ unwrap(other))


FFT = Space("cupyx.scipy.fft", scipy.fft)
SPECIAL = Space("cupyx.scipy.special", scipy.special)
SPARSE = Space("cupyx.scipy.sparse", scipy.sparse, csr_matrix=CsrMatrix)
CUPYX = types.ModuleType("cupyx")
CUPYX.__dict__.update(
    __path__=[],
    scatter_add=scatter_add,
    empty_pinned=empty_pinned,
    scipy=types.SimpleNamespace(fft=FFT, sparse=SPARSE, special=SPECIAL),
)

note_calls(Ufunc, "__call__", "at", "reduce")
note_calls(Function, "__call__")
note_calls(Method, "__call__")
note_calls(ndarray, "__getitem__", "__setitem__", "__matmul__", "__rmatmul__")
note_calls(ndarray, "set", "scatter_add", "take", "copy", "astype")

MODULES = {
    "cupy": CUPY,
    "cupy._core": CORE,
    "cupy._core._routines_linalg": CORE._routines_linalg,
    "cupy.cuda": CUDA,
    "cupy.linalg": CUPY.linalg,
    "cupy.random": CUPY.random,
    "cupyx": CUPYX,
    "cupyx.scipy": CUPYX.scipy,
    "cupyx.scipy.fft": FFT,
    "cupyx.scipy.sparse": SPARSE,
    "cupyx.scipy.special": SPECIAL,
}
