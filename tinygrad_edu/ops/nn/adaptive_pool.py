"""Adaptive pooling: the size of the output is given, and the windows are chosen to fit.

Window i of n over a length of size begins at floor(i size / n) and ends before ceil((i + 1) size / n), so
neighbours may overlap by one.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import as_ints, wrong_type
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, check_numel
from tinygrad_edu.numpy_dtypes import HALF_DTYPES
from tinygrad_edu.ops.common import check_not_empty, require_tensor
from tinygrad_edu.ops.half import in_float32
from tinygrad_edu.ops.nn.pool import MaxPool2d, as_given, as_images, maxima_as_given


class AdaptiveAvgPool2d(Op):
    """The means of windows that cover the image in an output of a given size."""

    def forward(self, x: Array, *, output_size: tuple[int, int]) -> Array:
        self.shape = x.shape
        return kernel_table.pooling(x).adaptive_avg_pool2d_forward(x, output_size)

    def backward(self, grad_output: Array) -> Array:
        return AdaptiveAvgPool2dBackward.compute(grad_output, shape=self.shape)


class AdaptiveAvgPool2dBackward(Op):
    """The transpose of ``AdaptiveAvgPool2d``."""

    def forward(self, grad_output: Array, *, shape: tuple[int, ...]) -> Array:
        self.output_size = grad_output.shape[2:]
        return kernel_table.pooling(grad_output).adaptive_avg_pool2d_backward(grad_output, tuple(shape))

    def backward(self, grad: Array) -> Array:
        return AdaptiveAvgPool2d.compute(grad, output_size=self.output_size)


def as_images_larger_than(output_size: Any, name: str, x: Array, dims: int) -> Array:
    """Return the input as (n, c, h, w); PyTorch checks its dimensions first, but for signals."""
    require_tensor(name, x)
    if dims > 1 and isinstance(output_size, list | tuple) and x.ndim <= len(output_size):
        raise ValueError(f"{name}: expected more than {len(output_size)} dimensions, got {list(x.shape)}")
    return as_images(name, x, dims)


def adaptive_size(name: str, output_size: Any, x: Array, dims: int) -> tuple[int, ...]:
    """Return the wanted (height, width); None stands for the input's."""
    if output_size is None:
        raise wrong_type(name, "output_size", "an int or a tuple of ints", output_size)
    if not isinstance(output_size, list | tuple):
        output_size = (output_size,) * dims
    wanted = tuple(output_size)
    as_ints(name, "output_size", [size for size in wanted if size is not None])
    if len(wanted) != dims:
        raise RuntimeError(f"{name}: expected output_size to be an int or {dims} ints, got {output_size}")
    sizes = [int(have if want is None else want) for want, have in zip(wanted, x.shape[-dims:], strict=True)]
    if min(sizes) < 0 or 0 in x.shape[-dims:]:
        raise RuntimeError(
            f"{name}: expected output_size of at least 0 and an input that is not empty, got {output_size} "
            f"and input {list(x.shape)}"
        )
    check_numel(name, (*x.shape[:-dims], *sizes))
    return (1, *sizes) if dims == 1 else tuple(sizes)


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Return means over windows chosen so that the output has a given size.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w), of a floating-point dtype.
    output_size : int or (int or None, int or None)
        Height and width of the output, in pixels; None keeps the input's.

    Returns
    -------
    Tensor
        (n, c, *output_size).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.arange(9.0).reshape(1, 3, 3)
    >>> torch.nn.functional.adaptive_avg_pool2d(image, (1, 2))
    tensor([[[3.5000, 4.5000]]])
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", input, output_size, 2)


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Return means of a signal, (n, c, length), over windows chosen so that the output has a given length.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_avg_pool1d.html
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", input, output_size, 1)


def _adaptive_avg_pool(name: str, x: Array, output_size: Any, dims: int) -> Array:
    images = as_images_larger_than(output_size, name, x, dims)
    if images.array.dtype in HALF_DTYPES:
        return in_float32(_adaptive_avg_pool, name, x, output_size, dims)
    size = adaptive_size(name, output_size, x, dims)
    return as_given(AdaptiveAvgPool2d.apply(images, output_size=size), x, dims)


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return maxima over windows chosen so that the output has a given size.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w), of a floating-point dtype.
    output_size : int or (int or None, int or None)
        Height and width of the output, in pixels; None keeps the input's.
    return_indices : bool
        Return the positions in the flattened plane as well.

    Returns
    -------
    Tensor, or (Tensor, Tensor)
        (n, c, *output_size); the positions are int64.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.arange(9.0).reshape(1, 3, 3)
    >>> torch.nn.functional.adaptive_max_pool2d(image, (1, 2))
    tensor([[[7., 8.]]])
    """
    return _adaptive_max_pool("adaptive_max_pool2d", input, output_size, return_indices, 2)


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Return maxima of a signal, (n, c, length), over windows chosen so that the output has a given length.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.adaptive_max_pool1d.html
    """
    return _adaptive_max_pool("adaptive_max_pool1d", input, output_size, return_indices, 1)


def _adaptive_max_pool(name: str, x: Array, output_size: Any, return_indices: bool, dims: int) -> Any:
    images = as_images_larger_than(output_size, name, x, dims)
    check_not_empty(name, x, x.ndim - 2)
    if images.array.dtype in HALF_DTYPES:
        return in_float32(_adaptive_max_pool, name, x, output_size, return_indices, dims)
    size = adaptive_size(name, output_size, x, dims)
    result = MaxPool2d.apply(images, kernel="adaptive_max_pool2d_forward", arguments=(size,))
    return maxima_as_given(result, return_indices, x, dims)
