"""Whatever adds up is as good as adding in pairs, whichever way the numbers lie, and float16 is rounded once."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.device import to_numpy
from tinygrad_edu import ops
from tinygrad_edu.ops.summation import sum_over

ROWS = 1_000_001  # odd, so that something is left over at nearly every halving
VALUE = 0.1
CLOSE = 5e-6


def column(dtype=torch.float32):
    return torch.full((ROWS, 2), VALUE, dtype=dtype)


def gradient(function, *shape):
    """Return the gradient of a parameter that many rows, pixels or copies have used."""
    parameter = torch.ones(*shape or (2,), requires_grad=True)
    function(parameter).backward()
    return parameter.grad


def same_place(*shape):
    return torch.zeros(*shape, dtype=torch.int64)


# What is computed, and what it is for the value repeated.
SUMS = {
    "sum": (lambda: column().sum(0), ROWS * VALUE),
    "sum of a transposed tensor": (lambda: column().T.contiguous().T.sum(0), ROWS * VALUE),
    "sum, middle dimension": (lambda: torch.full((2, ROWS, 2), VALUE).sum(1), ROWS * VALUE),
    "sum, two dimensions": (lambda: torch.full((2, ROWS, 2), VALUE).sum((0, 1)), 2 * ROWS * VALUE),
    "mean": (lambda: column().mean(0), VALUE),
    "logsumexp": (lambda: column().logsumexp(0), VALUE + np.log(ROWS)),
    "norm": (lambda: column().norm(dim=0), VALUE * ROWS**0.5),
    "einsum": (lambda: torch.einsum("ij->j", column()), ROWS * VALUE),
    "gradient of a product that was broadcast": (
        lambda: gradient(lambda scale: (column() * scale).sum()), ROWS * VALUE,
    ),
    "gradient of a bias": (
        lambda: gradient(lambda bias: (F.linear(column(), torch.eye(2), bias) * column()).sum()), ROWS * VALUE,
    ),
    "gradient of the bias of a layer norm": (
        lambda: gradient(lambda bias: (F.layer_norm(column(), (2,), None, bias) * VALUE).sum()), ROWS * VALUE,
    ),
    "product of two vectors": (lambda: torch.dot(column()[:, 0], column()[:, 1]), ROWS * VALUE**2),
    "product with a vector": (lambda: torch.mv(column().T, column()[:, 0]), ROWS * VALUE**2),
    "product of matrices": (lambda: torch.mm(column().T, column()), ROWS * VALUE**2),
    "product of batches": (lambda: torch.bmm(column().T[None], column()[None]), ROWS * VALUE**2),
    "einsum of a product": (lambda: torch.einsum("ki,kj->ij", column(), column()), ROWS * VALUE**2),
    "linear": (lambda: F.linear(column().T, column().T, torch.ones(2)), ROWS * VALUE**2 + 1),
    "gradient of a weight": (
        lambda: gradient(lambda weight: F.linear(column(), weight).sum(), 3, 2), ROWS * VALUE,
    ),
    "gradient of the weight of a bilinear layer": (
        lambda: gradient(lambda weight: F.bilinear(column(), column(), weight).sum(), 1, 2, 2), ROWS * VALUE**2,
    ),
    "gradient of a filter, many images": (
        lambda: gradient(lambda w: (F.conv2d(column()[..., None, None], w) * VALUE).sum(), 1, 2, 1, 1),
        ROWS * VALUE**2,
    ),
    "gradient of filters, many pixels": (
        lambda: gradient(lambda w: (F.conv1d(torch.full((1, 3, ROWS + 2), VALUE), w) * VALUE).sum(), 16, 3, 3),
        ROWS * VALUE**2,
    ),
    "gradient of a table": (
        lambda: gradient(lambda table: (F.embedding(same_place(ROWS), table) * VALUE).sum(), 1, 2), ROWS * VALUE,
    ),
    "gradient of what was indexed": (
        lambda: gradient(lambda x: (x[same_place(ROWS)] * VALUE).sum(), 1), ROWS * VALUE,
    ),
    "gradient of what was gathered": (
        lambda: gradient(lambda x: (x.gather(0, same_place(ROWS)) * VALUE).sum(), 1), ROWS * VALUE,
    ),
    "index_add": (lambda: torch.zeros(1, 2).index_add(0, same_place(ROWS), column()), ROWS * VALUE),
    "scatter_add": (lambda: torch.zeros(1, 2).scatter_add(0, same_place(ROWS, 2), column()), ROWS * VALUE),
    "mean of one large window": (lambda: F.avg_pool1d(torch.full((1, 1, ROWS), VALUE), ROWS), VALUE),
    "mean of a plane": (lambda: F.adaptive_avg_pool2d(torch.full((1, 1, 1000, 1001), VALUE), 1), VALUE),
    "statistics of channels": (
        lambda: F.batch_norm(column() + 1, mean := torch.zeros(2), torch.ones(2), training=True, momentum=1.0)[:0].sum()
        + mean, 1 + VALUE,
    ),
    "cross-entropy": (lambda: F.cross_entropy(column(), same_place(ROWS)), np.log(2)),
    "squared error": (lambda: F.mse_loss(column(), torch.zeros(ROWS, 2)), VALUE**2),
}  # fmt: skip


@pytest.mark.host("how NumPy adds")
@pytest.mark.parametrize("name", SUMS)
def test_a_million_float32_numbers_of_one_sign(name):
    compute, expected = SUMS[name]
    np.testing.assert_allclose(to_numpy(compute().detach()), expected, rtol=CLOSE)


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2), ()])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int32", "uint8", "bool"])
def test_the_same_as_numpy(dims, order, dtype):
    x = np.random.default_rng(0).integers(0, 2, (70, 3, 131)).astype(dtype).transpose(order)
    y = sum_over(x, dims)
    assert (y.dtype, y.shape) == (x.dtype, x.sum(dims).shape)
    np.testing.assert_allclose(y, x.sum(dims, dtype=x.dtype), rtol=1e-6)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "logsumexp"])
@pytest.mark.parametrize("dim", [0, 1])
def test_float16_is_added_up_in_float32(name, dim):
    values = np.random.default_rng(0).uniform(500, 900, (300, 200)).astype(np.float16)
    values = values / np.float16(10) if name == "sum" else values
    result = getattr(torch, name)(torch.tensor(values), dim)
    exact = getattr(torch, name)(torch.tensor(values.astype(np.float64)), dim)
    assert result.dtype is torch.float16
    np.testing.assert_allclose(to_numpy(result), to_numpy(exact).astype(np.float16), rtol=2**-10)


def test_a_mean_does_not_overflow_where_only_the_sum_is_too_large():
    assert torch.full((100,), 1000.0, dtype=torch.float16).mean().item() == 1000


def test_integers_keep_their_dtype():
    assert torch.sum(torch.tensor([200, 100], dtype=torch.uint8), dtype=torch.int32).dtype is torch.int32


def test_operations_add_up_here_and_nowhere_else():
    """A sum by NumPy's own method loses digits along most dimensions: ``sum_over`` is the one place."""
    allowed = {"summation.py", "extremum.py", "classification_loss.py"}  # counts of ties; weights in one row
    wrong = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(Path(ops.__file__).parent.glob("*.py"))
        if path.name not in allowed
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"\.(sum|mean|var|std)\(", line) and not re.search(r"^\s*(>>>|\.\.\.|#)|torch\.", line)
    ]
    assert not wrong, wrong
