"""The operations under the normalisation layers: normalise over some dimensions, then scale and shift.

References
----------
Ioffe and Szegedy, "Batch Normalization", 2015, algorithm 1; Ba, Kiros and Hinton, "Layer Normalization",
2016, equation 4.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import raw, unbroadcast
from tinygrad_edu.ops.reduce.reduction import average, count


class Normalize(Op):
    """x_hat = (x - mean) rstd, with rstd = 1 / sqrt(variance + eps) over some dimensions.

    With averages over those dimensions, dL/dx = rstd (g - avg(g) - x_hat avg(g x_hat)). The outputs are x_hat
    and rstd, which the derivative is made of, and mean and variance, for running statistics only.
    """

    num_differentiable = 2

    def forward(self, x: Array, *, dims: tuple[int, ...], eps: float) -> tuple[Array, Array, Array, Array]:
        self.dims = dims
        mean = average(x, dims)
        deviation = x - mean
        variance = average(deviation * deviation, dims)
        rstd = 1 / array_module(x).sqrt(variance + x.dtype.type(eps))
        x_hat = deviation * rstd
        self.save_for_backward(x_hat, rstd)
        return x_hat, rstd, mean, variance

    def backward(self, grad_output: Array, grad_rstd: Array | None, *_: None) -> Array:
        x_hat, rstd = self.saved
        grad_x: Any = None
        if grad_output is not None:
            grad_x = gradient_of_normalizing(grad_output, x_hat, rstd, self.dims)
        if grad_rstd is not None:  # only when the derivative is differentiated again
            through_rstd = -grad_rstd * rstd * rstd * x_hat / count(x_hat.shape, self.dims)
            grad_x = through_rstd if grad_x is None else grad_x + through_rstd
        return grad_x


def gradient_of_normalizing(grad: Array, x_hat: Array, rstd: Array, dims: tuple[int, ...]) -> Array:
    """Return rstd (g - avg(g) - x_hat avg(g x_hat)), the gradient of x where g is that of x_hat."""
    return rstd * (grad - average(grad, dims) - x_hat * average(grad * x_hat, dims))


def scale_and_shift(x: Array, weight: Array | None, bias: Array | None, shape: tuple[int, ...]) -> Array:
    """Return weight * x + bias, with the parameters seen in ``shape``."""
    if weight is not None:
        x = x * (weight if tuple(weight.shape) == shape else weight.reshape(shape))
    if bias is not None:
        x = x + (bias if tuple(bias.shape) == shape else bias.reshape(shape))
    return x


def has_norm_kernels(x: Array, *parameters: Array | None) -> bool:
    """Tell whether ``LayerNorm`` and ``BatchNorm`` can be used: all are float32, or all float64."""
    array = raw(x)
    return kernel_table.has_kernels(array) and all(
        p is None or raw(p).dtype == array.dtype for p in parameters
    )


class LayerNorm(Op):
    """x_hat weight + bias over the last dimensions, by a kernel; the derivative is that of its parts."""

    def forward(self, x: Array, weight: Array | None, bias: Array | None, *, ndim: int, eps: float) -> Array:
        self.ndim, self.eps = ndim, eps
        y, average, rstd = kernel_table.norm(x).layer_norm_forward(
            as_rows(x, ndim), flat(weight), flat(bias), eps
        )
        self.save_for_backward(x, weight, average, rstd)
        return y.reshape(x.shape)

    def backward(self, grad_output: Array) -> tuple[Array, Array | None, Array | None]:
        x, weight, average, rstd = self.saved
        shape = tuple(x.shape[-self.ndim :])
        if not kernel_table.has_kernels(grad_output):
            dims = tuple(range(x.ndim - self.ndim, x.ndim))
            return gradients_in_operations(grad_output, x, weight, dims, shape, self.eps)
        _, needs_weight, needs_bias = self.needs_input_grad
        rows = as_rows(grad_output, self.ndim), as_rows(x, self.ndim)
        grad_x, grad_weight, grad_bias = kernel_table.norm(grad_output).layer_norm_backward(
            *rows, average, rstd, flat(weight), needs_weight or needs_bias
        )
        if grad_weight is None:
            return grad_x.reshape(x.shape), None, None
        return grad_x.reshape(x.shape), grad_weight.reshape(shape), grad_bias.reshape(shape)


class BatchNorm(Op):
    """x_hat weight + bias of every channel of (n, c, *), by a kernel; the derivative is that of its parts.

    The outputs are that, and the mean and the variance of every channel, (c,), for running statistics only.
    """

    num_differentiable = 1

    def forward(
        self, x: Array, weight: Array | None, bias: Array | None, *, eps: float
    ) -> tuple[Array, Array, Array]:
        self.eps = eps
        y, average, variance, rstd = kernel_table.norm(x).batch_norm_forward(
            as_channels(x), weight, bias, eps
        )
        self.save_for_backward(x, weight, average, rstd)
        return y.reshape(x.shape), average, variance

    def backward(self, grad_output: Array, *_: None) -> tuple[Array, Array | None, Array | None]:
        x, weight, average, rstd = self.saved
        if kernel_table.has_kernels(grad_output):
            grad_x, grad_weight, grad_bias = kernel_table.norm(grad_output).batch_norm_backward(
                as_channels(grad_output), as_channels(x), average, rstd, weight
            )
            return grad_x.reshape(x.shape), grad_weight, grad_bias
        per_channel = (1, x.shape[1]) + (1,) * (x.ndim - 2)
        dims = tuple([d for d in range(x.ndim) if d != 1])
        grad_x, grad_weight, grad_bias = gradients_in_operations(
            grad_output, x, weight, dims, per_channel, self.eps
        )
        return grad_x, grad_weight.reshape(-1), grad_bias.reshape(-1)


def gradients_in_operations(
    grad_output: Array,
    x: Array,
    weight: Array | None,
    dims: tuple[int, ...],
    shape: tuple[int, ...],
    eps: float,
) -> tuple[Array, Array, Array]:
    """Return the gradients of x, of the weight and of the bias, the last two in ``shape``, which broadcasts.

    This is what the kernels compute, in operations that take Tensors, for a second derivative.
    """
    x_hat, rstd, _, _ = Normalize.compute(x, dims=dims, eps=eps)
    grad_x_hat = scale_and_shift(grad_output, weight, None, shape)
    grad_x = gradient_of_normalizing(grad_x_hat, x_hat, rstd, dims)
    return grad_x, unbroadcast(grad_output * x_hat, shape), unbroadcast(grad_output, shape)


def as_rows(x: Array, ndim: int) -> Array:
    """Return a matrix whose rows are the last ``ndim`` dimensions."""
    return x.reshape((math.prod(x.shape[:-ndim]), math.prod(x.shape[-ndim:])))


def as_channels(x: Array) -> Array:
    """Return (n, c, *) as (n, c, positions)."""
    return x.reshape((*x.shape[:2], math.prod(x.shape[2:])))


def flat(parameter: Array | None) -> Array | None:
    """Return a weight or bias as a vector."""
    return None if parameter is None else parameter.reshape(-1)
