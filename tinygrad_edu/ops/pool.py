"""Pooling: the largest or the mean element of every window.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.common import pair, raw, require_tensor
from tinygrad_edu.ops.index import gather
from tinygrad_edu.ops.shape import squeeze, unsqueeze


class MaxPool2d(Op):
    """The largest element of every window, and its position in the plane; the gradient goes there."""

    def forward(self, x: Array, *, kernel: str, arguments: tuple[Any, ...]) -> tuple[Array, Array]:
        self.shape = x.shape
        output, indices = getattr(kernel_table.pooling(x), kernel)(x, *arguments)
        self.save_for_backward(indices)
        return output, indices

    def backward(self, grad_output: Array, grad_indices: None) -> Array:
        (indices,) = self.saved
        return MaxPool2dBackward.apply(grad_output, indices, shape=self.shape)


class MaxPool2dBackward(Op):
    """Adds every gradient at the position its element came from."""

    def forward(self, grad_output: Array, indices: Array, *, shape: tuple[int, ...]) -> Array:
        self.save_for_backward(indices)
        return kernel_table.pooling(grad_output).max_pool2d_backward(grad_output, indices, tuple(shape))

    def backward(self, grad: Array) -> tuple[Array, None]:
        (indices,) = self.saved
        n, c, oh, ow = indices.shape
        picked = gather(grad.reshape((n, c, -1)), 2, indices.reshape((n, c, -1)))
        return picked.reshape((n, c, oh, ow)), None


class AvgPool2d(Op):
    """The mean of every window; each of its elements gets an equal share of the gradient."""

    def forward(self, x: Array, *, output_size: tuple[int, int], window: tuple[Any, ...]) -> Array:
        self.shape, self.output_size, self.window = x.shape, output_size, window
        kernel_size, stride, padding, count_include_pad, divisor = window
        return kernel_table.pooling(x).avg_pool2d_forward(
            x, kernel_size, stride, padding, output_size, count_include_pad, divisor
        )

    def backward(self, grad_output: Array) -> Array:
        return AvgPool2dBackward.apply(grad_output, shape=self.shape, window=self.window)


class AvgPool2dBackward(Op):
    """Hands every gradient out evenly to the elements of its window: the transpose of ``AvgPool2d``."""

    def forward(self, grad_output: Array, *, shape: tuple[int, ...], window: tuple[Any, ...]) -> Array:
        self.output_size, self.window = grad_output.shape[2:], window
        return kernel_table.pooling(grad_output).avg_pool2d_backward(grad_output, tuple(shape), *window)

    def backward(self, grad: Array) -> Array:
        return AvgPool2d.apply(grad, output_size=self.output_size, window=self.window)


class AdaptiveAvgPool2d(Op):
    """The means of windows that cover the image in an output of a given size."""

    def forward(self, x: Array, *, output_size: tuple[int, int]) -> Array:
        self.shape = x.shape
        return kernel_table.pooling(x).adaptive_avg_pool2d_forward(x, output_size)

    def backward(self, grad_output: Array) -> Array:
        return AdaptiveAvgPool2dBackward.apply(grad_output, shape=self.shape)


class AdaptiveAvgPool2dBackward(Op):
    """The transpose of ``AdaptiveAvgPool2d``."""

    def forward(self, grad_output: Array, *, shape: tuple[int, ...]) -> Array:
        self.output_size = grad_output.shape[2:]
        return kernel_table.pooling(grad_output).adaptive_avg_pool2d_backward(grad_output, tuple(shape))

    def backward(self, grad: Array) -> Array:
        return AdaptiveAvgPool2d.apply(grad, output_size=self.output_size)


def pooled_size(name: str, size: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    """Return how many windows fit; in ceil mode the last may hang over the end, but must begin inside."""
    span = size + 2 * p - d * (k - 1) - 1
    count = -(-span // s) + 1 if ceil_mode else span // s + 1
    if ceil_mode and (count - 1) * s >= size + p:
        count -= 1
    if count < 1:
        raise RuntimeError(
            f"{name}: Output size is too small: expected windows of {d * (k - 1) + 1} to fit into {size + 2 * p}"
        )
    return count


def window_options(
    name: str,
    x: Array,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    dims: int,
) -> tuple[Any, ...]:
    """Return kernel_size, stride, padding, dilation and output size as tuples, checked."""
    kernel = pair(name, "kernel_size", kernel_size, dims)
    step = kernel if stride is None or stride == [] else pair(name, "stride", stride, dims)
    border, spread = pair(name, "padding", padding, dims), pair(name, "dilation", dilation, dims)
    if min(kernel) < 1 or min(step) < 1 or min(spread) < 1:
        raise RuntimeError(
            f"{name}: expected kernel_size, stride and dilation above zero, got {kernel}, {step}, {spread}"
        )
    for k, p, d in zip(kernel, border, spread, strict=True):
        if p < 0 or p > (d * (k - 1) + 1) // 2:
            raise RuntimeError(
                f"{name}: pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )
    output_size = tuple(
        pooled_size(name, size, k, s, p, d, ceil_mode)
        for size, k, s, p, d in zip(x.shape[-dims:], kernel, step, border, spread, strict=True)
    )
    return kernel, step, border, spread, output_size


def as_images(name: str, x: Array, dims: int) -> Array:
    """Return the input as (n, c, h, w): unbatched input gets a batch of 1, signals a height of 1."""
    require_tensor(name, x)
    if x.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"{name}: Expected {dims + 1}D or {dims + 2}D input, but got {x.ndim}D of shape {list(x.shape)}"
        )
    if raw(x).dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a floating-point tensor, got {raw(x).dtype}")
    images = unsqueeze(x, 0) if x.ndim == dims + 1 else x
    return unsqueeze(images, 2) if dims == 1 else images


def as_given(images: Array, x: Array, dims: int) -> Array:
    """Undo ``as_images`` on a result."""
    result = squeeze(images, 2) if dims == 1 else images
    return squeeze(result, 0) if x.ndim == dims + 1 else result


def _flat(values: tuple[int, ...], filler: int) -> tuple[int, ...]:
    """Return one value as a pair, for images of height 1."""
    return (filler, *values) if len(values) == 1 else values


def max_pool2d(
    input: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of (n, c, h, w) images.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w).
    kernel_size, stride, padding, dilation : int or (int, int)
        The window, in pixels; the stride is the kernel size by default, the padding counts as -infinity.
    ceil_mode : bool
        Let the last window hang over the edge.
    return_indices : bool
        Return the positions in the flattened plane as well.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html
    """
    return _max_pool(
        "max_pool2d", input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices, 2
    )


def max_pool1d(
    input: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of (n, c, length) signals; see :func:`max_pool2d`."""
    return _max_pool(
        "max_pool1d", input, (kernel_size, stride, padding, dilation, ceil_mode), return_indices, 1
    )


def _max_pool(name: str, x: Array, options: tuple[Any, ...], return_indices: bool, dims: int) -> Any:
    images = as_images(name, x, dims)
    kernel, step, border, spread, size = window_options(name, x, *options, dims)
    arguments = (_flat(kernel, 1), _flat(step, 1), _flat(border, 0), _flat(spread, 1), _flat(size, 1))
    return _pooled(
        x, MaxPool2d.apply(images, kernel="max_pool2d_forward", arguments=arguments), return_indices, dims
    )


def _pooled(x: Array, result: tuple[Array, Array], return_indices: bool, dims: int) -> Any:
    output, indices = result
    if not return_indices:
        return as_given(output, x, dims)
    return as_given(output, x, dims), as_given(indices.long(), x, dims)


def avg_pool2d(
    input: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """Return the mean of every window of (n, c, h, w) images.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w).
    kernel_size, stride, padding : int or (int, int)
        The window, in pixels; the stride is the kernel size by default.
    ceil_mode : bool
        Let the last window hang over the edge.
    count_include_pad : bool
        Whether the zeros of the padding count in the mean.
    divisor_override : int, optional
        Divide by this instead of the number of elements.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html
    """
    return _avg_pool(
        "avg_pool2d", input, (kernel_size, stride, padding), ceil_mode, count_include_pad, divisor_override, 2
    )


def avg_pool1d(
    input: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Return the mean of every window of (n, c, length) signals; see :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", input, (kernel_size, stride, padding), ceil_mode, count_include_pad, None, 1
    )


def _avg_pool(
    name: str,
    x: Array,
    options: tuple[Any, ...],
    ceil_mode: bool,
    include_pad: bool,
    divisor: int | None,
    dims: int,
) -> Array:
    if divisor == 0:
        raise RuntimeError("divisor must be not zero")
    images = as_images(name, x, dims)
    kernel, step, border, _, size = window_options(name, x, *options, 1, ceil_mode, dims)
    window = (_flat(kernel, 1), _flat(step, 1), _flat(border, 0), include_pad, divisor or 0)
    return as_given(AvgPool2d.apply(images, output_size=_flat(size, 1), window=window), x, dims)


def adaptive_size(name: str, output_size: Any, x: Array, dims: int) -> tuple[int, ...]:
    """Return the wanted output size; None stands for the input's."""
    sizes = (
        (output_size,) * dims
        if isinstance(output_size, int | np.integer) or output_size is None
        else tuple(output_size)
    )
    if len(sizes) != dims:
        raise RuntimeError(f"{name}: expected output_size to be an int or {dims} ints, got {output_size}")
    return _flat(
        tuple(
            [int(have if want is None else want) for want, have in zip(sizes, x.shape[-dims:], strict=True)]
        ),
        1,
    )


def adaptive_avg_pool2d(input: Array, output_size: Any) -> Array:
    """Return means over windows chosen so that the output has the given (h, w)."""
    return _adaptive_avg_pool("adaptive_avg_pool2d", input, output_size, 2)


def adaptive_avg_pool1d(input: Array, output_size: Any) -> Array:
    """Return means over windows chosen so that the output has the given length."""
    return _adaptive_avg_pool("adaptive_avg_pool1d", input, output_size, 1)


def _adaptive_avg_pool(name: str, x: Array, output_size: Any, dims: int) -> Array:
    images = as_images(name, x, dims)
    return as_given(
        AdaptiveAvgPool2d.apply(images, output_size=adaptive_size(name, output_size, x, dims)), x, dims
    )


def adaptive_max_pool2d(input: Array, output_size: Any, return_indices: bool = False) -> Any:
    """Return maxima over windows chosen so that the output has the given (h, w)."""
    return _adaptive_max_pool("adaptive_max_pool2d", input, output_size, return_indices, 2)


def adaptive_max_pool1d(input: Array, output_size: Any, return_indices: bool = False) -> Any:
    """Return maxima over windows chosen so that the output has the given length."""
    return _adaptive_max_pool("adaptive_max_pool1d", input, output_size, return_indices, 1)


def _adaptive_max_pool(name: str, x: Array, output_size: Any, return_indices: bool, dims: int) -> Any:
    images = as_images(name, x, dims)
    size = adaptive_size(name, output_size, x, dims)
    return _pooled(
        x,
        MaxPool2d.apply(images, kernel="adaptive_max_pool2d_forward", arguments=(size,)),
        return_indices,
        dims,
    )
