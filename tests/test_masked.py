"""Masked reductions: what a mask leaves out might as well not be there."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu import masked

ROWS = np.array([[3.0, -1.0, 4.0, 1.5], [2.0, 7.0, -5.0, 0.5], [1.0, 1.25, 8.0, -2.0]])
MASK = np.array([[True, False, True, True], [False, True, True, False], [False, True, False, False]])

# What a row is without the elements that are left out.
REDUCTIONS = {
    "sum": np.sum,
    "prod": np.prod,
    "amax": np.max,
    "amin": np.min,
    "mean": np.mean,
    "median": lambda x: np.sort(x)[(len(x) - 1) // 2],
    "norm": np.linalg.norm,
    "var": lambda x: np.var(x, ddof=1) if len(x) > 1 else np.nan,
    "std": lambda x: np.std(x, ddof=1) if len(x) > 1 else np.nan,
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
}
NORMALISATIONS = {
    "softmax": lambda x: np.exp(x) / np.exp(x).sum(),
    "softmin": lambda x: np.exp(-x) / np.exp(-x).sum(),
    "log_softmax": lambda x: x - np.log(np.exp(x).sum()),
    "cumsum": np.cumsum,
    "cumprod": np.cumprod,
}


@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(name):
    found = getattr(masked, name)(torch.tensor(ROWS), dim=1, mask=torch.tensor(MASK))
    np.testing.assert_allclose(
        to_numpy(found), [REDUCTIONS[name](row[kept]) for row, kept in zip(ROWS, MASK, strict=True)]
    )


@pytest.mark.parametrize("name", NORMALISATIONS)
def test_normalisations(name):
    found = to_numpy(getattr(masked, name)(torch.tensor(ROWS), 1, mask=torch.tensor(MASK)))
    for result, row, kept in zip(found, ROWS, MASK, strict=True):
        np.testing.assert_allclose(result[kept], NORMALISATIONS[name](row[kept]))


def test_normalize_and_logaddexp():
    x, mask = torch.tensor(ROWS), torch.tensor(MASK)
    scaled = masked.normalize(x, 2.0, 1, mask=mask)
    np.testing.assert_allclose(to_numpy(masked.norm(scaled, 2.0, 1)), np.ones(3))
    found = to_numpy(masked.logaddexp(x, x, other_mask=mask))
    np.testing.assert_allclose(found, np.where(MASK, ROWS + np.log(2), ROWS))


def test_places_are_of_the_whole_row():
    x, mask = torch.tensor(ROWS), torch.tensor(MASK)
    assert masked.argmax(x, 1, mask=mask).tolist() == [2, 1, 1]
    assert masked.argmin(x, 1, mask=mask).tolist() == [3, 2, 1]


def test_what_is_left_out_has_no_gradient():
    x = torch.tensor(ROWS, requires_grad=True)
    masked.mean(x, mask=torch.tensor(MASK)).backward()
    np.testing.assert_allclose(to_numpy(x.grad), MASK / MASK.sum())


def test_refused():
    with pytest.raises(IndexError, match="dimensionality higher"):
        masked.sum(torch.ones(2), mask=torch.ones(1, 2))
    with pytest.raises(ValueError, match="no fully masked out rows"):
        masked.median(torch.tensor([1, 2]), 0, mask=torch.tensor([False, False]))
    with pytest.raises(ValueError, match="Could not infer output dtype"):
        masked.mean(torch.tensor([1, 2]))
