"""A recorder of races: who read and wrote what, in one launch of a kernel.

The simulator runs one thread after the other, so a race shows in no result. Here every array
is wrapped, and each access is written down with its thread and with how many barriers that thread has passed.
Two accesses to one element, by two threads, at least one of them a write, are a race unless both are atomic, or
a barrier of their block lies between them.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba.cuda.simulator import kernelapi

from tests.gpu.turns import TurnThread
from tinygrad_edu_kernels import cuda_launch

READ, WRITE, ATOMIC = "reads", "writes", "adds atomically to"


class RaceError(Exception):
    """Something that goes wrong on a card, at least sometimes."""


@dataclass
class Ledger:
    """All accesses of one launch."""

    accesses: dict[Any, set[tuple[Any, Any, int, str]]] = field(default_factory=dict)
    barriers: dict[Any, dict[Any, int]] = field(default_factory=dict)

    def note(self, place: Any, name: str, kind: str) -> None:
        thread: Any = threading.current_thread()
        block, number, passed = tuple(thread.blockIdx), tuple(thread.threadIdx), barriers_passed(thread)
        if getattr(thread, "is_in_atomic", False):
            kind = ATOMIC
        if name == "shared":
            place = (block, place)  # every block has shared memory of its own
            if kind == READ and place not in self.accesses:
                raise RaceError("reads shared memory that nobody has written")
        self.accesses.setdefault(place, set()).add((block, number, passed, kind))

    def note_barrier(self, thread: Any) -> None:
        self.barriers.setdefault(tuple(thread.blockIdx), {})[tuple(thread.threadIdx)] = barriers_passed(
            thread
        )

    def check(self, kernel: str, arrays: list[Tracked], threads: int) -> None:
        for block, passed in self.barriers.items():
            if len(passed) != threads or len(set(passed.values())) != 1:
                raise RaceError(f"{kernel}: not all threads of block {block} come to the same barriers")
        for accesses in self.accesses.values():
            if any(kind != READ for *_, kind in accesses):
                check_element(kernel, accesses)
        for array in arrays:
            if array.plainly_written and len(array.written) < array.size:
                raise RaceError(
                    f"{kernel}: writes {len(array.written)} of {array.size} elements of {array.name}"
                )


def check_element(kernel: str, accesses: set[tuple[Any, Any, int, str]]) -> None:
    """Raise RaceError if two accesses to one element depend on who comes first."""
    for block, thread, passed, kind in accesses:
        for other_block, other_thread, other_passed, other_kind in accesses:
            same_thread = (block, thread) == (other_block, other_thread)
            harmless = kind == other_kind and kind in (READ, ATOMIC)
            apart = block == other_block and passed != other_passed
            if not (same_thread or harmless or apart):
                raise RaceError(
                    f"{kernel}: thread {thread} of block {block} {kind} what thread {other_thread} "
                    f"of block {other_block} {other_kind}"
                )


class Tracked:
    """An array that writes down who touches it."""

    def __init__(self, array: Any, ledger: Ledger, name: str) -> None:
        self.array, self.ledger, self.name = array, ledger, name
        self.shape, self.ndim, self.dtype, self.size = array.shape, array.ndim, array.dtype, array.size
        self.start = array.__array_interface__["data"][0]
        self.written: set[int] = set()
        self.plainly_written = False

    def place(self, index: Any) -> int:
        """Return the address of an element: two views of one memory share it."""
        index = index if isinstance(index, tuple) else (index,)
        if len(index) != self.ndim or not all(0 <= i < n for i, n in zip(index, self.shape, strict=True)):
            raise RaceError(f"index {index} is outside of {self.name}, an array of shape {self.shape}")
        return self.start + sum(int(i) * s for i, s in zip(index, self.array.strides, strict=True))

    def __getitem__(self, index: Any) -> Any:
        self.ledger.note(self.place(index), self.name, READ)
        return self.array[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        place = self.place(index)
        self.ledger.note(place, self.name, WRITE)
        self.written.add(place)
        self.plainly_written |= not getattr(threading.current_thread(), "is_in_atomic", False)
        self.array[index] = value


def barriers_passed(thread: Any) -> int:
    return getattr(thread, "barriers_passed", 0)


class Recorder:
    """Stands in for the launcher: ``monkeypatch`` puts it there."""

    def __init__(self, monkeypatch: Any, grid: tuple[int, int]) -> None:
        self.grid, self.ledger, self.kernels = grid, Ledger(), set()
        self.shared: dict[Any, Tracked] = {}
        monkeypatch.setattr(cuda_launch, "start", self.start)
        monkeypatch.setattr(TurnThread, "syncthreads", self.counting(TurnThread.syncthreads))
        monkeypatch.setattr(kernelapi.FakeCUDAShared, "array", self.sharing(kernelapi.FakeCUDAShared.array))
        monkeypatch.setattr(kernelapi.FakeCUDAAtomic, "add", self.atomic(kernelapi.FakeCUDAAtomic.add))

    def start(self, kernel: Any, grid: tuple[int, int], arguments: tuple[Any, ...]) -> None:
        self.ledger, self.shared = Ledger(), {}
        tracked = [
            Tracked(a, self.ledger, f"argument {number}") if isinstance(a, np.ndarray) else a
            for number, a in enumerate(arguments)
        ]
        kernel[self.grid](*tracked)
        name = kernel.fn.__name__
        self.ledger.check(name, [a for a in tracked if isinstance(a, Tracked)], self.grid[1])
        self.kernels.add(name)

    def counting(self, syncthreads: Any) -> Any:
        def wait(thread: Any) -> None:
            syncthreads(thread)
            thread.barriers_passed = barriers_passed(thread) + 1
            self.ledger.note_barrier(thread)

        return wait

    def sharing(self, array: Any) -> Any:
        lock = threading.Lock()

        def tracked(memory: Any, shape: Any, dtype: Any) -> Tracked:
            with lock:  # one shared array a kernel, as all of ours have
                if not self.shared:
                    self.shared["all"] = Tracked(array(memory, shape, dtype), self.ledger, "shared")
                return self.shared["all"]

        return tracked

    def atomic(self, add: Any) -> Any:
        def add_atomically(atomics: Any, array: Any, index: Any, value: Any) -> Any:
            thread: Any = threading.current_thread()
            thread.is_in_atomic = True
            try:
                return add(atomics, array, index, value)
            finally:
                thread.is_in_atomic = False

        return add_atomically
