"""One epoch of a DataLoader, with and without workers."""

from __future__ import annotations

import collections
import itertools
import multiprocessing
import warnings
import weakref
from typing import Any

from tinygrad_edu.autograd.observer import observed_block
from tinygrad_edu.cuda_availability import is_cuda_available
from tinygrad_edu.utils.data.collate import pin_memory
from tinygrad_edu.utils.data.fetch import make_fetcher
from tinygrad_edu.utils.data.sampler import draw_seed
from tinygrad_edu.utils.data.worker import EndOfStream, Fetch, WorkerError, WorkerSettings
from tinygrad_edu.utils.data.worker_pool import WorkerPool


class LoaderIterator:
    """One epoch of a DataLoader; what ``iter(loader)`` returns.

    Parameters
    ----------
    loader : DataLoader
        Whose batches are read.
    """

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._base_seed = draw_seed(loader.generator)  # also without workers: the order is then the same
        self._indices = loader.index_batches()
        self._batches_seen = 0
        self._pin_memory = loader.pin_memory and is_cuda_available()
        if loader.pin_memory and not self._pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory "
                "won't be used.",
                stacklevel=4,
            )

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self._loader)

    def __next__(self) -> Any:
        with observed_block(f"enumerate(DataLoader)#{type(self).__name__}.__next__", "data"):
            batch = self._next_batch()
        self._batches_seen += 1
        if self._loader._length_asked is not None:
            self._warn_of_wrong_length(self._loader._length_asked)
        return pin_memory(batch) if self._pin_memory else batch

    def _next_batch(self) -> Any:
        raise NotImplementedError

    def _warn_of_wrong_length(self, length: int) -> None:
        """Warn if an IterableDataset goes on after the length it has stated."""
        if self._batches_seen <= length:
            return
        message = (
            f"Length of IterableDataset {self._loader.dataset} was reported to be {length} (when accessing "
            f"len(dataloader)), but {self._batches_seen} samples have been fetched."
        )
        if self._loader.num_workers > 0:
            message += (
                " Each worker reads a copy of the dataset: use get_worker_info() to give each another part."
            )
        warnings.warn(message, stacklevel=3)


class InProcessIterator(LoaderIterator):
    """Reads each batch when it is asked for."""

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        auto_collation = loader.batch_sampler is not None
        self._fetcher = make_fetcher(loader.dataset, auto_collation, loader.collate_fn, loader.drop_last)

    def _next_batch(self) -> Any:
        return self._fetcher.fetch(next(self._indices))


class WorkerIterator(LoaderIterator):
    """Has batches read ahead by worker processes.

    Batch after batch is asked of worker 0, 1, ..., 0, 1, ...; ``_asked`` holds the workers that owe one, in
    that order.
    """

    def __init__(self, loader: Any) -> None:
        super().__init__(loader)
        self._asked: collections.deque[int] = collections.deque()
        self._has_more = [True] * loader.num_workers  # False: the worker's stream has ended
        self._turns = itertools.cycle(range(loader.num_workers))
        self._pool = self._find_pool()
        self._epoch = self._pool.start_epoch(loader.timeout)
        for _ in range(loader.num_workers * (loader.prefetch_factor or 0)):
            self._ask_for_batch()

    def _find_pool(self) -> WorkerPool:
        """Return the workers of the epoch before, if they were kept, or new ones."""
        loader = self._loader
        if loader._pool is not None and not loader._pool.is_closed:
            return loader._pool
        settings = WorkerSettings(
            dataset=loader.dataset,
            auto_collation=loader.batch_sampler is not None,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            worker_init_fn=loader.worker_init_fn,
            base_seed=self._base_seed,
            num_workers=loader.num_workers,
        )
        pool = WorkerPool(loader.multiprocessing_context or multiprocessing.get_context(), settings)
        if loader.persistent_workers:
            loader._pool = pool
        # The workers end when nobody holds their owner any more: after the loop, a break, or an exception.
        weakref.finalize(loader if loader.persistent_workers else self, pool.close)
        return pool

    def _ask_for_batch(self) -> None:
        """Ask a worker for the next batch, if there are both."""
        worker_id = self._choose_worker()
        if worker_id is None:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            return
        self._pool.send(worker_id, Fetch(index))
        self._asked.append(worker_id)

    def _choose_worker(self) -> int | None:
        candidates = [worker_id for worker_id, has_more in enumerate(self._has_more) if has_more]
        if not candidates:
            return None
        if not self._loader.in_order:
            return min(candidates, key=self._asked.count)  # the one with the least to do
        return next(worker_id for worker_id in self._turns if self._has_more[worker_id])

    def _next_batch(self) -> Any:
        if self._pool.epoch != self._epoch:
            raise RuntimeError(
                "DataLoader: expected the iterator of the newest loop, got one of an earlier loop: with "
                "persistent_workers=True a new loop takes over the workers"
            )
        while self._asked:
            worker_id = self._asked[0]
            if not self._loader.in_order:
                worker_id = self._pool.first_ready(sorted(set(self._asked)), self._loader.timeout)
            reply = self._pool.receive(worker_id, self._loader.timeout)
            self._asked.remove(worker_id)  # the first of its entries
            if isinstance(reply, EndOfStream):
                self._has_more[worker_id] = False
            self._ask_for_batch()
            if isinstance(reply, WorkerError):
                reply.reraise()
            if not isinstance(reply, EndOfStream):
                return reply
        if not self._loader.persistent_workers:
            self._pool.close()
        raise StopIteration
