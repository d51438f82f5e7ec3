"""Empty and 0-d inputs, shapes that broadcast, small integers, masks and complex numbers: values that PyTorch gives."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu.nn import functional as F

NAN, INF = float("nan"), float("inf")


def zero_d(value=3.0):
    return torch.tensor(value)


def first():
    return torch.tensor([0])


def solved_with_pivots(pivots):
    return torch.linalg.lu_solve(torch.eye(2), torch.tensor(pivots, dtype=torch.int32), torch.ones(2, 1))


# (what is computed, its dtype, its values; an int in their place is the shape of something empty)
VALUES = [
    (lambda: torch.index_select(zero_d(), 0, first()), "float32", 3.0),
    (lambda: torch.index_add(zero_d(), 0, first(), zero_d(2.0)), "float32", 5.0),
    (lambda: zero_d().index_fill_(0, first(), 7.0), "float32", 7.0),
    (lambda: zero_d().index_copy_(0, first(), zero_d(9.0)), "float32", 9.0),
    (lambda: F.prelu(zero_d(-2.0), torch.tensor([0.5])), "float32", -1.0),
    (lambda: F.unfold(torch.zeros(0, 1, 3, 3), 2), "float32", np.zeros((0, 4, 4))),
    (lambda: F.pixel_shuffle(torch.zeros(0, 4, 1, 1), 2), "float32", np.zeros((0, 1, 2, 2))),
    (lambda: F.batch_norm(torch.zeros(0), torch.zeros(0), torch.zeros(0)), "float32", []),
    (lambda: torch.cat([torch.empty(0), torch.tensor([1])]), "float32", [1.0]),
    (lambda: F.pad(torch.arange(4.0).reshape(1, 1, 4), (-4, 5), "replicate"), "float32", [[[3.0] * 5]]),
    (lambda: F.pad(torch.arange(4.0).reshape(1, 1, 4), (2, -1), "reflect"), "float32", [[[2.0, 1, 0, 1, 2]]]),
    (lambda: F.pad(torch.arange(4.0).reshape(1, 1, 4), (2, -1), "circular"), "float32", [[[1.0, 2, 0, 1, 2]]]),
    (
        lambda: F.cosine_similarity(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]), dim=1),
        "float32",
        [0.6, 0.8],
    ),
    (
        lambda: F.cosine_similarity(torch.tensor([[[3.0], [4.0]]]), torch.ones(2, 1, 2), dim=-1),
        "float32",
        [[1.0, 1.0]] * 2,
    ),
    (lambda: torch.var_mean(torch.tensor([1.0, 3.0]), False)[0], "float32", 1.0),
    (lambda: torch.std_mean(torch.tensor([[1.0, 3.0]]), 1, False)[0], "float32", [1.0]),
    (lambda: F.kl_div(torch.tensor([0.5]), torch.tensor([-1.0]), reduction="sum"), "float32", NAN),
    (lambda: F.kl_div(zero_d(0.0), zero_d(1.0), reduction="batchmean"), "float32", 0.0),
    (
        lambda: F.gaussian_nll_loss(torch.zeros(2, 2), torch.zeros(2, 2), torch.ones(1, 2), reduction="none"),
        "float32",
        [[0.0, 0.0]] * 2,
    ),
    (lambda: F.avg_pool2d(torch.ones(1, 1, 2, 2), 2, ()), "float32", [[[[1.0]]]]),
    (lambda: torch.cumsum(torch.tensor([100, 100], dtype=torch.int8), 0, dtype=torch.int8), "int8", [100, -56]),
    (lambda: torch.tensor([200, 2]).cumprod(0, dtype=torch.uint8), "uint8", [200, 144]),
    (lambda: torch.prod(torch.tensor([200, 2]), dtype=torch.uint8), "uint8", 144),
    (lambda: torch.square(torch.tensor([True, False])), "int64", [1, 0]),
    (lambda: torch.pow(torch.tensor([1, -1, -1, 2, 0]), torch.tensor([-2, -2, -3, -1, -1])), "int64", [1, 1, -1, 0, 0]),
    (lambda: torch.linspace(0, 10, 4, dtype=torch.int64), "int64", [0, 3, 6, 10]),
    (lambda: torch.logspace(0, 3, 4, dtype=torch.int32), "int32", [1, 10, 100, 1000]),
    (lambda: torch.arange(0, 5.5, 2, dtype=torch.int64), "int64", [0, 2, 4]),
    (lambda: torch.linspace(1, 2j, 3), "complex64", [1, 0.5 + 1j, 2j]),
    (lambda: torch.sigmoid(torch.tensor([1j])), "complex64", [0.5 + 0.2731513j]),
    (lambda: torch.logsumexp(torch.tensor([1j, 1j]), 0), "complex64", 0.6931472 + 1j),
    (lambda: torch.var(torch.tensor([1 + 1j, 3 - 1j])), "float32", 4.0),
    (lambda: torch.tensor([True]).clamp_max(torch.tensor([False])), "bool", [False]),
    (lambda: torch.flip(torch.arange(3), dims=(0,)), "int64", [2, 1, 0]),
    (lambda: torch.unique(torch.tensor([[1, 2], [0, 2], [1, 2]]), dim=0), "int64", [[0, 2], [1, 2]]),
    (lambda: torch.scatter(torch.ones(3), 0, torch.tensor([1, 1]), 3.0, reduce="multiply"), "float32", [1, 9, 1]),
    (lambda: torch.scatter(torch.ones(3), 0, torch.tensor([1, 1]), 3.0, reduce="add"), "float32", [1, 7, 1]),
    (lambda: torch.norm(torch.tensor([[3.0, 0.0], [0.0, -4.0]]), "nuc"), "float32", 7.0),
    (lambda: torch.tensor([1.25]).round_(decimals=1), "float32", [1.2]),
    (lambda: torch.tensor([-3.0]).div_(2, rounding_mode="trunc"), "float32", [-1.0]),
    (lambda: F.conv1d(torch.tensor([[1, 2, 4]]), torch.tensor([[[-1, 1]]]), torch.tensor([10])), "int64", [[11, 12]]),
    (lambda: F.conv1d(torch.tensor([[1j, 2.0]]), torch.tensor([[[1j]]])), "complex64", [[-1, 2j]]),
    (lambda: F.conv_transpose2d(torch.tensor([[[2]]]), torch.tensor([[[[1, 3]]]])), "int64", [[[2, 6]]]),
    (lambda: F.max_pool2d(torch.tensor([[[-3, -5, 7]]], dtype=torch.int8), (1, 2), 1), "int8", [[[-3, 7]]]),
    (lambda: F.max_pool2d(torch.tensor([[[4, 9]]]), (1, 2), return_indices=True)[1], "int64", [[[1]]]),
    (lambda: F.avg_pool1d(torch.tensor([[-1, -2, 5, 6]]), 2), "int64", [[-1, 5]]),
    (lambda: torch.einsum("i,i->", torch.ones(2).short(), torch.ones(2).short()), "int16", 2),
    (lambda: torch.arange(0.1, 1.1, dtype=torch.float16), "float16", [np.float16(0.1)]),
    (lambda: torch.arange(0, 0.5, 2, dtype=torch.float16), "float16", [0.0]),
    (lambda: torch.einsum("i,j->", torch.ones(2).short(), torch.ones(3).short()), "int64", 6),
    (lambda: torch.einsum("ij,j->j", torch.ones(2, 3).short(), torch.ones(3).short()), "int64", [2, 2, 2]),
    (lambda: torch.einsum("ij,j->i", torch.ones(2, 3).short(), torch.ones(3).short()), "int16", [3, 3]),
    (lambda: torch.einsum("ij,i->i", torch.ones(2, 0).short(), torch.ones(2).short()), "int64", [0, 0]),
    (lambda: torch.einsum("ij,ik->", torch.ones(2, 3), torch.ones(2, 1)), "float32", 6.0),
    (lambda: torch.any(torch.tensor([[0.0, 2.0]]), dim=()), "bool", [[False, True]]),
    (lambda: torch.all(torch.tensor([0, 2], dtype=torch.uint8), dim=()), "uint8", [0, 1]),
    (lambda: torch.addmm(*[torch.ones(1, 1) * 1j] * 3, beta=2j), "complex64", [[-3]]),
    (lambda: torch.lgamma(torch.tensor([-INF, INF, 0.0])), "float32", [INF, INF, INF]),
    (lambda: torch.unique(torch.tensor([NAN, 1.0, NAN])), "float32", [1.0, NAN, NAN]),
    (lambda: torch.unique(torch.tensor([NAN, 1.0, NAN]), return_counts=True)[1], "int64", [1, 1, 1]),
    (lambda: torch.linalg.matrix_norm(torch.ones(0, 3), 2), "float32", 0.0),
    (lambda: torch.linalg.matrix_norm(torch.ones(2, 3, 0), 1), "float32", [0.0, 0.0]),
    (lambda: torch.linalg.matrix_norm(torch.ones(0, 3), INF, keepdim=True), "float32", [[0.0]]),
]  # fmt: skip


@pytest.mark.parametrize(("compute", "dtype", "expected"), VALUES, ids=range(len(VALUES)))
def test_value(compute, dtype, expected):
    result = compute()
    assert str(result.dtype) == f"torch.{dtype}"
    assert tuple(result.shape) == np.shape(expected)
    np.testing.assert_allclose(to_numpy(result), expected, rtol=1e-6, atol=1e-6)


def test_running_statistics_are_left_alone_by_an_empty_batch():
    mean, var = torch.zeros(2), torch.ones(2)
    F.batch_norm(torch.zeros(0, 2), mean, var, training=True)
    assert (mean.tolist(), var.tolist()) == ([0, 0], [1, 1])


def test_an_empty_vector_beside_others_gets_a_gradient():
    empty, full = torch.empty(0, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    torch.cat([empty, full]).sum().backward()
    assert tuple(empty.grad.shape) == (0,)
    assert full.grad.tolist() == [[1, 1]]


def test_the_value_of_index_fill_counts_a_place_once():
    value = torch.tensor(2.0, requires_grad=True)
    torch.zeros(3).index_fill_(0, torch.tensor([1, 1]), value).sum().backward()
    assert value.grad.item() == 1


REFUSED = [
    (lambda: torch.cat([]), ValueError),
    (lambda: torch.stack([]), RuntimeError),
    (lambda: torch.arange(0, 1, 0), RuntimeError),
    (lambda: torch.arange(0, 1, 0.5, dtype=torch.int64), ValueError),
    (lambda: zero_d().narrow(0, 0, 1), RuntimeError),
    (lambda: torch.amax(torch.ones(2, 0), 1), IndexError),
    (lambda: torch.amax(torch.ones(2, 0)), RuntimeError),
    (lambda: torch.amin(torch.ones(2, 0), ()), RuntimeError),
    (lambda: torch.max(torch.ones(0), 0), IndexError),
    (lambda: torch.min(torch.ones(0)), RuntimeError),
    (lambda: torch.argmax(torch.ones(0)), IndexError),
    (lambda: torch.argmin(torch.ones(2, 0), 1), IndexError),
    (lambda: F.adaptive_avg_pool2d(torch.ones(2, 2), (2, 2)), ValueError),
    (lambda: F.adaptive_max_pool2d(torch.ones(2, 2), 2), RuntimeError),
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(3).long()), ValueError),
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2, 3).long()), RuntimeError),
    (lambda: F.cross_entropy(torch.ones(2, 3), torch.ones(2)), RuntimeError),
    (lambda: F.nll_loss(torch.ones(2, 3, 5), torch.ones(2, 4).long()), RuntimeError),
    (lambda: F.nll_loss(torch.ones(2, 3, 5), torch.ones(3, 5).long()), ValueError),
    (lambda: F.conv1d(torch.ones(1, 2, dtype=torch.bool), torch.ones(1, 1, 1, dtype=torch.bool)), RuntimeError),
    (lambda: F.avg_pool1d(torch.ones(1, 2, dtype=torch.int8), 2), RuntimeError),
    (lambda: F.max_pool1d(torch.ones(1, 2, dtype=torch.int64), 2), RuntimeError),
    (lambda: torch.nn.HuberLoss(delta=1j), TypeError),
    (lambda: torch.nn.CircularPad1d(1)(torch.ones(1, 1, 1, 3)), ValueError),
    (lambda: torch.masked_fill(torch.ones(1), torch.tensor([True]), torch.tensor(1j)), RuntimeError),
    (lambda: F.nll_loss(torch.ones(1, 2), first(), torch.ones(2, dtype=torch.float64)), RuntimeError),
    (lambda: torch.optim.Adam([torch.ones(1)], lr=torch.tensor(0.1), foreach=True), ValueError),
    (lambda: torch.eq(2, torch.ones(1)), TypeError),
    (lambda: torch.gt(2, torch.ones(1)), TypeError),
    (lambda: torch.logical_and(torch.ones(1), 2), TypeError),
    (lambda: torch.fmod(2, torch.ones(1)), TypeError),
    (lambda: torch.atan2(torch.ones(1), 2), TypeError),
    (lambda: torch.isclose(torch.ones(1), torch.ones(1), rtol=-0.4), RuntimeError),
    (lambda: torch.isclose(torch.ones(1), torch.ones(1, dtype=torch.int64)), RuntimeError),
    (lambda: torch.linspace(torch.ones(2), 1, 3), RuntimeError),
    (lambda: torch.linspace(0, 1, 3.0), TypeError),
    (lambda: torch.tensor([1j]).abs_(), RuntimeError),
    (lambda: torch.flip(torch.ones(2), (0, 0)), RuntimeError),
    (lambda: torch.index_select(zero_d(), 0, torch.tensor([0, 0])), RuntimeError),
    (lambda: torch.scatter(torch.ones(2), 0, first(), 1.0, reduce="mean"), RuntimeError),
    (lambda: torch.repeat_interleave(torch.ones(2), 2, output_size=3), RuntimeError),
    (lambda: torch.norm(torch.ones(2), "nuc"), RuntimeError),
    (lambda: torch.pow(torch.tensor([2]), -1), RuntimeError),
    (lambda: F.batch_norm(torch.ones(2, 1), None, None, training=True, eps=0.0), ValueError),
    (lambda: F.gaussian_nll_loss(torch.ones(2, 3), torch.ones(2, 3), torch.ones(1, 1)), ValueError),
    (lambda: torch.unique(torch.ones(2, 0), dim=0), RuntimeError),
    (lambda: torch.meshgrid(torch.ones(2, 2), torch.ones(1)), RuntimeError),
    (lambda: torch.addcdiv(torch.ones(1), torch.tensor([1]), torch.tensor([2])), RuntimeError),
    (lambda: torch.relu(torch.tensor([1j])), NotImplementedError),
    (lambda: torch.erf(torch.tensor([1j])), NotImplementedError),
    (lambda: torch.erfc(torch.tensor([1j])), NotImplementedError),
    (lambda: F.mse_loss(torch.tensor([1j]), torch.tensor([0j])), NotImplementedError),
    (lambda: torch.linalg.svdvals(torch.full((2, 2), NAN)), torch.linalg.LinAlgError),
    (lambda: torch.linalg.pinv(torch.full((2, 2), NAN)), torch.linalg.LinAlgError),
    (lambda: torch.linalg.matrix_rank(torch.full((2, 2), NAN)), torch.linalg.LinAlgError),
    (lambda: torch.norm(torch.full((2, 2), NAN), "nuc"), torch.linalg.LinAlgError),
    (lambda: solved_with_pivots([0, 2]), RuntimeError),
    (lambda: solved_with_pivots([1, 3]), RuntimeError),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error"), REFUSED, ids=range(len(REFUSED)))
def test_refused(call, error):
    with pytest.raises(error):
        call()


def test_integers_that_float64_cannot_hold_are_refused():
    large = torch.tensor([[[2**53 + 1, 1]]])
    with pytest.raises(RuntimeError, match=r"below 2\*\*53"):
        F.max_pool2d(large, (1, 2))
    with pytest.raises(RuntimeError, match=r"below 2\*\*53"):
        F.conv1d(torch.tensor([[2**40]]), torch.tensor([[[2**40]]]))


@pytest.mark.host("on a GPU nobody looks")
def test_a_matrix_with_nan_is_not_positive_definite():
    matrices = torch.tensor([[[4.0, NAN], [NAN, 3.0]], [[1.0, 0.0], [0.0, 1.0]], [[NAN, 0.0], [0.0, 1.0]]])
    assert torch.linalg.cholesky_ex(matrices).info.tolist() == [2, 0, 1]
    with pytest.raises(torch.linalg.LinAlgError, match="element 0.*order 2"):
        torch.linalg.cholesky(matrices)


@pytest.mark.host("on a GPU nobody looks")
def test_the_condition_number_of_a_singular_matrix():
    assert torch.linalg.cond(torch.zeros(3, 3), "nuc").item() == INF


def test_how_often_each_number():
    """Called with repeats alone, it repeats 0, 1, 2, ...; and a matrix of no blocks has one row, as in PyTorch."""
    found = torch.repeat_interleave(torch.tensor([1, 0, 2], dtype=torch.int32))
    assert (found.tolist(), found.dtype) == ([0, 2, 2], torch.int32)
    with pytest.raises(RuntimeError, match=r"a vector of integers, got \[1, 1\]"):
        torch.repeat_interleave(torch.tensor([[1]]))
    with pytest.raises(RuntimeError, match="a vector of integers, got .* of float32"):
        torch.repeat_interleave(torch.ones(2))
    assert torch.block_diag().shape == (1, 0)
    assert torch.nn.functional.unfold(torch.eye(3)[None, None] > 0, 2).dtype is torch.bool


@pytest.mark.torch_parity
@pytest.mark.host("compares with PyTorch")
def test_special_functions_by_the_names_of_their_arguments():
    pytorch = pytest.importorskip("torch")
    for name in ("airy_ai", "spherical_bessel_j0", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1"):
        found = [getattr(engine.special, name)(x=engine.tensor([0.7])).item() for engine in (torch, pytorch)]
        assert found[0] == pytest.approx(found[1], rel=1e-5)
    for name in [n for n in dir(pytorch.special) if "polynomial" in n]:
        found = [
            getattr(engine.special, name)(x=engine.tensor([0.7]), n=engine.tensor([3.0])).item()
            for engine in (torch, pytorch)
        ]
        assert found[0] == pytest.approx(found[1], rel=1e-4), name
