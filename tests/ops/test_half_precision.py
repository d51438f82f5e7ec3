"""Half precision is computed in float32 and rounded once: the table of operations, large and small values, PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.device import tensor_from_array, to_numpy
from tests.ops.op_table import SAMPLES, ids
from tests.ops.samples import Call, flatten
from tests.ops.table_linalg import WITHOUT_HALF
from tinygrad_edu import ops
from tinygrad_edu.dtypes import from_numpy_dtype
from tinygrad_edu.numpy_dtypes import BFLOAT16, FLOAT16, float_limits

HALVES = [
    FLOAT16,
    pytest.param(BFLOAT16, marks=pytest.mark.host("a GPU has no bfloat16")),
]
each_half = pytest.mark.parametrize("half_dtype", HALVES, ids=["float16", "bfloat16"])

# One step, and one more where a quotient's or a power's slope is itself of two.
ULPS, GRADIENT_ULPS = 1.01, 3
EXACT_RESULT = {"bincount", "cast", "float_power"}  # whose dtype is not the input's
REFUSED = {"quantile", "nanquantile", "cdist", "pdist", *WITHOUT_HALF}  # of float16, as in PyTorch


def run(entry, sample, half_dtype, dtype):
    """Return results and gradients of one call with numbers of half precision, computed in a dtype."""

    def wrap(array, grad):
        return tensor_from_array(
            array.astype(half_dtype).astype(dtype) if array.dtype.kind == "f" else array, grad
        )

    torch.manual_seed(0)
    call = Call(sample, wrap)
    outputs = flatten(call.run(entry.call or getattr(ops, entry.name)))
    wanted = [x for x in outputs if getattr(x, "requires_grad", False)]
    rng = np.random.default_rng(0)
    seeds = [
        tensor_from_array(np.asarray(rng.uniform(0.5, 1.5, x.shape), half_dtype).astype(dtype))
        for x in wanted
    ]
    if wanted:
        torch.autograd.backward(wanted, seeds)
    return [to_numpy(x) for x in outputs], [x.grad for x in call.differentiable]


def check_ulps(found, exact, most, half_dtype):
    """Compare with a float64 result: at most so many steps of the dtype away, and infinite only where it must be."""
    found, exact = np.asarray(found), np.asarray(exact)
    if exact.dtype.kind != "f":
        np.testing.assert_array_equal(found, exact)
        return
    assert found.dtype == half_dtype
    rounded = exact.astype(half_dtype)
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite].astype(float), rounded[~finite].astype(float))
    step = np.spacing(np.maximum(abs(rounded[finite]), float_limits(half_dtype).tiny)).astype(float)
    assert np.all(abs(found[finite].astype(float) - exact[finite]) <= most * step)


@each_half
@pytest.mark.parametrize(("entry", "sample"), SAMPLES, ids=ids(SAMPLES))
def test_as_good_as_one_rounding(entry, sample, half_dtype):
    if {entry.name, sample.label} & REFUSED:
        with pytest.raises(RuntimeError, match="float32"):
            run(entry, sample, half_dtype, half_dtype)
        return
    results, gradients = run(entry, sample, half_dtype, half_dtype)
    exact_results, exact_gradients = run(entry, sample, half_dtype, np.dtype(np.float64))
    for found, exact in zip(results, exact_results, strict=True):
        if entry.name not in EXACT_RESULT:
            check_ulps(found, exact, ULPS, half_dtype)
    for found, exact in zip(gradients, exact_gradients, strict=True):
        assert (found is None) == (exact is None)
        if exact is not None:
            check_ulps(to_numpy(found), to_numpy(exact), GRADIENT_ULPS, half_dtype)


def half(*values):
    return torch.tensor(values, dtype=torch.float16)


def full(value, *shape):
    return torch.full(shape, value, dtype=torch.float16)


# What overflows or vanishes on the way, though the result is an ordinary number; and that number.
LARGE_AND_SMALL = {
    "mean": (lambda half, full: full(1000.0, 100).mean(), 1000),
    "sum": (lambda half, full: full(1.0, 5000).sum(), 5000),
    "product with a small number": (lambda half, full: half(60000.0) * 1e-8, 6e-4),
    "product with a large number": (lambda half, full: 1e6 * half(0.001), 1000.45),
    "quotient by a large number": (lambda half, full: half(60000.0) / 100000, 0.6),
    "quotient of a large number": (lambda half, full: 100000 / half(60000.0), 1.6667),
    "norm": (lambda half, full: torch.norm(full(300.0, 100)), 3000),
    "norm of small numbers": (lambda half, full: torch.norm(full(1e-5, 100)), 1e-4),
    "3-norm": (lambda half, full: torch.norm(full(300.0, 1000), 3), 3000),
    "std": (lambda half, full: half(0.0, 1e4, 2e4).std(), 1e4),
    "std of small numbers": (lambda half, full: half(0.0, 1e-4, 2e-4).std(), 1e-4),
    "var": (lambda half, full: half(0.0, 200.0, 400.0).var(), 40000),
    "normalize": (lambda half, full: F.normalize(full(300.0, 1, 100))[0, 0], 0.1),
    "cosine_similarity": (lambda half, full: torch.cosine_similarity(full(300.0, 1, 100), full(600.0, 1, 100)), 1),
    "layer_norm": (lambda half, full: F.layer_norm(half(0.0, 3e4, 6e4), (3,))[2], 1.5**0.5),
    "rms_norm": (lambda half, full: F.rms_norm(full(300.0, 4), (4,))[0], 1),
    "group_norm": (lambda half, full: F.group_norm(half(0.0, 6e4)[None], 1)[0, 1], 1),
    "batch_norm": (lambda half, full: F.batch_norm(half(0.0, 6e4)[:, None], None, None, training=True)[1, 0], 1),
    "instance_norm": (lambda half, full: F.instance_norm(half(0.0, 6e4)[None, None])[0, 0, 1], 1),
    "local_response_norm": (lambda half, full: F.local_response_norm(full(300.0, 1, 1, 1), 1, 1.0, 0.5), 1),
    "mse_loss": (lambda half, full: F.mse_loss(half(300.0, 0.0), half(0.0, 0.0)), 45000),
    "huber_loss": (lambda half, full: F.huber_loss(half(500.0), half(0.0), delta=100.0), 45000),
    "cross_entropy": (lambda half, full: F.cross_entropy(full(0.0, 20000, 4), torch.zeros(20000).long()), math.log(4)),
    "nll_loss": (lambda half, full: F.nll_loss(full(-10.0, 20000, 2), torch.zeros(20000, dtype=torch.int64)), 10),
    "gaussian_nll_loss": (lambda half, full: F.gaussian_nll_loss(half(300.0), half(0.0), half(2.0)), 22500.35),
    "pairwise_distance": (lambda half, full: F.pairwise_distance(full(300.0, 1, 100), full(0.0, 1, 100)), 3000),
    "logsumexp": (lambda half, full: torch.logsumexp(full(0.0, 5000), 0), math.log(5000)),
    "log_softmax": (lambda half, full: torch.log_softmax(full(0.0, 5000), 0)[0], -math.log(5000)),
    "prod": (lambda half, full: torch.prod(half(1000.0, 1000.0, 0.001)), 1000.45),
    "cumprod": (lambda half, full: torch.cumprod(half(1000.0, 1000.0, 0.001), 0)[2], 1000.45),
    "cumsum": (lambda half, full: torch.cumsum(full(1.0, 5000), 0)[-1], 5000),
    "softplus": (lambda half, full: F.softplus(half(15.0)), 15),
    "gelu": (lambda half, full: F.gelu(half(50.0), approximate="tanh"), 50),
    "logsigmoid": (lambda half, full: F.logsigmoid(half(12.0)), -6.1442e-6),
    "matmul": (lambda half, full: full(1.0, 1, 5000) @ full(1.0, 5000, 1), 5000),
    "bmm": (lambda half, full: torch.bmm(full(1.0, 2, 1, 5000), full(1.0, 2, 5000, 1))[1], 5000),
    "addmm": (lambda half, full: torch.addmm(full(-6e4, 1, 1), full(300.0, 1, 1), full(300.0, 1, 1)), 30000),
    "baddbmm": (lambda half, full: torch.baddbmm(full(-6e4, 1, 1, 1), *[full(300.0, 1, 1, 1)] * 2), 30000),
    "einsum": (lambda half, full: torch.einsum("i,i->", full(300.0, 3), full(50.0, 3)), 45000),
    "bilinear": (lambda half, full: F.bilinear(full(300.0, 1, 1), full(0.001, 1, 1), full(300.0, 1, 1, 1)), 90.04),
    "linear": (lambda half, full: F.linear(full(1.0, 1, 5000), full(1.0, 1, 5000), half(1000.0)), 6000),
    "conv1d": (lambda half, full: F.conv1d(full(1.0, 1, 1, 5000), full(1.0, 1, 1, 5000)), 5000),
    "avg_pool1d": (lambda half, full: F.avg_pool1d(full(1000.0, 1, 1, 100), 100), 1000),
    "addcmul": (lambda half, full: torch.addcmul(half(-6e4), half(300.0), half(300.0)), 30000),
    "lerp": (lambda half, full: torch.lerp(half(6e4), half(-6e4), 0.5), 0),
    "scatter_add": (lambda half, full: full(0.0, 1).scatter_add(0, torch.zeros(5000, dtype=torch.int64),
                                                                           full(1.0, 5000)), 5000),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("name", LARGE_AND_SMALL)
@each_half
def test_nothing_overflows_or_vanishes_on_the_way(name, half_dtype):
    compute, expected = LARGE_AND_SMALL[name]
    dtype = from_numpy_dtype(half_dtype)
    result = compute(
        lambda *values: torch.tensor(values, dtype=dtype),
        lambda value, *shape: torch.full(shape, value, dtype=dtype),
    )
    assert result.dtype is dtype
    eps = torch.finfo(dtype).eps
    np.testing.assert_allclose(to_numpy(result).astype(float).ravel(), expected, rtol=eps, atol=6e-8)


# Kernels that know float32 and float64 only, and how each is called with two tensors of half precision.
KERNELS = {
    "conv2d": (F.conv2d, (2, 2, 5, 5), (3, 2, 3, 3)),
    "conv1d": (F.conv1d, (2, 2, 5), (3, 2, 3)),
    "conv_transpose2d": (F.conv_transpose2d, (2, 2, 3, 3), (2, 3, 2, 2)),
    "avg_pool2d": (lambda x, w: F.avg_pool2d(x * w, 2), (1, 2, 4, 4), (1, 2, 4, 4)),
    "max_pool2d": (lambda x, w: F.max_pool2d(x * w, 2), (1, 2, 4, 4), (1, 2, 4, 4)),
    "adaptive_avg_pool2d": (lambda x, w: F.adaptive_avg_pool2d(x * w, 2), (1, 2, 3, 3), (1, 2, 3, 3)),
    "adaptive_max_pool2d": (lambda x, w: F.adaptive_max_pool2d(x * w, 2), (1, 2, 3, 3), (1, 2, 3, 3)),
    "dropout": (lambda x, w: F.dropout(x * w, 0.5), (4, 5), (4, 5)),
    "dropout2d": (lambda x, w: F.dropout2d(x * w, 0.5), (2, 3, 2, 2), (2, 3, 2, 2)),
    "linear": (F.linear, (4, 3), (2, 3)),
    "matmul": (torch.matmul, (2, 4, 3), (3, 2)),
    "embedding": (lambda x, w: F.embedding(torch.tensor([0, 2, 0]), x) * w, (3, 2), (3, 2)),
    "embedding_bag": (lambda x, w: F.embedding_bag(torch.tensor([[0, 2], [0, 1]]), x * w), (3, 2), (3, 2)),
    "cross_entropy": (lambda x, w: F.cross_entropy(x * w, torch.tensor([0, 2, 0])), (3, 4), (3, 4)),
    "softmax": (lambda x, w: torch.softmax(x * w, -1), (3, 4), (3, 4)),
    "layer_norm": (lambda x, w: F.layer_norm(x * w, (4,)), (3, 4), (3, 4)),
    "batch_norm": (lambda x, w: F.batch_norm(x * w, None, None, training=True), (5, 2), (5, 2)),
}  # fmt: skip


def second_gradients(function, arrays, half_dtype, dtype):
    """Return the result, the gradients of a weighted sum of it, and those of the sum of their squares."""
    torch.manual_seed(0)
    tensors = [tensor_from_array(x.astype(dtype), True) for x in arrays]
    result = function(*tensors)
    weights = np.random.default_rng(2).uniform(0.1, 0.5, result.shape).astype(half_dtype).astype(dtype)
    first = torch.autograd.grad((result * tensor_from_array(weights)).sum(), tensors, create_graph=True)
    second = torch.autograd.grad(sum((g * g).sum() for g in first), tensors, allow_unused=True)
    return [result, *first, *second]


@each_half
@pytest.mark.parametrize("name", KERNELS)
def test_what_kernels_compute_forward_backward_and_again(name, half_dtype):
    function, *shapes = KERNELS[name]
    rng = np.random.default_rng(1)
    arrays = [rng.uniform(0.5, 1, shape).astype(half_dtype) for shape in shapes]
    exact = second_gradients(function, arrays, half_dtype, np.float64)
    for found, expected in zip(
        second_gradients(function, arrays, half_dtype, half_dtype), exact, strict=True
    ):
        assert found.array.dtype == half_dtype
        scale = float(abs(to_numpy(expected)).max()) or 1.0
        error = to_numpy(found).astype(float) - to_numpy(expected)
        assert abs(error).max() <= 20 * float(float_limits(half_dtype).eps) * scale


def test_float16_beside_float32_is_promoted_or_refused_as_before():
    x, y = full(1.0, 2, 2), torch.ones(2, 2)
    assert F.mse_loss(x, y).dtype is torch.float32
    assert torch.prod(x, dtype=torch.float32).dtype is torch.float32
    assert F.softmax(x, 0, dtype=torch.float32).dtype is torch.float32
    with pytest.raises(RuntimeError, match="expected both operands to have the same dtype"):
        x @ y
    for convolve in (F.conv2d, F.conv_transpose2d):
        with pytest.raises(RuntimeError, match="should be the same"):
            convolve(full(1.0, 1, 1, 2, 2), torch.ones(1, 1, 1, 1))


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm", "group_norm", "instance_norm", "batch_norm"])
def test_normalisation_with_parameters_of_float32_keeps_the_dtype_of_the_input(name):
    x, weight = full(1.0, 2, 4, 4), torch.ones(4)
    between = {
        "group_norm": (2,),
        "instance_norm": (None, None),
        "batch_norm": (torch.zeros(4), torch.ones(4)),
    }
    result = getattr(F, name)(x, *between.get(name, ((4,),)), weight)
    assert result.dtype is torch.float16


def test_running_statistics_of_float16_are_changed_in_place():
    mean, var = full(0.0, 1), full(1.0, 1)
    F.batch_norm(half(100.0, 300.0)[:, None], mean, var, training=True)
    assert (mean.item(), var.item()) == (20.0, 2001.0)
    before = mean._version
    F.batch_norm(half(100.0, 300.0)[:, None], mean, var)
    assert mean._version == before


def test_the_gradient_of_a_mean_of_more_numbers_than_float16_can_count():
    x = torch.zeros(100_000, dtype=torch.float16, requires_grad=True)
    x.mean().backward()
    np.testing.assert_allclose(to_numpy(x.grad).astype(float), 1e-5, rtol=5e-3)


def test_a_norm_that_overflowed_zeroes_no_gradients():
    x = torch.zeros(100, dtype=torch.float16, requires_grad=True)
    x.grad = full(300.0, 100)
    assert torch.nn.utils.clip_grad_norm_([x], 1.0).item() == 3000
    np.testing.assert_allclose(to_numpy(x.grad), 0.1, rtol=1e-3)
