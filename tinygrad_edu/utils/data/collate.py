"""Making one batch out of a list of samples."""

from __future__ import annotations

import array
import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.creation import as_tensor, tensor
from tinygrad_edu.nn.graph.data import Batch, Data
from tinygrad_edu.ops.shape.join import stack
from tinygrad_edu.type_names import import_hint, type_name

CollateFunction: TypeAlias = Callable[..., Any]
CollateMap: TypeAlias = Mapping[type | tuple[type, ...], CollateFunction]


# ---- containers: shared by collating, converting and pinning ------------------------------------------


def is_namedtuple(value: Any) -> bool:
    """Tell whether ``value`` is a namedtuple."""
    return isinstance(value, tuple) and hasattr(value, "_fields")


def like_mapping(original: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """Return ``items`` as a mapping of the type of ``original``; as a dict if that cannot be done.

    A mutable mapping is copied and updated, because its type may carry more (a default, an order, ...).
    """
    try:
        if isinstance(original, MutableMapping):
            clone = copy.copy(original)
            clone.update(items)
            return clone
        return type(original)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def like_sequence(original: Sequence[Any], items: list[Any]) -> Any:
    """Return ``items`` as a sequence of the type of ``original``; as a list if that cannot be done."""
    try:
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(original)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


# ---- samples -> batch ----------------------------------------------------------------------------------


def collate(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """Make one batch out of samples, with a function of your own for some types.

    Parameters
    ----------
    batch : sequence
        The samples, all of the same structure.
    collate_fn_map : mapping of type (or tuple of types) to function, optional
        ``function(values, collate_fn_map=...)`` makes a batch of the values of that type. The exact type is
        looked up first, then the first entry that the value is an instance of. Mappings and sequences that
        no entry names are taken apart.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.utils.data.collate import collate, default_collate_fn_map
    >>> def collate_sets(batch, *, collate_fn_map=None):
    ...     return set().union(*batch)
    >>> collate([({1}, 5), ({2}, 6)], collate_fn_map={**default_collate_fn_map, set: collate_sets})
    [{1, 2}, tensor([5, 6])]
    """
    if not isinstance(batch, Sequence) or not batch:
        got = "none" if isinstance(batch, Sequence) else type_name(batch)
        raise (IndexError if isinstance(batch, Sequence) else TypeError)(
            f"collate: expected a sequence of at least one sample, got {got}"
        )
    first = batch[0]
    function = _find_function(first, collate_fn_map or {})
    if function is not None:
        return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return like_mapping(
            first,
            {key: collate([sample[key] for sample in batch], collate_fn_map=collate_fn_map) for key in first},
        )
    if isinstance(first, Sequence):
        sizes = [len(sample) for sample in batch]
        if len(set(sizes)) > 1 and not is_namedtuple(first):
            raise RuntimeError(
                f"each element in list of batch should be of equal size: expected {sizes[0]} for all, "
                f"got {sorted(set(sizes))}"
            )
        columns = [collate(column, collate_fn_map=collate_fn_map) for column in zip(*batch, strict=False)]
        if is_namedtuple(first):
            return type(first)(*columns)
        return columns if isinstance(first, tuple) else like_sequence(first, columns)
    raise TypeError(_unknown_type_message(f"{type(first)}{import_hint(first)}"))


def _find_function(value: Any, collate_fn_map: CollateMap) -> CollateFunction | None:
    function = collate_fn_map.get(type(value))
    if function is not None:
        return function
    for kind, candidate in collate_fn_map.items():
        if isinstance(value, kind):
            return candidate
    return None


def _unknown_type_message(found: Any) -> str:
    return (
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {found}"
    )


def collate_tensors(batch: Sequence[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Stack tensors of shape (...) to one of shape (batch, ...)."""
    if not any(map(needs_recording, batch)):  # the short way
        arrays = [x.array for x in batch]
        if have_one_form(arrays):
            return tensor_from_array(np.array(arrays))
    stacked: Tensor = stack(list(batch), 0)  # also mixes dtypes, or says what does not fit
    return stacked


def collate_arrays(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    """Turn NumPy arrays into tensors and collate these."""
    if batch[0].dtype.kind in "SUO":
        raise TypeError(_unknown_type_message(batch[0].dtype))
    if collate_fn_map is default_collate_fn_map and have_one_form(batch):
        return as_tensor(np.array(batch))
    return collate([as_tensor(array) for array in batch], collate_fn_map=collate_fn_map)


def needs_recording(x: Any) -> bool:
    """Tell whether a sample is a Tensor with a gradient, or none at all."""
    return not isinstance(x, Tensor) or x.edge() is not None


def have_one_form(arrays: Sequence[Any]) -> bool:
    """Tell whether they are NumPy arrays of one shape and dtype."""
    return set(map(type, arrays)) == {np.ndarray} and len({(x.shape, x.dtype) for x in arrays}) == 1


def collate_array_scalars(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Make a tensor of shape (batch,) of NumPy scalars; the dtype is theirs."""
    return as_tensor(np.asarray(batch))


def collate_floats(batch: Sequence[float], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Make a float64 tensor of shape (batch,): Python's floats have 64 bits."""
    return tensor_from_array(np.array(array.array("d", batch)))  # of real numbers only, not of None or "2"


def collate_ints(batch: Sequence[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    """Make an int64 (or, of bools, a bool) tensor of shape (batch,)."""
    return tensor(list(batch))


def collate_strings(batch: Sequence[Any], *, collate_fn_map: CollateMap | None = None) -> Sequence[Any]:
    """Leave strings and bytes as they are."""
    return batch


def collate_graphs(batch: Sequence[Data], *, collate_fn_map: CollateMap | None = None) -> Batch:
    """Put graphs together to one that has no edges between them."""
    return Batch.from_data_list(batch)


# Read-only on purpose: a change would reach every loader of the program. Give collate() a map of your own.
default_collate_fn_map: CollateMap = MappingProxyType(
    {
        Tensor: collate_tensors,
        np.ndarray: collate_arrays,
        (np.bool_, np.number, np.object_): collate_array_scalars,
        float: collate_floats,
        int: collate_ints,
        str: collate_strings,
        bytes: collate_strings,
        Data: collate_graphs,
    }
)


def default_collate(batch: Sequence[Any]) -> Any:
    """Make one batch out of samples, by adding a first dimension to all numbers in them.

    =======================  =====================================
    a sample is (or holds)   the batch is (or holds)
    =======================  =====================================
    Tensor, NumPy array      Tensor of shape (batch, ...)
    float                    float64 Tensor of shape (batch,)
    int, bool                int64 or bool Tensor of shape (batch,)
    str, bytes               the list of them
    mapping                  the same mapping of batches
    namedtuple               the same namedtuple of batches
    tuple                    a list of batches
    other sequence           the same sequence of batches
    =======================  =====================================

    Raises
    ------
    RuntimeError
        If tensors (or sequences) at the same place differ in size.
    TypeError
        If a sample holds anything else, such as None.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_collate

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.utils.data.default_collate([(0, "a"), (1, "b")])
    [tensor([0, 1]), ('a', 'b')]
    >>> torch.utils.data.default_collate([{"x": 0.5}, {"x": 1.5}])
    {'x': tensor([0.5000, 1.5000], dtype=torch.float64)}
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)


# ---- one sample, not batched ---------------------------------------------------------------------------


def default_convert(data: Any) -> Any:
    """Turn every NumPy array in a sample into a tensor; the default where batching is off.

    References
    ----------
    https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.default_convert

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_edu as torch
    >>> torch.utils.data.default_convert({"x": np.array([0, 1]), "name": "a"})
    {'x': tensor([0, 1]), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.generic) and not isinstance(data, str | bytes):
        return data if data.dtype.kind in "SUO" else as_tensor(data)
    converted = map_container(default_convert, data)
    return list(converted) if type(converted) is tuple else converted  # a list, as in PyTorch


def map_container(function: Callable[[Any], Any], data: Any) -> Any:
    """Apply ``function`` to the items of a mapping or a sequence; return anything else as it is."""
    if isinstance(data, Mapping):
        return like_mapping(data, {key: function(data[key]) for key in data})
    if isinstance(data, Sequence) and not isinstance(data, str | bytes):
        items = [function(item) for item in data]
        return type(data)(*items) if is_namedtuple(data) else like_sequence(data, items)
    return data


def pin_memory(data: Any) -> Any:
    """Copy every tensor in a batch to page-locked memory, from which a GPU can read by itself.

    Objects with a ``pin_memory`` method of their own are asked to do it.
    """
    if hasattr(data, "pin_memory"):
        return data.pin_memory()
    return map_container(pin_memory, data)
