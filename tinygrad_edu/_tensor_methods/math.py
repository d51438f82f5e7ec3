"""The methods of Tensor that compute element by element.

Every method is one line: it hands over to the function of the same name in ``ops``.
"""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.autograd.tensor_base import TensorBase


class MathMethods(TensorBase):
    """Elementwise methods; part of Tensor."""

    def exp(self) -> Self:
        """See ``torch.exp``."""
        return ops.exp(self)

    def exp2(self) -> Self:
        """See ``torch.exp2``."""
        return ops.exp2(self)

    def expm1(self) -> Self:
        """See ``torch.expm1``."""
        return ops.expm1(self)

    def log(self) -> Self:
        """See ``torch.log``."""
        return ops.log(self)

    def log2(self) -> Self:
        """See ``torch.log2``."""
        return ops.log2(self)

    def log10(self) -> Self:
        """See ``torch.log10``."""
        return ops.log10(self)

    def log1p(self) -> Self:
        """See ``torch.log1p``."""
        return ops.log1p(self)

    def sqrt(self) -> Self:
        """See ``torch.sqrt``."""
        return ops.sqrt(self)

    def rsqrt(self) -> Self:
        """See ``torch.rsqrt``."""
        return ops.rsqrt(self)

    def sin(self) -> Self:
        """See ``torch.sin``."""
        return ops.sin(self)

    def cos(self) -> Self:
        """See ``torch.cos``."""
        return ops.cos(self)

    def tan(self) -> Self:
        """See ``torch.tan``."""
        return ops.tan(self)

    def asin(self) -> Self:
        """See ``torch.asin``."""
        return ops.asin(self)

    def acos(self) -> Self:
        """See ``torch.acos``."""
        return ops.acos(self)

    def atan(self) -> Self:
        """See ``torch.atan``."""
        return ops.atan(self)

    def sinh(self) -> Self:
        """See ``torch.sinh``."""
        return ops.sinh(self)

    def cosh(self) -> Self:
        """See ``torch.cosh``."""
        return ops.cosh(self)

    def tanh(self) -> Self:
        """See ``torch.tanh``."""
        return ops.tanh(self)

    def asinh(self) -> Self:
        """See ``torch.asinh``."""
        return ops.asinh(self)

    def acosh(self) -> Self:
        """See ``torch.acosh``."""
        return ops.acosh(self)

    def atanh(self) -> Self:
        """See ``torch.atanh``."""
        return ops.atanh(self)

    def sigmoid(self) -> Self:
        """See ``torch.sigmoid``."""
        return ops.sigmoid(self)

    def erf(self) -> Self:
        """See ``torch.erf``."""
        return ops.erf(self)

    def erfc(self) -> Self:
        """See ``torch.erfc``."""
        return ops.erfc(self)

    def neg(self) -> Self:
        """See ``torch.neg``."""
        return ops.neg(self)

    def reciprocal(self) -> Self:
        """See ``torch.reciprocal``."""
        return ops.reciprocal(self)

    def square(self) -> Self:
        """See ``torch.square``."""
        return ops.square(self)

    def sign(self) -> Self:
        """See ``torch.sign``."""
        return ops.sign(self)

    def floor(self) -> Self:
        """See ``torch.floor``."""
        return ops.floor(self)

    def ceil(self) -> Self:
        """See ``torch.ceil``."""
        return ops.ceil(self)

    def trunc(self) -> Self:
        """See ``torch.trunc``."""
        return ops.trunc(self)

    def frac(self) -> Self:
        """See ``torch.frac``."""
        return ops.frac(self)

    def relu(self) -> Self:
        """See ``torch.relu``."""
        return ops.relu(self)

    def isnan(self) -> Self:
        """See ``torch.isnan``."""
        return ops.isnan(self)

    def isinf(self) -> Self:
        """See ``torch.isinf``."""
        return ops.isinf(self)

    def isfinite(self) -> Self:
        """See ``torch.isfinite``."""
        return ops.isfinite(self)

    def logical_not(self) -> Self:
        """See ``torch.logical_not``."""
        return ops.logical_not(self)

    def bitwise_not(self) -> Self:
        """See ``torch.bitwise_not``."""
        return ops.bitwise_not(self)

    def abs(self) -> Self:
        """See ``torch.abs``."""
        return ops.absolute(self)

    def round(self, *, decimals: int = 0) -> Self:
        """See ``torch.round``."""
        return ops.round(self, decimals=decimals)

    def add(self, other: Any, *, alpha: float = 1) -> Self:
        """See ``torch.add``."""
        return ops.add(self, other, alpha=alpha)

    def sub(self, other: Any, *, alpha: float = 1) -> Self:
        """See ``torch.sub``."""
        return ops.sub(self, other, alpha=alpha)

    def mul(self, other: Any) -> Self:
        """See ``torch.mul``."""
        return ops.mul(self, other)

    def floor_divide(self, other: Any) -> Self:
        """See ``torch.floor_divide``."""
        return ops.floor_divide(self, other)

    def remainder(self, other: Any) -> Self:
        """See ``torch.remainder``."""
        return ops.remainder(self, other)

    def fmod(self, other: Any) -> Self:
        """See ``torch.fmod``."""
        return ops.fmod(self, other)

    def atan2(self, other: Any) -> Self:
        """See ``torch.atan2``."""
        return ops.atan2(self, other)

    def maximum(self, other: Any) -> Self:
        """See ``torch.maximum``."""
        return ops.maximum(self, other)

    def minimum(self, other: Any) -> Self:
        """See ``torch.minimum``."""
        return ops.minimum(self, other)

    def eq(self, other: Any) -> Self:
        """See ``torch.eq``."""
        return ops.eq(self, other)

    def ne(self, other: Any) -> Self:
        """See ``torch.ne``."""
        return ops.ne(self, other)

    def lt(self, other: Any) -> Self:
        """See ``torch.lt``."""
        return ops.lt(self, other)

    def le(self, other: Any) -> Self:
        """See ``torch.le``."""
        return ops.le(self, other)

    def gt(self, other: Any) -> Self:
        """See ``torch.gt``."""
        return ops.gt(self, other)

    def ge(self, other: Any) -> Self:
        """See ``torch.ge``."""
        return ops.ge(self, other)

    def logical_and(self, other: Any) -> Self:
        """See ``torch.logical_and``."""
        return ops.logical_and(self, other)

    def logical_or(self, other: Any) -> Self:
        """See ``torch.logical_or``."""
        return ops.logical_or(self, other)

    def logical_xor(self, other: Any) -> Self:
        """See ``torch.logical_xor``."""
        return ops.logical_xor(self, other)

    def bitwise_and(self, other: Any) -> Self:
        """See ``torch.bitwise_and``."""
        return ops.bitwise_and(self, other)

    def bitwise_or(self, other: Any) -> Self:
        """See ``torch.bitwise_or``."""
        return ops.bitwise_or(self, other)

    def bitwise_xor(self, other: Any) -> Self:
        """See ``torch.bitwise_xor``."""
        return ops.bitwise_xor(self, other)

    def div(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """See ``torch.div``."""
        return ops.div(self, other, rounding_mode=rounding_mode)

    absolute, negative, subtract, multiply = abs, neg, sub, mul  # PyTorch's other names
    divide = true_divide = div

    def pow(self, exponent: Any) -> Self:
        """See ``torch.pow``."""
        return ops.pow(self, exponent)

    def lerp(self, end: Any, weight: Any) -> Self:
        """See ``torch.lerp``."""
        return ops.lerp(self, end, weight)

    def addcmul(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """See ``torch.addcmul``."""
        return ops.addcmul(self, tensor1, tensor2, value=value)

    def addcdiv(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """See ``torch.addcdiv``."""
        return ops.addcdiv(self, tensor1, tensor2, value=value)

    def clamp(self, min: Any = None, max: Any = None) -> Self:
        """See ``torch.clamp``."""
        return ops.clamp(self, min, max)

    def clamp_min(self, min: Any) -> Self:
        """See ``torch.clamp``."""
        return ops.clamp(self, min, None)

    def clamp_max(self, max: Any) -> Self:
        """See ``torch.clamp``."""
        return ops.clamp(self, None, max)

    def clip(self, min: Any = None, max: Any = None) -> Self:
        """See ``torch.clip``."""
        return ops.clamp(self, min, max)
