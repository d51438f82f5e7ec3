"""Bags of embeddings: rows of a table, looked up by number and put together in groups.

A bag is a group of neighbouring indices, such as the words of a sentence. All bags lie in one vector, and
``offsets`` says where each begins: with indices ``[4, 1, 7, 7, 2]`` and offsets ``[0, 2, 2]`` the bags are ``[4, 1]``,
nothing, and ``[7, 7, 2]``.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html
"""

from __future__ import annotations

import operator
from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import as_int, require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module, is_on_host, on_card_of
from tinygrad_edu.ops.common import raw, require_kernel_dtype, require_tensor
from tinygrad_edu.ops.elementwise.select import keep, where
from tinygrad_edu.ops.half import in_float32, is_half_alone
from tinygrad_edu.ops.indexing.index import getitem
from tinygrad_edu.ops.nn.embedding import Embedding, check_lookup
from tinygrad_edu.ops.reduce.extremum import max
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu.ops.summation import add_at

MODES = ("sum", "mean", "max")


class SumBags(Op):
    """y_b = sum of the rows x_i of bag b; dL/dx_i = dL/dy_b: what a lookup does backward, and the other way round."""

    def forward(self, rows: Array, bag: Array, *, bags: int) -> Array:
        self.save_for_backward(bag)
        if kernel_table.has_kernels(rows):
            return kernel_table.embedding(rows).embedding_backward(rows, bag, bags, -1)
        return add_at(bag, rows, (bags, rows.shape[1]))

    def backward(self, grad_output: Array) -> tuple[Array, None]:
        (bag,) = self.saved
        return Embedding.compute(grad_output, bag), None


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    *,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
    sparse: bool = False,
) -> Tensor:
    """Look up rows of ``weight``, and return the sum, the mean or the largest elements of each bag of them.

    Parameters
    ----------
    input : Tensor
        Integers from 0 to num_embeddings - 1: (n,), cut into bags by the offsets, or (bags, size) for bags of one size.
    weight : Tensor
        (num_embeddings, embedding_dim).
    offsets : Tensor, optional
        (bags,) integers, beside a vector only: where each bag begins. The first is 0; the last bag ends with the input.
    scale_grad_by_freq : bool
        Divide the gradient of a row by how often it is used in all bags together; not for "max".
    mode : {"mean", "sum", "max"}
        What is made of a bag; an empty one gives zeros.
    per_sample_weights : Tensor, optional
        A factor for each row that is looked up, of the shape of the input; for "sum" only.
    include_last_offset : bool
        Whether the offsets are (bags + 1,), with the end of the last bag, as in a sparse matrix by rows.
    padding_idx : int, optional
        A row that counts nothing: it is in no sum, in no mean and in no maximum.
    sparse : bool
        Give the weight a sparse gradient, of the rows that are looked up; not for "max".

    Returns
    -------
    Tensor
        (bags, embedding_dim).

    Raises
    ------
    ValueError
        If the shapes, the mode, or what is given beside it do not fit.
    RuntimeError
        If there is no such row, or the offsets do not fit the input.
    NotImplementedError
        If there are ``per_sample_weights`` for another mode than "sum".

    Notes
    -----
    With factors a: y_b = sum_i a_i w[n_i] over the bag, dL/dw[r] = sum of a_i dL/dy_b over all i with n_i = r, and
    dL/da_i = dL/dy_b w[n_i]. In a maximum, the first of equal elements gets the gradient.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.embedding_bag.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> table = torch.tensor([[1.0, 2.0], [10.0, 20.0]])
    >>> words, begin = torch.tensor([0, 1, 1]), torch.tensor([0, 2, 2])
    >>> torch.nn.functional.embedding_bag(words, table, begin, mode="sum")
    tensor([[11., 22.],
            [ 0.,  0.],
            [10., 20.]])
    """
    options: dict[str, Any] = {"scale_grad_by_freq": scale_grad_by_freq, "mode": mode, "sparse": sparse}
    check_bags(
        (input, weight, offsets, per_sample_weights),
        include_last_offset=include_last_offset,
        padding_idx=padding_idx,
        **options,
    )
    if padding_idx is not None:
        options["padding_idx"] = as_int("embedding_bag", "padding_idx", padding_idx) % weight.shape[0]
    with on_card_of(raw(weight)):
        starts = call(starts_of_bags, raw(input), raw(offsets), include_last_offset)
        arguments = reshape(input, (-1,)), weight, starts, per_sample_weights
        if is_half_alone((weight, per_sample_weights)):
            return in_float32(_embedding_bag, *arguments, **options)
        return _embedding_bag(*arguments, **options)


def _embedding_bag(
    input: Array,
    weight: Array,
    starts: Array,
    factors: Array | None,
    *,
    scale_grad_by_freq: bool,
    mode: str,
    padding_idx: int | None = None,
    sparse: bool = False,
) -> Array:
    """Return what ``embedding_bag`` does, for a vector of indices and arguments that have been checked."""
    indices = raw(input)
    xp = array_module(indices)
    left_out = padding_idx if sparse else None
    rows = Embedding.apply(
        weight, input, padding_idx=left_out, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse
    )
    if factors is not None:
        rows = rows * reshape(factors, (-1, 1))
    kept = (
        call(xp.ones, indices.size, bool) if padding_idx is None else call(operator.ne, indices, padding_idx)
    )
    if mode == "max" and indices.size:
        return largest_in_bags(rows, starts, kept)
    if padding_idx is not None:
        rows = keep(rows, kept[:, None])
    bag = call(bag_of_each, starts, indices.size)
    totals = SumBags.apply(rows, bag, bags=len(starts))
    if mode != "mean":
        return totals  # of no rows at all the maximum is 0, too
    return totals / tensor_from_array(call(sizes_of_bags, bag, kept, len(starts), raw(totals).dtype))


def bag_of_each(starts: Array, count: int) -> Array:
    """Return the bag of each index."""
    xp = array_module(starts)
    # Where a bag is empty, the next one begins at the same place: the last that has begun is the one.
    return xp.searchsorted(starts, xp.arange(count), side="right") - 1


def sizes_of_bags(bag: Array, kept: Array, bags: int, dtype: Any) -> Array:
    """Return how many indices each bag has that are kept, at least 1: (bags, 1)."""
    return array_module(bag).maximum(add_at(bag, kept.astype(dtype), (bags,)), 1)[:, None]


def largest_in_bags(rows: Array, starts: Array, kept: Array) -> Array:
    """Return the largest elements of the rows of each bag, those that are kept; 0 for bags without one."""
    xp, count = array_module(kept), len(kept)
    sizes = xp.diff(starts, append=count)
    places = starts[:, None] + xp.arange(int(sizes.max()))  # (bags, size of the largest)
    is_there = places < (starts + sizes)[:, None]
    places = xp.minimum(places, count - 1)
    is_there &= kept[places]
    candidates = where(tensor_from_array(is_there[..., None]), getitem(rows, places), float("-inf"))
    has_some = tensor_from_array(is_there.any(1)[:, None])
    return where(has_some, max(candidates, 1)[0], 0.0)


def starts_of_bags(indices: Array, offsets: Array | None, include_last_offset: bool) -> Array:
    """Return where the bags begin, as int64 on the device of the indices."""
    if offsets is None:
        return array_module(indices).arange(len(indices)) * indices.shape[1]
    return offsets[: len(offsets) - include_last_offset].astype("int64")


def check_bags(
    tensors: tuple[Any, Any, Any, Any],
    *,
    mode: Any,
    scale_grad_by_freq: Any,
    include_last_offset: Any,
    padding_idx: Any,
    sparse: Any = False,
) -> None:
    """Raise unless the arguments of ``embedding_bag`` fit together: input, table, offsets, factors, and the options."""
    input, weight, offsets, factors = tensors
    name = "embedding_bag"
    require_tensor(name, input)
    require_tensor(name, weight, "weight")
    if weight.ndim != 2:
        raise ValueError(f"{name}: weight has to be a 2D Tensor, but got {list(weight.shape)}")
    require_bools(
        name, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse, include_last_offset=include_last_offset
    )
    if mode not in MODES:
        raise ValueError(f"{name}: mode has to be one of sum, mean or max, got {mode!r}")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError(f"{name}: max mode does not support scale_grad_by_freq and sparse")
    check_offsets(input, offsets, include_last_offset)
    if factors is not None:
        check_factors(input, weight, factors, mode)
    if padding_idx is not None:
        check_padding_idx(padding_idx, weight.shape[0])
    require_kernel_dtype(name, weight)
    check_lookup(name, input, weight, error=RuntimeError)


def check_padding_idx(padding_idx: Any, rows: int) -> None:
    """Raise unless it is the number of a row, counted from the front or from the back."""
    if not -rows <= as_int("embedding_bag", "padding_idx", padding_idx) < rows:
        raise RuntimeError(
            f"embedding_bag: padding_idx must be within the number of embeddings, {-rows} through {rows - 1}, "
            f"but got {padding_idx}"
        )


def check_offsets(input: Array, offsets: Any, include_last_offset: bool) -> None:
    """Raise unless there are offsets, which fit, for a vector of indices, and none for bags of one size."""
    if input.ndim not in (1, 2):
        raise ValueError(f"embedding_bag: input has to be 1D or 2D Tensor, but got {list(input.shape)}")
    if input.ndim == 1:
        if offsets is None:
            raise ValueError("embedding_bag: offsets has to be a 1D Tensor but got None")
        require_tensor("embedding_bag", offsets, "offsets")
        if offsets.ndim != 1:
            raise ValueError(f"embedding_bag: offsets has to be a 1D Tensor, got {list(offsets.shape)}")
        call(check_starts, raw(offsets), raw(input).size, include_last_offset)
    elif offsets is not None:
        raise ValueError(
            "embedding_bag: if input is 2D, then offsets has to be None, for every row is a bag; got "
            f"{type(offsets).__name__}"
        )
    elif not input.shape[1]:
        raise RuntimeError(f"embedding_bag: expected bags of at least one index, got {list(input.shape)}")


def check_starts(starts: Array, count: int, include_last_offset: bool) -> None:
    """Raise unless offsets begin with 0, do not fall, and end within the input; on a GPU, they are not looked at."""
    if starts.dtype.name not in ("int32", "int64"):
        raise RuntimeError(f"embedding_bag: expected offsets of int32 or int64, got {starts.dtype}")
    if starts.size < include_last_offset + (count > 0):
        raise RuntimeError(f"embedding_bag: expected offsets of at least one bag, got {list(starts.shape)}")
    if not is_on_host(starts) or not starts.size:
        return
    if starts[0] != 0:
        raise RuntimeError(
            f"embedding_bag: offsets[0] has to be 0, where the first bag begins, got {int(starts[0])}"
        )
    if starts[-1] > count:
        raise RuntimeError(
            f"embedding_bag: offsets[-1] can not be greater than input's length {count}, got {int(starts[-1])}"
        )
    if (starts[1:] < starts[:-1]).any():
        raise RuntimeError(f"embedding_bag: expected offsets that do not fall, got {starts.tolist()}")


def check_factors(input: Array, weight: Array, factors: Any, mode: str) -> None:
    """Raise unless ``per_sample_weights`` fit the input and the table, and the mode is "sum"."""
    require_tensor("embedding_bag", factors, "per_sample_weights")
    if tuple(factors.shape) != tuple(input.shape):
        raise ValueError(
            f"embedding_bag: expected per_sample_weights of the shape of the input, {list(input.shape)}, got "
            f"{list(factors.shape)}"
        )
    if mode != "sum":
        raise NotImplementedError(
            f"embedding_bag: per_sample_weights is only supported for mode='sum', got mode={mode!r}"
        )
    if raw(factors).dtype != raw(weight).dtype:
        raise RuntimeError(
            f"embedding_bag: expected per_sample_weights of the dtype of the weight, {raw(weight).dtype}, got "
            f"{raw(factors).dtype}"
        )
