"""The gradient of an embedding, compiled: one thread, in the order of the copies."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu_kernels.kernel_cache import njit

Array = Any

# So many copies of a row are added up in float32; if one has more of them, all are in float64.
MANY_COPIES = 1024


def embedding_backward(grad_output: Array, indices: Array, num_embeddings: int, padding_idx: int) -> Array:
    """Add up the gradients of the copies of each row: (n, embedding_dim) -> (num_embeddings, embedding_dim)."""
    indices = np.ascontiguousarray(indices, np.int64)
    has_many = indices.size > MANY_COPIES and np.bincount(indices).max() > MANY_COPIES
    dtype = np.float64 if has_many else grad_output.dtype
    grad_weight = np.zeros((num_embeddings, grad_output.shape[1]), dtype)
    _add_rows(np.ascontiguousarray(grad_output), indices, grad_weight, padding_idx)
    return grad_weight.astype(grad_output.dtype, copy=False)


@njit(cache=True, error_model="numpy", nogil=True)
def _add_rows(grad_output, indices, grad_weight, padding_idx):
    """Add row after row; two of them may go to the same place."""
    for i in range(indices.size):
        if indices[i] != padding_idx:
            row, total = grad_output[i], grad_weight[indices[i]]
            for j in range(row.size):
                total[j] += row[j]
