"""Activation functions: the nonlinearities between the layers.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

import math

from tinygrad_edu import kernel_table
from tinygrad_edu.arguments import as_number, require_numbers, wrong_type
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import (
    as_floating,
    raw,
    reject_bool,
    reject_complex,
    require_floating_point,
    require_tensor,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.arithmetic import absolute, mul
from tinygrad_edu.ops.elementwise.select import keep, where
from tinygrad_edu.ops.elementwise.trigonometry import tanh
from tinygrad_edu.ops.elementwise.unary import Erf, Sigmoid
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu.scalars import checked_scalar

SQRT_2_OVER_PI = math.sqrt(2 / math.pi)


class Relu(Op):
    """max(x, 0); the derivative is 1 where x > 0, else 0."""

    def forward(self, x: Array) -> Array:
        if kernel_table.has_kernels(x):
            y = kernel_table.activation(x).relu_forward(x)
        else:
            reject_bool("relu", x)
            y = array_module(x).maximum(x, x.dtype.type(0))
        self.save_for_backward(y)
        return y

    def backward(self, grad_output: Array) -> Array:
        (y,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).relu_backward(grad_output, y)
        return ReluBackward.compute(grad_output, y)


class ReluBackward(Op):
    """The incoming gradient where y is not 0: linear in that gradient, and flat in y."""

    def forward(self, grad_output: Array, y: Array) -> Array:
        self.save_for_backward(y)
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).relu_backward(grad_output, y)
        return keep(grad_output, y != 0)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        (y,) = self.saved
        return ReluBackward.compute(grad_output, y), zeros_for(grad_output)


def relu(input: Tensor) -> Tensor:
    """max(input, 0).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.relu(torch.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    require_tensor("relu", input)
    reject_complex("relu", input)
    return Relu.apply(input)


class LeakyRelu(Op):
    """x if x > 0, else slope * x; the derivative is 1 or the slope."""

    def forward(self, x: Array, *, negative_slope: float) -> Array:
        self.negative_slope = negative_slope
        self.save_for_backward(x)
        below = x * x.dtype.type(negative_slope)
        xp = array_module(x)
        return xp.maximum(x, below) if negative_slope <= 1 else xp.minimum(x, below)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        positive = x > 0
        return keep(grad_output, positive) + keep(grad_output * self.negative_slope, ~positive)


def leaky_relu(input: Array, negative_slope: float = 0.01) -> Array:
    """The input where it is positive, else ``negative_slope`` times it; the derivative is 1 or the slope.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.leaky_relu(torch.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    negative_slope = as_number("leaky_relu", "negative_slope", negative_slope)
    input = as_floating("leaky_relu", input)
    checked_scalar("leaky_relu", negative_slope, raw(input).dtype)
    return LeakyRelu.apply(input, negative_slope=negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """The input where it is positive, else a learned weight times it.

    Parameters
    ----------
    input : Tensor
        (n, c, *), or any shape if there is one weight.
    weight : Tensor
        (1,) or (), or (c,).

    References
    ----------
    He et al., "Delving Deep into Rectifiers", 2015, equation 1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.prelu.html
    """
    if this_thread.mode.autocast:
        return under_autocast(prelu, input, weight)
    require_tensor("prelu", input)
    require_tensor("prelu", weight, "weight")
    if raw(input).dtype != raw(weight).dtype:
        raise RuntimeError(f"prelu: expected one dtype, got {raw(input).dtype} and {raw(weight).dtype}")
    if weight.ndim > 1:
        raise RuntimeError(f"prelu: expected weight (1,) or (c,), got {list(weight.shape)}")
    if raw(weight).size == 1:
        weight = reshape(weight, ())
    elif weight.ndim == 1:
        if input.ndim < 2 or input.shape[1] != weight.shape[0]:
            raise RuntimeError(
                f"prelu: expected {weight.shape[0]} channels for {weight.shape[0]} weights, got "
                f"{list(input.shape)}"
            )
        weight = reshape(weight, (-1,) + (1,) * (input.ndim - 2))
    return where(input > 0, input, mul(weight, input))


class Elu(Op):
    """x if x > 0, else alpha (e^x - 1); the derivative is 1, or alpha e^x."""

    def forward(self, x: Array, *, alpha: float) -> Array:
        self.alpha = alpha
        self.save_for_backward(x)
        xp = array_module(x)
        zero = x.dtype.type(0)
        return xp.maximum(x, zero) + xp.expm1(xp.minimum(x, zero)) * x.dtype.type(alpha)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        xp = array_module(x)
        slope = xp.exp(xp.clip(x, None, 0)) * self.alpha  # limited, for e^x of a large x would be infinite
        positive = x > 0
        return keep(grad_output, positive) + keep(grad_output * slope, ~positive)


@rounded_once
def elu(input: Array, alpha: float = 1.0) -> Array:
    """The input where it is positive, else alpha (e^input - 1).

    References
    ----------
    Clevert et al., "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2016, equation 15.
    """
    alpha = as_number("elu", "alpha", alpha)
    input = as_floating("elu", input)
    checked_scalar("elu", alpha, raw(input).dtype)
    return Elu.apply(input, alpha=alpha)


@rounded_once
def selu(input: Tensor) -> Tensor:
    """scale * elu(input, alpha), with the constants that keep mean 0 and variance 1.

    References
    ----------
    Klambauer et al., "Self-Normalizing Neural Networks", 2017, equation 2.
    """
    return elu(input, 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


class Gelu(Op):
    """x Phi(x); the derivative is Phi(x) + x phi(x), with the normal density phi = Phi'."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        if kernel_table.has_kernels(x):
            return kernel_table.activation(x).gelu_forward(x)
        return x * normal_cdf(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).gelu_backward(grad_output, x)
        density = array_module(x).exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
        return grad_output * (normal_cdf(x) + x * density)


def normal_cdf(x: Array) -> Array:
    """Return Phi(x) = (1 + erf(x / sqrt(2))) / 2."""
    return (Erf.compute(x * math.sqrt(0.5)) + 1) * 0.5


class GeluTanh(Op):
    """x s with s = sigmoid(2 u), which is (1 + tanh(u)) / 2, and u = sqrt(2 / pi) (x + 0.044715 x^3).

    The derivative is s + x s (1 - s) 2 u'.
    """

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        if kernel_table.has_kernels(x):
            return kernel_table.activation(x).gelu_tanh_forward(x)
        return x * Sigmoid.compute((x + x * x * x * 0.044715) * (2 * SQRT_2_OVER_PI))

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).gelu_tanh_backward(grad_output, x)
        s = Sigmoid.compute((x + x * x * x * 0.044715) * (2 * SQRT_2_OVER_PI))
        inner_slope = (x * x * (3 * 0.044715) + 1) * SQRT_2_OVER_PI
        return grad_output * (s + x * s * (1 - s) * 2 * inner_slope)


@rounded_once
def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x Phi(x), where Phi is the distribution function of the normal distribution.

    Parameters
    ----------
    input : Tensor
        Any shape.
    approximate : {"none", "tanh"}
        Exactly, or as x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    References
    ----------
    Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, section 2;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.gelu.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.gelu(torch.tensor([-1.0, 0.0, 1.0]))
    tensor([-0.1587,  0.0000,  0.8413])
    """
    if not isinstance(approximate, str):
        raise wrong_type("gelu", "approximate", "str", approximate)
    input = as_floating("gelu", input)
    if approximate == "none":
        return Gelu.apply(input)
    if approximate != "tanh":
        raise RuntimeError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")
    return GeluTanh.apply(input)


class Silu(Op):
    """x s with s = sigmoid(x); the derivative is s (1 + x (1 - s))."""

    def forward(self, x: Array) -> Array:
        self.save_for_backward(x)
        if kernel_table.has_kernels(x):
            return kernel_table.activation(x).silu_forward(x)
        return x * Sigmoid.compute(x)

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).silu_backward(grad_output, x)
        s = Sigmoid.compute(x)
        return grad_output * (s * (x * (1 - s) + 1)).conj()


@rounded_once
def silu(input: Array) -> Array:
    """input * sigmoid(input), also known as swish."""
    return Silu.apply(as_floating("silu", input, complex_too=True))


class Softplus(Op):
    """ln(1 + e^(beta x)) / beta, or x where beta x is above the threshold; the slope is sigmoid(beta x)."""

    def forward(self, x: Array, *, beta: float, threshold: float) -> Array:
        self.beta, self.threshold = beta, threshold
        self.save_for_backward(x)
        if kernel_table.has_kernels(x):
            return kernel_table.activation(x).softplus_forward(x, beta, threshold)
        xp = array_module(x)
        scaled = x * x.dtype.type(beta)
        return xp.where(scaled > threshold, x, xp.logaddexp(scaled, x.dtype.type(0)) / x.dtype.type(beta))

    def backward(self, grad_output: Array) -> Array:
        (x,) = self.saved
        if kernel_table.has_kernels(grad_output):
            return kernel_table.activation(grad_output).softplus_backward(
                grad_output, x, self.beta, self.threshold
            )
        scaled = x * self.beta
        slope = Sigmoid.compute(scaled)
        return array_module(x).where(scaled > self.threshold, grad_output, grad_output * slope)


@rounded_once
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """ln(1 + e^(beta input)) / beta, a smooth relu; where beta * input > threshold, the input itself.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.softplus(torch.tensor([-2.0, 0.0, 30.0]))
    tensor([ 0.1269,  0.6931, 30.0000])
    """
    require_numbers("softplus", beta=beta, threshold=threshold)
    input = as_floating("softplus", input)
    for number in (beta, threshold):
        checked_scalar("softplus", number, raw(input).dtype)
    return Softplus.apply(input, beta=beta, threshold=threshold)


@rounded_once
def logsigmoid(input: Tensor) -> Tensor:
    """ln sigmoid(input) = -softplus(-input), without overflow."""
    require_tensor("logsigmoid", input)
    return -softplus(-input, threshold=math.inf)


@rounded_once
def mish(input: Array) -> Array:
    """input * tanh(softplus(input)).

    References
    ----------
    Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    require_floating_point("mish", input)
    return input * tanh(softplus(input))


@rounded_once
def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""
    return input / (absolute(input) + 1)


@rounded_once
def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    return input - tanh(input)
