"""NaN, infinity, ties, overflow and other values at the edge, against PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu import ops

pytestmark = pytest.mark.torch_parity
torch = pytest.importorskip("torch")
F = torch.nn.functional

from tests.ops.parity import compare  # noqa: E402

NAN, INF = np.nan, np.inf
EDGES = np.array([NAN, INF, -INF, 0.0, -0.0, 1.0, -1.0, 100.0, -100.0, 1e-30, 3.0, -3.0, 6.0, 20.0, 0.5])
TABLES = {
    "nan": np.array([[1.0, NAN, 3.0], [NAN, 5.0, NAN], [2.0, 1.0, 4.0]]),
    "inf": np.array([[INF, 1.0, -INF], [-INF, -INF, -INF], [INF, INF, 0.0]]),
    "ties": np.array([[2.0, 2.0, 1.0], [1.0, 1.0, 1.0], [0.0, 3.0, 3.0]]),
    "large": np.array([[1000.0, 999.0, 0.0], [-1000.0, -999.0, -1000.0], [1e4, -1e4, 0.0]]),
}
per_table = pytest.mark.parametrize("table", TABLES)
per_dtype = pytest.mark.parametrize("dtype", ["float64", "float32"])

ELEMENTWISE = [
    "relu",
    "relu6",
    "hardtanh",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "logsigmoid",
    "mish",
    "softsign",
    "tanhshrink",
    "hardsigmoid",
    "hardswish",
    "sigmoid",
    "tanh",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "rsqrt",
    "sin",
    "cos",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "asinh",
    "acosh",
    "atanh",
    "erf",
    "erfc",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "round",
    "frac",
    "square",
    "reciprocal",
    "absolute",
    "neg",
]


@per_dtype
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise(name, dtype):
    theirs = getattr(F, name, None) or getattr(torch, name)
    edges = EDGES.astype(dtype)
    if name == "gelu":  # PyTorch's float32 gives NaN for infinity, its float64 does not
        edges = edges[np.isfinite(edges)]
    compare(getattr(ops, name), theirs, edges, tolerance=2e-6)


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "div", "maximum", "minimum", "pow", "remainder", "fmod", "atan2"]
)
def test_two_operands(name):
    a, b = (x.ravel() for x in np.meshgrid(EDGES, EDGES))
    compare(getattr(ops, name), getattr(torch, name), a, b)


@pytest.mark.parametrize(
    "name", ["floor_divide", "eq", "ne", "lt", "le", "gt", "ge", "isclose", "logical_and", "logical_xor"]
)
def test_two_operands_without_gradient(name):
    a, b = (x.ravel() for x in np.meshgrid(EDGES, EDGES))
    compare(getattr(ops, name), getattr(torch, name), a, b, gradient=False)


@pytest.mark.parametrize("mode", ["trunc", "floor"])
def test_div_with_rounding(mode):
    a, b = (x.ravel() for x in np.meshgrid(EDGES, EDGES))
    compare(ops.div, torch.div, a, b, rounding_mode=mode)
    numbers = np.array([7, -7, 2**60 + 1, -(2**60) - 1, 0])
    compare(ops.div, torch.div, numbers, np.array([2, 2, 3, 3, 5]), rounding_mode=mode)
    compare(ops.div, torch.div, numbers, -2, rounding_mode=mode)


@pytest.mark.parametrize(
    "bounds", [(-1.0, 1.0), (0.0, None), (None, 0.0), (2.0, -2.0), (1.0, 1.0), (NAN, None), (-INF, INF)]
)
def test_clamp(bounds):
    compare(ops.clamp, torch.clamp, EDGES, *bounds)


def test_clamp_between_tensors():
    a, b = (x.ravel() for x in np.meshgrid(EDGES, EDGES))
    compare(ops.clamp, torch.clamp, a, b, b[::-1].copy())
    compare(ops.clamp, torch.clamp, a, b)
    compare(ops.clamp, torch.clamp, a, None, b)


def test_where_keeps_the_other_branch_out():
    x = np.array([0.0, 1.0, NAN, INF])
    compare(lambda t: ops.where(t > 0, ops.log(t), t), lambda t: torch.where(t > 0, torch.log(t), t), x)
    compare(lambda t: ops.where(t > 0.5, t, 0.0), lambda t: torch.where(t > 0.5, t, 0.0), x)
    compare(lambda t: ops.masked_fill(t, t > 0.5, -INF), lambda t: t.masked_fill(t > 0.5, -INF), x)


# Where one NaN makes all gradients of its row NaN in PyTorch, or all of them 0; here it stays where it is.
LOCAL_NAN = {"amax", "amin", "prod", "cumprod", "norm"}
REDUCTIONS = ["max", "min", "amax", "amin", "sum", "mean", "prod", "var", "std", "norm"]


@per_table
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_of_all(name, table):
    gradient = table != "nan" or name not in LOCAL_NAN
    compare(getattr(ops, name), getattr(torch, name), TABLES[table], gradient=gradient)


@per_dtype
@per_table
@pytest.mark.parametrize(
    "name", [*REDUCTIONS, "logsumexp", "cumsum", "cumprod", "softmax", "log_softmax", "argmax", "argmin"]
)
def test_reductions_along_a_dimension(name, table, dtype):
    for dim in (0, 1):
        x = TABLES[table].astype(dtype)
        more = (2, dim) if name == "norm" else (dim,)
        gradient = name not in LOCAL_NAN or (table != "nan" and (name, table) != ("cumprod", "inf"))
        compare(getattr(ops, name), getattr(torch, name), x, *more, tolerance=1e-5, gradient=gradient)


@per_table
@pytest.mark.parametrize("p", [0, 1, 2, 3, 0.5, INF, -INF, "fro"])
def test_norms(p, table):
    gradient = table != "nan" and p != 0 and (p, table) != (0.5, "inf")
    compare(ops.norm, torch.norm, TABLES[table], p, tolerance=1e-5, gradient=gradient)
    compare(ops.norm, torch.norm, np.zeros((2, 3)), p, gradient=p != 0)


@per_table
@pytest.mark.parametrize("descending", [False, True])
def test_sorting(descending, table):
    x = TABLES[table]
    compare(
        lambda t: ops.sort(t, 1, descending),
        lambda t: torch.sort(t, dim=1, descending=descending, stable=True),
        x,
    )
    compare(
        lambda t: ops.topk(t, 2, 1, descending)[0],
        lambda t: torch.topk(t, 2, 1, descending)[0],
        x,
        gradient=table != "ties",
    )


@per_table
def test_max_pooling(table):
    x = np.stack([TABLES[table], TABLES[table].T])[None]
    for kernel, stride, padding in [(2, 1, 0), (2, 2, 1), (3, 1, 1)]:
        options = {"stride": stride, "padding": padding, "return_indices": True}
        compare(ops.max_pool2d, F.max_pool2d, x, kernel, **options)
    compare(ops.adaptive_max_pool2d, F.adaptive_max_pool2d, x, 2, return_indices=True)
    compare(ops.avg_pool2d, F.avg_pool2d, x, 2)


@per_dtype
@per_table
def test_cross_entropy(table, dtype):
    target = np.array([0, 2, 1])
    x = TABLES[table].astype(dtype)
    for reduction in ("none", "mean", "sum"):
        compare(ops.cross_entropy, F.cross_entropy, x, target, reduction=reduction, tolerance=1e-5)
        compare(
            ops.cross_entropy,
            F.cross_entropy,
            x,
            target,
            reduction=reduction,
            label_smoothing=0.1,
            tolerance=1e-5,
        )
        compare(ops.nll_loss, F.nll_loss, x, target, reduction=reduction)


def test_losses_of_nothing():
    """The mean over no elements is NaN, the sum 0."""
    for reduction in ("none", "mean", "sum"):
        nothing = np.zeros((0, 3)), np.zeros(0, np.int64)
        compare(ops.cross_entropy, F.cross_entropy, *nothing, reduction=reduction)
        compare(ops.nll_loss, F.nll_loss, *nothing, reduction=reduction)
        compare(ops.mse_loss, F.mse_loss, np.zeros((0, 3)), np.zeros((0, 3)), reduction=reduction)
        ignored = np.array([-100, -100])
        compare(ops.cross_entropy, F.cross_entropy, np.ones((2, 3)), ignored, reduction=reduction)
        compare(
            ops.cross_entropy,
            F.cross_entropy,
            np.ones((2, 3)),
            ignored,
            reduction=reduction,
            label_smoothing=0.1,
        )


def test_binary_cross_entropy_at_the_ends():
    p = np.array([0.0, 0.0, 1.0, 1.0, 0.5, 1e-30, 1 - 1e-16])
    t = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    for reduction in ("none", "mean", "sum"):
        compare(ops.binary_cross_entropy, F.binary_cross_entropy, p, t, reduction=reduction)
        compare(ops.binary_cross_entropy, F.binary_cross_entropy, p, t, reduction=reduction, nongrad=(1,))
    x = np.array([0.0, 800.0, -800.0, INF, -INF, NAN, 30.0])
    compare(ops.binary_cross_entropy_with_logits, F.binary_cross_entropy_with_logits, x, t, reduction="none")
    compare(
        ops.binary_cross_entropy_with_logits,
        F.binary_cross_entropy_with_logits,
        x,
        t,
        reduction="none",
        pos_weight=None,
        weight=None,
    )


def test_kl_div_of_zero_probabilities():
    compare(
        ops.kl_div,
        F.kl_div,
        np.array([-1.0, -2.0, -0.5]),
        np.array([0.0, 0.3, 1.0]),
        nongrad=(1,),
        reduction="sum",
    )


def test_normalising_constants():
    x = np.array([[2.0, 2.0, 2.0], [0.0, 0.0, 0.0], [1e20, -1e20, 0.0]])
    compare(ops.layer_norm, F.layer_norm, x, (3,))
    compare(ops.normalize, F.normalize, x)
    compare(ops.cosine_similarity, F.cosine_similarity, x, x[::-1].copy())
    compare(ops.std, torch.std, x, 1)


def test_zeros_in_products():
    for row in ([0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 0.0]):
        compare(ops.prod, torch.prod, np.array(row))
        compare(ops.cumprod, torch.cumprod, np.array([row, row]), 1)


def test_variance_of_one_element(recwarn):
    compare(ops.var, torch.var, np.array([3.0]))
    compare(ops.std, torch.std, np.array([[3.0], [1.0]]), 1)
