"""CUDA graphs without a card: what a stream notes between ``begin_capture`` and ``end_capture``, and its launch.

As on a card, nothing is done while a stream captures: a call is tried out, for shapes and dtypes, and what it wrote
is taken back; new arrays hold NaN. A launch makes the calls again, on the same memory and with the numbers that
they were given then. What CuPy 14.2 refuses is refused: reading a number, waiting, cuBLAS, cuSOLVER, cuRAND and
cuSPARSE (its own ``test_graph.py`` says so). And what would go wrong without a word is an error, or spoils numbers:

- Memory of the common pool: whoever gets it next would find it overwritten. A graph needs a pool of its own
  (``cupy.cuda.using_allocator``), which must live as long as the graph.
- An array of the host: what was copied from is something else when the graph runs. The copy holds NaN.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.gpu.standin.cards import Current, Device

IS_CAPTURING = "the current stream is capturing, so synchronous API calls are disallowed"


class CUDARuntimeError(RuntimeError):
    """An error of CUDA."""


def spoil(array: np.ndarray[Any, Any], whole: Any = None) -> None:
    """Fill memory that nobody has written yet with what nobody takes for a result; whole numbers with the largest."""
    if array.dtype.kind in "iu":
        array[...] = np.iinfo(array.dtype).max if whole is None else whole
    else:
        array[...] = True if array.dtype.kind == "b" else np.nan


class Graph:
    """What has been captured."""

    def __init__(self, calls: list[Callable[[], None]], pools: set[Any], card: int) -> None:
        self.calls, self.card = calls, card
        self._pools = pools

    def launch(self, stream: Any = None) -> None:
        if current() is not None:
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureUnsupported: the stand-in puts no graph into another"
            )
        if any(pool() is None for pool in self._pools):
            raise CUDARuntimeError("cudaErrorIllegalAddress: the pool of the graph's memory is gone")
        with Device(self.card):
            for call in self.calls:
                call()

    def upload(self, stream: Any = None) -> None:
        """Nothing to prepare."""


class Capture:
    """The calls that a stream notes."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.pools: set[Any] = set()
        self.inside = self.invalid = False

    def end(self) -> Graph:
        if self.invalid:
            raise CUDARuntimeError(
                "cudaErrorStreamCaptureInvalidated: operation failed due to a previous error during capture"
            )
        return Graph(self.calls, self.pools, Current.card)

    def note(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Try a call out, take back what it wrote, and note it."""
        arrays = arrays_in([args, kwargs])
        before = [array._host.copy() for array in arrays]
        self.inside = True
        try:
            result = function(*args, **kwargs)
        finally:
            self.inside = False
            for array, numbers in zip(arrays, before, strict=True):
                if array._host.tobytes() != numbers.tobytes():
                    array._host[...] = numbers
        fresh = [
            x for x in arrays_in([result]) if not any(np.shares_memory(x._host, a._host) for a in arrays)
        ]
        if fresh and result is not None:
            self.check_memory()
        places = [array._host for array in fresh]
        for place in places:
            spoil(place, 0)
        if any(isinstance(x, np.ndarray) for x in flatten([args, kwargs])):
            written = places or [array._host for array in arrays[:1]]
            self.calls.append(lambda: [spoil(place, 0) for place in written] and None)
        else:
            self.calls.append(functools.partial(again, function, args, kwargs, arrays, places))
        return result

    def check_memory(self) -> None:
        pool = getattr(Current.allocator, "__self__", None)
        if pool is None:
            raise CUDARuntimeError(
                "memory of the common pool in a graph: it would be given to others as well"
            )
        self.pools.add(weakref.ref(pool))


def again(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    arrays: list[Any],
    places: list[Any],
) -> None:
    """Make a call again; its results go where they went when it was captured."""
    result = arrays_in([function(*args, **kwargs)])
    fresh = [x for x in result if not any(np.shares_memory(x._host, a._host) for a in arrays)]
    for place, array in zip(places, fresh, strict=True):
        place[...] = array._host


def flatten(value: Any) -> list[Any]:
    """Return what is in nested containers."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [x for part in value for x in flatten(part)]
    owner = getattr(value, "owner", None)  # a method of an array
    return [value] if owner is None else [owner]


def arrays_in(value: Any) -> list[Any]:
    """Return the arrays of the card among them, each once."""
    found: dict[int, Any] = {}
    for x in flatten(value):
        if hasattr(x, "_host") and hasattr(x, "_card"):
            found.setdefault(id(x), x)
    return list(found.values())


def current() -> Capture | None:
    """Return the capture of the stream in use, if it captures."""
    return Current.streams[-1].capture if Current.streams else None


def noted(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that starts work on the card be captured."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        capture = current()
        if capture is None or capture.inside:
            return function(*args, **kwargs)
        return capture.note(function, args, kwargs)

    return call


def note_calls(owner: type, *names: str) -> None:
    """Let methods be captured."""
    for name in names:
        setattr(owner, name, noted(getattr(owner, name)))


def refuse_library(library: str) -> None:
    """Refuse what CuPy does not capture."""
    if current() is not None:
        raise NotImplementedError(f"calling {library} API during stream capture is currently unsupported")


def refuse_reading() -> None:
    """Refuse to read a number: it is not there yet."""
    if current() is not None:
        raise RuntimeError(IS_CAPTURING)


def refuse_waiting() -> None:
    """Refuse to wait for what is not being done; the capture is lost."""
    for stream in Current.capturing:
        stream.capture.invalid = True
    if Current.capturing:
        raise CUDARuntimeError(
            "cudaErrorStreamCaptureUnsupported: operation not permitted when stream is capturing"
        )
