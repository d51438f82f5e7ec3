"""Attention as plain loops, from its formula: softmax(query key^T * scale + mask) value.

Arrays are (n, heads, length, features); whatever has a number of heads attends to itself alone.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, equation 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def attention_forward(
    query: Array, key: Array, value: Array, mask: Array | None, causal: bool, scale: float
) -> tuple[Array, Array]:
    """Attend.

    Parameters
    ----------
    query : array, (n, heads, l, e)
        What is asked.
    key : array, (n, heads, s, e)
        What it is compared with.
    value : array, (n, heads, s, w)
        What there is to be found at every key.
    mask : array, (n, heads, l, s), or None
        Added to the scores; it may be a view that repeats itself.
    causal : bool
        Whether query i looks at the keys 0 to i alone.
    scale : float
        Which scores are multiplied by.

    Returns
    -------
    output : array, (n, heads, l, w)
        The means of the values; zeros for a query that may look at nothing.
    logsumexp : array, (n, heads, l)
        ln sum_j e^score_j, from which ``attention_backward`` finds the weights again: e^(score - logsumexp). Infinity
        for a query that may look at nothing: all its weights are 0.
    """
    output = np.zeros((*query.shape[:3], value.shape[3]), query.dtype)
    logsumexp = np.zeros(query.shape[:3], query.dtype)
    for place in np.ndindex(*query.shape[:3]):
        scores = _scores(query, key, mask, causal, scale, place)
        top = max(scores, default=-math.inf)
        if top == -math.inf:
            logsumexp[place] = math.inf
            continue
        total = sum(math.exp(score - top) for score in scores)
        logsumexp[place] = top + math.log(total)
        for j, score in enumerate(scores):
            weight = math.exp(score - top) / total
            for c in range(value.shape[3]):
                output[(*place, c)] += weight * value[(*place[:2], j, c)]
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
    """Return the gradients of query, key and value.

    Parameters
    ----------
    grad_output : array, (n, heads, l, w)
        The gradient of ``output``.
    query, key, value, mask, causal, scale
        What ``attention_forward`` was given.
    output, logsumexp
        What it returned.

    Returns
    -------
    tuple of array
        Shaped as query, key and value.

    Notes
    -----
    With P_ij the weight of key j for query i: dV_j = sum_i P_ij dO_i; dP_ij = dO_i . V_j; dS_ij = P_ij (dP_ij - sum_j
    P_ij dP_ij), and the sum is dO_i . O_i; dQ_i = scale sum_j dS_ij K_j; dK_j = scale sum_i dS_ij Q_i.
    """
    grad_query, grad_key, grad_value = np.zeros_like(query), np.zeros_like(key), np.zeros_like(value)
    for place in np.ndindex(*query.shape[:3]):
        head = place[:2]
        mean = _dot(grad_output[place], output[place])
        for j, score in enumerate(_scores(query, key, mask, causal, scale, place)):
            weight = math.exp(score - logsumexp[place])
            grad_score = weight * (_dot(grad_output[place], value[(*head, j)]) - mean)
            for c in range(value.shape[3]):
                grad_value[(*head, j, c)] += weight * grad_output[(*place, c)]
            for c in range(query.shape[3]):
                grad_query[(*place, c)] += scale * grad_score * key[(*head, j, c)]
                grad_key[(*head, j, c)] += scale * grad_score * query[(*place, c)]
    return grad_query, grad_key, grad_value


def _scores(
    query: Array, key: Array, mask: Array | None, causal: bool, scale: float, place: tuple[int, ...]
) -> list[float]:
    """Return how well each key answers the query at a place: (s,)."""
    *head, i = place
    scores = []
    for j in range(key.shape[2]):
        score = scale * _dot(query[place], key[(*head, j)])
        if mask is not None:
            score += float(mask[(*place, j)])
        scores.append(-math.inf if causal and j > i else score)
    return scores


def _dot(a: Array, b: Array) -> float:
    """Return the sum of the products of two vectors."""
    return sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
