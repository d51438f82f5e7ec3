"""The methods of Tensor that compute: elementwise functions, reductions, products, comparisons.

Every method is one line: it hands over to the function of the same name in ``ops``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


class MathMethods:
    """Methods that compute; part of Tensor."""

    def exp(self) -> Tensor:
        """See ``torch.exp``."""
        return ops.exp(self)

    def exp2(self) -> Tensor:
        """See ``torch.exp2``."""
        return ops.exp2(self)

    def expm1(self) -> Tensor:
        """See ``torch.expm1``."""
        return ops.expm1(self)

    def log(self) -> Tensor:
        """See ``torch.log``."""
        return ops.log(self)

    def log2(self) -> Tensor:
        """See ``torch.log2``."""
        return ops.log2(self)

    def log10(self) -> Tensor:
        """See ``torch.log10``."""
        return ops.log10(self)

    def log1p(self) -> Tensor:
        """See ``torch.log1p``."""
        return ops.log1p(self)

    def sqrt(self) -> Tensor:
        """See ``torch.sqrt``."""
        return ops.sqrt(self)

    def rsqrt(self) -> Tensor:
        """See ``torch.rsqrt``."""
        return ops.rsqrt(self)

    def sin(self) -> Tensor:
        """See ``torch.sin``."""
        return ops.sin(self)

    def cos(self) -> Tensor:
        """See ``torch.cos``."""
        return ops.cos(self)

    def tan(self) -> Tensor:
        """See ``torch.tan``."""
        return ops.tan(self)

    def asin(self) -> Tensor:
        """See ``torch.asin``."""
        return ops.asin(self)

    def acos(self) -> Tensor:
        """See ``torch.acos``."""
        return ops.acos(self)

    def atan(self) -> Tensor:
        """See ``torch.atan``."""
        return ops.atan(self)

    def sinh(self) -> Tensor:
        """See ``torch.sinh``."""
        return ops.sinh(self)

    def cosh(self) -> Tensor:
        """See ``torch.cosh``."""
        return ops.cosh(self)

    def tanh(self) -> Tensor:
        """See ``torch.tanh``."""
        return ops.tanh(self)

    def asinh(self) -> Tensor:
        """See ``torch.asinh``."""
        return ops.asinh(self)

    def acosh(self) -> Tensor:
        """See ``torch.acosh``."""
        return ops.acosh(self)

    def atanh(self) -> Tensor:
        """See ``torch.atanh``."""
        return ops.atanh(self)

    def sigmoid(self) -> Tensor:
        """See ``torch.sigmoid``."""
        return ops.sigmoid(self)

    def erf(self) -> Tensor:
        """See ``torch.erf``."""
        return ops.erf(self)

    def erfc(self) -> Tensor:
        """See ``torch.erfc``."""
        return ops.erfc(self)

    def neg(self) -> Tensor:
        """See ``torch.neg``."""
        return ops.neg(self)

    def reciprocal(self) -> Tensor:
        """See ``torch.reciprocal``."""
        return ops.reciprocal(self)

    def square(self) -> Tensor:
        """See ``torch.square``."""
        return ops.square(self)

    def sign(self) -> Tensor:
        """See ``torch.sign``."""
        return ops.sign(self)

    def floor(self) -> Tensor:
        """See ``torch.floor``."""
        return ops.floor(self)

    def ceil(self) -> Tensor:
        """See ``torch.ceil``."""
        return ops.ceil(self)

    def trunc(self) -> Tensor:
        """See ``torch.trunc``."""
        return ops.trunc(self)

    def frac(self) -> Tensor:
        """See ``torch.frac``."""
        return ops.frac(self)

    def relu(self) -> Tensor:
        """See ``torch.relu``."""
        return ops.relu(self)

    def isnan(self) -> Tensor:
        """See ``torch.isnan``."""
        return ops.isnan(self)

    def isinf(self) -> Tensor:
        """See ``torch.isinf``."""
        return ops.isinf(self)

    def isfinite(self) -> Tensor:
        """See ``torch.isfinite``."""
        return ops.isfinite(self)

    def logical_not(self) -> Tensor:
        """See ``torch.logical_not``."""
        return ops.logical_not(self)

    def bitwise_not(self) -> Tensor:
        """See ``torch.bitwise_not``."""
        return ops.bitwise_not(self)

    def abs(self) -> Tensor:
        """See ``torch.abs``."""
        return ops.absolute(self)

    def round(self, *, decimals: int = 0) -> Tensor:
        """See ``torch.round``."""
        return ops.round(self, decimals=decimals)

    def add(self, other: Any, *, alpha: float = 1) -> Tensor:
        """See ``torch.add``."""
        return ops.add(self, other, alpha=alpha)

    def sub(self, other: Any, *, alpha: float = 1) -> Tensor:
        """See ``torch.sub``."""
        return ops.sub(self, other, alpha=alpha)

    def mul(self, other: Any) -> Tensor:
        """See ``torch.mul``."""
        return ops.mul(self, other)

    def floor_divide(self, other: Any) -> Tensor:
        """See ``torch.floor_divide``."""
        return ops.floor_divide(self, other)

    def remainder(self, other: Any) -> Tensor:
        """See ``torch.remainder``."""
        return ops.remainder(self, other)

    def fmod(self, other: Any) -> Tensor:
        """See ``torch.fmod``."""
        return ops.fmod(self, other)

    def atan2(self, other: Any) -> Tensor:
        """See ``torch.atan2``."""
        return ops.atan2(self, other)

    def maximum(self, other: Any) -> Tensor:
        """See ``torch.maximum``."""
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Tensor:
        """See ``torch.minimum``."""
        return ops.minimum(self, other)

    def eq(self, other: Any) -> Tensor:
        """See ``torch.eq``."""
        return ops.eq(self, other)

    def ne(self, other: Any) -> Tensor:
        """See ``torch.ne``."""
        return ops.ne(self, other)

    def lt(self, other: Any) -> Tensor:
        """See ``torch.lt``."""
        return ops.lt(self, other)

    def le(self, other: Any) -> Tensor:
        """See ``torch.le``."""
        return ops.le(self, other)

    def gt(self, other: Any) -> Tensor:
        """See ``torch.gt``."""
        return ops.gt(self, other)

    def ge(self, other: Any) -> Tensor:
        """See ``torch.ge``."""
        return ops.ge(self, other)

    def logical_and(self, other: Any) -> Tensor:
        """See ``torch.logical_and``."""
        return ops.logical_and(self, other)

    def logical_or(self, other: Any) -> Tensor:
        """See ``torch.logical_or``."""
        return ops.logical_or(self, other)

    def logical_xor(self, other: Any) -> Tensor:
        """See ``torch.logical_xor``."""
        return ops.logical_xor(self, other)

    def bitwise_and(self, other: Any) -> Tensor:
        """See ``torch.bitwise_and``."""
        return ops.bitwise_and(self, other)

    def bitwise_or(self, other: Any) -> Tensor:
        """See ``torch.bitwise_or``."""
        return ops.bitwise_or(self, other)

    def bitwise_xor(self, other: Any) -> Tensor:
        """See ``torch.bitwise_xor``."""
        return ops.bitwise_xor(self, other)

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Tensor:
        """See ``torch.div``."""
        return ops.div(self, other, rounding_mode=rounding_mode)

    absolute, negative, subtract, multiply = abs, neg, sub, mul  # PyTorch's other names
    divide = true_divide = div

    def pow(self, exponent: Any) -> Tensor:
        """See ``torch.pow``."""
        return ops.pow(self, exponent)

    def lerp(self, end: Any, weight: Any) -> Tensor:
        """See ``torch.lerp``."""
        return ops.lerp(self, end, weight)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
        """See ``torch.addcmul``."""
        return ops.addcmul(self, tensor1, tensor2, value=value)

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Tensor:
        """See ``torch.addcdiv``."""
        return ops.addcdiv(self, tensor1, tensor2, value=value)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        """See ``torch.clamp``."""
        return ops.clamp(self, min, max)

    def clamp_min(self, min: Any) -> Tensor:
        """See ``torch.clamp``."""
        return ops.clamp(self, min, None)

    def clamp_max(self, max: Any) -> Tensor:
        """See ``torch.clamp``."""
        return ops.clamp(self, None, max)

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """See ``torch.clip``."""
        return ops.clamp(self, min, max)

    def sum(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See ``torch.sum``."""
        return ops.sum(self, dim, keepdim, dtype=dtype)

    def mean(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See ``torch.mean``."""
        return ops.mean(self, dim, keepdim, dtype=dtype)

    def prod(self, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
        """See ``torch.prod``."""
        return ops.prod(self, dim, keepdim, dtype=dtype)

    def max(self, dim: Any = None, keepdim: bool = False) -> Any:
        """See ``torch.max``."""
        return ops.max(self, dim, keepdim)

    def min(self, dim: Any = None, keepdim: bool = False) -> Any:
        """See ``torch.min``."""
        return ops.min(self, dim, keepdim)

    def amax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.amax``."""
        return ops.amax(self, dim, keepdim)

    def amin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.amin``."""
        return ops.amin(self, dim, keepdim)

    def argmax(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.argmax``."""
        return ops.argmax(self, dim, keepdim)

    def argmin(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.argmin``."""
        return ops.argmin(self, dim, keepdim)

    def any(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.any``."""
        return ops.any(self, dim, keepdim)

    def all(self, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.all``."""
        return ops.all(self, dim, keepdim)

    def var(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        """See ``torch.var``."""
        return ops.var(self, dim, unbiased, keepdim, correction=correction)

    def std(
        self,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        """See ``torch.std``."""
        return ops.std(self, dim, unbiased, keepdim, correction=correction)

    def norm(self, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Tensor:
        """See ``torch.norm``."""
        return ops.norm(self, p, dim, keepdim)

    def logsumexp(self, dim: Any, keepdim: bool = False) -> Tensor:
        """See ``torch.logsumexp``."""
        return ops.logsumexp(self, dim, keepdim)

    def cumsum(self, dim: int) -> Tensor:
        """See ``torch.cumsum``."""
        return ops.cumsum(self, dim)

    def cumprod(self, dim: int) -> Tensor:
        """See ``torch.cumprod``."""
        return ops.cumprod(self, dim)

    def count_nonzero(self, dim: Any = None) -> Tensor:
        """See ``torch.count_nonzero``."""
        return ops.count_nonzero(self, dim)

    def softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """See ``torch.softmax``."""
        return ops.softmax(self, dim, dtype)

    def log_softmax(self, dim: int, dtype: Any = None) -> Tensor:
        """See ``torch.log_softmax``."""
        return ops.log_softmax(self, dim, dtype)

    def matmul(self, other: Tensor) -> Tensor:
        """See ``torch.matmul``."""
        return ops.matmul(self, other)

    def mm(self, mat2: Tensor) -> Tensor:
        """See ``torch.mm``."""
        return ops.mm(self, mat2)

    def bmm(self, mat2: Tensor) -> Tensor:
        """See ``torch.bmm``."""
        return ops.bmm(self, mat2)

    def mv(self, vec: Tensor) -> Tensor:
        """See ``torch.mv``."""
        return ops.mv(self, vec)

    def dot(self, tensor: Tensor) -> Tensor:
        """See ``torch.dot``."""
        return ops.dot(self, tensor)

    def outer(self, vec2: Tensor) -> Tensor:
        """See ``torch.outer``."""
        return ops.outer(self, vec2)

    def addmm(self, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
        """See ``torch.addmm``."""
        return ops.addmm(self, mat1, mat2, beta=beta, alpha=alpha)

    def allclose(
        self, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> bool:
        """See ``torch.allclose``."""
        return ops.allclose(self, other, rtol, atol, equal_nan)

    def isclose(
        self, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
    ) -> Tensor:
        """See ``torch.isclose``."""
        return ops.isclose(self, other, rtol, atol, equal_nan)

    def equal(self, other: Tensor) -> bool:
        """See ``torch.equal``."""
        return ops.equal(self, other)

    def sort(self, dim: int = -1, descending: bool = False) -> Any:
        """See ``torch.sort``."""
        return ops.sort(self, dim, descending)

    def argsort(self, dim: int = -1, descending: bool = False) -> Tensor:
        """See ``torch.argsort``."""
        return ops.argsort(self, dim, descending)

    def topk(self, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
        """See ``torch.topk``."""
        return ops.topk(self, k, dim, largest, sorted)

    def unique(self, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False) -> Any:
        """See ``torch.unique``."""
        return ops.unique(self, sorted, return_inverse, return_counts)

    def nonzero(self, *, as_tuple: bool = False) -> Any:
        """See ``torch.nonzero``."""
        return ops.nonzero(self, as_tuple=as_tuple)

    def bincount(self, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
        """See ``torch.bincount``."""
        return ops.bincount(self, weights, minlength)
