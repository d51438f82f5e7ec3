"""Reading a batch at once instead of sample by sample, and when that is allowed.

Reading 64 rows with one NumPy call is ten times faster than making 64 tensors and stacking them. So some
classes here offer a fast method beside the one that PyTorch knows:

===============  ======================  ==================================
class            PyTorch's method        the fast method
===============  ======================  ==================================
a dataset        ``__getitem__``         ``get_collated_batch(indices)``
a sampler        ``__iter__``            ``index_pieces()``
a batch sampler  ``__iter__``            ``index_batches()``
===============  ======================  ==================================

Both must give the same result, and a user who subclasses ``TensorDataset`` and overrides ``__getitem__``
knows nothing of the other. Hence one rule, :func:`may_use`: the fast method counts only if no class further
down the inheritance has redefined the slow one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor, tensor_from_array

IndexArray = np.ndarray[Any, np.dtype[np.int64]]


def may_use(obj: object, fast: str, instead_of: tuple[str, ...]) -> bool:
    """Tell whether the method ``fast`` still speaks for ``obj``.

    It looks through the classes of ``obj`` from the most derived one up. The first that defines any of the
    names decides: the fast method may be used if that class defines it, too.

    Parameters
    ----------
    obj : object
        A dataset or a sampler.
    fast : str
        The name of the method that does everything at once.
    instead_of : tuple of str
        The names of the methods that it stands in for.

    Examples
    --------
    >>> class Numbers:
    ...     def __iter__(self):
    ...         return iter([1, 2])
    ...
    ...     def index_pieces(self):
    ...         yield [1, 2]
    >>> class Backwards(Numbers):
    ...     def __iter__(self):
    ...         return iter([2, 1])
    >>> may_use(Numbers(), "index_pieces", instead_of=("__iter__",))
    True
    >>> may_use(Backwards(), "index_pieces", instead_of=("__iter__",))
    False
    """
    for cls in type(obj).__mro__:
        if vars(cls).get(fast) is not None:
            return True
        if any(name in vars(cls) for name in (fast, *instead_of)):
            return False
    return False


def as_index_array(indices: Any) -> IndexArray | None:
    """Return indices as an int64 array of shape (batch,); None if they are not plain integers.

    Parameters
    ----------
    indices : range, numpy.ndarray or list
        What a batch sampler yields; a sampler of the user's may yield anything (keys, slices, ...).
    """
    if isinstance(indices, range):
        return np.arange(indices.start, indices.stop, indices.step)
    if isinstance(indices, list):
        if not indices or isinstance(indices[0], bool) or not isinstance(indices[0], int | np.integer):
            return None
        try:
            indices = np.asarray(indices)
        except ValueError:  # a ragged list
            return None
    if isinstance(indices, np.ndarray) and indices.ndim == 1 and indices.size and indices.dtype.kind in "iu":
        return indices.astype(np.int64, copy=False)
    return None


def as_index_list(indices: Any) -> Any:
    """Return a range or an array of indices as a list of Python ints; anything else as it is.

    Datasets of the user's get Python ints, as in PyTorch: ``isinstance(index, int)`` holds.
    """
    if isinstance(indices, np.ndarray):
        return indices.tolist()
    return list(indices) if isinstance(indices, range) else indices


def take_rows(tensor: Tensor, indices: IndexArray) -> Tensor:
    """Return ``tensor[indices]`` as a new tensor; past autograd if there is nothing to record."""
    if tensor.requires_grad or not isinstance(tensor.array, np.ndarray):
        return tensor[indices]
    return tensor_from_array(tensor.array.take(indices, axis=0))


def read_collated(dataset: Any, indices: Any) -> Any:
    """Read a finished batch of a dataset that offers it; else return NotImplemented."""
    if may_use(dataset, "get_collated_batch", instead_of=("__getitem__", "__getitems__")):
        index_array = as_index_array(indices)
        if index_array is not None:
            return dataset.get_collated_batch(index_array)
    return NotImplemented


def read_samples(dataset: Any, indices: list[Any]) -> list[Any]:
    """Read a list of samples: with ``__getitems__`` if the dataset offers it, else one by one."""
    if may_use(dataset, "__getitems__", instead_of=("__getitem__",)):
        samples: list[Any] = dataset.__getitems__(indices)
        return samples
    return [dataset[index] for index in indices]
