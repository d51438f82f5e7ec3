"""The part of a dataset that one of several processes reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized
from typing import Any

from tinygrad_edu.random import Generator
from tinygrad_edu.sampling import randperm
from tinygrad_edu.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Yield every ``num_replicas``-th index from ``rank`` on, in an order that all processes share.

    There is no process group here that could be asked; a program that starts processes says how many there are.

    Parameters
    ----------
    dataset : Sized
        What is read.
    num_replicas, rank : int
        How many processes read it, and which of them this is, counted from 0.
    shuffle : bool
        Whether to shuffle the indices, in another order for each epoch that ``set_epoch`` is told.
    seed : int
        For shuffling; all processes must give the same one.
    drop_last : bool
        If the number of indices is no multiple of ``num_replicas``, leave the last ones out; else the first come again.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> list(torch.utils.data.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available: give num_replicas and rank")
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset: Sized = dataset
        self.num_replicas, self.rank = num_replicas, rank
        self.shuffle, self.seed, self.epoch = shuffle, seed, 0
        self.drop_last = drop_last
        count = len(self.dataset)
        self.num_samples = count // num_replicas if drop_last else math.ceil(count / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        indices = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            indices = randperm(len(indices), generator=generator).tolist()
        if indices:
            indices = indices * math.ceil(self.total_size / len(indices))  # the first come again
        return iter(indices[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Say which epoch it is, so that each has an order of its own."""
        self.epoch = epoch
