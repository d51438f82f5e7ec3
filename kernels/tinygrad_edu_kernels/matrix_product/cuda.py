"""Products of matrices on the GPU: cuBLAS, by way of CuPy's own ``matmul``."""

from __future__ import annotations

from typing import Any

Array = Any


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b: (*batch, m, k) @ (*batch, k, n) -> (*batch, m, n); see the reference."""
    return a @ b


def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return x W^T + b: (rows, in_features), (out_features, in_features) -> (rows, out_features)."""
    y = x @ weight.T
    if bias is not None:
        y += bias
    return y


def linear_weight_gradient(grad_output: Array, x: Array) -> Array:
    """Return grad_output^T x: (rows, out_features), (rows, in_features) -> (out_features, in_features)."""
    return grad_output.T @ x
