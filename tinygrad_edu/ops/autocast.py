"""Which functions ``autocast`` concerns, and what it does with their arguments: PyTorch's lists for the CPU.

Each of them asks once, in its first lines, whether it is on; so do all that ``rounded_once`` decorates. Where it is
off, that is all it costs. A function that is on a list gets its arguments in another dtype, and runs with autocast off.

References
----------
https://docs.pytorch.org/docs/stable/amp.html#cpu-op-specific-behavior
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import is_on_host
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import cast
from tinygrad_edu_kernels.dtypes import FLOAT32

P = ParamSpec("P")
R = TypeVar("R")

IN_HALF_PRECISION = frozenset([
    *["linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "addbmm", "einsum", "tensordot", "chain_matmul"],
    *["conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"],
    *["prelu", "scaled_dot_product_attention"],
])  # fmt: skip
IN_FLOAT32 = frozenset([
    *["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "nll_loss", "kl_div", "ctc_loss"],
    *["binary_cross_entropy", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "hinge_embedding_loss"],
    *["poisson_nll_loss", "margin_ranking_loss", "soft_margin_loss", "triplet_margin_loss", "multi_margin_loss"],
    *["multilabel_margin_loss", "prod", "trace", "cdist", "quantile", "nanquantile", "grid_sample"],
    *["avg_pool3d", "max_pool3d", "adaptive_avg_pool3d", "adaptive_max_pool3d"],
    *["solve", "tensorsolve", "inv", "inv_ex", "tensorinv", "lstsq", "matrix_rank", "cond", "cholesky", "cholesky_ex"],
    *["qr", "householder_product", "svd", "svdvals", "eig", "eigh", "eigvals", "eigvalsh"],
    *["cholesky_inverse", "cholesky_solve", "geqrf", "orgqr", "ormqr", "inverse", "pinverse", "triangular_solve", "lu"],
])  # fmt: skip
AS_THEY_COME = frozenset(["bilinear", "mv", "dot", "interpolate"])
"""Of float32, unless the operands are of something else, though what they are made of is on a list."""


def is_concerned(name: str) -> bool:
    """Tell whether a function of this name is on a list."""
    return name in IN_HALF_PRECISION or name in IN_FLOAT32 or name in AS_THEY_COME


def under_autocast(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function with its Tensors in the dtype that autocast wants, and with autocast off."""
    change = in_half_precision if function.__name__ in IN_HALF_PRECISION else as_it_is
    if function.__name__ in IN_FLOAT32:
        change = in_float32
    args = tuple([each(change, x) for x in args])
    options = {name: each(change, x) for name, x in options.items()}
    return without_autocast(function, *args, **options)


def wide_under_autocast(function: Callable[P, R]) -> Callable[P, R]:
    """Have a function that LAPACK computes get half precision as float32, where autocast is on."""

    @functools.wraps(function)
    def compute(*args: P.args, **options: P.kwargs) -> R:
        if this_thread.mode.autocast:
            return under_autocast(compute, *args, **options)
        return function(*args, **options)

    return compute


def without_autocast(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function with autocast off."""
    mode = this_thread.mode
    before, mode.autocast = mode.autocast, {}
    try:
        return function(*args, **options)
    finally:
        mode.autocast = before


def each(change: Callable[[TensorBase], Any], value: Any) -> Any:
    """Return a Tensor changed, also within a list or tuple; anything else as it is."""
    if isinstance(value, TensorBase):
        return change(value)
    return type(value)([each(change, x) for x in value]) if type(value) in (list, tuple) else value


def in_half_precision(x: TensorBase) -> Any:
    """Return a Tensor in the dtype of autocast on its device, unless it is of float64, integers or complex numbers."""
    dtype = this_thread.mode.autocast.get("cpu" if is_on_host(x.array) else "cuda")
    if dtype is None or (x.array.dtype != FLOAT32 and x.array.dtype not in HALF_DTYPES):
        return x
    return cast(x, dtype)


def in_float32(x: TensorBase) -> Any:
    """Return a Tensor of half precision in float32."""
    return cast(x, FLOAT32) if x.array.dtype in HALF_DTYPES else x


def as_it_is(x: TensorBase) -> Any:
    """Return a Tensor."""
    return x
