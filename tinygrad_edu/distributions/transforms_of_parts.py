"""Transforms of the parts of a tensor, each by its own, and of its shape.

References
----------
https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.transforms
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.transform import Transform, sum_rightmost
from tinygrad_edu.size import Size


class _OfParts(Transform):
    """A transform for each part of a tensor along a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int, cache_size: int) -> None:
        if not all(isinstance(t, Transform) for t in tseq):
            raise AssertionError(
                f"{type(self).__name__}: expected all of tseq to be Transforms, got {[type(t).__name__ for t in tseq]}"
            )
        super().__init__(cache_size)
        self.transforms, self.dim = list(tseq), dim
        self.bijective = all(t.bijective for t in self.transforms)

    def _check(self, x: Tensor, length: int) -> None:
        if not -x.ndim <= self.dim < x.ndim:
            raise AssertionError(
                f"{type(self).__name__}: dim {self.dim} is not one of the {x.ndim} of the tensor"
            )
        if x.shape[self.dim] != length:
            raise AssertionError(
                f"{type(self).__name__}: expected size {length} in dimension {self.dim}, got {x.shape[self.dim]}"
            )


class CatTransform(_OfParts):
    """A transform for each piece of a tensor; what comes out is put together as ``torch.cat`` does.

    Parameters
    ----------
    tseq : list of Transform
        One for each piece.
    dim : int
        The dimension along which the pieces lie.
    lengths : list of int, optional
        Their sizes; 1 each by default.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> D = torch.distributions
    >>> both = D.CatTransform([D.ExpTransform(), D.identity_transform], lengths=[1, 2])
    >>> both(torch.tensor([0.0, 1.0, 2.0]))
    tensor([1., 1., 2.])
    """

    def __init__(
        self,
        tseq: Sequence[Transform],
        dim: int = 0,
        lengths: Sequence[int] | None = None,
        cache_size: int = 0,
    ) -> None:
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(
                f"CatTransform: expected a length for each of {len(self.transforms)} transforms, got {self.lengths}"
            )
        self.domain = constraints.cat([t.domain for t in self.transforms], dim, self.lengths)
        self.codomain = constraints.cat([t.codomain for t in self.transforms], dim, self.lengths)

    @property
    def event_dim(self) -> int:
        return max(t.event_dim for t in self.transforms)

    @property
    def length(self) -> int:
        """The size of the whole."""
        return sum(self.lengths)

    def _pieces(self, x: Tensor) -> list[Any]:
        self._check(x, self.length)
        return list(ops.split(x, self.lengths, self.dim))

    def _call(self, x: Tensor) -> Tensor:
        pieces = zip(self.transforms, self._pieces(x), strict=True)
        return ops.cat([transform(piece) for transform, piece in pieces], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        pieces = zip(self.transforms, self._pieces(y), strict=True)
        return ops.cat([transform.inv(piece) for transform, piece in pieces], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Return those of the pieces side by side, or their sum if ``dim`` is within one event."""
        found = [
            sum_rightmost(t.log_abs_det_jacobian(a, b), self.event_dim - t.event_dim)
            for t, a, b in zip(self.transforms, self._pieces(x), self._pieces(y), strict=True)
        ]
        dim = (self.dim - x.ndim if self.dim >= 0 else self.dim) + self.event_dim
        if dim < 0:
            return ops.cat(found, dim)
        total: Any = sum(found)
        return total


class StackTransform(_OfParts):
    """A transform for each slice of a tensor; what comes out is put together as ``torch.stack`` does.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> D = torch.distributions
    >>> D.StackTransform([D.ExpTransform(), D.identity_transform], dim=1)(torch.zeros(2, 2))
    tensor([[1., 0.],
            [1., 0.]])
    """

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, cache_size)
        self.domain = constraints.stack([t.domain for t in self.transforms], dim)
        self.codomain = constraints.stack([t.codomain for t in self.transforms], dim)

    def _slices(self, x: Tensor) -> list[Any]:
        self._check(x, len(self.transforms))
        return list(ops.unbind(x, self.dim))

    def _call(self, x: Tensor) -> Tensor:
        return ops.stack([t(a) for t, a in zip(self.transforms, self._slices(x), strict=True)], self.dim)

    def _inverse(self, y: Tensor) -> Tensor:
        return ops.stack([t.inv(b) for t, b in zip(self.transforms, self._slices(y), strict=True)], self.dim)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        slices = zip(self.transforms, self._slices(x), self._slices(y), strict=True)
        return ops.stack([t.log_abs_det_jacobian(a, b) for t, a, b in slices], self.dim)


class ReshapeTransform(Transform):
    """An event of another shape, with the same numbers; log |det| is 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.distributions.ReshapeTransform((2, 3), (6,))(torch.zeros(5, 2, 3)).shape
    torch.Size([5, 6])
    """

    bijective = True

    def __init__(self, in_shape: Sequence[int], out_shape: Sequence[int], cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.in_shape, self.out_shape = Size(in_shape), Size(out_shape)
        if math.prod(self.in_shape) != math.prod(self.out_shape):
            raise ValueError("in_shape, out_shape have different numbers of elements")
        self.domain = constraints.independent(constraints.real, len(self.in_shape))
        self.codomain = constraints.independent(constraints.real, len(self.out_shape))

    def _call(self, x: Tensor) -> Tensor:
        return x.reshape((*x.shape[: x.ndim - len(self.in_shape)], *self.out_shape))

    def _inverse(self, y: Tensor) -> Tensor:
        return y.reshape((*y.shape[: y.ndim - len(self.out_shape)], *self.in_shape))

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        zeros: Tensor = x.new_zeros(x.shape[: x.ndim - len(self.in_shape)])
        return zeros

    def forward_shape(self, shape: Sequence[int]) -> Any:
        return self._exchanged(shape, self.in_shape, self.out_shape)

    def inverse_shape(self, shape: Sequence[int]) -> Any:
        return self._exchanged(shape, self.out_shape, self.in_shape)

    @staticmethod
    def _exchanged(shape: Sequence[int], old: Size, new: Size) -> Any:
        if len(shape) < len(old):
            raise ValueError(f"ReshapeTransform: expected at least {len(old)} dimensions, got {len(shape)}")
        cut = len(shape) - len(old)
        if tuple(shape[cut:]) != tuple(old):
            raise ValueError(
                f"ReshapeTransform: expected a shape that ends with {list(old)}, got {list(shape)}"
            )
        return (*shape[:cut], *new)
