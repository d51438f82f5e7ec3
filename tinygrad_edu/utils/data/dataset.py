"""Datasets: where samples come from."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, as_number, wrong_type
from tinygrad_edu.random import Generator, default_generator
from tinygrad_edu.type_names import type_name
from tinygrad_edu.utils.data.fast_path import IndexArray, read_collated, read_samples, take_rows
from tinygrad_edu.utils.data.sampler import own_generator

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Base class of the datasets that map an index (or any key) to a sample.

    A subclass defines ``__getitem__(index)`` and, for the default samplers, ``__len__()``.

    Notes
    -----
    Two more methods are optional and make loading faster. :class:`DataLoader` prefers them, unless a
    subclass has redefined only ``__getitem__`` (see :mod:`tinygrad_edu.utils.data.fast_path`):

    ``__getitems__(indices)``
        PyTorch's: takes a list of ints and returns the list of samples.
    ``get_collated_batch(indices)``
        Takes an int64 array of shape (batch,) and returns what ``default_collate`` would make of the samples:
        the finished batch. It is used only where ``collate_fn`` is the default. It may return
        ``NotImplemented`` for "read it sample by sample".

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Dataset

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> class Squares(torch.utils.data.Dataset):
    ...     def __len__(self):
    ...         return 4
    ...
    ...     def __getitem__(self, index):
    ...         return index**2
    >>> list(torch.utils.data.DataLoader(Squares(), batch_size=3))
    [tensor([0, 1, 4]), tensor([9])]
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """Base class of the datasets that are streams: a subclass defines ``__iter__``.

    With worker processes every worker iterates over a copy of its own; use :func:`get_worker_info` to give
    each a different part.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> class Countdown(torch.utils.data.IterableDataset):
    ...     def __iter__(self):
    ...         return iter([3, 2, 1])
    >>> list(torch.utils.data.DataLoader(Countdown(), batch_size=2))
    [tensor([3, 2]), tensor([1])]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")

    def __add__(self, other: Dataset[Any]) -> Dataset[Any]:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Samples are the rows of tensors: sample i is ``(tensors[0][i], tensors[1][i], ...)``.

    Parameters
    ----------
    *tensors : Tensor
        All with the same size in the first dimension.

    Raises
    ------
    AssertionError
        If the sizes differ (the type that PyTorch raises).

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.TensorDataset

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> pairs = torch.utils.data.TensorDataset(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([0, 1]))
    >>> pairs[1]
    (tensor([3., 4.]), tensor(1))
    """

    def __init__(self, *tensors: Tensor) -> None:
        for tensor in tensors:
            if not isinstance(tensor, Tensor):
                raise TypeError(f"TensorDataset: expected Tensors, got {type_name(tensor)}")
            if tensor.ndim == 0:
                raise IndexError(
                    "TensorDataset: expected tensors with at least one dimension, got one with none"
                )
        sizes = [tensor.shape[0] for tensor in tensors]
        if len(set(sizes)) > 1:
            raise AssertionError(f"Size mismatch between tensors: expected one size for all, got {sizes}")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def get_collated_batch(self, indices: IndexArray) -> list[Tensor]:
        """Return the rows with these indices, a tensor of shape (batch, ...) for each of ``tensors``."""
        return [take_rows(tensor, indices) for tensor in self.tensors]

    def __len__(self) -> int:
        if not self.tensors:
            raise IndexError("TensorDataset: expected at least one Tensor, got none")
        return self.tensors[0].shape[0]


class StackDataset(Dataset[Any]):
    """Datasets side by side: sample i is a tuple (or a dict) of their samples i.

    Parameters
    ----------
    *args : Dataset
        Give tuples.
    **kwargs : Dataset
        Give dicts. Only one of the two kinds may be used.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.StackDataset
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via ``kwargs``) like input/output, "
                "but both types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        for dataset in (*args, *kwargs.values()):
            if not isinstance(dataset, Sized):
                raise wrong_type("StackDataset", "datasets", "Datasets that have a length", dataset)
        self.datasets = args or kwargs
        lengths = [len(dataset) for dataset in (args or kwargs.values())]
        if len(set(lengths)) > 1:
            raise ValueError(f"Size mismatch between datasets: expected one length for all, got {lengths}")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {key: dataset[index] for key, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        """Return the samples with these indices."""
        by_key = isinstance(self.datasets, dict)
        columns = []
        for dataset in self.datasets.values() if isinstance(self.datasets, dict) else self.datasets:
            column = read_samples(dataset, indices)
            if len(column) != len(indices):
                raise ValueError(
                    f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(column)}"
                )
            columns.append(column)
        samples = zip(*columns, strict=True)
        return [dict(zip(self.datasets, sample, strict=True)) if by_key else sample for sample in samples]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Datasets one after the other.

    Parameters
    ----------
    datasets : iterable of Dataset
        None of them an :class:`IterableDataset`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.ConcatDataset

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> both = torch.utils.data.ConcatDataset(["ab", "cde"])
    >>> len(both), both[0], both[-1]
    (5, 'a', 'e')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        if not isinstance(datasets, Iterable):
            raise wrong_type("ConcatDataset", "datasets", "an iterable of Datasets", datasets)
        self.datasets: list[Any] = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(len(dataset) for dataset in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, idx: int) -> T_co:
        length = len(self)
        idx = as_int("ConcatDataset", "idx", idx)
        if idx < -length:
            raise ValueError(
                f"absolute value of index should not exceed dataset length: expected {-length} to "
                f"{length - 1}, got {idx}"
            )
        if idx >= length:
            raise IndexError(f"ConcatDataset: expected an index of {-length} to {length - 1}, got {idx}")
        position = idx + length if idx < 0 else idx
        which = bisect.bisect_right(self.cumulative_sizes, position)
        start = self.cumulative_sizes[which - 1] if which > 0 else 0
        sample: T_co = self.datasets[which][position - start]
        return sample


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    Parameters
    ----------
    datasets : iterable of IterableDataset
        The streams.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.ChainDataset
    """

    def __init__(self, datasets: Iterable[Dataset[Any]]) -> None:
        self.datasets = datasets

    def _streams(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError(f"ChainDataset only supports IterableDataset, got {type_name(dataset)}")
            yield dataset

    def __iter__(self) -> Iterator[Any]:
        for stream in self._streams():
            yield from stream

    def __len__(self) -> int:
        return sum(len(stream) for stream in self._streams())


class Subset(Dataset[T_co]):
    """The part of a dataset at given indices.

    Parameters
    ----------
    dataset : Dataset
        The whole.
    indices : sequence of int
        Which samples: sample i is ``dataset[indices[i]]``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.Subset

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> list(torch.utils.data.Subset("abcde", [4, 0]))
    ['e', 'a']
    """

    def __init__(self, dataset: Dataset[T_co], indices: Sequence[int]) -> None:
        if not hasattr(dataset, "__getitem__"):
            raise wrong_type("Subset", "dataset", "a Dataset", dataset)
        if not hasattr(indices, "__getitem__"):
            raise wrong_type("Subset", "indices", "a sequence of ints", indices)
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, idx: Any) -> T_co:
        if isinstance(idx, list):
            return self.dataset[[self.indices[as_int("Subset", "idx", i)] for i in idx]]
        idx = as_int("Subset", "idx", idx)
        if not -len(self) <= idx < len(self):
            raise IndexError(f"Subset: expected idx from {-len(self)} to {len(self) - 1}, got {idx}")
        return self.dataset[self.indices[idx]]

    def __getitems__(self, indices: list[int]) -> list[T_co]:
        """Return the samples with these indices, as fast as the whole dataset can."""
        return read_samples(self.dataset, [self.indices[i] for i in indices])

    def get_collated_batch(self, indices: IndexArray) -> Any:
        """Return a finished batch, if the whole dataset can."""
        return read_collated(self.dataset, [self.indices[i] for i in indices.tolist()])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Dataset[T], lengths: Sequence[int | float], generator: Generator | None = default_generator
) -> list[Subset[T]]:
    """Split a dataset at random into parts that do not overlap.

    Parameters
    ----------
    dataset : Dataset
        What is split.
    lengths : sequence of int or float
        The lengths of the parts; or fractions that sum up to 1. A fraction means ``floor(fraction * length)``
        samples; those left over are dealt out one by one, to the first part first.
    generator : Generator, optional
        Where the random order comes from; the global generator by default.

    Raises
    ------
    ValueError
        If the lengths do not sum up to the length of the dataset.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.random_split

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> parts = torch.utils.data.random_split(range(10), [0.7, 0.3])
    >>> [len(part) for part in parts]
    [7, 3]
    >>> sorted(list(parts[0]) + list(parts[1]))
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    if not isinstance(lengths, Sequence):
        raise wrong_type("random_split", "lengths", "a sequence of ints or floats", lengths)
    for i, length in enumerate(lengths):
        as_number("random_split", f"lengths[{i}]", length)
    if not isinstance(dataset, Sized):
        raise wrong_type("random_split", "dataset", "a Dataset that has a length", dataset)
    total = len(dataset)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        lengths = _lengths_of_fractions(total, lengths)
    if sum(lengths) != total:
        raise ValueError(
            f"Sum of input lengths does not equal the length of the input dataset! "
            f"Expected {total}, got {' + '.join(map(str, lengths))} = {sum(lengths)}"
        )
    source = default_generator if generator is None else generator
    order = own_generator(source).numpy_rng.permutation(total).tolist()
    stops = list(itertools.accumulate(int(length) for length in lengths))
    return [Subset(dataset, order[start:stop]) for start, stop in zip([0, *stops], stops, strict=False)]


def _lengths_of_fractions(total: int, fractions: Sequence[float]) -> list[int]:
    for i, fraction in enumerate(fractions):
        if fraction < 0 or fraction > 1:
            raise ValueError(f"Fraction at index {i} is not between 0 and 1: got {fraction}")
    lengths = [math.floor(total * fraction) for fraction in fractions]
    for i in range(total - sum(lengths)):
        lengths[i % len(lengths)] += 1
    for i, length in enumerate(lengths):
        if length == 0:
            warnings.warn(
                f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=3
            )
    return lengths
