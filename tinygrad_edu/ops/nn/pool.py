"""Pooling: the largest or the mean element of every window; adaptive pooling has its own file.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.common import check_not_empty, pair, raw, require_kernel_dtype, require_tensor
from tinygrad_edu.ops.indexing.gather import Gather
from tinygrad_edu.ops.kernel_dtypes import in_kernel_dtype
from tinygrad_edu.ops.shape.layout import squeeze, unsqueeze
from tinygrad_edu_kernels.dtypes import COMPILED_DTYPES


class MaxPool2d(Op):
    """The largest element of every window, and its position in the plane; the gradient goes there."""

    def forward(self, x: Array, *, kernel: str, arguments: tuple[Any, ...]) -> tuple[Array, Array]:
        self.shape = x.shape
        output, indices = getattr(kernel_table.pooling(x), kernel)(x, *arguments)
        self.save_for_backward(indices)
        return output, indices

    def backward(self, grad_output: Array, grad_indices: None) -> Array:
        (indices,) = self.saved
        return MaxPool2dBackward.compute(grad_output, indices, shape=self.shape)


class MaxPool2dBackward(Op):
    """Adds every gradient at the position its element came from."""

    def forward(self, grad_output: Array, indices: Array, *, shape: tuple[int, ...]) -> Array:
        self.save_for_backward(indices)
        return kernel_table.pooling(grad_output).max_pool2d_backward(grad_output, indices, tuple(shape))

    def backward(self, grad: Array) -> tuple[Array, None]:
        (indices,) = self.saved
        n, c, oh, ow = indices.shape
        h, w = grad.shape[2:]
        positions = raw(indices).reshape((n, c, oh * ow))
        picked = Gather.compute(grad.reshape((n, c, h * w)), dim=2, index=positions)
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
        return AvgPool2dBackward.compute(grad_output, shape=self.shape, window=self.window)


class AvgPool2dBackward(Op):
    """Hands every gradient out evenly to the elements of its window: the transpose of ``AvgPool2d``."""

    def forward(self, grad_output: Array, *, shape: tuple[int, ...], window: tuple[Any, ...]) -> Array:
        self.output_size, self.window = grad_output.shape[2:], window
        return kernel_table.pooling(grad_output).avg_pool2d_backward(grad_output, tuple(shape), *window)

    def backward(self, grad: Array) -> Array:
        return AvgPool2d.compute(grad, output_size=self.output_size, window=self.window)


class Windows(NamedTuple):
    """Where the windows lie: (height, width) pairs in pixels, and how many windows fit."""

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output_size: tuple[int, ...]


def place_windows(
    name: str,
    x: Array,
    dims: int,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Windows:
    """Return where the windows lie in the last ``dims`` dimensions of x; a signal is an image of height 1."""
    check_not_empty(name, x, dims)
    require_bools(name, ceil_mode=ceil_mode)
    k = pair(name, "kernel_size", kernel_size, dims)
    s = (
        k
        if stride is None or (isinstance(stride, list | tuple) and not stride)
        else pair(name, "stride", stride, dims)
    )
    p, d = pair(name, "padding", padding, dims), pair(name, "dilation", dilation, dims)
    if min(*k, *s, *d) < 1:
        raise RuntimeError(f"{name}: expected kernel_size, stride and dilation above zero, got {k}, {s}, {d}")
    sizes = []
    for size, kernel, step, border, spread in zip(x.shape[-dims:], k, s, p, d, strict=True):
        if border < 0 or border > (spread * (kernel - 1) + 1) // 2:
            raise explained(
                RuntimeError(
                    f"{name}: pad should be at most half of effective kernel size, but got pad={border}, "
                    f"kernel_size={kernel} and dilation={spread}"
                )
            )
        sizes.append(pooled_size(name, size, kernel, step, border, spread, ceil_mode))
    if dims == 1:
        return Windows((1, *k), (1, *s), (0, *p), (1, *d), (1, *sizes))
    return Windows(k, s, p, d, tuple(sizes))


def pooled_size(name: str, size: int, k: int, s: int, p: int, d: int, ceil_mode: bool) -> int:
    """Return how many windows fit; in ceil mode the last may hang over the end, but must begin inside."""
    span = size + 2 * p - d * (k - 1) - 1
    count = -(-span // s) + 1 if ceil_mode else span // s + 1
    if ceil_mode and (count - 1) * s >= size + p:
        count -= 1
    if count < 1:
        raise explained(
            RuntimeError(
                f"{name}: Output size is too small: expected windows of {d * (k - 1) + 1} to fit into "
                f"{size + 2 * p}"
            )
        )
    return count


def as_images(name: str, x: Array, dims: int, integers: tuple[str, ...] = ()) -> Array:
    """Return the input as (n, c, h, w): unbatched input gets a batch of 1, signals a height of 1."""
    require_tensor(name, x)
    if x.ndim not in (dims + 1, dims + 2):
        raise explained(
            RuntimeError(
                f"{name}: Expected {dims + 1}D or {dims + 2}D input, but got {x.ndim}D of shape {list(x.shape)}"
            )
        )
    if raw(x).dtype.name not in integers:
        require_kernel_dtype(name, x)
    images = unsqueeze(x, 0) if x.ndim == dims + 1 else x
    return unsqueeze(images, 2) if dims == 1 else images


def as_given(images: Array, x: Array, dims: int) -> Array:
    """Undo ``as_images`` on a result."""
    result = squeeze(images, 2) if dims == 1 else images
    return squeeze(result, 0) if x.ndim == dims + 1 else result


def maxima_as_given(result: tuple[Array, Array], return_indices: bool, x: Array, dims: int) -> Any:
    """Return the largest elements in the input's form, and their positions as int64 if they are wanted."""
    output, indices = result
    require_bools("max_pool", return_indices=return_indices)
    if not return_indices:
        return as_given(output, x, dims)
    return as_given(output, x, dims), as_given(indices.long(), x, dims)


def max_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of an image.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w), of a floating-point dtype.
    kernel_size : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Distance between windows, in pixels; the kernel size by default.
    padding : int or (int, int)
        Pixels put round the image, which count as -infinity; at most half the kernel size.
    dilation : int or (int, int)
        Distance between the elements of a window, in pixels.
    ceil_mode : bool
        Let the last window hang over the edge.
    return_indices : bool
        Return the positions in the flattened plane as well.

    Returns
    -------
    Tensor, or (Tensor, Tensor)
        (n, c, oh, ow) with oh = floor((h + 2 p - d (kh - 1) - 1) / s) + 1, in the dtype of the input; the
        positions are int64. Of equal elements the first is taken, and the gradient goes to it alone.

    Raises
    ------
    RuntimeError
        If the input is of another dimension or dtype, or no window fits.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.arange(16.0).reshape(1, 4, 4)
    >>> torch.nn.functional.max_pool2d(image, 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    windows = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool2d", input, windows, return_indices, 2)


def max_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Return the largest element of every window of a signal, (n, c, length) or (c, length).

    The options are those of :func:`max_pool2d`, in samples instead of pixels.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.max_pool1d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    windows = (kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool1d", input, windows, return_indices, 1)


def _max_pool(name: str, x: Array, windows: tuple[Any, ...], return_indices: bool, dims: int) -> Any:
    integers = ("uint8", "int8", "int16", "int32", "int64") if dims == 2 else ()
    images = as_images(name, x, dims, integers)
    if raw(x).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_max_pool, name, x, windows, return_indices, dims)
    arguments = tuple(place_windows(name, x, dims, *windows))
    result = MaxPool2d.apply(images, kernel="max_pool2d_forward", arguments=arguments)
    return maxima_as_given(result, return_indices, x, dims)


def avg_pool2d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Return the mean of every window of an image.

    Parameters
    ----------
    input : Tensor
        (n, c, h, w) or (c, h, w), of a floating-point dtype.
    kernel_size : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Distance between windows, in pixels; the kernel size by default.
    padding : int or (int, int)
        Zeros put round the image, in pixels; at most half the kernel size.
    ceil_mode : bool
        Let the last window hang over the edge; what is outside the padding does not count.
    count_include_pad : bool
        Whether the zeros of the padding count in the mean.
    divisor_override : int, optional
        Divide by this instead of the number of elements.

    Returns
    -------
    Tensor
        (n, c, oh, ow) with oh = floor((h + 2 p - kh) / s) + 1.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> image = torch.arange(16.0).reshape(1, 4, 4)
    >>> torch.nn.functional.avg_pool2d(image, 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    if divisor_override == 0:
        raise RuntimeError("avg_pool2d: divisor must be not zero, expected divisor_override != 0, got 0")
    windows = (kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool("avg_pool2d", input, windows, count_include_pad, divisor_override or 0, 2)


def avg_pool1d(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of every window of a signal, (n, c, length) or (c, length).

    The options are those of :func:`avg_pool2d`, in samples instead of pixels.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.avg_pool1d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.avg_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[2., 1.]])
    """
    windows = (kernel_size, stride, padding, 1, ceil_mode)
    return _avg_pool("avg_pool1d", input, windows, count_include_pad, 0, 1)


def _avg_pool(
    name: str, x: Array, windows: tuple[Any, ...], count_include_pad: bool, divisor: int, dims: int
) -> Array:
    require_bools(name, count_include_pad=count_include_pad)
    images = as_images(name, x, dims, ("int64",))
    if raw(x).dtype not in COMPILED_DTYPES:
        return in_kernel_dtype(_avg_pool, name, x, windows, count_include_pad, divisor, dims)
    w = place_windows(name, x, dims, *windows)
    window = (w.kernel_size, w.stride, w.padding, count_include_pad, divisor)
    return as_given(AvgPool2d.apply(images, output_size=w.output_size, window=window), x, dims)
