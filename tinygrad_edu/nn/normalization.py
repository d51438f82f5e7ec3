"""Normalisation layers: they bring the numbers inside a network to mean 0 and variance 1.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, as_ints, require_ints
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import FiledParameter, Parameter


class _Affine(Module):
    """What the normalisation layers share: a learned scale ``weight`` and shift ``bias``, or neither."""

    weight = FiledParameter()
    bias = FiledParameter()

    def _add_affine(self, shape: Any, affine: bool, bias: bool, device: Any, dtype: Any) -> None:
        for name, wanted in (("weight", affine), ("bias", affine and bias)):
            values = creation.empty(shape, device=device, dtype=dtype) if wanted else None
            self.register_parameter(name, None if values is None else Parameter(values))
        _Affine.reset_parameters(self)

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Affine):
    """Normalisation over the last dimensions, then a scale and a shift.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of those dimensions, and of ``weight`` and ``bias``.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether to learn a scale and a shift.
    bias : bool
        Whether to learn the shift.
    device, dtype
        Of the parameters.

    Notes
    -----
    y = (x - mean) / sqrt(variance + eps) * weight + bias, with the variance divided by n, not n - 1.

    References
    ----------
    Ba, Kiros and Hinton, "Layer Normalization", 2016, equation 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.LayerNorm(2)(torch.tensor([[1.0, 3.0]])).detach()
    tensor([[-1.0000,  1.0000]])
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-05,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._add_affine(self.normalized_shape, elementwise_affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(_Affine):
    """Division by the root of the mean square over the last dimensions, then a scale.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of those dimensions, and of ``weight``.
    eps : float, optional
        Added to the mean square; by default the smallest step of the dtype at 1.
    elementwise_affine : bool
        Whether to learn a scale.
    device, dtype
        Of the scale.

    References
    ----------
    Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019, equation 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.RMSNorm.html
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = as_shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        values = creation.ones(self.normalized_shape, device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(values) if elementwise_affine else None)

    def reset_parameters(self) -> None:
        """Set the scale to 1."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


def as_shape(normalized_shape: Any) -> tuple[int, ...]:
    """Return an int, or a sequence of ints, as a tuple."""
    if isinstance(normalized_shape, list | tuple):
        return as_ints("normalization", "normalized_shape", normalized_shape)
    return (as_int("normalization", "normalized_shape", normalized_shape),)


class GroupNorm(_Affine):
    """Normalisation of groups of channels of every sample, then a scale and a shift of every channel.

    Parameters
    ----------
    num_groups : int
        The channels are split into so many groups.
    num_channels : int
        c of the input (n, c, *).
    eps : float
        Added to the variance.
    affine : bool
        Whether to learn a scale and a shift.
    device, dtype
        Of the parameters.
    bias : bool
        Whether to learn the shift.

    References
    ----------
    Wu and He, "Group Normalization", 2018, equations 1 to 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.GroupNorm.html
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-05,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_ints("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_groups <= 0 or num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._add_affine(num_channels, affine, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """x_c / (k + alpha avg of x^2 over ``size`` neighbouring channels)^beta, for (n, c, *).

    References
    ----------
    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 3.3.
    """

    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
