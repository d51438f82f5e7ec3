"""Activation functions: those of ``ops`` with PyTorch's argument ``inplace``, and some more.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from tinygrad_edu import creation, dtypes, ops, sampling
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.writing import write_result
from tinygrad_edu.arguments import as_number, require_bools, require_numbers
from tinygrad_edu.ops.common import require_floating_point, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.random import Generator
from tinygrad_edu.scalars import checked_scalar


def activate(function: Callable[..., Tensor], input: Tensor, inplace: bool, *options: Any) -> Tensor:
    """Return ``function(input, *options)``; in place, it is also written into the input.

    The derivative may need the input, so it is computed on a copy: ``inplace=True`` gives PyTorch's results,
    but saves no memory here.
    """
    require_bools(function.__name__, inplace=inplace)
    if not inplace:
        return function(input, *options)
    require_tensor(f"{function.__name__}_", input)
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


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """See :func:`celu`; in place."""
    return celu(input, alpha, inplace=True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """See :func:`elu`; in place."""
    return elu(input, alpha, inplace=True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """See :func:`hardtanh`; in place."""
    return hardtanh(input, min_val, max_val, inplace=True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """See :func:`leaky_relu`; in place."""
    return leaky_relu(input, negative_slope, inplace=True)


def rrelu_(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """See :func:`rrelu`; in place."""
    return _rrelu(input, lower, upper, training, True, generator)


def selu_(input: Tensor) -> Tensor:
    """See :func:`selu`; in place."""
    return selu(input, inplace=True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """Return the input where it is above the threshold, else ``value``; in place."""
    return activate(ops.threshold, input, True, threshold, value)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)."""
    return activate(ops.relu6, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return the input where it is positive, else ``negative_slope`` times it."""
    return activate(ops.leaky_relu, input, inplace, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is drawn from ``lower`` to ``upper`` for every element; their mean if not training.

    References
    ----------
    Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015, section 2.4.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.rrelu(torch.tensor([-1.0, 2.0]), 0.25, 0.75)
    tensor([-0.5000,  2.0000])
    """
    return _rrelu(input, lower, upper, training, inplace, None)


def _rrelu(
    input: Tensor, lower: float, upper: float, training: bool, inplace: bool, generator: Generator | None
) -> Tensor:
    require_floating_point("rrelu", input)
    require_bools("rrelu", training=training)
    lower, upper = as_number("rrelu", "lower", lower), as_number("rrelu", "upper", upper)
    if lower > upper:
        raise RuntimeError(
            f"rrelu: Lower bound should be less than or equal to the upper bound, got {lower} and {upper}"
        )
    if not training:
        return activate(ops.leaky_relu, input, inplace, (lower + upper) / 2)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        raise RuntimeError(f"rrelu: expected finite bounds, got {lower} and {upper}")
    return activate(_randomly_leaky, input, inplace, lower, upper, generator)


@rounded_once
def _randomly_leaky(input: Tensor, lower: float, upper: float, generator: Generator | None) -> Tensor:
    slopes = sampling.rand_like(input.detach(), generator=generator) * (upper - lower) + lower
    return ops.where(input > 0, input, input * slopes)


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


@rounded_once
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Draw a class for every row of scores, softly: softmax((logits + Gumbel noise) / tau).

    Parameters
    ----------
    logits : Tensor
        Scores; the softmax is taken along ``dim``.
    tau : float
        Temperature: the lower, the closer to one-hot.
    hard : bool
        Return one-hot vectors, with the gradient of the soft ones ("straight through").
    eps : float
        Has no effect, as in PyTorch.

    References
    ----------
    Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2017, equation 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.gumbel_softmax(torch.tensor([0.0, 100.0, 0.0]), hard=True)
    tensor([0., 1., 0.])
    """
    require_floating_point("gumbel_softmax", logits, error=RuntimeError)
    require_numbers("gumbel_softmax", tau=tau, eps=eps)
    require_bools("gumbel_softmax", hard=hard)
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=3)
    noise = -ops.log(creation.empty_like(logits.detach()).exponential_())
    soft = ops.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    first = ops.argmax(soft, dim, keepdim=True)
    one_hot = ops.scatter(creation.zeros_like(soft.detach()), dim, first, 1.0)
    return one_hot - soft.detach() + soft


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
