"""The methods of Tensor that are about complex numbers."""

from __future__ import annotations

from typing import Self

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor_methods.writing import write_result
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops.common import require_tensor


class ComplexMethods(TensorBase):
    """Parts of complex numbers, conjugates, and matrices that are transposed and conjugated; part of Tensor."""

    conj = ops.conj
    conj_physical = ops.conj_physical
    resolve_conj = ops.resolve_conj
    resolve_neg = ops.resolve_neg
    angle = ops.angle
    adjoint = ops.adjoint

    @property
    def real(self) -> Self:
        """The real parts, a view; of real numbers the tensor itself. What is assigned is written into them."""
        return ops.real(self)

    @real.setter
    def real(self, value: TensorBase) -> None:
        require_tensor("real", value, "value")
        ops.real(self).copy_(value)

    @property
    def imag(self) -> Self:
        """The imaginary parts, a view; real numbers have none. What is assigned is written into them."""
        return ops.imag(self)

    @imag.setter
    def imag(self, value: TensorBase) -> None:
        require_tensor("imag", value, "value")
        ops.imag(self).copy_(value)

    @property
    def H(self) -> Self:
        """The matrix transposed and conjugated."""
        if self.ndim not in (0, 2):
            raise RuntimeError(
                f"tensor.H is only supported on matrices (2-D tensors). Got {self.ndim}-D tensor."
            )
        return ops.adjoint(self) if self.ndim else ops.conj(self)

    @property
    def mH(self) -> Self:
        """The matrices of the last two dimensions transposed and conjugated."""
        if self.ndim == 1:
            raise RuntimeError(
                f"tensor.mH is only supported on matrices or batches of matrices. Got {self.ndim}-D tensor."
            )
        return ops.adjoint(self) if self.ndim else ops.conj(self)

    def is_conj(self) -> bool:
        """Tell whether the numbers wait to be conjugated: never, ``conj`` does it at once."""
        return False

    def is_neg(self) -> bool:
        """Tell whether the numbers wait to be negated: never."""
        return False

    def conj_physical_(self) -> Self:
        """See ``torch.conj_physical``; changes the tensor in place."""
        return write_result(self, ops.conj(self), "conj_physical_") if self.is_complex() else self

    def cfloat(self) -> Self:
        """Return the tensor as complex64."""
        return self.to(dtype=dtypes.complex64)

    def cdouble(self) -> Self:
        """Return the tensor as complex128."""
        return self.to(dtype=dtypes.complex128)
