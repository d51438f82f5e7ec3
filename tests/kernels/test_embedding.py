"""The gradient of an embedding, compiled, against the plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu_kernels.embedding import cpu, reference


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("padding_idx", [-1, 0, 2])
@pytest.mark.parametrize(
    ("n", "width", "num_embeddings"), [(1, 1, 3), (50, 4, 3), (5, 7, 100), (0, 3, 3), (4, 0, 3)]
)
def test_rungs_are_equal(n, width, num_embeddings, padding_idx, dtype):
    rng = np.random.default_rng(0)
    grad_output = rng.standard_normal((n, 2 * width)).astype(dtype)[:, ::2]
    arguments = grad_output, rng.integers(0, num_embeddings, n), num_embeddings, padding_idx
    expected, actual = reference.embedding_backward(*arguments), cpu.embedding_backward(*arguments)
    assert actual.dtype == dtype
    np.testing.assert_array_equal(actual, expected)


def test_by_hand():
    grad_output, indices = np.array([[1.0, 2], [10, 20], [100, 200]]), np.array([2, 0, 2])
    assert cpu.embedding_backward(grad_output, indices, 3, -1).tolist() == [[10, 20], [0, 0], [101, 202]]
    assert cpu.embedding_backward(grad_output, indices, 3, 2).tolist() == [[10, 20], [0, 0], [0, 0]]
