"""The special functions that change a Tensor in place; their names end in an underscore."""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu._tensor_methods.inplace import write_result
from tinygrad_edu.autograd.tensor_base import TensorBase


class SpecialInplaceMethods(TensorBase):
    """Special functions that change the tensor; part of Tensor."""

    def digamma_(self) -> Self:
        """See ``torch.digamma``; changes the tensor in place."""
        return write_result(self, ops.digamma(self), "digamma_")

    def erfinv_(self) -> Self:
        """See ``torch.erfinv``; changes the tensor in place."""
        return write_result(self, ops.erfinv(self), "erfinv_")

    def i0_(self) -> Self:
        """See ``torch.i0``; changes the tensor in place."""
        return write_result(self, ops.i0(self), "i0_")

    def igamma_(self, other: Any) -> Self:
        """See ``torch.igamma``; changes the tensor in place."""
        return write_result(self, ops.igamma(self, other), "igamma_")

    def igammac_(self, other: Any) -> Self:
        """See ``torch.igammac``; changes the tensor in place."""
        return write_result(self, ops.igammac(self, other), "igammac_")

    def lgamma_(self) -> Self:
        """See ``torch.lgamma``; changes the tensor in place."""
        return write_result(self, ops.lgamma(self), "lgamma_")

    def logit_(self, eps: float | None = None) -> Self:
        """See ``torch.logit``; changes the tensor in place."""
        return write_result(self, ops.logit(self, eps), "logit_")

    def mvlgamma_(self, p: int) -> Self:
        """See ``torch.mvlgamma``; changes the tensor in place."""
        return write_result(self, ops.mvlgamma(self, p), "mvlgamma_")

    def polygamma_(self, n: int) -> Self:
        """See ``torch.polygamma``; changes the tensor in place."""
        return write_result(self, ops.polygamma(n, self), "polygamma_")

    def sinc_(self) -> Self:
        """See ``torch.sinc``; changes the tensor in place."""
        return write_result(self, ops.sinc(self), "sinc_")

    def xlogy_(self, other: Any) -> Self:
        """See ``torch.xlogy``; changes the tensor in place."""
        return write_result(self, ops.xlogy(self, other), "xlogy_")
