"""Datasets that worker processes can import: small, and without pytest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.utils.data import Dataset, IterableDataset, TensorDataset, get_worker_info


def pairs(n: int = 10) -> TensorDataset:
    """Return n samples: three floats and an int label."""
    x = torch.tensor(np.arange(n * 3, dtype=np.float32).reshape(n, 3))
    return TensorDataset(x, torch.tensor(np.arange(n)))


class Numbers(Dataset[Any]):
    """Sample i is i."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return index


class FailsAt(Numbers):
    """Raises an exception at index 2."""

    def __init__(self, length: int, error: BaseException) -> None:
        super().__init__(length)
        self.error = error

    def __getitem__(self, index: int) -> Any:
        if index == 2:
            raise self.error
        return index


class TwoPartError(Exception):
    """Cannot be made of a message alone."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, second)


class RaisesLocalError(Numbers):
    """Raises an exception whose class no other process can find."""

    def __getitem__(self, index: int) -> Any:
        class LocalError(Exception):
            pass

        raise LocalError("nobody knows me")


class DiesAt(Numbers):
    """Ends its process at index 2."""

    def __getitem__(self, index: int) -> Any:
        if index == 2:
            os._exit(7)
        return index


class Slow(Numbers):
    """Takes 30 seconds for sample 0."""

    def __getitem__(self, index: int) -> Any:
        if index == 0:
            time.sleep(30)
        return index


class SlowFirstWorker(Numbers):
    """The first worker takes longer than the second."""

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        time.sleep(0.3 if info is not None and info.id == 0 else 0.0)
        return index


class RandomNumbers(Numbers):
    """Sample i is i and a random number of each of the three sources."""

    def __getitem__(self, index: int) -> Any:
        import random

        return torch.rand(1).item(), float(np.random.rand()), random.random()


class WorkerFacts(Numbers):
    """A sample says who has read it."""

    tag = -1

    def __getitem__(self, index: int) -> Any:
        info = get_worker_info()
        assert info is not None
        assert info.dataset is self
        return info.id, info.num_workers, info.seed, self.tag, os.getpid()


def set_tag(worker_id: int) -> None:
    """Serve as a worker_init_fn: mark the worker's copy of the dataset."""
    info = get_worker_info()
    assert info is not None
    info.dataset.tag = 100 + worker_id


def fail_to_start(worker_id: int) -> None:
    """Serve as a worker_init_fn that fails."""
    raise OSError(f"no disk for worker {worker_id}")


class Unpicklable(Numbers):
    """Samples cannot be sent to another process."""

    def __getitem__(self, index: int) -> Any:
        return (number for number in range(3))


def first(batch: list[Any]) -> Any:
    """Serve as a collate_fn."""
    return batch[0]


class Stream(IterableDataset[int]):
    """Counts from start to stop; each worker takes its own stretch."""

    def __init__(self, start: int, stop: int, is_split: bool = True) -> None:
        self.start = start
        self.stop = stop
        self.is_split = is_split

    def __iter__(self) -> Iterator[int]:
        info = get_worker_info()
        if info is None or not self.is_split:
            return iter(range(self.start, self.stop))
        share = -(-(self.stop - self.start) // info.num_workers)
        start = self.start + info.id * share
        return iter(range(start, min(start + share, self.stop)))


class BigSamples(Numbers):
    """Samples that do not fit into a pipe: 400 kB. Each that is read leaves a file in a folder."""

    def __init__(self, length: int, folder: Path | None = None) -> None:
        super().__init__(length)
        self.folder = folder

    def __getitem__(self, index: int) -> Any:
        if self.folder is not None:
            (self.folder / str(index)).touch()
        return np.full(100_000, index, np.float32)


class Observers(Numbers):
    """A sample is how many observers there are."""

    def __getitem__(self, index: int) -> Any:
        return len(this_thread.mode.observers)


class Convolved(Numbers):
    """Sample i is the sum of a convolution, and how many threads it was allowed."""

    def __getitem__(self, index: int) -> Any:
        x = torch.full((4, 16, 14, 14), float(index))
        y = torch.nn.functional.conv2d(x, torch.ones(32, 16, 3, 3))
        return y.sum().item(), torch.get_num_threads()
