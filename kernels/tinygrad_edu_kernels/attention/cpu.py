"""Attention, some queries at a time: the scores of all pairs are never in memory together.

A *block* is some heads (or, where all of them are few, some samples) and some rows, that is queries, of each: as many
as have about ``BLOCK`` scores. Its scores are a product of matrices; a compiled loop turns them into weights
e^(score - largest), without dividing by their sum yet; a second product gives the output, which has fewer numbers to
divide. So memory grows with the number of keys, not with its product with the number of queries. What is kept for the
backward is one number a row, the logarithm of the sum of exponentials: a block's scores are then computed once more.

These are algorithms 1 and 2 of FlashAttention-2 with blocks as wide as there are keys: BLAS likes its matrices large, a
block fits into the processor's second cache, and nothing needs to be corrected when a larger score turns up later.

References
----------
Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning", 2023, algorithms 1 and 2;
Rabe and Staats, "Self-attention Does Not Need O(n^2) Memory", 2021.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.exponential import exp_of_negative, largest_of_row
from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

NANOSECONDS = 0.02  # for a multiply-add of a product, on one thread
BLOCK = 2**17  # scores that are worked on together
MOST_ROWS = 128  # of one head in a block: a causal mask leaves out half of the last rows' keys

# fastmath flags for kernels with sums: terms may be added in another order, a * b + c may round once. NaN and
# infinity come through as without them ("nnan" and "ninf" are left out on purpose).
SUMS = {"reassoc", "contract"}


def attention_forward(
    query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Array, Array]:
    """Return the output (n, heads, l, w) and the logsumexp of the scores (n, heads, l); see the reference."""
    output = np.empty((*query.shape[:3], value.shape[3]), query.dtype)
    logsumexp = np.empty(query.shape[:3], query.dtype)
    arrays = query, key, value, mask, output, logsumexp
    _share(_attend, arrays, causal, scale, 1)
    return output, logsumexp


def attention_backward(
    grad_output: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    output: Array,
    logsumexp: Array,
    causal: bool,
    scale: float,
) -> tuple[Array, Array, Array]:
    """Return the gradients of query, key and value; see the reference."""
    grad_query = np.empty(query.shape, query.dtype)
    grad_key, grad_value = np.zeros(key.shape, key.dtype), np.zeros(value.shape, value.dtype)
    arrays = query, key, value, mask, output, logsumexp, grad_output, grad_query, grad_key, grad_value
    _share(_attend_backward, arrays, causal, scale, 2.5)
    return grad_query, grad_key, grad_value


Group = tuple[slice, slice]  # some samples and some of their heads


def _share(work: Any, arrays: tuple[Any, ...], causal: bool, scale: float, cost: float) -> None:
    """Do the work for all groups of samples and heads, in parts that threads share."""
    query, key, value = arrays[:3]
    n, heads, rows, e = query.shape
    groups = _groups(n, heads, max(1, min(rows, MOST_ROWS) * key.shape[2]))
    products = n * heads * rows * key.shape[2] * (e + value.shape[3])
    parts = threads.parts(len(groups), cost * NANOSECONDS * products)
    threads.run(work, [(arrays, causal, scale, groups[first:last]) for first, last in parts])


def _groups(n: int, heads: int, pairs: int) -> list[Group]:
    """Return what is worked on together: some heads of a sample, or, where these are few, some samples.

    ``pairs`` is the number of scores of a head in a block.
    """
    some_heads = max(1, min(heads, BLOCK // pairs))
    some_samples = max(
        1, min(-(-n // 2), BLOCK // (pairs * max(1, heads)))
    )  # at least two groups, for two threads
    return [
        (slice(i, i + some_samples), slice(j, j + some_heads))
        for i in range(0, n, some_samples)
        for j in range(0, heads, some_heads)
    ]


def _blocks(rows: int, keys: int, causal: bool) -> list[tuple[slice, int]]:
    """Return the rows of each block, and how many keys they look at."""
    blocks = []
    for start in range(0, rows, MOST_ROWS):
        stop = min(start + MOST_ROWS, rows)
        blocks.append((slice(start, stop), min(stop, keys) if causal else keys))
    return blocks


def _scores(query: Array, key: Array, mask: Array | None, group: Group, rows: slice, keys: int) -> Array:
    """Return the scores of a block, (samples, heads, rows, keys), for queries that have been scaled."""
    scores = np.matmul(query, key[group][:, :, :keys].swapaxes(2, 3))
    if mask is not None:
        scores += mask[group][:, :, rows, :keys]
    return scores


def _attend(arrays: tuple[Any, ...], causal: bool, scale: float, groups: list[Group]) -> None:
    """Write output and logsumexp of some groups of heads."""
    query, key, value, mask, output, logsumexp = arrays
    with np.errstate(all="ignore"):  # every thread has settings of its own
        for group in groups:
            for rows, keys in _blocks(query.shape[2], key.shape[2], causal):
                scaled = query[group][:, :, rows] * query.dtype.type(scale)
                scores = _scores(scaled, key, mask, group, rows, keys)
                sums = np.empty(scores.shape[:3], scores.dtype)
                _exponentials(scores, rows.start if causal else keys, sums, logsumexp[group][:, :, rows])
                block = output[group][:, :, rows]
                np.matmul(scores, value[group][:, :, :keys], out=block)
                block /= sums[..., None]


def _attend_backward(arrays: tuple[Any, ...], causal: bool, scale: float, groups: list[Group]) -> None:
    """Write the gradients of some groups of heads."""
    query, key, value, mask, output, logsumexp, grad_output, grad_query, grad_key, grad_value = arrays
    scale = query.dtype.type(scale)
    with np.errstate(all="ignore"):
        for group in groups:
            for rows, keys in _blocks(query.shape[2], key.shape[2], causal):
                scaled, grad = query[group][:, :, rows] * scale, grad_output[group][:, :, rows]
                weights = _scores(scaled, key, mask, group, rows, keys)
                grad_scores = np.matmul(grad, value[group][:, :, :keys].swapaxes(2, 3))
                means = (grad * output[group][:, :, rows]).sum(-1)
                first = rows.start if causal else keys
                _weights_and_gradients(weights, grad_scores, first, logsumexp[group][:, :, rows], means)
                grad_value[group][:, :, :keys] += np.matmul(weights.swapaxes(2, 3), grad)
                grad_key[group][:, :, :keys] += np.matmul(grad_scores.swapaxes(2, 3), scaled)
                grad_rows = grad_query[group][:, :, rows]
                np.matmul(grad_scores, key[group][:, :, :keys], out=grad_rows)
                grad_rows *= scale


# ---- kernels: they do a block, (samples, heads, rows, keys); row i of it looks at the keys up to first + i --------


@njit(cache=True, error_model="numpy", nogil=True, fastmath=SUMS)
def _exponentials(scores, first, sums, logsumexp):
    """Turn scores into e^(score - largest of the row), with the sums of the rows and the logarithms of the sums."""
    number = scores.dtype.type
    for n, head in np.ndindex(scores.shape[:2]):
        block = scores[n, head]
        for i in range(scores.shape[2]):
            row = scores[n, head, i]
            hidden = row[
                first + i + 1 :
            ]  # a slice, for then no index is negative, and the loop is vectorised
            for j in range(hidden.size):
                hidden[j] = -math.inf
            top, total = largest_of_row(block, i), number(0)
            if row.size == 0 or top == -math.inf:  # nothing to look at
                for j in range(row.size):
                    row[j] = number(0)
                sums[n, head, i], logsumexp[n, head, i] = number(1), math.inf
                continue
            for j in range(row.size):
                exponential = exp_of_negative(row[j] - top)
                row[j] = exponential
                total += exponential
            sums[n, head, i], logsumexp[n, head, i] = total, top + math.log(total)


@njit(cache=True, error_model="numpy", nogil=True, fastmath={"contract"})
def _weights_and_gradients(scores, grad_weights, first, logsumexp, means):
    """Turn scores into weights, and the gradients of the weights into those of the scores."""
    number = scores.dtype.type
    for n, head in np.ndindex(scores.shape[:2]):
        for i in range(scores.shape[2]):
            row, grad = scores[n, head, i], grad_weights[n, head, i]
            shift, mean = logsumexp[n, head, i], means[n, head, i]
            looked_at = min(row.size, first + i + 1)
            for j in range(looked_at):
                row[j] = exp_of_negative(row[j] - shift)
            for j in range(looked_at):
                grad[j] = row[j] * (grad[j] - mean)
            hidden, hidden_grad = row[looked_at:], grad[looked_at:]
            for j in range(hidden.size):
                hidden[j] = hidden_grad[j] = number(0)
