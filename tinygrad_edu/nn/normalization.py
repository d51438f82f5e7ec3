"""Normalisation layers.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation, dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


class _BatchNorm(Module):
    """Batch normalisation; the subclasses say which shapes they take."""

    expected_ndims: tuple[int, ...] = ()

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        for name in ("weight", "bias"):
            parameter = (
                Parameter(creation.empty(num_features, device=device, dtype=dtype)) if affine else None
            )
            self.register_parameter(name, parameter)
        tracked = track_running_stats
        self.register_buffer(
            "running_mean", creation.zeros(num_features, device=device, dtype=dtype) if tracked else None
        )
        self.register_buffer(
            "running_var", creation.ones(num_features, device=device, dtype=dtype) if tracked else None
        )
        count = creation.zeros((), dtype=dtypes.int64, device=device) if tracked else None
        self.register_buffer("num_batches_tracked", count)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Set weight to 1 and bias to 0, and forget the running statistics."""
        self.reset_running_stats()
        if self.affine:
            init.ones_(self.weight)
            init.zeros_(self.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise every channel."""
        if input.ndim not in self.expected_ndims:
            wanted = " or ".join(f"{n}D" for n in self.expected_ndims)
            raise ValueError(f"expected {wanted} input (got {input.ndim}D input)")
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a plain average over all batches
                momentum = 1.0 / self.num_batches_tracked.item()
        use_batch = self.training or not self.track_running_stats
        running = (
            (self.running_mean, self.running_var)
            if not self.training or self.track_running_stats
            else (None, None)
        )
        return F.batch_norm(input, *running, self.weight, self.bias, use_batch, momentum, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (n, c) or (n, c, length); see :class:`BatchNorm2d`."""

    expected_ndims = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (n, c, h, w): every channel gets mean 0 and variance 1, then a scale and a shift.

    Parameters
    ----------
    num_features : int
        c.
    eps : float
        Added to the variance.
    momentum : float or None
        Weight of a new batch in the running statistics; None for a plain average.
    affine : bool
        Whether to learn a scale and a shift.
    track_running_stats : bool
        Whether to keep running statistics, for evaluation.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html
    """

    expected_ndims = (4,)


class LayerNorm(Module):
    """Normalisation over the last dimensions, then a scale and a shift.

    Parameters
    ----------
    normalized_shape : int or sequence of int
        The sizes of those dimensions.
    eps : float
        Added to the variance.
    elementwise_affine : bool
        Whether to learn a scale and a shift.
    bias : bool
        Whether to learn the shift.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html
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
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        options = {"device": device, "dtype": dtype}
        affine = elementwise_affine
        self.register_parameter(
            "weight", Parameter(creation.ones(self.normalized_shape, **options)) if affine else None
        )
        self.register_parameter(
            "bias", Parameter(creation.zeros(self.normalized_shape, **options)) if affine and bias else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise the last dimensions."""
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RMSNorm(Module):
    """Division by the root mean square over the last dimensions, then a scale."""

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = (
            (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        )
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        ones = creation.ones(self.normalized_shape, device=device, dtype=dtype)
        self.register_parameter("weight", Parameter(ones) if elementwise_affine else None)

    def forward(self, input: Tensor) -> Tensor:
        """Normalise the last dimensions."""
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class GroupNorm(Module):
    """Normalisation of groups of channels of every sample.

    References
    ----------
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
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        options = {"device": device, "dtype": dtype}
        self.register_parameter(
            "weight", Parameter(creation.ones(num_channels, **options)) if affine else None
        )
        self.register_parameter(
            "bias", Parameter(creation.zeros(num_channels, **options)) if affine else None
        )

    def forward(self, input: Tensor) -> Tensor:
        """Normalise the groups."""
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Return the options."""
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}"
