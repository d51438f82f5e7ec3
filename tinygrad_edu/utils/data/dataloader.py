"""The DataLoader: an epoch of batches from a dataset."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.context
import operator
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeAlias, TypeVar

from tinygrad_edu.arguments import require_ints, require_numbers
from tinygrad_edu.random import Generator
from tinygrad_edu.utils.data.collate import default_collate, default_convert
from tinygrad_edu.utils.data.dataset import Dataset, IterableDataset
from tinygrad_edu.utils.data.fast_path import may_use
from tinygrad_edu.utils.data.loader_iterator import InProcessIterator, LoaderIterator, WorkerIterator
from tinygrad_edu.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler
from tinygrad_edu.utils.data.worker_pool import WorkerPool

T_co = TypeVar("T_co", covariant=True)
AnySampler: TypeAlias = Sampler[Any] | Iterable[Any]

FIXED_ATTRIBUTES = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class EndlessSampler(Sampler[None]):
    """Yields None for ever: an IterableDataset decides itself what comes and when it ends."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[T_co]):
    """Iterate over a dataset in batches.

    Parameters
    ----------
    dataset : Dataset or IterableDataset
        Anything with ``__getitem__`` and ``__len__``, or a stream.
    batch_size : int, optional
        Samples in a batch; None turns batching off, and samples come one by one.
    shuffle : bool, optional
        Read in a new random order in every epoch.
    sampler : Sampler or iterable, optional
        An order of your own; excludes ``shuffle``.
    batch_sampler : Sampler or iterable, optional
        Yields lists of indices; excludes ``batch_size``, ``shuffle``, ``sampler`` and ``drop_last``.
    num_workers : int
        How many processes read batches ahead; with 0, each batch is read when it is asked for.
    collate_fn : callable, optional
        Makes a batch of a list of samples; :func:`default_collate` by default (:func:`default_convert`
        without batching).
    pin_memory : bool
        Copy batches to page-locked memory, for a faster way to the GPU.
    drop_last : bool
        Leave out the last batch if it would be smaller.
    timeout : float
        Seconds to wait for a batch of a worker; 0 means for ever.
    worker_init_fn : callable, optional
        Called in each worker with the number of the worker, before it reads anything.
    multiprocessing_context : str or context, optional
        How workers are started: "fork", "spawn" or "forkserver"; as Python's ``multiprocessing`` does it by default.
        A fork is there at once and sees all that its parent has. The others are new processes: the dataset and
        functions are pickled, and a script starts its work under ``if __name__ == "__main__":``.
    generator : Generator, optional
        Where random orders and the seeds of the workers come from; the global generator by default.
    prefetch_factor : int, optional
        How many batches each worker reads ahead; 2 by default.
    persistent_workers : bool
        Keep the workers for the next epoch.
    pin_memory_device : str
        Without effect; PyTorch has deprecated it.
    in_order : bool
        With False, batches come as workers finish them.

    Raises
    ------
    ValueError
        If options contradict each other.

    Notes
    -----
    The same seed gives the same order, however many workers there are. A dataset that offers
    ``get_collated_batch`` (see :class:`Dataset`) is read a batch at a time.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.DataLoader

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.utils.data import DataLoader, TensorDataset
    >>> pairs = TensorDataset(torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 2]))
    >>> loader = DataLoader(pairs, batch_size=2)
    >>> loader
    DataLoader(TensorDataset of 3, batch_size=2, sampler=SequentialSampler)
    >>> for x, y in loader:
    ...     print(x.shape, y)
    torch.Size([2, 2]) tensor([0, 1])
    torch.Size([1, 2]) tensor([2])
    """

    _is_initialised = False

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: AnySampler | None = None,
        batch_sampler: AnySampler | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        check_worker_options(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.persistent_workers = persistent_workers
        self.generator = generator
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            check_stream_options(shuffle, sampler, batch_sampler)
        self._set_order(batch_size, bool(shuffle), sampler, batch_sampler, drop_last)
        if collate_fn is None:
            collate_fn = default_convert if self.batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self._length_asked: int | None = None
        self._pool: WorkerPool | None = None
        warn_of_many_workers(num_workers)
        self._is_initialised = True

    def _set_order(
        self,
        batch_size: int | None,
        shuffle: bool,
        sampler: AnySampler | None,
        batch_sampler: AnySampler | None,
        drop_last: bool,
    ) -> None:
        """Keep the options that say in which order samples come, and in which batches."""
        check_sampling_options(batch_size, shuffle, sampler, batch_sampler, drop_last)
        if sampler is None:
            sampler = default_sampler(self.dataset, shuffle, self.generator)
        if batch_sampler is not None:
            batch_size = None
        elif batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started; None for Python's default."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        self._context = find_context(context, self.num_workers)

    def __setattr__(self, name: str, value: Any) -> None:
        if self._is_initialised and name in FIXED_ATTRIBUTES:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        """Return what is read, and how: ``DataLoader(TensorDataset of 3, batch_size=2, sampler=...)``."""
        count = operator.length_hint(self.dataset, -1)  # a stream may have no length
        size = "" if count < 0 else f" of {count}"
        if self.batch_size is None and self.batch_sampler is not None:
            options = [f"batch_sampler={type(self.batch_sampler).__name__}"]
        else:
            options = [f"batch_size={self.batch_size}", f"sampler={type(self.sampler).__name__}"]
        if self.drop_last:
            options.append("drop_last=True")
        if self.num_workers:
            options.append(f"num_workers={self.num_workers}")
        return f"{type(self).__name__}({type(self.dataset).__name__}{size}, {', '.join(options)})"

    def __iter__(self) -> LoaderIterator:
        return InProcessIterator(self) if self.num_workers == 0 else WorkerIterator(self)

    def __len__(self) -> int:
        """Return the number of batches of an epoch.

        Raises
        ------
        TypeError
            If the dataset, or the sampler, has no length.
        """
        if not self._is_stream:
            return len(self.sampler if self.batch_sampler is None else self.batch_sampler)  # type: ignore[arg-type]
        length = self._length_asked = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)

    def index_batches(self) -> Iterator[Any]:
        """Yield, for a new epoch, the indices of batch after batch (of single samples if batching is off)."""
        if self.batch_sampler is None:
            return iter(self.sampler)
        if may_use(self.batch_sampler, "index_batches", instead_of=("__iter__",)):
            return self.batch_sampler.index_batches()  # type: ignore[union-attr]
        return iter(self.batch_sampler)


# ---- the options ---------------------------------------------------------------------------------------


def check_worker_options(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    """Raise if the options of worker processes contradict each other."""
    require_numbers("DataLoader", timeout=timeout)
    require_ints("DataLoader", num_workers=num_workers)
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing: "
            f"got num_workers={num_workers}"
        )
    if timeout < 0:
        raise ValueError(f"timeout option should be non-negative, got timeout={timeout}")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing. let num_workers > 0 "
            "to enable multiprocessing, otherwise set prefetch_factor to None: "
            f"got prefetch_factor={prefetch_factor}"
        )
    if prefetch_factor is not None and prefetch_factor <= 0:
        raise ValueError(f"prefetch_factor option should be non-negative and not zero: got {prefetch_factor}")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if timeout > 0 and num_workers == 0:
        raise ValueError(f"timeout option needs num_workers > 0, got timeout={timeout}")


def check_stream_options(shuffle: bool | None, sampler: Any, batch_sampler: Any) -> None:
    """Raise if an order is asked of an IterableDataset."""
    prefix = "DataLoader with IterableDataset: expected unspecified"
    if shuffle:
        raise ValueError(f"{prefix} shuffle option, but got shuffle={shuffle}")
    if sampler is not None:
        raise ValueError(f"{prefix} sampler option, but got sampler={sampler}")
    if batch_sampler is not None:
        raise ValueError(f"{prefix} batch_sampler option, but got batch_sampler={batch_sampler}")


def check_sampling_options(
    batch_size: int | None, shuffle: bool, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    """Raise if the options of order and batching contradict each other."""
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
        raise ValueError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
        )
    if batch_size is None and drop_last:
        raise ValueError(
            "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
        )


def default_sampler(dataset: Any, shuffle: bool, generator: Generator | None) -> Sampler[Any]:
    """Return the sampler that the options ask for."""
    if isinstance(dataset, IterableDataset):
        return EndlessSampler()
    return RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)


def find_context(context: Any, num_workers: int) -> Any:
    """Return the multiprocessing context for what the user gave; None for the one that Python has by default."""
    if context is None:
        return None
    if num_workers == 0:
        raise ValueError(
            "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
            f"num_workers={num_workers}"
        )
    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(
                f"multiprocessing_context option should specify a valid start method in {methods!r}, but got "
                f"multiprocessing_context={context!r}"
            )
        context = multiprocessing.get_context(context)
    if not isinstance(context, multiprocessing.context.BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string specifying the "
            f"start method, but got multiprocessing_context={context}"
        )
    return context


def warn_of_many_workers(num_workers: int) -> None:
    """Warn if there are more workers than CPUs."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if num_workers > available:
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes in total. Our suggested max number "
            f"of worker in current system is {available}, which is smaller than what this DataLoader is "
            "going to create. Please be aware that excessive worker creation might get DataLoader running "
            "slow or even freeze, lower the worker number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )
