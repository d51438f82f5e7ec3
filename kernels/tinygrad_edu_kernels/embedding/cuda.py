"""The gradient of an embedding on the GPU: one thread an element, atomic additions.

Two copies of a row may be added at the same time, hence the atomic additions; in which order they happen is not
said, so the last digits may differ from run to run.
"""

from __future__ import annotations

from typing import Any

from numba import cuda

from tinygrad_edu_kernels.cuda_launch import array_module_of, launch

Array = Any


def embedding_backward(grad_output: Array, indices: Array, num_embeddings: int, padding_idx: int) -> Array:
    """Add up the gradients of the copies of each row: (n, embedding_dim) -> (num_embeddings, embedding_dim)."""
    xp = array_module_of(grad_output)
    grad_weight = xp.zeros((num_embeddings, grad_output.shape[1]), grad_output.dtype)
    copies = xp.ascontiguousarray(grad_output), xp.ascontiguousarray(indices, "int64")
    launch(_add_rows_kernel, grad_output.size, *copies, grad_weight, padding_idx)
    return grad_weight


@cuda.jit
def _add_rows_kernel(grad_output, indices, grad_weight, padding_idx):
    """Add each element to its row; a number of no row goes round, as CuPy's indices do."""
    width = grad_output.shape[1]
    for position in range(cuda.grid(1), grad_output.size, cuda.gridsize(1)):
        i = position // width
        j = position - i * width
        row = indices[i]
        if row != padding_idx:
            cuda.atomic.add(grad_weight, (row % grad_weight.shape[0], j), grad_output[i, j])
