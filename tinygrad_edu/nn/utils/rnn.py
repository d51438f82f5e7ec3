"""Sequences of different lengths: padded to one length, or packed without gaps.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.utils.packed_sequence import PackedSequence, invert_permutation
from tinygrad_edu.ops.indexing.along_dim import index_select
from tinygrad_edu.ops.shape.join import cat

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack padded sequences: their elements without the padding, step by step.

    Parameters
    ----------
    input : Tensor
        (T, B, *), or (B, T, *) with ``batch_first``.
    lengths : Tensor or sequence of int
        (B,): how long each sequence is; at least 1.
    batch_first : bool
        Whether the batch is the first dimension.
    enforce_sorted : bool
        Whether they have to come in the order of decreasing length; otherwise they are sorted here.

    Raises
    ------
    RuntimeError
        If the lengths are not sorted, not above 0, longer than the sequences or not one for each.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pack_padded_sequence.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils.rnn import pack_padded_sequence
    >>> padded = torch.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> pack_padded_sequence(padded, [2, 1, 3], batch_first=True, enforce_sorted=False).data
    tensor([4, 1, 3, 5, 2, 6])
    """
    if not isinstance(input, Tensor):
        raise TypeError(
            f"pack_padded_sequence(): argument 'input' must be Tensor, not {type(input).__name__}"
        )
    counts = np.asarray(lengths.numpy(force=True) if isinstance(lengths, Tensor) else lengths).astype(
        np.int64
    )
    if input.ndim < 2:
        raise IndexError(f"pack_padded_sequence: expected input (T, B, *), got {input.ndim}-D")
    length, batch = input.shape[:2][::-1] if batch_first else input.shape[:2]
    order = None if enforce_sorted else np.argsort(-counts, kind="stable")
    sorted_counts = counts if order is None else counts[order]
    _check_lengths(input, sorted_counts, length, batch)
    batch_sizes = (sorted_counts[:, None] > np.arange(sorted_counts[0])).sum(axis=0)  # (longest length,)
    sequences = np.arange(batch) if order is None else order
    steps = range(len(batch_sizes))
    if batch_first:
        places = [sequences[: batch_sizes[t]] * length + t for t in steps]
    else:
        places = [t * batch + sequences[: batch_sizes[t]] for t in steps]
    elements = input.reshape((length * batch, *input.shape[2:]))
    data = index_select(elements, 0, creation.tensor(np.concatenate(places), device=input.device))
    indices = None if order is None else creation.tensor(order, device=input.device)
    return PackedSequence(data, creation.tensor(batch_sizes, device="cpu"), indices)


def _check_lengths(input: Tensor, counts: Any, length: int, batch: int) -> None:
    """Raise unless the lengths fit the input and decrease."""
    name = "pack_padded_sequence"
    if input.numel() == 0:
        raise RuntimeError(f"{name}: Cannot pack empty tensors, got {list(input.shape)}")
    if counts.ndim != 1:
        raise RuntimeError(
            f"{name}: 'lengths' argument should be a 1D CPU int64 tensor, but got {counts.ndim}D"
        )
    if len(counts) != batch:
        raise RuntimeError(
            f"{name}: Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} (batch_size={batch})"
        )
    if (counts[:-1] < counts[1:]).any():
        raise RuntimeError(
            f"{name}: `lengths` array must be sorted in decreasing order when `enforce_sorted` is True, got "
            f"{counts.tolist()}. Hint: pass enforce_sorted=False"
        )
    if counts[-1] <= 0:
        raise RuntimeError(
            f"{name}: Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if counts[0] > length:
        raise RuntimeError(f"{name}: expected lengths up to {length}, that of the input, got {counts[0]}")


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Undo ``pack_padded_sequence``: return the padded sequences in their first order, and their lengths.

    Parameters
    ----------
    sequence : PackedSequence
        What is padded.
    batch_first : bool
        Return (B, T, *) instead of (T, B, *).
    padding_value : float
        What comes after a sequence's end.
    total_length : int, optional
        T; by default that of the longest sequence.

    Raises
    ------
    ValueError
        If ``total_length`` is less than the longest sequence's length.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_packed_sequence.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils.rnn import pack_sequence, pad_packed_sequence
    >>> packed = pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4, 5])])
    >>> pad_packed_sequence(packed, batch_first=True)
    (tensor([[1, 2, 3],
            [4, 5, 0]]), tensor([3, 2]))
    """
    data, batch_sizes = sequence.data, sequence.batch_sizes.numpy()
    longest = len(batch_sizes)
    if total_length is not None and total_length < longest:
        raise ValueError(
            "pad_packed_sequence: Expected total_length to be at least the length of the longest sequence in input, "
            f"but got total_length={total_length} and max sequence length being {longest}"
        )
    rows = np.full((longest if total_length is None else total_length, int(batch_sizes[0])), len(data))
    starts = np.cumsum(batch_sizes) - batch_sizes
    for t in range(longest):
        rows[t, : batch_sizes[t]] = starts[t] + np.arange(batch_sizes[t])
    if sequence.unsorted_indices is not None:
        rows = rows[:, sequence.unsorted_indices.numpy(force=True)]
    lengths = creation.tensor((rows < len(data)).sum(axis=0), device="cpu")
    padding = creation.full((1, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    with_padding = cat([data, padding])  # the rows' numbers lead to it where a sequence has ended
    rows = np.ascontiguousarray(rows.T if batch_first else rows)
    padded = index_select(with_padding, 0, creation.tensor(rows.reshape(-1), device=data.device))
    return padded.reshape((*rows.shape, *data.shape[1:])), lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (L, *) of different lengths, and fill up the shorter ones.

    Parameters
    ----------
    sequences : iterable of Tensors
        B of them, each (L, *).
    batch_first : bool
        Return (B, T, *) instead of (T, B, *).
    padding_value : float
        What they are filled up with.
    padding_side : {"right", "left"}
        Whether it comes behind or before a sequence.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.rnn.pad_sequence.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils.rnn import pad_sequence
    >>> pad_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])], batch_first=True)
    tensor([[1, 2, 3],
            [4, 0, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"pad_sequence: Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first = sequences[0]
    for x in sequences:
        if not isinstance(x, Tensor):
            raise TypeError(f"pad_sequence(): expected Tensors, but got {type(x).__name__}")
        if x.ndim == 0 or x.shape[1:] != first.shape[1:]:
            raise RuntimeError(
                f"pad_sequence: expected sequences (L, *{list(first.shape[1:])}), got {list(x.shape)}"
            )
    length = max([len(x) for x in sequences])
    padded = []
    for x in sequences:
        shape = (length - len(x), *first.shape[1:])
        padding = creation.full(shape, padding_value, dtype=first.dtype, device=first.device)
        pieces = [padding, x] if padding_side == "left" else [x, padding]
        padded.append(cat([piece.to(first.dtype) for piece in pieces]))
    stacked = cat(padded).reshape((len(padded), length, *first.shape[1:]))
    return stacked if batch_first else stacked.transpose(0, 1).contiguous()


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Undo ``pad_sequence``: return the list of sequences, each as long as ``lengths`` says.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils.rnn import unpad_sequence
    >>> unpad_sequence(torch.tensor([[1, 2, 3], [4, 0, 0]]), torch.tensor([3, 1]), batch_first=True)
    [tensor([1, 2, 3]), tensor([4])]
    """
    sequences = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    counts = lengths.tolist()
    if len(counts) != len(sequences):
        raise ValueError(f"unpad_sequence: expected {len(sequences)} lengths, got {len(counts)}")
    return [x[: int(count)] for x, count in zip(sequences, counts, strict=True)]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (L, *): ``pad_sequence``, then ``pack_padded_sequence``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.utils.rnn.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]).data
    tensor([1, 3, 2])
    """
    return pack_padded_sequence(
        pad_sequence(sequences), [len(x) for x in sequences], enforce_sorted=enforce_sorted
    )


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo ``pack_sequence``: return the list of sequences.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.nn.utils.rnn import pack_sequence, unpack_sequence
    >>> unpack_sequence(pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
