"""Attention on the GPU: the threads of a block share a query, and go through its keys a tile at a time.

Each thread takes one key of the tile and works out its score. The largest score so far, the sum of exponentials and the
output are corrected when a tile has a larger one: e^(old largest - new largest) times what there was. So nothing as
large as the matrix of scores is ever in memory. In the backward the weights are computed again from the logsumexp, once
with a block for each query, once with a block for each key: nothing is added atomically, so the result is the same in
every run.

References
----------
Dao, "FlashAttention-2: Faster Attention with Better Parallelism and Work Partitioning", 2023, algorithms 1 and 2, with
one row to a block.
"""

from __future__ import annotations

import math
from typing import Any

from numba import cuda

from tinygrad_edu_kernels.cuda_launch import THREADS, array_module_of, launch_rows

Array = Any


def attention_forward(
    query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Array, Array]:
    """Return the output (n, heads, l, w) and the logsumexp of the scores (n, heads, l); see the reference."""
    xp = array_module_of(query)
    output = xp.empty((*query.shape[:3], value.shape[3]), query.dtype)
    logsumexp = xp.empty(query.shape[:3], query.dtype)
    inputs = _inputs(query, key, value, mask, causal, scale)
    launch_rows(_attention_kernel, logsumexp.size, max(key.shape[2], 1), *inputs, output, logsumexp)
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
    xp = array_module_of(query)
    grads = [xp.zeros(x.shape, x.dtype) for x in (query, key, value)]
    means = xp.ascontiguousarray((grad_output * output).sum(-1))
    inputs = _inputs(query, key, value, mask, causal, scale)
    more = xp.ascontiguousarray(grad_output), logsumexp, means
    rows, keys = logsumexp.size, key.shape[0] * key.shape[1] * key.shape[2]
    launch_rows(_query_gradient_kernel, rows, key.shape[2], *inputs, *more, grads[0])
    launch_rows(_key_gradient_kernel, keys, query.shape[2], *inputs, *more, grads[1], grads[2])
    return grads[0], grads[1], grads[2]


def _inputs(
    query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Any, ...]:
    """Return what all kernels begin with; a mask that repeats itself is written down once, and none is a 0."""
    xp = array_module_of(query)
    if mask is None:
        mask = xp.zeros((1, 1, 1, 1), query.dtype)
    mask = mask[tuple([slice(None if stride else 1) for stride in mask.strides])]
    arrays = [xp.ascontiguousarray(x) for x in (query, key, value, mask)]
    return *arrays, int(causal), query.dtype.type(scale)


# ---- the threads of a block together ------------------------------------------------------------------------


@cuda.jit(device=True)
def _block_sum(partial, value):
    """Return, to every thread, the sum of all their values; ``partial`` is shared, a place for each."""
    thread, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    partial[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half:
            partial[thread] += partial[thread + half]
        cuda.syncthreads()
        half //= 2
    total = partial[0]
    cuda.syncthreads()  # nobody writes the next value before all have read this one
    return total


@cuda.jit(device=True)
def _block_largest(partial, value):
    """Return, to every thread, the largest of all their values, none of which is NaN."""
    thread, half = cuda.threadIdx.x, cuda.blockDim.x // 2
    partial[thread] = value
    cuda.syncthreads()
    while half > 0:
        if thread < half and partial[thread + half] > partial[thread]:
            partial[thread] = partial[thread + half]
        cuda.syncthreads()
        half //= 2
    largest = partial[0]
    cuda.syncthreads()
    return largest


@cuda.jit(device=True)
def _score(query, key, mask, causal, scale, sample, head, i, j):
    """Return how well key j answers query i; -infinity for a key that is not there, or comes later."""
    number = query.dtype.type
    if j >= key.shape[2] or (causal and j > i):
        return number(-math.inf)
    total = number(0)
    for c in range(query.shape[3]):
        total += query[sample, head, i, c] * key[sample, head, j, c]
    # A dimension of size 1 is repeated.
    n, heads, rows, keys = mask.shape
    return total * scale + mask[sample % n, head % heads, i % rows, j % keys]


# ---- kernels: one block a query -----------------------------------------------------------------------------


@cuda.jit
def _attention_kernel(query, key, value, mask, causal, scale, output, logsumexp):
    """Output and logsumexp, by a softmax that is corrected from tile to tile."""
    partial = cuda.shared.array(THREADS, query.dtype)
    weights = cuda.shared.array(THREADS, query.dtype)
    number = query.dtype.type
    heads, rows = query.shape[1], query.shape[2]
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    for row in range(cuda.blockIdx.x, query.shape[0] * heads * rows, cuda.gridDim.x):
        sample, head, i = row // (heads * rows), row // rows % heads, row % rows
        largest, total = number(-math.inf), number(0)
        for start in range(0, key.shape[2], threads):
            score = _score(query, key, mask, causal, scale, sample, head, i, start + thread)
            top = max(largest, _block_largest(partial, score))
            shift = top if top > number(-math.inf) else number(0)  # nothing to look at yet
            correction = math.exp(largest - shift)
            weights[thread] = math.exp(score - shift)
            total = total * correction + _block_sum(partial, weights[thread])
            for c in range(thread, value.shape[3], threads):
                mean = output[sample, head, i, c] * correction if start > 0 else number(0)
                for j in range(start, min(start + threads, key.shape[2])):
                    mean += weights[j - start] * value[sample, head, j, c]
                output[sample, head, i, c] = mean
            cuda.syncthreads()  # nobody writes the next tile's weights before all have read these
            largest = top
        for c in range(thread, value.shape[3], threads):
            output[sample, head, i, c] = (
                output[sample, head, i, c] / total if total != number(0) else number(0)
            )
        if thread == 0:
            logsumexp[sample, head, i] = largest + math.log(total) if total != number(0) else number(math.inf)


@cuda.jit
def _query_gradient_kernel(query, key, value, mask, causal, scale, grad_output, logsumexp, means, grad_query):
    """dQ_i = scale sum_j dS_ij K_j."""
    grad_scores = cuda.shared.array(THREADS, query.dtype)
    number = query.dtype.type
    heads, rows = query.shape[1], query.shape[2]
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    for row in range(cuda.blockIdx.x, query.shape[0] * heads * rows, cuda.gridDim.x):
        sample, head, i = row // (heads * rows), row // rows % heads, row % rows
        for start in range(0, key.shape[2], threads):
            j = start + thread
            grad_scores[thread] = number(0)
            if j < key.shape[2]:
                score = _score(query, key, mask, causal, scale, sample, head, i, j)
                weight = math.exp(score - logsumexp[sample, head, i])
                grad_weight = number(0)
                for c in range(value.shape[3]):
                    grad_weight += grad_output[sample, head, i, c] * value[sample, head, j, c]
                grad_scores[thread] = weight * (grad_weight - means[sample, head, i])
            cuda.syncthreads()
            for c in range(thread, query.shape[3], threads):
                total = number(0)
                for j in range(start, min(start + threads, key.shape[2])):
                    total += grad_scores[j - start] * key[sample, head, j, c]
                before = grad_query[sample, head, i, c] if start > 0 else number(0)
                grad_query[sample, head, i, c] = before + scale * total
            cuda.syncthreads()


# ---- kernels: one block a key -------------------------------------------------------------------------------


@cuda.jit
def _key_gradient_kernel(
    query, key, value, mask, causal, scale, grad_output, logsumexp, means, grad_key, grad_value
):
    """dV_j = sum_i P_ij dO_i and dK_j = scale sum_i dS_ij Q_i."""
    weights = cuda.shared.array(THREADS, query.dtype)
    grad_scores = cuda.shared.array(THREADS, query.dtype)
    number = query.dtype.type
    heads, keys, rows = key.shape[1], key.shape[2], query.shape[2]
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    for column in range(cuda.blockIdx.x, key.shape[0] * heads * keys, cuda.gridDim.x):
        sample, head, j = column // (heads * keys), column // keys % heads, column % keys
        for start in range(0, rows, threads):
            i = start + thread
            weights[thread] = grad_scores[thread] = number(0)
            if i < rows:
                score = _score(query, key, mask, causal, scale, sample, head, i, j)
                weights[thread] = math.exp(score - logsumexp[sample, head, i])
                grad_weight = number(0)
                for c in range(value.shape[3]):
                    grad_weight += grad_output[sample, head, i, c] * value[sample, head, j, c]
                grad_scores[thread] = weights[thread] * (grad_weight - means[sample, head, i])
            cuda.syncthreads()
            for c in range(thread, value.shape[3], threads):
                total = number(0)
                for i in range(start, min(start + threads, rows)):
                    total += weights[i - start] * grad_output[sample, head, i, c]
                before = grad_value[sample, head, j, c] if start > 0 else number(0)
                grad_value[sample, head, j, c] = before + total
            for c in range(thread, query.shape[3], threads):
                total = number(0)
                for i in range(start, min(start + threads, rows)):
                    total += grad_scores[i - start] * query[sample, head, i, c]
                before = grad_key[sample, head, j, c] if start > 0 else number(0)
                grad_key[sample, head, j, c] = before + scale * total
            cuda.syncthreads()
