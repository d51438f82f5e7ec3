"""The gradient of an embedding as plain loops.

The forward of an embedding copies row indices[i] of a table to row i of the output; so the gradient of a row of
the table is the sum of the gradients of all its copies: grad_weight[r] = sum of grad_output[i] over the i with
indices[i] = r.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def embedding_backward(grad_output: Array, indices: Array, num_embeddings: int, padding_idx: int) -> Array:
    """Add up the gradients of the copies of each row.

    Parameters
    ----------
    grad_output : array, (n, embedding_dim)
        Gradients of the copies.
    indices : int64 array, (n,)
        Of which row each of them is a copy, from 0 to num_embeddings - 1.
    num_embeddings : int
        How many rows the table has.
    padding_idx : int
        The row that gets no gradient; -1 for none.

    Returns
    -------
    array, (num_embeddings, embedding_dim)
    """
    grad_weight = np.zeros((num_embeddings, grad_output.shape[1]), grad_output.dtype)
    for i in range(len(indices)):
        if indices[i] != padding_idx:
            for j in range(grad_output.shape[1]):
                grad_weight[indices[i], j] += grad_output[i, j]
    return grad_weight
