"""Initial values of parameters.

Weights start at random, neither so small that signals die out from layer to layer nor so large that they
explode. The functions fill a tensor in place and return it.

References
----------
https://docs.pytorch.org/docs/stable/nn.init.html
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.arguments import as_int, require_numbers, wrong_type
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.backend import to_device
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.nn.gain import (
    _calculate_fan_in_and_fan_out as _calculate_fan_in_and_fan_out,
    calculate_gain as calculate_gain,
)
from tinygrad_edu.ops.common import require_tensor
from tinygrad_edu.random import Generator, numpy_rng, require_floating


def _write(tensor: Tensor, values: Any) -> Tensor:
    """Write an array that was made on the host into the tensor."""
    require_tensor("init", tensor, "tensor")
    with no_grad():
        return tensor.copy_(tensor_from_array(to_device(np.asarray(values), tensor.device)))


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with numbers evenly distributed over [a, b)."""
    require_tensor("uniform_", tensor, "tensor")
    require_numbers("uniform_", a=a, b=b)
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers from the normal distribution."""
    require_tensor("normal_", tensor, "tensor")
    require_numbers("normal_", mean=mean, std=std)
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one value."""
    require_tensor("constant_", tensor, "tensor")
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with ones."""
    require_tensor("ones_", tensor, "tensor")
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with zeros."""
    require_tensor("zeros_", tensor, "tensor")
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity."""
    require_tensor("eye_", tensor, "tensor")
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {list(tensor.shape)}")
    return _write(tensor, np.eye(*tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers from the part of the normal distribution that lies in [a, b].

    Notes
    -----
    With u even over [Phi(a'), Phi(b')], mean + std Phi^-1(u) has that distribution; Phi is the distribution
    function of the normal distribution, a' = (a - mean) / std and b' = (b - mean) / std.
    """
    require_tensor("trunc_normal_", tensor, "tensor")
    require_numbers("trunc_normal_", mean=mean, std=std, a=a, b=b)
    if not (math.isfinite(mean) and math.isfinite(std) and a <= b):
        raise RuntimeError(
            f"trunc_normal_: expected finite mean and std, and a <= b, got {mean}, {std}, {a} and {b}"
        )
    require_floating("trunc_normal_", tensor.dtype)
    from scipy.special import ndtr, ndtri  # only here: it takes a while to import

    low, high = (a - mean) / std, (b - mean) / std
    side = 1.0
    if low > 0:  # far out on the right Phi is 1 to the last digit; on the left it is a small, exact number
        low, high, side = -high, -low, -1.0
    u = numpy_rng(generator).uniform(ndtr(low), ndtr(high), tuple(tensor.shape))
    return _write(tensor, np.clip(mean + side * std * ndtri(u), a, b))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from the even distribution over [-a, a] with a = gain sqrt(6 / (fan_in + fan_out)).

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010,
    equation 16.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.nn.init.xavier_uniform_(torch.empty(3, 5), gain=torch.nn.init.calculate_gain("relu"))
    >>> bool(w.abs().max() < 2**0.5 * (6 / 8) ** 0.5)
    True
    """
    require_tensor("xavier_uniform_", tensor, "tensor")
    require_numbers("xavier_uniform_", gain=gain)
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill from the normal distribution with standard deviation gain sqrt(2 / (fan_in + fan_out)).

    References
    ----------
    Glorot and Bengio, 2010, equation 12.
    """
    require_tensor("xavier_normal_", tensor, "tensor")
    require_numbers("xavier_normal_", gain=gain)
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    """Return gain / sqrt(fan)."""
    if not isinstance(mode, str):
        raise wrong_type("kaiming", "mode", "str", mode)
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan = _calculate_fan_in_and_fan_out(tensor)[0 if mode == "fan_in" else 1]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _warned_of_nothing_to_fill(tensor: Tensor) -> bool:
    if tensor.numel() > 0:
        return False
    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the even distribution over [-b, b] with b = gain sqrt(3 / fan).

    Parameters
    ----------
    tensor : Tensor
        A weight: (out_features, in_features), or that of a convolution.
    a : float
        The negative slope, if the nonlinearity behind it is leaky_relu.
    mode : {"fan_in", "fan_out"}
        Whether to keep the variance of the signal on its way forward, or that of the gradient on its way
        back.
    nonlinearity : str
        See :func:`calculate_gain`.
    generator : Generator, optional
        Where the random numbers come from.

    References
    ----------
    He et al., "Delving Deep into Rectifiers", 2015, equations 10 and 14.
    """
    require_tensor("kaiming_uniform_", tensor, "tensor")
    require_numbers("kaiming_uniform_", a=a)
    if _warned_of_nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill from the normal distribution with deviation gain / sqrt(fan); see ``kaiming_uniform_``."""
    require_tensor("kaiming_normal_", tensor, "tensor")
    require_numbers("kaiming_normal_", a=a)
    if _warned_of_nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a matrix whose rows (or columns) are orthogonal and of length ``gain``.

    References
    ----------
    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013.
    """
    require_tensor("orthogonal_", tensor, "tensor")
    require_numbers("orthogonal_", gain=gain)
    if tensor.ndim < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported, got {list(tensor.shape)}")
    require_floating("orthogonal_", tensor.dtype)
    rows, columns = tensor.shape[0], math.prod(tensor.shape[1:])
    gaussian = numpy_rng(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q *= np.sign(np.diag(r))  # makes the distribution uniform
    q = q if rows >= columns else q.T
    return _write(tensor, gain * q.reshape(tuple(tensor.shape)))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution's weight so that it passes as many input channels on unchanged as it can.

    Parameters
    ----------
    tensor : Tensor
        (out_channels, in_channels / groups, *kernel_size).
    groups : int
        Each group passes its channels on.
    """
    require_tensor("dirac_", tensor, "tensor")
    groups = as_int("dirac_", "groups", groups)
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(f"Only tensors with 3, 4, or 5 dimensions are supported, got {list(tensor.shape)}")
    if groups < 1 or tensor.shape[0] % groups:
        raise ValueError(f"dim 0 must be divisible by groups, got {tensor.shape[0]} and groups={groups}")
    values = np.zeros(tuple(tensor.shape))
    per_group = tensor.shape[0] // groups
    centre = tuple([size // 2 for size in tensor.shape[2:]])
    for group in range(groups):
        for channel in range(min(per_group, tensor.shape[1])):
            values[(group * per_group + channel, channel, *centre)] = 1
    return _write(tensor, values)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix from the normal distribution, with a part ``sparsity`` of every column set to 0.

    References
    ----------
    Martens, "Deep learning via Hessian-free optimization", 2010.
    """
    require_tensor("sparse_", tensor, "tensor")
    require_numbers("sparse_", sparsity=sparsity, std=std)
    if not math.isfinite(sparsity):
        raise (ValueError if math.isnan(sparsity) else OverflowError)(
            f"sparse_: expected a finite sparsity, got {sparsity}"
        )
    if not std >= 0:
        raise RuntimeError(f"sparse_: normal expects std >= 0.0, but found std {std}")
    if tensor.ndim != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported, got {list(tensor.shape)}")
    require_floating("sparse_", tensor.dtype)
    rows, columns = tensor.shape
    rng = numpy_rng(generator)
    values = rng.normal(0.0, std, (rows, columns))
    for column in range(columns):
        values[rng.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _write(tensor, values)


# ---- the older names, without the underscore: they warn, as in PyTorch ------------------------------------


def _older(function: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
    new = function.__name__
    warnings.warn(
        f"`nn.init.{new[:-1]}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning, stacklevel=3
    )
    return function(*args, **kwargs)


def uniform(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`uniform_`."""
    return _older(uniform_, *args, **kwargs)


def normal(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`normal_`."""
    return _older(normal_, *args, **kwargs)


def constant(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`constant_`."""
    return _older(constant_, *args, **kwargs)


def eye(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`eye_`."""
    return _older(eye_, *args, **kwargs)


def dirac(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`dirac_`."""
    return _older(dirac_, *args, **kwargs)


def xavier_uniform(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`xavier_uniform_`."""
    return _older(xavier_uniform_, *args, **kwargs)


def xavier_normal(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`xavier_normal_`."""
    return _older(xavier_normal_, *args, **kwargs)


def kaiming_uniform(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`kaiming_uniform_`."""
    return _older(kaiming_uniform_, *args, **kwargs)


def kaiming_normal(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`kaiming_normal_`."""
    return _older(kaiming_normal_, *args, **kwargs)


def orthogonal(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`orthogonal_`."""
    return _older(orthogonal_, *args, **kwargs)


def sparse(*args: Any, **kwargs: Any) -> Tensor:
    """Older name of :func:`sparse_`."""
    return _older(sparse_, *args, **kwargs)


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
