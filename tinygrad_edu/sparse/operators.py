"""Arithmetic of sparse tensors: each operator is one on their elements."""

# A sparse tensor takes less than a dense one in some methods, of which the type checker would complain.
# mypy: disable-error-code="override,assignment"

from __future__ import annotations

from functools import partialmethod
from typing import Any, Self

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu._tensor_methods.operators import array_as_tensor
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.common import check_broadcast
from tinygrad_edu.sparse import product as products
from tinygrad_edu.sparse.tensor import SparseTensor
from tinygrad_edu.type_names import type_name

NO_DENSE_SUMMAND = "add(sparse, dense) is not supported. Use add(dense, sparse) instead."


class SparseOperators(SparseTensor):
    """Operators and elementwise methods; part of the sparse tensors of both layouts."""

    def _on_elements(self, function: Any, *args: Any) -> Self:
        """Apply an elementwise function of which f(0) = 0: then all that is no element stays 0."""
        one = self.coalesce()  # f(a + b) is not f(a) + f(b)
        return one.with_elements(function(one._elements, *args))

    abs = partialmethod(_on_elements, ops.absolute)
    asin = partialmethod(_on_elements, ops.asin)
    asinh = partialmethod(_on_elements, ops.asinh)
    atan = partialmethod(_on_elements, ops.atan)
    atanh = partialmethod(_on_elements, ops.atanh)
    ceil = partialmethod(_on_elements, ops.ceil)
    deg2rad = partialmethod(_on_elements, ops.deg2rad)
    erf = partialmethod(_on_elements, ops.erf)
    expm1 = partialmethod(_on_elements, ops.expm1)
    floor = partialmethod(_on_elements, ops.floor)
    frac = partialmethod(_on_elements, ops.frac)
    log1p = partialmethod(_on_elements, ops.log1p)
    rad2deg = partialmethod(_on_elements, ops.rad2deg)
    relu = partialmethod(_on_elements, ops.relu)
    round = partialmethod(_on_elements, ops.round)
    sign = partialmethod(_on_elements, ops.sign)
    sin = partialmethod(_on_elements, ops.sin)
    sinh = partialmethod(_on_elements, ops.sinh)
    sqrt = partialmethod(_on_elements, ops.sqrt)
    square = partialmethod(_on_elements, ops.square)
    tan = partialmethod(_on_elements, ops.tan)
    tanh = partialmethod(_on_elements, ops.tanh)
    trunc = partialmethod(_on_elements, ops.trunc)
    absolute = abs
    __abs__ = abs

    def neg(self) -> Self:
        """Return the tensor with its sign changed."""
        return self.with_elements(-self._elements)

    __neg__ = neg

    def pow(self, exponent: Any) -> Self:
        """Return the tensor to the power of a positive number: 0 to the power of 0 is 1, which is not sparse."""
        if isinstance(exponent, TensorBase) or not exponent > 0:
            raise NotImplementedError(
                f"pow: expected a positive number beside a sparse tensor, got {exponent}"
            )
        return self._on_elements(ops.pow, exponent)

    __pow__ = pow

    # ---- two operands -----------------------------------------------------------------------------------

    def add(self, other: Any, *, alpha: float = 1) -> Any:
        """Return the sum with another sparse tensor."""
        if not isinstance(other, SparseTensor):
            raise RuntimeError(NO_DENSE_SUMMAND)
        if self.shape != other.shape:
            raise RuntimeError(
                f"add: expected 'self' and 'other' to have same sizes, but {list(self.shape)} != {list(other.shape)}"
            )
        other = other if alpha == 1 else other * alpha
        total = self.to_sparse_coo()._joined(other.to_sparse_coo())
        return total if self.is_sparse else total.to_sparse_csr()

    __add__ = add

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, TensorBase):
            return ops.add(other, self.to_dense())
        if hasattr(other, "shape"):  # a dense gradient, as an array
            return other + self.to_dense().array
        raise RuntimeError(NO_DENSE_SUMMAND)

    def sub(self, other: Any, *, alpha: float = 1) -> Any:
        """Return the difference from another sparse tensor."""
        if not isinstance(other, SparseTensor):
            raise RuntimeError(NO_DENSE_SUMMAND.replace("add", "sub"))
        return self.add(-other, alpha=alpha)

    __sub__ = sub

    def __rsub__(self, other: Any) -> Any:
        return (-self).__radd__(other)

    def mul(self, other: Any) -> Any:
        """Return the product with a number, a dense tensor or a sparse one, element by element."""
        other = array_as_tensor(other)
        if isinstance(other, SparseTensor):
            product = self.to_sparse_coo()._common(other.to_sparse_coo())
            return product if self.is_sparse else product.to_sparse_csr()
        if isinstance(other, TensorBase) and other.ndim:
            check_broadcast("mul", self.shape, other.shape)
            return self.with_elements(self._elements * self._picked(ops.broadcast_to(other, self.shape)))
        return self.with_elements(self._elements * other)

    __mul__ = mul
    __rmul__ = mul

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """Return the quotient by a number."""
        if isinstance(other, TensorBase) and other.ndim:
            raise RuntimeError(
                "Sparse division requires a scalar or zero-dim dense tensor divisor (got shape "
                f"{list(other.shape)} for divisor)"
            )
        return self.with_elements(ops.div(self._elements, other, rounding_mode=rounding_mode))

    __truediv__ = div

    def __rtruediv__(self, other: Any) -> Self:
        raise NotImplementedError(f"div: expected a dense divisor, got one of layout {self.layout}")

    def matmul(self, other: Any) -> Any:
        """Return the product with a dense matrix or vector, or with a sparse matrix; see ``torch.sparse.mm``."""
        return products.matmul(self, array_as_tensor(other))

    product = staticmethod(products.matmul)
    __matmul__ = matmul
    mm = matmul
    mv = matmul

    def smm(self, mat2: Any) -> Any:
        """See ``torch.smm``."""
        return products.smm(self, mat2)

    def __rmatmul__(self, other: Any) -> Any:
        return products.matmul(array_as_tensor(other), self)

    def _picked(self, dense: Any) -> Any:
        """Return the elements of a dense tensor of this shape at the places of this tensor's elements."""
        return dense[self._places()]

    # ---- in place ---------------------------------------------------------------------------------------

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """Add another sparse tensor; this one has the elements of both then."""
        return self._become(self.add(other, alpha=alpha))

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """Subtract another sparse tensor."""
        return self._become(self.sub(other, alpha=alpha))

    def mul_(self, other: Any) -> Self:
        """Multiply with a number, a dense tensor or a sparse one."""
        return self._become(self.mul(other))

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """Divide by a number."""
        return self._become(self.div(other, rounding_mode=rounding_mode))

    __iadd__ = add_
    __isub__ = sub_
    __imul__ = mul_
    __itruediv__ = div_

    def _become(self, result: Any) -> Self:
        """Take over the parts of another sparse tensor."""
        if self.is_leaf and self.requires_grad and result.requires_grad:
            raise RuntimeError(
                "a leaf Variable that requires grad is being used in an in-place operation: a sparse tensor, of "
                f"shape {list(self.shape)}"
            )
        vars(self).update(vars(result))
        return self

    # ---- elements together ------------------------------------------------------------------------------

    def norm(self, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
        """Return the norm of all elements."""
        if dim is not None or keepdim:
            raise NotImplementedError("norm: expected neither dim nor keepdim for a sparse tensor")
        return ops.norm(self.coalesce()._elements.reshape(-1), p, dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        numbers = index if isinstance(index, tuple) else (index,)
        picked: Any = self
        for number in numbers:
            if not isinstance(number, int | np.integer) or isinstance(number, bool):
                raise NotImplementedError(
                    f"expected ints to index a sparse tensor with, got {type_name(number)}. Hint: use "
                    "index_select(), or to_dense()"
                )
            picked = picked.select(0, int(number))
        return picked
