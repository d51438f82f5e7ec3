"""Two cards that are not there, and the count of how often the host has to wait for them."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

COUNT = 2


class Counter:
    """How often something was read from a card: each time the host waits until all work there is done."""

    syncs = 0


class Current:
    """What is in use."""

    card = 0
    streams: list[Any] = []
    capturing: list[Any] = []
    allocator: Any = None


def synced(value: Any) -> Any:
    """Return a value that has just been read from a card."""
    capture.refuse_reading()
    Counter.syncs += 1
    return value


def waited() -> None:
    """Wait until all work is done."""
    capture.refuse_waiting()
    Counter.syncs += 1


class Device:
    """A card; in a ``with`` block, the one in use."""

    def __init__(self, device: Any = None) -> None:
        self.id = Current.card if device is None else int(device)
        self._before: list[int] = []

    def use(self) -> None:
        Current.card = self.id

    def synchronize(self) -> None:
        waited()

    @property
    def mem_info(self) -> tuple[int, int]:
        return 6 << 30, 8 << 30

    @property
    def compute_capability(self) -> str:
        return "90"

    def __enter__(self) -> Device:
        if not 0 <= self.id < COUNT:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
        self._before.append(Current.card)
        self.use()
        return self

    def __exit__(self, *exc_info: object) -> None:
        Current.card = self._before.pop()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


class Stream:
    """A queue of work; in a ``with`` block, the one in use. Here, all work is done at once."""

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        self.ptr = 0 if null else id(self)
        self.is_non_blocking = non_blocking
        self.capture: Any = None
        self.device_id = -1 if null else Current.card

    @property
    def done(self) -> bool:
        if self.capture is not None:
            self.capture.invalid = True
        return True

    def begin_capture(self, mode: int | None = None) -> None:
        if self.ptr == 0:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if not self.is_non_blocking:
            raise capture.CUDARuntimeError(
                "cudaErrorStreamCaptureImplicit: the default stream waits for this one, and may not"
            )
        if self.capture is not None:
            raise capture.CUDARuntimeError("cudaErrorIllegalState: the stream is capturing")
        self.capture = capture.Capture()
        Current.capturing.append(self)

    def end_capture(self) -> Any:
        ended, self.capture = self.capture, None
        if ended is None:
            raise capture.CUDARuntimeError("cudaErrorIllegalState: the stream is not capturing")
        Current.capturing.remove(self)
        return ended.end()

    def is_capturing(self) -> bool:
        return self.capture is not None

    def __enter__(self) -> Stream:
        Current.streams.append(self)
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        Current.streams.pop()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self) -> int:
        return hash(self.ptr)

    def use(self) -> Stream:
        Current.streams[:] = [self]
        return self

    def synchronize(self) -> None:
        waited()

    def record(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: Event) -> None:
        """Let the work that comes wait for the event."""


Stream.null = Stream(null=True)  # type: ignore[attr-defined]


def get_current_stream(device_id: int | None = None) -> Any:
    return Current.streams[-1] if Current.streams else Stream.null  # type: ignore[attr-defined]


class Event:
    """A mark in a stream."""

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        self.seconds: float | None = None
        self.done = True
        self.ptr = id(self)

    def record(self, stream: Stream | None = None) -> None:
        self.seconds = time.perf_counter()

    def synchronize(self) -> None:
        waited()


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Return milliseconds."""
    if start_event.seconds is None or end_event.seconds is None:
        raise RuntimeError("cudaErrorInvalidResourceHandle: invalid resource handle")
    return 1000 * (end_event.seconds - start_event.seconds)


class MemoryHook:
    """Hears of no allocation: NumPy makes them here."""

    def __enter__(self) -> MemoryHook:
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Nothing to stop."""


@contextlib.contextmanager
def using_allocator(allocator: Any = None) -> Iterator[None]:
    before, Current.allocator = Current.allocator, allocator
    try:
        yield
    finally:
        Current.allocator = before


class MemoryPool:
    """Counts nothing: NumPy owns the memory here."""

    def malloc(self, size: int) -> Any:
        raise NotImplementedError("the stand-in takes its memory from NumPy")

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self, stream: Any = None) -> None:
        """Nothing to give back."""


@functools.cache
def memory_pool() -> MemoryPool:
    return MemoryPool()


from tests.gpu.standin import capture  # noqa: E402  # it needs what is above
