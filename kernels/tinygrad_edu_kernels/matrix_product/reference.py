"""Products of matrices as plain loops.

The formula is c_ij = sum over k of a_ik b_kj.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any


def matmul(a: Array, b: Array) -> Array:
    """Return a @ b.

    Parameters
    ----------
    a : array, (*batch, m, k) or (k,)
        Left operand.
    b : array, (*batch, k, n) or (k,)
        Right operand, of the same dtype; the batch dimensions are broadcast against those of a.

    Returns
    -------
    array, (*batch, m, n)
        Without m if a is a vector, without n if b is one.
    """
    left, right = (a[None] if a.ndim == 1 else a), (b[:, None] if b.ndim == 1 else b)
    batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = np.broadcast_to(left, (*batch, *left.shape[-2:]))
    right = np.broadcast_to(right, (*batch, *right.shape[-2:]))
    c = np.zeros((*batch, left.shape[-2], right.shape[-1]), a.dtype)
    for position in np.ndindex(*batch):
        for i in range(c.shape[-2]):
            for j in range(c.shape[-1]):
                for k in range(left.shape[-1]):
                    c[(*position, i, j)] += left[(*position, i, k)] * right[(*position, k, j)]
    c = c[..., 0, :] if a.ndim == 1 else c
    return c[..., 0] if b.ndim == 1 else c


def linear(x: Array, weight: Array, bias: Array | None) -> Array:
    """Return x W^T + b.

    Parameters
    ----------
    x : array, (rows, in_features)
        Samples.
    weight : array, (out_features, in_features)
        Of the same dtype.
    bias : array, (out_features,), or None
        Of the same dtype.

    Returns
    -------
    array, (rows, out_features)
    """
    y = np.zeros((len(x), len(weight)), x.dtype)
    for i in range(len(x)):
        for j in range(len(weight)):
            if bias is not None:
                y[i, j] = bias[j]
            for k in range(x.shape[1]):
                y[i, j] += x[i, k] * weight[j, k]
    return y


def linear_weight_gradient(grad_output: Array, x: Array) -> Array:
    """Return the gradient of the weight of ``linear``: grad_output^T x.

    Parameters
    ----------
    grad_output : array, (rows, out_features)
        The gradient of what ``linear`` returned.
    x : array, (rows, in_features)
        What it was given.

    Returns
    -------
    array, (out_features, in_features)
    """
    return matmul(grad_output.T, x)
