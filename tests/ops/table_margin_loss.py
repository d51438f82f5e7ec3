"""The table of operations: losses about margins."""

from __future__ import annotations

import numpy as np

import tests.ops.numpy_reference as reference
from tests.ops.samples import Entry, S, ints, real, unit

REDUCTIONS = ("mean", "sum", "none")


def in_rows(loss):
    """Return a loss that sees one row of scores at a time."""

    def of_batch(x, t, *args, reduction="mean", **options):
        rows, targets = np.atleast_2d(x), t if x.ndim == 2 else t[None]
        losses = np.array(
            [loss(row, target, *args, **options) for row, target in zip(rows, targets, strict=True)]
        )
        return reference.reduce_loss(losses if x.ndim == 2 else losses[0], reduction)

    return of_batch


def multi_margin(x, t, p=1, margin=1.0, weight=None):
    total = sum(max(0, margin - x[t] + x[i]) ** p for i in range(len(x)) if i != t)
    return total / len(x) * (1 if weight is None else weight[t])


def multilabel_margin(x, t):
    right = [int(i) for i in t[: np.argmax(np.append(t, -1) == -1)]]
    wrong = [i for i in range(len(x)) if i not in right]
    return sum(max(0, 1 - x[j] + x[i]) for j in right for i in wrong) / len(x)


def multilabel_soft_margin(x, t, weight=None, reduction="mean"):
    p = 1 / (1 + np.exp(-x))
    losses = -(t * np.log(p) + (1 - t) * np.log(1 - p)) * (1 if weight is None else weight)
    return reference.reduce_loss(losses.mean(-1), reduction)


RIGHT = np.array([[2, 0, -1, 1], [1, 1, 2, 3], [-1, 0, 1, 2]])

ENTRIES = [
    Entry("multi_margin_loss", in_rows(multi_margin), [
        *[S(real(4, 3), ints(4), reduction=r) for r in REDUCTIONS], S(real(3), ints(), 2, 0.5, reduction="none"),
        S(real(4, 3), ints(4), 2, 0.7, real(3, low=0.4, high=2.6, grad=False))]),
    Entry("multilabel_margin_loss", in_rows(multilabel_margin), [
        *[S(real(3, 4), RIGHT, reduction=r) for r in REDUCTIONS], S(real(3), np.array([2, 0, -1]))]),
    Entry("multilabel_soft_margin_loss", multilabel_soft_margin, [
        *[S(real(2, 3), unit(2, 3), reduction=r) for r in REDUCTIONS], S(real(2, 3), unit(2, 3), real(3)),
        S(real(3), unit(3), reduction="none")]),
]  # fmt: skip
