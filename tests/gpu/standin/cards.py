"""Two cards that are not there, and the count of how often the host has to wait for them."""

from __future__ import annotations

import functools
import time
from types import TracebackType
from typing import Any

COUNT = 2


class Counter:
    """How often something was read from a card: each time the host waits until all work there is done."""

    syncs = 0


def synced(value: Any) -> Any:
    """Return a value that has just been read from a card."""
    Counter.syncs += 1
    return value


class Current:
    """What is in use."""

    card = 0
    streams: list[Any] = []


class Device:
    """A card; in a ``with`` block, the one in use."""

    def __init__(self, device: Any = None) -> None:
        self.id = Current.card if device is None else int(device)
        self._before: list[int] = []

    def use(self) -> None:
        Current.card = self.id

    def synchronize(self) -> None:
        synced(None)

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
        self.device_id = -1 if null else Current.card
        self.done = True

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
        synced(None)

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
        synced(None)


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


class MemoryPool:
    """Counts nothing: NumPy owns the memory here."""

    def used_bytes(self) -> int:
        return 0

    def total_bytes(self) -> int:
        return 0

    def free_all_blocks(self, stream: Any = None) -> None:
        """Nothing to give back."""


@functools.cache
def memory_pool() -> MemoryPool:
    return MemoryPool()
