"""The gradient of an embedding, compiled: one thread, in the order of the copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = Any


def embedding_backward(grad_output: Array, indices: Array, num_embeddings: int, padding_idx: int) -> Array:
    """Add up the gradients of the copies of each row: (n, embedding_dim) -> (num_embeddings, embedding_dim)."""
    grad_weight = np.zeros((num_embeddings, grad_output.shape[1]), grad_output.dtype)
    copies = np.ascontiguousarray(grad_output), np.ascontiguousarray(indices, np.int64)
    _add_rows(*copies, grad_weight, padding_idx)
    return grad_weight


@njit(cache=True, error_model="numpy", nogil=True)
def _add_rows(grad_output, indices, grad_weight, padding_idx):
    """Add row after row; two of them may go to the same place."""
    for i in range(indices.size):
        if indices[i] != padding_idx:
            row, total = grad_output[i], grad_weight[indices[i]]
            for j in range(row.size):
                total[j] += row[j]
