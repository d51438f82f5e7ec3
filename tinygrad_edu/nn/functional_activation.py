"""Activation functions: those of ``ops`` with PyTorch's argument ``inplace``, and some more.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.inplace import write_result
from tinygrad_edu.arguments import as_number, require_bools, require_numbers
from tinygrad_edu.ops.common import require_floating_point, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.scalars import checked_scalar


def activate(function: Callable[..., Tensor], input: Tensor, inplace: bool, *options: float) -> Tensor:
    """Return ``function(input, *options)``; in place, it is also written into the input.

    The derivative may need the input, so it is computed on a copy: ``inplace=True`` gives PyTorch's results,
    but saves no memory here.
    """
    require_bools(function.__name__, inplace=inplace)
    if not inplace:
        return function(input, *options)
    before = input.clone() if input.requires_grad else input
    return write_result(input, function(before, *options), f"{function.__name__}_")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0)."""
    require_tensor("relu", input)
    require_bools("relu", inplace=inplace)
    return input.relu_() if inplace else ops.relu(input)


def relu_(input: Tensor) -> Tensor:
    """max(input, 0), in place."""
    require_tensor("relu_", input)
    return input.relu_()


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)."""
    return activate(ops.relu6, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return the input where it is positive, else ``negative_slope`` times it."""
    return activate(ops.leaky_relu, input, inplace, negative_slope)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return the input where it is above the threshold, else ``value``."""
    return activate(ops.threshold, input, inplace, threshold, value)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return the input where it is positive, else alpha (e^input - 1)."""
    return activate(ops.elu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Scaled ELU, with the constants that keep mean 0 and variance 1."""
    return activate(ops.selu, input, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(input, 0) + min(0, alpha (e^(input / alpha) - 1)): ELU without the kink at 0.

    References
    ----------
    Barron, "Continuously Differentiable Exponential Linear Units", 2017, equation 2.
    """
    require_floating_point("celu", input)
    alpha = as_number("celu", "alpha", alpha)
    checked_scalar("celu", alpha, input.array.dtype)
    if alpha == 0:
        raise RuntimeError("celu: expected alpha not to be 0, got 0")
    return activate(_celu, input, inplace, alpha)


@rounded_once
def _celu(input: Tensor, alpha: float) -> Tensor:
    return ops.elu(input / alpha, 1.0) * alpha


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input), also known as swish."""
    return activate(ops.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(softplus(input))."""
    return activate(ops.mish, input, inplace)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """Return the input limited to the interval from ``min_val`` to ``max_val``."""
    require_numbers("hardtanh", min_val=min_val, max_val=max_val)
    if min_val > max_val:
        raise ValueError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return activate(ops.hardtanh, input, inplace, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """relu6(input + 3) / 6."""
    return activate(ops.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * relu6(input + 3) / 6."""
    return activate(ops.hardswish, input, inplace)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return the input where its absolute value is above ``lambd``, else 0."""
    require_floating_point("hardshrink", input)
    require_numbers("hardshrink", lambd=lambd)
    return ops.where(abs(input) <= lambd, 0.0, input)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return the input moved towards 0 by ``lambd``, and 0 where that would go beyond it."""
    require_floating_point("softshrink", input)
    lambd = as_number("softshrink", "lambd", lambd)
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return ops.where(input > lambd, input - lambd, ops.where(input < -lambd, input + lambd, input * 0))


@rounded_once
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return a * sigmoid(b), where a and b are the two halves of the input along ``dim``.

    References
    ----------
    Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017, equation 1.
    """
    require_floating_point("glu", input)
    dim = ops.normalize_dim("glu", dim, input.ndim)
    if input.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {input.shape[dim]}")
    a, b = ops.chunk(input, 2, dim)
    return a * ops.sigmoid(b)


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """Turn scores into probabilities along ``dim``."""
    return ops.softmax(input, _implicit_dim("softmax", input, _stacklevel) if dim is None else dim, dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """Softmax of the negative input."""
    require_tensor("softmin", input)
    return ops.softmax(-input, _implicit_dim("softmin", input, _stacklevel) if dim is None else dim, dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtypes.dtype | None = None
) -> Tensor:
    """ln of the softmax along ``dim``, without overflow."""
    return ops.log_softmax(
        input, _implicit_dim("log_softmax", input, _stacklevel) if dim is None else dim, dtype
    )


def _implicit_dim(name: str, input: Tensor, stacklevel: int) -> int:
    require_tensor(name, input)
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an "
        "argument.",
        stacklevel=stacklevel,
    )
    return 0 if input.ndim in (0, 1, 3) else 1
