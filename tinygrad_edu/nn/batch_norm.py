"""Normalisation layers that may keep running statistics: batch norm and instance norm.

References
----------
https://docs.pytorch.org/docs/stable/nn.html#normalization-layers
"""

from __future__ import annotations

import warnings
from types import MappingProxyType
from typing import Any

from tinygrad_edu import creation, dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.normalization import _Affine
from tinygrad_edu.ops.common import require_tensor


class _NormBase(_Affine):
    """What the layers share: their parameters, and the running mean and variance of every channel."""

    expected_ndims: tuple[int, ...] = ()
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    _version = 2
    _since_version = MappingProxyType({"num_batches_tracked": 2})  # and the count stays what it is

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._add_affine(num_features, affine, bias, device, dtype)
        mean = var = count = None
        if track_running_stats:
            mean = creation.zeros(num_features, device=device, dtype=dtype)
            var = creation.ones(num_features, device=device, dtype=dtype)
            count = creation.zeros((), device=device, dtype=dtypes.int64)
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", var)
        self.register_buffer("num_batches_tracked", count)

    def reset_running_stats(self) -> None:
        """Forget the running statistics."""
        for buffer, start in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
            if buffer is not None:
                buffer.fill_(start)

    def reset_parameters(self) -> None:
        """Set the scale to 1 and the shift to 0, and forget the running statistics."""
        super().reset_parameters()
        self.reset_running_stats()

    def _check_ndim(self, input: Tensor) -> None:
        require_tensor(type(self).__name__, input)
        if input.ndim not in self.expected_ndims:
            wanted = " or ".join([f"{n}D" for n in self.expected_ndims])
            raise ValueError(f"expected {wanted} input (got {input.ndim}D input)")

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class _BatchNorm(_NormBase):
    def forward(self, input: Tensor) -> Tensor:
        self._check_ndim(input)
        mean, var = self.running_mean, self.running_var
        use_batch = self.training or (mean is None and var is None)
        if self.training and not self.track_running_stats:
            mean = var = None
        momentum = self._count_batch()
        return F.batch_norm(input, mean, var, self.weight, self.bias, use_batch, momentum, self.eps)

    def _count_batch(self) -> float:
        """Count a batch in training, and return how much it weighs in the running statistics."""
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # a plain average over all batches
                return 1.0 / self.num_batches_tracked.item()
        return 0.0 if self.momentum is None else self.momentum


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of (n, c, h, w): each channel gets mean 0 and variance 1, then a scale and a shift.

    In training the statistics are those of the batch; in evaluation the running ones are used, so that a
    sample's result does not depend on the others in its batch.

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
        Whether to keep running statistics; without them the batch's are used in evaluation, too.
    device, dtype
        Of the parameters and statistics.
    bias : bool
        Whether to learn the shift.

    Notes
    -----
    y = (x - mean) / sqrt(variance + eps) * weight + bias; running = (1 - momentum) running + momentum new.
    The variance is divided by the number n of values to normalise, but by n - 1 in the running one.

    References
    ----------
    Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", 2015, algorithms 1 and 2; https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm2d.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> norm = torch.nn.BatchNorm2d(16)
    >>> norm(torch.randn(8, 16, 5, 5)).shape
    torch.Size([8, 16, 5, 5])
    >>> norm.num_batches_tracked
    tensor(1)
    """

    expected_ndims = (4,)


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of (n, c) or (n, c, length); see :class:`BatchNorm2d`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html
    """

    expected_ndims = (2, 3)


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of (n, c, d, h, w); see :class:`BatchNorm2d`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm3d.html
    """

    expected_ndims = (5,)


class _InstanceNorm(_NormBase):
    """What the layers share: nothing is learned or tracked by default."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input: Tensor) -> Tensor:
        self._check_ndim(input)
        unbatched = input.ndim == self.expected_ndims[0]
        channels = input.shape[0 if unbatched else 1]
        if channels != self.num_features:
            if self.affine:
                raise ValueError(
                    f"expected input's size at dim={0 if unbatched else 1} to match num_features "
                    f"({self.num_features}), but got: {channels}."
                )
            warnings.warn(
                f"input's number of channels, {channels}, does not match num_features={self.num_features}, "
                "which is not used because affine=False",
                stacklevel=3,
            )
        images = ops.unsqueeze(input, 0) if unbatched else input
        output = F.instance_norm(
            images,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return ops.squeeze(output, 0) if unbatched else output


class InstanceNorm2d(_InstanceNorm):
    """Normalisation of every channel of every image (n, c, h, w) or (c, h, w) by itself.

    The parameters are those of :class:`BatchNorm2d`; nothing is learned or tracked by default.

    References
    ----------
    Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization", 2016, equation 4;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.InstanceNorm2d.html
    """

    expected_ndims = (3, 4)


class InstanceNorm1d(_InstanceNorm):
    """Normalisation of each channel of signals (n, c, length) or (c, length); see :class:`InstanceNorm2d`."""

    expected_ndims = (2, 3)


class InstanceNorm3d(_InstanceNorm):
    """Normalisation of each channel of volumes (n, c, d, h, w) or (c, d, h, w); see :class:`InstanceNorm2d`."""

    expected_ndims = (4, 5)
