"""The operations that the parity report runs, each with a small and a typical call.

A recipe is data: the name of a function of ``tinygrad_edu.ops``, and its arguments, where :class:`Values`
describes a tensor that is made anew, with the same numbers, for every device.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu import Tensor, ops
from tinygrad_edu.learn.parity_complex import COMPLEX
from tinygrad_edu.learn.parity_linalg import LINALG
from tinygrad_edu.learn.parity_recipe import (
    Recipe,
    Values,
    alike,
    bools,
    ints,
    op,
    order,
    positive,
    real,
    signs,
    two,
    unit,
)


def wide(*shape: int) -> Values:
    """Reals that reach beyond the corners of the activations."""
    return Values(shape, -8.0, 11.0)


def above_one(*shape: int) -> Values:
    """Reals above 1."""
    return Values(shape, 1.2, 4.0)


def fixed(*shape: int) -> Values:
    """Positive reals of which no gradient is asked."""
    return Values(shape, 0.4, 2.6, grad=False)


def steep(*shape: int) -> Values:
    """Powers with which a sum over all integers ends; no gradient is asked of them."""
    return Values(shape, 1.2, 4.0, grad=False)


ELEMENTWISE = [
    *alike(
        "neg absolute square sign floor ceil trunc round frac exp exp2 expm1 sin cos sinh cosh tanh", real
    ),
    *alike("atan asinh erf erfc isnan isinf isfinite logical_not", real),
    *alike("relu leaky_relu relu6 hardtanh hardsigmoid hardswish elu selu gelu silu softplus", wide),
    *alike("logsigmoid mish softsign tanhshrink sigmoid", wide),
    *alike("log log2 log10 log1p sqrt rsqrt reciprocal", positive),
    *alike("asin acos atanh tan", unit),
    *alike("acosh", above_one),
    *alike("bitwise_not", ints),
    *two("add sub mul atan2 maximum minimum eq ne lt le gt ge", real, real),
    *two("div floor_divide remainder fmod", real, positive),
    *two("pow", positive, real),
    *two("logical_and logical_or logical_xor", bools, bools),
    *two("bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift", ints, ints),
    *alike("isclose allclose equal", real, 2),
    op("lerp", (real(3, 5), real(3, 5), 0.3), (real(1024, 1024), real(1024, 1024), 0.3)),
    *alike("sinc deg2rad rad2deg nan_to_num sgn signbit isposinf isneginf isreal angle", real),
    *alike("logit erfinv ndtri", unit),
    *alike("lgamma digamma entr", positive),
    *alike("erfcx ndtr log_ndtr i0 i1 i0e i1e spherical_bessel_j0 airy_ai", real),
    *alike("bessel_j0 bessel_j1 bessel_y0 bessel_y1 modified_bessel_i0 modified_bessel_i1", positive),
    *alike("modified_bessel_k0 modified_bessel_k1", positive),
    *alike("scaled_modified_bessel_k0 scaled_modified_bessel_k1", positive),
    *two("xlog1py", real, positive),
    *two("igamma igammac", fixed, positive),
    *two("zeta", steep, positive),
    op("polygamma", (2, positive(3, 5)), (2, positive(1024, 1024))),
    op("mvlgamma", (above_one(3, 5), 3), (above_one(1024, 1024), 3)),
    *two(" ".join(f"chebyshev_polynomial_{kind}" for kind in "tuvw"), real, ints),
    *two(" ".join(f"shifted_chebyshev_polynomial_{kind}" for kind in "tuvw"), real, ints),
    *two(
        "hermite_polynomial_h hermite_polynomial_he laguerre_polynomial_l legendre_polynomial_p", real, ints
    ),
    *two("logaddexp logaddexp2 hypot fmax fmin copysign heaviside", real, real),
    *two("xlogy float_power", positive, positive),
    *alike("addcmul", real, 3),
    *alike("addcdiv", positive, 3),
    op("where", (bools(3, 5), real(3, 5), real(5)), (bools(1024, 1024), real(1024, 1024), real(1024))),
    op("masked_fill", (real(3, 5), bools(3, 5), -7.0), (real(1024, 1024), bools(1024, 1024), -7.0)),
    op("clamp", (real(3, 5), -0.7, 0.9), (real(1024, 1024), -0.7, 0.9)),
    op("prelu", (real(3, 5), positive(5)), (real(64, 64, 28, 28), positive(64))),
    op("threshold", (real(3, 5), 0.3, -7.0), (real(1024, 1024), 0.3, -7.0)),
]


def along(names: str, make: Callable[..., Values], **options: Any) -> list[Recipe]:
    """Write a row for each of several functions that take the last dimension together."""
    return [op(name, (make(3, 5),), (make(1024, 1024),), dim=1, **options) for name in names.split()]


def factors(*shape: int) -> Values:
    """Reals whose products neither vanish nor overflow."""
    return Values(shape, 0.9, 1.1)


REDUCTIONS = [
    *along("sum amax amin max min argmax argmin var std var_mean std_mean logsumexp cumsum", real),
    op("mean", (real(3, 5),), (real(1024, 1024),)),
    op("norm", (real(3, 5),), (real(1024, 1024),)),
    *along("prod cumprod", factors, rounding=10.0),
    *along("any all count_nonzero", bools),
]


def search_sorted(borders: Tensor, x: Tensor) -> Tensor:
    """Return the places of x among the borders, which are sorted first."""
    return ops.searchsorted(ops.sort(borders).values, x)


def sorted_buckets(x: Tensor, borders: Tensor) -> Tensor:
    """Return the buckets of x between the borders, which are sorted first."""
    return ops.bucketize(x, ops.sort(borders).values)


ORDER = [
    *alike("median nanmedian mode msort aminmax nansum nanmean", real),
    op("kthvalue", (real(3, 5), 2), (real(1024, 1024), 100)),
    *[op(name, (real(3, 5), 0.3, 1), (real(1024, 1024), 0.3, 1)) for name in ("quantile", "nanquantile")],
    *along("cummax cummin logcumsumexp", real),
    *alike("diff trapezoid cumulative_trapezoid", real),
    op("searchsorted", (real(5), real(3, 5)), (real(1024), real(1024, 1024)), function=search_sorted),
    op("bucketize", (real(3, 5), real(5)), (real(1024, 1024), real(1024)), function=sorted_buckets),
    op("histc", (real(20), 5, -2, 2), (real(100_000), 100, -2, 2)),
    op("dist", (real(3, 5), real(3, 5)), (real(1024, 1024), real(1024, 1024))),
    op("cdist", (real(3, 5), real(4, 5)), (real(256, 64), real(256, 64))),
    op("pdist", (real(4, 5),), (real(256, 64),)),
    op("renorm", (real(3, 5), 2, 0, 1.0), (real(1024, 1024), 2, 0, 1.0)),
    op("cov", (real(3, 5),), (real(64, 1024),)),
    op("corrcoef", (real(3, 5),), (real(64, 1024),)),
]

SHAPES = [
    op("reshape", (real(2, 6), (3, 4)), (real(1024, 1024), (512, 2048))),
    op("view", (real(2, 6), 3, 4), (real(1024, 1024), 512, 2048)),
    op("flatten", (real(2, 3, 4), 1), (real(64, 64, 14, 14), 1)),
    op("unflatten", (real(6, 2), 0, (2, 3)), (real(1024, 1024), 0, (32, 32))),
    op("permute", (real(2, 3, 4), (2, 0, 1)), (real(64, 128, 128), (2, 0, 1))),
    op("transpose", (real(2, 3), 0, 1), (real(1024, 1024), 0, 1)),
    op("t", (real(2, 3),), (real(1024, 1024),)),
    op("movedim", (real(2, 3, 4), 0, 2), (real(64, 128, 128), 0, 2)),
    op("squeeze", (real(2, 1, 3), 1), (real(1024, 1, 1024), 1)),
    op("unsqueeze", (real(2, 3), 1), (real(1024, 1024), 1)),
    op("expand", (real(2, 1), 2, 3), (real(1024, 1), 1024, 1024)),
    op("broadcast_to", (real(3), (2, 3)), (real(1024), (1024, 1024))),
    op("flip", (real(2, 3), (0, 1)), (real(1024, 1024), (0, 1))),
    op("clone", (real(2, 3),), (real(1024, 1024),)),
    op("contiguous", (real(2, 3),), (real(1024, 1024),)),
    op("repeat", (real(2, 3), 2, 2), (real(512, 512), 2, 2)),
    op("tile", (real(2, 3), (2, 2)), (real(512, 512), (2, 2))),
    op("repeat_interleave", (real(2, 3), 2, 1), (real(1024, 512), 2, 1)),
    op("tril", (real(4, 4),), (real(1024, 1024),)),
    op("triu", (real(4, 4), 1), (real(1024, 1024), 1)),
    op("diagonal", (real(3, 4), 1), (real(1024, 1024), 1)),
    op("diag", (real(4),), (real(1024),)),
    op("cat", ([real(2, 3), real(1, 3)],), ([real(512, 1024), real(512, 1024)],)),
    op("stack", ([real(2, 3), real(2, 3)],), ([real(512, 1024), real(512, 1024)],)),
    op("hstack", ([real(2, 1), real(2, 2)],), ([real(1024, 512), real(1024, 512)],)),
    op("vstack", ([real(2, 3), real(1, 3)],), ([real(512, 1024), real(512, 1024)],)),
    op("split", (real(5, 2), 2), (real(1024, 1024), 256)),
    op("chunk", (real(4, 2), 2), (real(1024, 1024), 4)),
    op("unbind", (real(2, 3),), (real(8, 512, 256),)),
    op("roll", (real(2, 3), 1, 1), (real(1024, 1024), 100, 1)),
    op("rot90", (real(2, 3),), (real(1024, 1024),)),
    op("fliplr", (real(2, 3),), (real(1024, 1024),)),
    op("flipud", (real(2, 3),), (real(1024, 1024),)),
    op("diag_embed", (real(2, 3),), (real(64, 128),)),
    op("diagflat", (real(2, 3),), (real(32, 32),)),
    op("block_diag", (real(2, 3), real(1, 2)), (real(512, 256), real(256, 512))),
    op("cartesian_prod", (real(2), real(3)), (real(1024), real(512))),
    op("combinations", (real(4),), (real(512),)),
    op("tensor_split", (real(5, 2), 2), (real(1024, 1024), 5)),
    op("hsplit", (real(2, 4), 2), (real(1024, 1024), 4)),
    op("vsplit", (real(4, 2), 2), (real(1024, 1024), 4)),
    op("dsplit", (real(2, 1, 4), 2), (real(64, 128, 128), 4)),
    op("atleast_1d", (real(),), (real(1024),)),
    op("atleast_2d", (real(3),), (real(1024),)),
    op("atleast_3d", (real(3),), (real(1024, 1024),)),
    op("dstack", ([real(2), real(2)],), ([real(1024, 256), real(1024, 256)],)),
    op("column_stack", ([real(2), real(2)],), ([real(1024, 256), real(1024)],)),
    op("pad", (real(2, 3), (1, 2)), (real(64, 32, 14, 14), (1, 1, 1, 1))),
    op("constant_pad_nd", (real(2, 3), (1, 2), 0.5), (real(64, 32, 14, 14), (1, 1, 1, 1), 0.5)),
]


def assign(x: Tensor, value: Tensor, row: int) -> Tensor:
    """Return x with x[row] = value."""
    y = x.clone()
    y[row] = value
    return y


def means_of_segments(x: Tensor, chosen: Tensor) -> Tensor:
    """Return the means of the rows before and after a border."""
    before = ops.sum(chosen.long())
    return ops.segment_reduce(x, "mean", lengths=ops.stack([before, len(x) - before]))


INDEXING = [
    op("getitem", (real(5, 3), ints(4, high=5)), (real(1024, 1024), ints(2048, high=1024))),
    op("SetItem", (real(5, 3), real(3), 2), (real(1024, 1024), real(1024), 2), function=assign),
    op("gather", (real(3, 5), 1, ints(3, 4, high=5)), (real(1024, 1024), 1, ints(1024, 512, high=1024))),
    op("take_along_dim", (real(3, 5), order(3, 5), 1), (real(1024, 1024), order(1024, 1024), 1)),
    op("scatter", (real(3, 5), 1, order(3, 5), real(3, 5)),
       (real(1024, 1024), 1, order(1024, 1024), real(1024, 1024))),
    op("scatter_add", (real(3, 5), 1, ints(3, 4, high=5), real(3, 4)),
       (real(1024, 1024), 1, ints(1024, 512, high=1024), real(1024, 512))),
    op("index_select", (real(5, 3), 0, ints(4, high=5)), (real(1024, 1024), 0, ints(2048, high=1024))),
    op("index_add", (real(5, 3), 0, ints(4, high=5), real(4, 3)),
       (real(1024, 1024), 0, ints(512, high=1024), real(512, 1024))),
    *two("gcd lcm", ints, ints),
    *two("nextafter rsub", real, real),
    *two("ldexp", real, ints),
    op("frexp", (real(3, 5),), (real(1024, 1024),)),
    op("fill", (real(3, 5), 1.5), (real(1024, 1024), 1.5)),
    op("broadcast_tensors", (real(3, 1), real(5)), (real(1024, 1), real(1024))),
    op("sum_to_size", (real(3, 5), 1, 5), (real(1024, 1024), 1, 1024)),
    op("gradient", (real(3, 5),), (real(1024, 1024),)),
    op("segment_reduce", (real(9, 3), bools(9)), (real(1024, 64), bools(1024)), function=means_of_segments),
    op("histogram", (real(20), 5), (real(100_000), 100)),
    op("histogramdd", (real(20, 2), [3, 4]), (real(100_000, 2), [10, 10])),
    op("take", (real(3, 5), ints(4, high=15)), (real(1024, 1024), ints(2048, high=1 << 20))),
    op("put", (real(3, 5), ints(4, high=15), real(4), True),
       (real(1024, 1024), ints(2048, high=1 << 20), real(2048), True)),
    op("index_put", (real(5, 3), (ints(4, high=5),), real(4, 3), True),
       (real(1024, 1024), (ints(512, high=1024),), real(512, 1024), True)),
    op("index_copy", (real(5, 3), 0, order(5), real(5, 3)),
       (real(1024, 1024), 0, order(1024), real(1024, 1024))),
    op("index_fill", (real(5, 3), 0, ints(2, high=5), 1.5), (real(1024, 1024), 0, ints(512, high=1024), 1.5)),
    op("masked_scatter", (real(3, 5), bools(3, 5), real(15)),
       (real(1024, 1024), bools(1024, 1024), real(1024, 1024))),
    op("scatter_reduce", (real(3, 5), 1, ints(3, 4, high=5), real(3, 4), "amax"),
       (real(256, 256), 1, ints(256, 512, high=256), real(256, 512), "amax")),
    op("index_reduce", (real(5, 3), 0, ints(4, high=5), factors(4, 3), "prod"),
       (real(256, 256), 0, ints(256, high=256), factors(256, 256), "prod")),
    op("select_scatter", (real(3, 5), real(3), 1, 2), (real(1024, 1024), real(1024), 1, 2)),
    op("slice_scatter", (real(3, 5), real(3, 2), 1, 1, 3), (real(1024, 1024), real(1024, 2), 1, 1, 3)),
    op("diagonal_scatter", (real(3, 3), real(3)), (real(1024, 1024), real(1024))),
    op("as_strided_scatter", (real(3, 3), real(3), (3,), (4,)), (real(1024, 1024), real(1024), (1024,), (1025,))),
    op("as_strided", (real(9), (3, 3), (1, 2)), (real(1024, 1024), (1024, 512), (512, 1))),
    op("unfold", (real(3, 5), 1, 3, 1), (real(1024, 1024), 1, 8, 4)),
    op("argwhere", (bools(3, 5),), (bools(1024, 1024),)),
    op("nonzero_static", (bools(3, 5),), (bools(1024, 1024),), size=20),
    op("isin", (ints(3, 5, high=9), ints(4, high=9)), (ints(1024, 1024, high=9999), ints(1000, high=9999))),
    op("unravel_index", (ints(5, high=15), (3, 5)), (ints(100_000, high=1 << 20), (1024, 1024))),
    op("masked_select", (real(3, 5), bools(3, 5)), (real(1024, 1024), bools(1024, 1024))),
    op("select", (real(3, 5), 1, 2), (real(1024, 1024), 1, 2)),
    op("narrow", (real(3, 5), 1, 1, 3), (real(1024, 1024), 1, 100, 800)),
    op("embedding", (ints(4, high=5), real(5, 3)), (ints(64, 32, high=1000), real(1000, 128))),
    op("embedding_bag", (ints(3, 4, high=5), real(5, 3)), (ints(64, 32, high=1000), real(1000, 128))),
    op("one_hot", (ints(4, high=5), 5), (ints(1024, high=100), 100)),
    op("bincount", (ints(20, high=5),), (ints(100_000, high=100),)),
    op("nonzero", (bools(3, 5),), (bools(1024, 1024),)),
    op("unique_consecutive", (ints(20, high=3),), (ints(100_000, high=3),)),
    op("unique", (ints(20, high=5),), (ints(100_000, high=1000),)),
    *along("sort argsort", real),
    op("topk", (real(3, 5), 2), (real(1024, 1024), 10)),
]  # fmt: skip

PRODUCTS = [
    op("matmul", (real(2, 3), real(3, 4)), (real(512, 512), real(512, 512))),
    op("mm", (real(2, 3), real(3, 4)), (real(64, 3136), real(3136, 128))),
    op("bmm", (real(2, 2, 3), real(2, 3, 4)), (real(64, 64, 64), real(64, 64, 64))),
    op("mv", (real(2, 3), real(3)), (real(1024, 1024), real(1024))),
    op("dot", (real(5), real(5)), (real(100_000), real(100_000))),
    op("outer", (real(2), real(3)), (real(1024), real(1024))),
    op("addmm", (real(2, 4), real(2, 3), real(3, 4)), (real(256, 256), real(256, 256), real(256, 256))),
    op("baddbmm", (real(2, 2, 4), real(2, 2, 3), real(2, 3, 4)),
       (real(64, 64, 64), real(64, 64, 64), real(64, 64, 64))),
    op("kron", (real(2, 3), real(2, 2)), (real(32, 32), real(32, 32))),
    op("tensordot", (real(2, 3, 4), real(3, 4, 2)), (real(256, 16, 16), real(16, 16, 256))),
    op("inner", (real(2, 3), real(4, 3)), (real(512, 512), real(512, 512))),
    op("vdot", (real(5), real(5)), (real(100_000), real(100_000))),
    op("cross", (real(4, 3), real(4, 3), 1), (real(100_000, 3), real(100_000, 3), 1)),
    op("trace", (real(3, 4),), (real(1024, 1024),)),
    op("vander", (real(4),), (real(1024, low=-1.0, high=1.0), 16)),
    op("chain_matmul", (real(2, 3), real(3, 4), real(4, 1)), (real(256, 64), real(64, 256), real(256, 16))),
    op("addmv", (real(2), real(2, 3), real(3)), (real(1024), real(1024, 1024), real(1024))),
    op("addr", (real(2, 3), real(2), real(3)), (real(1024, 512), real(1024), real(512))),
    op("addbmm", (real(2, 4), real(2, 2, 3), real(2, 3, 4)),
       (real(64, 64), real(64, 64, 64), real(64, 64, 64))),
    op("linear", (real(2, 3), real(4, 3), real(4)), (real(64, 3136), real(128, 3136), real(128))),
    op("einsum", ("bij,bjk->bik", real(2, 2, 3), real(2, 3, 4)),
       ("bij,bjk->bik", real(64, 64, 64), real(64, 64, 64))),
    op("conv1d", (real(2, 2, 8), real(3, 2, 3), real(3)), (real(64, 32, 128), real(64, 32, 3), real(64)),
       padding=1),
    op("conv2d", (real(2, 2, 5, 5), real(3, 2, 3, 3), real(3)),
       (real(64, 32, 14, 14), real(64, 32, 3, 3), real(64)), padding=1),
    op("conv3d", (real(2, 2, 4, 5, 5), real(3, 2, 3, 3, 3), real(3)),
       (real(8, 16, 8, 14, 14), real(16, 16, 3, 3, 3), real(16)), padding=1),
    op("conv_transpose3d", (real(2, 2, 3, 3, 3), real(2, 3, 3, 3, 3), real(3)),
       (real(4, 16, 4, 7, 7), real(16, 8, 3, 3, 3), real(8)), stride=2, padding=1),
    op("conv_transpose2d", (real(2, 2, 3, 3), real(2, 3, 3, 3), real(3)),
       (real(16, 32, 7, 7), real(32, 16, 3, 3), real(16)), stride=2, padding=1),
]  # fmt: skip

POOLING = [
    *[
        op(name, (real(2, 2, 7), 2), (real(64, 32, 256), 2))
        for name in ("max_pool1d", "avg_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d")
    ],
    *[
        op(name, (real(2, 2, 6, 6), 2), (real(64, 32, 28, 28), 2))
        for name in ("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d")
    ],
    *[
        op(name, (real(2, 2, 4, 6, 6), 2), (real(16, 16, 8, 28, 28), 2))
        for name in ("max_pool3d", "avg_pool3d", "adaptive_avg_pool3d", "adaptive_max_pool3d")
    ],
    op("interpolate", (real(2, 2, 3, 3), (5, 4)), (real(16, 16, 28, 28), (56, 56)), mode="bilinear"),
]

NORMS = [
    op("layer_norm", (real(3, 5), (5,), real(5), real(5)), (real(1024, 512), (512,), real(512), real(512))),
    op("rms_norm", (real(3, 5), (5,), real(5)), (real(1024, 512), (512,), real(512))),
    op("batch_norm", (real(4, 3), None, None, real(3), real(3)),
       (real(64, 32, 14, 14), None, None, real(32), real(32)), training=True),
    op("group_norm", (real(2, 4, 3), 2, real(4), real(4)), (real(64, 32, 14, 14), 4, real(32), real(32))),
    op("instance_norm", (real(2, 3, 4),), (real(64, 32, 14, 14),)),
    op("normalize", (real(3, 5),), (real(1024, 512),)),
    op("cosine_similarity", (real(3, 5), real(3, 5)), (real(1024, 512), real(1024, 512))),
    *along("softmax log_softmax", real),
    op("scaled_dot_product_attention", (real(2, 3, 4),) * 3, (real(8, 512, 64),) * 3),
    op("dropout", (real(3, 5), 0.5), (real(1024, 1024), 0.5)),
    op("dropout_channels", (real(3, 4, 5), 0.5), (real(64, 64, 14, 14), 0.5)),
]  # fmt: skip

LOSSES = [
    *alike("mse_loss l1_loss smooth_l1_loss huber_loss", real, 2),
    op("cross_entropy", (real(4, 10), ints(4)), (real(1024, 1000), ints(1024, high=1000))),
    op("nll_loss", (real(4, 10), ints(4)), (real(1024, 1000), ints(1024, high=1000))),
    op("ctc_loss", (real(6, 2, 5), Values((2, 3), 1, 5, "int"), (6, 5), (3, 1)),
       (real(100, 16, 29), Values((16, 30), 1, 29, "int"), (100,) * 16, (30,) * 16)),
    *alike("binary_cross_entropy", unit, 2),
    op("binary_cross_entropy_with_logits", (real(3, 5), unit(3, 5)), (real(1024, 512), unit(1024, 512))),
    op("kl_div", (real(3, 5), unit(3, 5)), (real(1024, 512), unit(1024, 512)), reduction="sum"),
    op("hinge_embedding_loss", (real(9), signs(9)), (real(100_000), signs(100_000))),
    op("multi_margin_loss", (real(4, 10), ints(4)), (real(1024, 1000), ints(1024, high=1000))),
    op("multilabel_margin_loss", (real(4, 10), order(4, 10)), (real(256, 128), order(256, 128))),
    op("multilabel_soft_margin_loss", (real(3, 5), unit(3, 5)), (real(1024, 512), unit(1024, 512))),
    op("margin_ranking_loss", (real(9), real(9), signs(9)), (real(100_000), real(100_000), signs(100_000))),
]  # fmt: skip

OPERATIONS = [
    *ELEMENTWISE,
    *COMPLEX,
    *REDUCTIONS,
    *ORDER,
    *SHAPES,
    *INDEXING,
    *PRODUCTS,
    *LINALG,
    *POOLING,
    *NORMS,
    *LOSSES,
]

LEFT_OUT = {
    "cast": "changes the dtype only, and every operation of two dtypes runs it",
    "clip": "clamp by its other name",
    "concatenate": "cat by its other name",
    "copy_of": "a part of in-place methods, which run it",
    "full_of": "a part of in-place methods, which run it",
    "move": "goes from one device to another; each comparison runs it",
    "normalize_dim": "works on numbers of the host",
    "promote": "chooses a dtype, and computes nothing",
    "raw": "takes the array out of a Tensor, and computes nothing",
    "raw_index": "takes arrays out of an index, and computes nothing",
    "scalar_like": "makes one number; every operation with a Python number runs it",
    "sizes_of": "works on numbers of the host",
    "unbroadcast": "a part of the backward passes of all operations of two inputs, which run it",
}
"""The names of ``tinygrad_edu.ops`` without a recipe, and why."""
