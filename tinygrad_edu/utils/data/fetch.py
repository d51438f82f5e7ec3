"""Reading one batch of a dataset: the part of loading that is the same with and without workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tinygrad_edu.utils.data.collate import default_collate
from tinygrad_edu.utils.data.dataset import IterableDataset
from tinygrad_edu.utils.data.fast_path import as_index_list, read_collated, read_samples

Collate: TypeAlias = Callable[[Any], Any]


class MapFetcher:
    """Reads the batches of a dataset that has ``__getitem__``.

    Parameters
    ----------
    dataset : Dataset
        What is read.
    auto_collation : bool
        Whether an index stands for a batch (a list of indices) or for a single sample.
    collate_fn : callable
        Makes a batch of a list of samples; without auto_collation, converts a sample.
    """

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Collate) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn

    def fetch(self, index: Any) -> Any:
        """Return the batch (or the sample) of an index."""
        try:
            if not self.auto_collation:
                return self.collate_fn(self.dataset[index])
            if self.collate_fn is default_collate:
                batch = read_collated(self.dataset, index)
                if batch is not NotImplemented:
                    return batch
            return self.collate_fn(read_samples(self.dataset, as_index_list(index)))
        except StopIteration as error:  # would end the loop over the loader as if all was read
            raise RuntimeError("DataLoader: expected a sample, got StopIteration from the dataset") from error


class IterableFetcher:
    """Reads the batches of a stream.

    Parameters
    ----------
    dataset : IterableDataset
        What is read.
    auto_collation : bool
        Whether samples are put together to batches.
    collate_fn : callable
        Makes a batch of a list of samples; without auto_collation, converts a sample.
    drop_last : bool
        Leave out the last batch if it is not full.
    """

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Collate, drop_last: bool) -> None:
        self.samples = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """Return the next batch (or sample); ``index`` only says how many samples make a batch.

        Raises
        ------
        StopIteration
            At the end of the stream.
        """
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        samples = []
        for _ in index:
            try:
                samples.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not samples or (self.drop_last and len(samples) < len(index)):
            raise StopIteration
        return self.collate_fn(samples)


def make_fetcher(
    dataset: Any, auto_collation: bool, collate_fn: Collate, drop_last: bool
) -> MapFetcher | IterableFetcher:
    """Return the reader for the kind of dataset."""
    if isinstance(dataset, IterableDataset):
        return IterableFetcher(dataset, auto_collation, collate_fn, drop_last)
    return MapFetcher(dataset, auto_collation, collate_fn)
