"""The methods of Tensor that bring many elements together: sums, extrema, products of matrices, sorting.

Every method is one line: it hands over to the function of the same name in ``ops``.
"""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import TensorBase


class ReductionMethods(TensorBase):
    """Methods that bring elements together; part of Tensor."""

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.sum``."""
        return ops.sum(self, dim, keepdim, dtype=dtype, **numpy_names)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.mean``."""
        return ops.mean(self, dim, keepdim, dtype=dtype, **numpy_names)

    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.prod``."""
        return ops.prod(self, dim, keepdim, dtype=dtype, **numpy_names)

    def max(self, dim: Any = None, keepdim: bool = False, *, other: Any = None, **numpy_names: Any) -> Any:
        """See ``torch.max``."""
        return ops.max(self, dim, keepdim, other=other, **numpy_names)

    def min(self, dim: Any = None, keepdim: bool = False, *, other: Any = None, **numpy_names: Any) -> Any:
        """See ``torch.min``."""
        return ops.min(self, dim, keepdim, other=other, **numpy_names)

    def amax(self, dim: Any = (), keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.amax``."""
        return ops.amax(self, dim, keepdim, **numpy_names)

    def amin(self, dim: Any = (), keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.amin``."""
        return ops.amin(self, dim, keepdim, **numpy_names)

    def argmax(self, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.argmax``."""
        return ops.argmax(self, dim, keepdim, **numpy_names)

    def argmin(self, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.argmin``."""
        return ops.argmin(self, dim, keepdim, **numpy_names)

    def any(self, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.any``."""
        return ops.any(self, dim, keepdim, **numpy_names)

    def all(self, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.all``."""
        return ops.all(self, dim, keepdim, **numpy_names)

    def var(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
        **numpy_names: Any,
    ) -> Self:
        """See ``torch.var``."""
        return ops.var(self, dim, unbiased, keepdim, correction=correction, **numpy_names)

    def std(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
        **numpy_names: Any,
    ) -> Self:
        """See ``torch.std``."""
        return ops.std(self, dim, unbiased, keepdim, correction=correction, **numpy_names)

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Self:
        """See ``torch.norm``."""
        return ops.norm(self, p, dim, keepdim, dtype)

    def logsumexp(self, dim: Any = None, keepdim: bool = False, **numpy_names: Any) -> Self:
        """See ``torch.logsumexp``."""
        return ops.logsumexp(self, dim, keepdim, **numpy_names)

    def cumsum(self, dim: Any = None, *, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.cumsum``."""
        return ops.cumsum(self, dim, dtype=dtype, **numpy_names)

    def cumprod(self, dim: Any = None, *, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.cumprod``."""
        return ops.cumprod(self, dim, dtype=dtype, **numpy_names)

    def count_nonzero(self, dim: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.count_nonzero``."""
        return ops.count_nonzero(self, dim, **numpy_names)

    def softmax(self, dim: Any = None, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.softmax``."""
        return ops.softmax(self, dim, dtype, **numpy_names)

    def log_softmax(self, dim: Any = None, dtype: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.log_softmax``."""
        return ops.log_softmax(self, dim, dtype, **numpy_names)

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

    def sort(self, dim: int = -1, descending: bool = False, stable: bool = True, **numpy_names: Any) -> Any:
        """See ``torch.sort``."""
        return ops.sort(self, dim, descending, stable, **numpy_names)

    def argsort(
        self, dim: int = -1, descending: bool = False, *, stable: bool = True, **numpy_names: Any
    ) -> Self:
        """See ``torch.argsort``."""
        return ops.argsort(self, dim, descending, stable=stable, **numpy_names)

    def topk(
        self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True, **numpy_names: Any
    ) -> Any:
        """See ``torch.topk``."""
        return ops.topk(self, k, dim, largest, sorted, **numpy_names)

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
