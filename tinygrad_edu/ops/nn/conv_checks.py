"""What the convolutions ask of their arguments: shapes, dtypes and devices that fit together."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import check_same_device
from tinygrad_edu.backend import Array, is_gpu_in_use
from tinygrad_edu.ops.common import require_kernel_dtype
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


def check_kernel_size(name: str, weight: Array) -> None:
    """Raise for a kernel without an element."""
    if min(weight.shape[2:]) < 1:
        raise explained(
            RuntimeError(
                f"{name}: kernel size should be greater than zero, but got {tuple(weight.shape[2:])}"
            )
        )


def check_conv_inputs(name: str, x: Array, weight: Array, bias: Any, groups: int, dims: int) -> None:
    """Raise unless the arrays' shapes, dtypes and devices fit together."""
    if is_gpu_in_use():
        check_same_device(name, (x, weight, bias))
    if x.ndim != dims + 2 or weight.ndim != dims + 2:
        raise explained(
            RuntimeError(
                f"{name}: Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input and {dims + 2}D "
                f"weight, but got input of size: {list(x.shape)} and weight of size: {list(weight.shape)}"
            )
        )
    check_kernel_size(name, weight)
    if groups < 1 or weight.shape[0] % groups:
        raise explained(
            RuntimeError(
                f"{name}: expected out_channels to be divisible by groups, got {weight.shape[0]} and {groups}"
            )
        )
    if x.shape[1] != weight.shape[1] * groups:
        raise explained(
            RuntimeError(
                f"{name}: Given groups={groups}, weight of size {list(weight.shape)}, expected "
                f"input{list(x.shape)} to have {weight.shape[1] * groups} channels, but got {x.shape[1]} "
                "channels instead"
            )
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise explained(
            RuntimeError(
                f"{name}: expected bias to be 1-dimensional with {weight.shape[0]} elements, got "
                f"{list(bias.shape)}"
            )
        )
    check_one_dtype(name, x, weight, bias)


def check_one_dtype(name: str, x: Array, weight: Array, bias: Any) -> None:
    """Raise unless the arrays are of one dtype: numbers, of any kind."""
    if weight.dtype != x.dtype or (bias is not None and bias.dtype != x.dtype):
        argument, other = ("weight", weight) if weight.dtype != x.dtype else ("bias", bias)
        raise explained(
            RuntimeError(
                f"{name}: Input type ({x.dtype}) and {argument} type ({other.dtype}) should be the same"
            )
        )
    if x.dtype not in COMPILED_DTYPES and x.dtype.kind not in "iuc":
        require_kernel_dtype(name, x)
