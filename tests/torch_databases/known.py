"""Differences that are meant, or known: by entry, what they look like and why they are there.

A difference that no line here explains fails the test. The reasons stand in docs/differences_from_pytorch.md, where
``python -m tests.torch_databases --write-docs`` puts them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences_from_pytorch.md"
BEGIN, END = "<!-- begin: known differences of the databases -->\n", "<!-- end -->\n"


@dataclass(frozen=True)
class Known:
    """A reason, the entries it holds for, and a pattern that the text of a difference must match."""

    reason: str
    pattern: str
    entries: tuple[str, ...]


KNOWN: list[Known] = [
    Known(
        "Images of booleans are not unfolded.",
        r"^bool .*unfold: expected a floating-point tensor",
        ("nn.functional.unfold",),
    ),
    Known(
        "Of float16, a gradient is computed in float32; PyTorch's product overflows on the way.",
        r"^float16 .*'prod'.*backward values.*PyTorch has inf",
        ("_segment_reduce",),
    ),
    Known(
        "The in-place form has a derivative; PyTorch's has none.",
        r"in-place method.*: backward returns, where PyTorch raises NotImplementedError",
        ("acosh", "asinh", "atanh"),
    ),
    Known(
        "What has another shape than the tensor cannot be written into it; PyTorch's `addbmm_` lets the tensor grow.",
        r"in-place method.*addbmm_: output with shape",
        ("addbmm",),
    ),
    Known(
        "In half precision, places in the grid are computed in float32; PyTorch's are rounded to a part of a pixel.",
        r"^b?float16 ",
        ("nn.functional.grid_sample", "grid_sampler_2d", "grid_sampler_3d"),
    ),
    Known(
        "In float32, the derivative by a place is a difference of larger numbers; rounding shows.",
        r"^float32 .*backward values",
        ("nn.functional.grid_sample", "grid_sampler_2d", "grid_sampler_3d"),
    ),
    Known(
        "Elements that were replaced have no gradient; that of PyTorch goes to them, and to no others.",
        r"backward values",
        ("as_strided_scatter",),
    ),
    Known(
        "A dimension that there is not is an `IndexError`, as everywhere; in PyTorch it is an internal one.",
        r"^error input 1 .*raises IndexError.*PyTorch RuntimeError: Expected dim",
        ("narrow_copy",),
    ),
    Known(
        "In float32, a number near 0 is a difference of numbers a thousand times as large; rounding shows.",
        r"^float32 .*values at .*-?0\.\d+, PyTorch has -?0\.\d+ \([1-9] of",
        ("nn.functional.conv_transpose3d", "nn.ConvTranspose3d", "nn.LazyConvTranspose3d"),
    ),
    Known(
        "Images of uint8 are made larger by the nearest pixel only; PyTorch also weighs pixels, with weights "
        "that are rounded.",
        r"^uint8 .*raises NotImplementedError: interpolate",
        (
            "nn.functional.interpolate[bilinear]",
            "nn.functional.interpolate[bicubic]",
            "nn.functional.upsample_bilinear",
        ),
    ),
    Known(
        "The step that the state of L-BFGS keeps is a number; PyTorch's is a tensor at times.",
        r"^float64 .*a float, PyTorch has a Tensor$",
        ("optim.LBFGS",),
    ),
    Known(
        "Each step of L-BFGS makes the roundings of the one before larger, and the loss there has no lowest point; in "
        "float64 both engines agree.",
        r"^float32 .*(values at|PyTorch has)",
        ("optim.LBFGS",),
    ),
    Known(
        "Called on the class with a number for `self`, `Tensor.__radd__(2, x)` computes; PyTorch refuses it.",
        r"^error input 0 \(2, .*returns, where PyTorch raises TypeError: descriptor",
        ("__radd__", "__rmul__", "__rand__", "__ror__", "__rxor__"),
    ),
    Known(
        "Of equal elements, `topk` names the first; PyTorch leaves open which, and names another.",
        r"^(bool|u?int\d+|b?float16) .*result 1: values",
        ("topk",),
    ),
    Known(
        "Equal elements keep their order; PyTorch leaves it open, unless `stable=True`.",
        r"^(bool|u?int\d+|b?float16) .*\[8000\], \): (result 1: |backward )?values",
        ("sort", "argsort", "msort"),
    ),
    Known(
        "Of equal elements, `kthvalue` names the one that stands in its place when they keep their order, and `mode` "
        "the last; PyTorch leaves open which.",
        r"^(bool|u?int\d+|b?float16) .*result 1: values",
        ("kthvalue", "mode"),
    ),
    Known(
        "The gradient keeps its digits beside elements of 10000; PyTorch takes its logarithm, and loses them.",
        r"^(float16|float32|complex64) .*backward values",
        ("logcumsumexp",),
    ),
    Known(
        "The derivative by a weight is a difference of larger numbers; rounding shows.",
        r"^(float.*backward values at .*PyTorch has 0.0 |complex64.*aweights=float32.*backward values at )",
        ("cov",),
    ),
    Known(
        "Of complex64 and the largest number as norm, the gradient is a number; PyTorch's is NaN.",
        r"^complex64 .*inf, .*backward values at .*PyTorch has \(nan",
        ("renorm",),
    ),
    Known(
        "There is no complex32, so two tensors of float16 make no complex one.",
        r"^float16 .*there is no complex type of two float16",
        ("complex", "view_as_complex"),
    ),
    Known(
        "Near a pole, the derivative has all the digits of float32; PyTorch's has four.",
        r"^float32 .*backward values",
        ("digamma",),
    ),
    Known(
        "Near a pole, `polygamma` has all the digits of float32; PyTorch's has four.",
        r"^float32 .*, 1, \): values",
        ("polygamma", "special.polygamma"),
    ),
    Known(
        "At a pole, 0 or a negative integer, `polygamma` is infinite; PyTorch's is 10^13 or so.",
        r"^u?int\d+ .*, 1, \): values at .*: inf, PyTorch has \d{14}",
        ("polygamma", "special.polygamma"),
    ),
    Known(
        "In float64, Bessel's functions and Airy's have all their digits; PyTorch's have eight.",
        r"^float64 .*values at",
        tuple(f"special.{name}" for name in ["airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1"]),
    ),
    Known(
        "Of half precision, a number next to the border of two bins falls into the other one.",
        r"^b?float16 .*values at",
        ("histc",),
    ),
    Known(
        "`logit`, `nan_to_num` and `xlogy` take real numbers only.",
        r"^complex.*expected (a floating-point tensor|real numbers)",
        ("logit", "nan_to_num", "xlogy"),
    ),
    Known(
        "Of half precision, the powers of small numbers do not vanish on the way, for they are taken in float32.",
        r"^float16 .*ord=6.*backward values",
        ("linalg.vector_norm",),
    ),
    Known(
        "The gradient of an empty tensor is empty; PyTorch leaves it None.",
        r"backward tensor\(\[\], size=.*PyTorch has None$",
        ("ormqr",),
    ),
    Known(
        "Only one triangle of a factor is read, and the gradient of the other one is 0; PyTorch's is not.",
        r"backward values at .*: 0(\.0|j), PyTorch has",
        ("cholesky_inverse", "cholesky_solve"),
    ),
    Known(
        "What does not depend on the numbers of a matrix has no gradient: its power 0, a product of no reflections.",
        r"(, 0, |\[0\], ).*requires_grad False, PyTorch has True$",
        ("linalg.matrix_power", "linalg.householder_product"),
    ),
    Known(
        "In float32, rounding shows in the gradients of matrices that are nearly singular.",
        r"^(float32|complex64) .*(backward )?values at",
        (
            "linalg.eigh",
            "linalg.householder_product",
            "linalg.lstsq",
            "linalg.lstsq[grad_oriented]",
            "linalg.svd",
            "svd",
        ),
    ),
    Known(
        "The exponential of a matrix of float32 has all its digits, for it is computed in float64; of half precision, "
        "it is rounded once.",
        r"^(b?float16|float32|complex64) .*values at",
        ("matrix_exp",),
    ),
    Known(
        "The random vectors are others, and with them all that is not of the rank that was asked for.",
        r"M=(float|complex).*values at",
        ("svd_lowrank",),
    ),
    Known(
        "Random vectors, which are others, leave their roundings in the gradient.",
        r"^(float32|complex64) .*backward values at",
        ("svd_lowrank", "pca_lowrank"),
    ),
    Known(
        "A correction of 1.3 is taken in float64; PyTorch rounds it to float32.",
        r"^(float64|complex128) .*correction=1\.3\): values",
        ("masked.var", "masked.std"),
    ),
    Known(
        "Of half precision, the gradient is computed in float32; PyTorch's overflows on the way.",
        r"^b?float16 .*backward values .*PyTorch has -?inf",
        ("nn.functional.normalize",),
    ),
    Known(
        "The gradient over a single number is 0; PyTorch's has rounding errors of 1e-5.",
        r"float32\[1\].*backward values",
        ("nn.functional.layer_norm",),
    ),
    Known(
        "A gradient near 0 is a difference of numbers a hundred times as large; rounding shows.",
        r"^float32 .*(result 9: values|backward values) at",
        ("nn.MultiheadAttention", "nn.functional.scaled_dot_product_attention"),
    ),
    Known(
        "In float64 the slope 1/6 has all its digits; PyTorch's is a float32.",
        r"^float64 .*backward values",
        ("nn.functional.hardsigmoid",),
    ),
    Known(
        "Of integers, the mean of the neighbours' squares is a float; PyTorch rounds it down first.",
        r"^int64 ",
        ("nn.functional.local_response_norm",),
    ),
    Known(
        "A loss of half precision is rounded once; PyTorch's overflows on the way.",
        r"^b?float16 .*PyTorch has (inf|nan)",
        ("nn.functional.soft_margin_loss", "nn.SoftMarginLoss"),
    ),
    Known(
        "A loss of half precision is rounded once; PyTorch rounds every term of it.",
        r"^b?float16 .*reduction='sum'\): values",
        ("nn.functional.poisson_nll_loss", "nn.functional.hinge_embedding_loss"),
    ),
    Known(
        "In float32, the shares of paths add up to 1 at every step; PyTorch's gradient has errors of 5e-5.",
        r"^float32 .*(backward|result 1:) values at",
        ("nn.functional.ctc_loss", "nn.CTCLoss"),
    ),
]


def unexplained(report: Any) -> list[str]:
    """Return the differences of an entry for which no reason is listed."""
    patterns = [re.compile(known.pattern) for known in KNOWN if is_about(known, report.name)]
    return [line for line in report.differences if not any(p.search(line) for p in patterns)]


def is_about(known: Known, name: str) -> bool:
    """Tell whether an entry is listed, as ``norm[nuc]``, or with all its variants, as ``norm``."""
    return name in known.entries or name.partition("[")[0] in known.entries


def page() -> str:
    """Return docs/differences_from_pytorch.md with the present reasons."""
    lines = [f"- {', '.join(f'`{name}`' for name in known.entries)}: {known.reason}\n" for known in KNOWN]
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return before + BEGIN + "\n" + "".join(lines) + "\n" + END + rest.partition(END)[2]


def write_page() -> None:
    """Write the reasons into docs/differences_from_pytorch.md."""
    PAGE.write_text(page(), encoding="utf-8")
