"""Samplers: the order in which a :class:`DataLoader` reads a dataset."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.creation import as_tensor
from tinygrad_edu.random import Generator, default_generator
from tinygrad_edu.sampling import multinomial
from tinygrad_edu.type_names import type_name
from tinygrad_edu.utils.data.fast_path import IndexArray, as_index_list, may_use

PIECE = 32  # so many indices are drawn at a time, where each is drawn anew; as in PyTorch

T_co = TypeVar("T_co", covariant=True)


def draw_seed(generator: Generator | None) -> int:
    """Draw an int64 seed from ``generator``, or from the global one."""
    source = default_generator if generator is None else generator
    return int(source.numpy_rng.integers(np.iinfo(np.int64).max))


def own_generator(generator: Generator | None) -> Generator:
    """Return ``generator``; for None a new one, seeded by the global one."""
    if generator is None:
        return Generator().manual_seed(draw_seed(None))
    if not isinstance(generator, Generator):
        raise TypeError(
            f"Sampler: expected generator to be a torch.Generator or None, got {type_name(generator)}"
        )
    return generator


def check_positive_int(name: str, value: Any) -> None:
    """Raise PyTorch's ValueError unless ``value`` is an integer above zero."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")
    if value >= 2**63:
        raise OverflowError(f"{name} should be an integer of at most 64 bits, but got {name}={value}")


class Sampler(Generic[T_co]):
    """Base class of all samplers.

    A subclass defines ``__iter__``, which yields indices (or lists of indices: a batch sampler), and may
    define ``__len__``.

    Notes
    -----
    A sampler may also define ``index_pieces()``, which yields its order in pieces that can be sliced: ranges, int64
    arrays or lists. :class:`BatchSampler` then cuts them into batches without a Python loop over the indices.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Sampler
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(
            f"{type(self).__name__}: expected a sampler that defines __iter__, got none"
        )

    # No default __len__: list(sampler) asks for the length and copes only if the method is not there at all.


class SequentialSampler(Sampler[int]):
    """Yield 0, 1, ..., len(data_source) - 1.

    Parameters
    ----------
    data_source : Sized
        What is read; only its length is asked for, anew in every epoch.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> list(torch.utils.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        if not isinstance(data_source, Sized):
            raise wrong_type(type(self).__name__, "data_source", "something with a length", data_source)
        self.data_source = data_source

    def index_pieces(self) -> Iterator[range]:
        """Yield the whole order as one piece."""
        yield range(len(self.data_source))

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Yield the indices of ``data_source`` in random order.

    Parameters
    ----------
    data_source : Sized
        What is read; only its length is asked for, anew in every epoch.
    replacement : bool
        Draw each index anew, so that some come twice and some never; so few at a time that ``num_samples`` may be
        10^10, for a loader that never ends.
    num_samples : int, optional
        How many indices to yield; ``len(data_source)`` by default. Without replacement, one shuffled order
        follows the other until there are enough.
    generator : Generator, optional
        Where the random numbers come from. By default each epoch takes one seed from the global generator.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.RandomSampler

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> sampler = torch.utils.data.RandomSampler(range(4), generator=torch.Generator().manual_seed(0))
    >>> sorted(sampler)
    [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(data_source, Sized):
            raise wrong_type(type(self).__name__, "data_source", "something with a length", data_source)
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        check_positive_int("num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def index_pieces(self) -> Iterator[IndexArray]:
        """Yield the order piece by piece; new random numbers at every call, drawn when a piece is asked for."""
        n = len(self.data_source)
        if n == 0:
            raise ValueError("RandomSampler: expected a data_source with samples, got one of length 0")
        rng = own_generator(self.generator).numpy_rng
        left = self.num_samples
        while left > 0:
            piece = rng.integers(n, size=PIECE) if self.replacement else rng.permutation(n)
            yield piece[:left]
            left -= len(piece)

    def __iter__(self) -> Iterator[int]:
        for piece in self.index_pieces():
            yield from piece.tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Yield the given indices in random order, each once.

    Parameters
    ----------
    indices : sequence
        The indices.
    generator : Generator, optional
        Where the random numbers come from; the global generator by default.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.SubsetRandomSampler
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        if (
            isinstance(indices, Mapping)
            or not hasattr(indices, "__getitem__")
            or not hasattr(indices, "__len__")
        ):
            raise wrong_type("SubsetRandomSampler", "indices", "a sequence of ints", indices)
        self.indices = indices
        self.generator = generator

    def index_pieces(self) -> Iterator[list[int]]:
        """Yield the whole order as one piece; new random numbers at every call."""
        generator = default_generator if self.generator is None else self.generator
        positions = own_generator(generator).numpy_rng.permutation(len(self.indices))
        yield [self.indices[position] for position in positions.tolist()]

    def __iter__(self) -> Iterator[int]:
        for piece in self.index_pieces():
            yield from piece

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Yield indices of 0, ..., len(weights) - 1 with given probabilities.

    Parameters
    ----------
    weights : sequence of float
        How often each index shall come, relative to the others; they need not sum up to one.
    num_samples : int
        How many indices to yield.
    replacement : bool
        Whether an index may come twice.
    generator : Generator, optional
        Where the random numbers come from; the global generator by default.

    Notes
    -----
    The probability of index i is ``weights[i] / sum(weights)``; without replacement, among the indices that
    are left.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.WeightedRandomSampler

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> list(torch.utils.data.WeightedRandomSampler([0, 1, 0], 4))
    [1, 1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        check_positive_int("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.weights = as_tensor(weights, dtype=dtypes.float64)
        if self.weights.ndim != 1:
            raise ValueError(
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def index_pieces(self) -> Iterator[list[int]]:
        """Yield the whole order as one piece; new random numbers at every call."""
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        yield drawn.tolist()

    def __iter__(self) -> Iterator[int]:
        for piece in self.index_pieces():
            yield from piece

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """Yield the indices of another sampler as lists of ``batch_size``.

    Parameters
    ----------
    sampler : Sampler or iterable
        Yields the single indices.
    batch_size : int
        How many make a batch.
    drop_last : bool
        Leave out the last batch if it would be smaller.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.BatchSampler

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> list(torch.utils.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    >>> list(torch.utils.data.BatchSampler(range(5), batch_size=2, drop_last=True))
    [[0, 1], [2, 3]]
    """

    def __init__(self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool) -> None:
        check_positive_int("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def index_batches(self) -> Iterator[range | IndexArray | list[int]]:
        """Yield the batches as slices of the sampler's pieces, without a loop over the single indices."""
        size = self.batch_size
        if may_use(self.sampler, "index_pieces", instead_of=("__iter__",)):
            yield from cut(self.sampler.index_pieces(), size, self.drop_last)  # type: ignore[union-attr]
            return
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, size)):
            if len(batch) == size or not self.drop_last:
                yield batch

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.index_batches():
            yield as_index_list(batch)

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]  # TypeError if the sampler has no length
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)


def cut(pieces: Iterator[Any], size: int, drop_last: bool) -> Iterator[Any]:
    """Yield batches of ``size`` indices; one that begins in a piece and ends in another is a list.

    Examples
    --------
    >>> list(cut(iter([range(5), range(5, 7)]), 2, False))
    [range(0, 2), range(2, 4), [4, 5], range(6, 7)]
    """
    rest: Any = []
    for piece in pieces:
        start = min(size - len(rest), len(piece)) if len(rest) else 0
        if start:
            rest = as_index_list(rest) + as_index_list(piece[:start])
            if len(rest) < size:
                continue
            yield rest
        stop = start + (len(piece) - start) // size * size
        for i in range(start, stop, size):
            yield piece[i : i + size]
        rest = piece[stop:]
    if len(rest) and not drop_last:
        yield rest
