"""The methods of Tensor that bring many elements together: sums, extrema, products of matrices, sorting.

Every method is one line: it hands over to the function of the same name in ``ops``.
"""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import TensorBase


class ReductionMethods(TensorBase):
    """Methods that bring elements together; part of Tensor."""

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Self:
        """See ``torch.sum``."""
        return ops.sum(self, dim, keepdim, dtype=dtype)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Self:
        """See ``torch.mean``."""
        return ops.mean(self, dim, keepdim, dtype=dtype)

    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Self:
        """See ``torch.prod``."""
        return ops.prod(self, dim, keepdim, dtype=dtype)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """See ``torch.max``."""
        return ops.max(self, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """See ``torch.min``."""
        return ops.min(self, dim, keepdim)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.amax``."""
        return ops.amax(self, dim, keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.amin``."""
        return ops.amin(self, dim, keepdim)

    def argmax(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.argmax``."""
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.argmin``."""
        return ops.argmin(self, dim, keepdim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.any``."""
        return ops.any(self, dim, keepdim)

    def all(self, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.all``."""
        return ops.all(self, dim, keepdim)

    def var(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Self:
        """See ``torch.var``."""
        return ops.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Self:
        """See ``torch.std``."""
        return ops.std(self, dim, unbiased, keepdim, correction=correction)

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Self:
        """See ``torch.norm``."""
        return ops.norm(self, p, dim, keepdim)

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Self:
        """See ``torch.logsumexp``."""
        return ops.logsumexp(self, dim, keepdim)

    def cumsum(self, dim: int, *, dtype: Any = None) -> Self:
        """See ``torch.cumsum``."""
        return ops.cumsum(self, dim, dtype=dtype)

    def cumprod(self, dim: int, *, dtype: Any = None) -> Self:
        """See ``torch.cumprod``."""
        return ops.cumprod(self, dim, dtype=dtype)

    def count_nonzero(self, dim: Any = None) -> Self:
        """See ``torch.count_nonzero``."""
        return ops.count_nonzero(self, dim)

    def softmax(self, dim: int, dtype: Any = None) -> Self:
        """See ``torch.softmax``."""
        return ops.softmax(self, dim, dtype)

    def log_softmax(self, dim: int, dtype: Any = None) -> Self:
        """See ``torch.log_softmax``."""
        return ops.log_softmax(self, dim, dtype)

    def matmul(self, other: TensorBase) -> Self:
        """See ``torch.matmul``."""
        return ops.matmul(self, other)

    def mm(self, mat2: TensorBase) -> Self:
        """See ``torch.mm``."""
        return ops.mm(self, mat2)

    def bmm(self, mat2: TensorBase) -> Self:
        """See ``torch.bmm``."""
        return ops.bmm(self, mat2)

    def mv(self, vec: TensorBase) -> Self:
        """See ``torch.mv``."""
        return ops.mv(self, vec)

    def dot(self, tensor: TensorBase) -> Self:
        """See ``torch.dot``."""
        return ops.dot(self, tensor)

    def outer(self, vec2: TensorBase) -> Self:
        """See ``torch.outer``."""
        return ops.outer(self, vec2)

    def addmm(self, mat1: TensorBase, mat2: TensorBase, *, beta: float = 1, alpha: float = 1) -> Self:
        """See ``torch.addmm``."""
        return ops.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def allclose(
        self, other: TensorBase, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> bool:
        """See ``torch.allclose``."""
        return ops.allclose(self, other, rtol, atol, equal_nan)

    def isclose(
        self, other: TensorBase, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> Self:
        """See ``torch.isclose``."""
        return ops.isclose(self, other, rtol, atol, equal_nan)

    def equal(self, other: TensorBase) -> bool:
        """See ``torch.equal``."""
        return ops.equal(self, other)

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
        """See ``torch.sort``."""
        return ops.sort(self, dim, descending, stable)

    def argsort(self, dim: int = -1, descending: bool = False, *, stable: bool = True) -> Self:
        """See ``torch.argsort``."""
        return ops.argsort(self, dim, descending, stable=stable)

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
        """See ``torch.topk``."""
        return ops.topk(self, k, dim, largest, sorted)

    def unique(
        self,
        sorted: bool = True,
        return_inverse: bool = False,
        return_counts: bool = False,
        dim: int | None = None,
    ) -> Any:
        """See ``torch.unique``."""
        return ops.unique(self, sorted, return_inverse, return_counts, dim)

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """See ``torch.nonzero``."""
        return ops.nonzero(self, as_tuple=as_tuple)

    def bincount(self, weights: TensorBase | None = None, minlength: int = 0) -> Self:
        """See ``torch.bincount``."""
        return ops.bincount(self, weights, minlength)
