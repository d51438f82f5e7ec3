"""Common divisors and multiples of integers; mantissa and exponent of floating-point numbers, and their neighbours.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from typing import Any, NamedTuple

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    BinaryOp,
    raw,
    require_floating_point,
    require_tensor,
    require_tensors,
    unbroadcast,
    zeros_for,
)
from tinygrad_edu.ops.elementwise.arithmetic import mul, pow, sub
from tinygrad_edu.ops.elementwise.select import keep
from tinygrad_edu.ops.promotion import promote


class OfIntegers(BinaryOp):
    """gcd or lcm, which have no derivative."""

    def forward(self, a: Array, b: Array, *, function: str) -> Array:
        return getattr(array_module(a), function)(a, b)


class NextAfter(BinaryOp):
    """The neighbour of a towards b: as a moves, so does it; where a = b it is b, and PyTorch counts 0 for both.

    That of a number of bfloat16 is not that of the same number of float32.
    """

    moves_only = True  # it computes, but in its own dtype

    def forward(self, a: Array, b: Array) -> Array:
        self.shapes = a.shape, b.shape
        self.save_for_backward(a != b)
        return array_module(a).nextafter(a, b)

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        (moves,) = self.saved
        return (
            unbroadcast(keep(grad_output, moves), self.shapes[0]),
            unbroadcast(zeros_for(grad_output), self.shapes[1]),
        )


class Ldexp(BinaryOp):
    """x 2^n of a whole n: only the exponent changes, so nothing overflows on the way; dy/dx = 2^n."""

    def forward(self, x: Array, n: Array) -> Array:
        self.shape = x.shape
        self.save_for_backward(n)
        return array_module(x).ldexp(x, n)

    def backward(self, grad_output: Array) -> tuple[Array, None]:
        (n,) = self.saved
        return unbroadcast(Ldexp.compute(grad_output, n), self.shape), None


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """Greatest common divisor of two integers, which is not negative; gcd(0, 0) = 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.gcd(torch.tensor([5, 10, 15]), torch.tensor([3, 4, 5]))
    tensor([1, 2, 5])
    """
    return _of_integers("gcd", input, other)


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """Least common multiple of two integers, which is not negative; lcm(0, n) = 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.lcm(torch.tensor([5, 10, 15]), torch.tensor([3, 4, 5]))
    tensor([15, 20, 15])
    """
    return _of_integers("lcm", input, other)


def _of_integers(name: str, input: Tensor, other: Tensor) -> Tensor:
    require_tensors(name, input=input, other=other)
    a, b = promote(name, input, other)
    if raw(a).dtype.kind not in "iu":
        raise NotImplementedError(f"{name}: expected integers, got {input.dtype} and {other.dtype}")
    return OfIntegers.apply(a, b, function=name)


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next floating-point number after ``input`` in the direction of ``other``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nextafter(torch.tensor(1.0), torch.tensor(2.0)) - 1 == torch.finfo(torch.float32).eps
    tensor(True)
    """
    require_tensors("nextafter", input=input, other=other)
    a, b = promote("nextafter", input, other)
    require_floating_point("nextafter", a)
    return NextAfter.apply(a, b)


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """input * 2**other, in floating-point numbers; with a whole exponent in the dtype of the input.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.ldexp(torch.tensor([1.0, 3.0]), torch.tensor([2, -1]))
    tensor([4.0000, 1.5000])
    """
    require_tensors("ldexp", input=input, other=other)
    exponent = raw(other).dtype.kind
    if input.dtype.is_floating_point and exponent == "b":
        raise NotImplementedError(f"ldexp: expected numbers as exponents, got {other.dtype}")
    if input.dtype.is_floating_point and exponent in "iu":
        return Ldexp.apply(input, other)
    return mul(input, pow(2.0, other))


class MantissaAndExponent(NamedTuple):
    """What ``frexp`` returns."""

    mantissa: Any
    exponent: Any


class Frexp(Op):
    """x = m 2^e with 1/2 <= |m| < 1; m is x / 2^e, so its derivative is 1 / 2^e."""

    num_differentiable = 1

    def forward(self, x: Array) -> tuple[Array, Array]:
        mantissa, exponent = array_module(x).frexp(x)
        self.save_for_backward(array_module(x).exp2(-exponent).astype(x.dtype))
        return mantissa.astype(x.dtype, copy=False), exponent.astype("int32")

    def backward(self, grad_output: Array, _: Any) -> Array:
        (scale,) = self.saved
        return grad_output * scale


def frexp(input: Tensor) -> MantissaAndExponent:
    """Take a number apart into mantissa and exponent: input = mantissa * 2**exponent, 1/2 <= abs(mantissa) < 1.

    Returns
    -------
    (Tensor, Tensor)
        The mantissa, of the input's dtype, and the exponent, int32.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.frexp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> mantissa, exponent = torch.frexp(torch.tensor([1.0, 3.0]))
    >>> mantissa, exponent
    (tensor([0.5000, 0.7500]), tensor([1, 2], dtype=torch.int32))
    """
    require_floating_point("frexp", input, error=RuntimeError)
    return MantissaAndExponent(*Frexp.apply(input))


def rsub(input: Tensor, other: Any, alpha: float = 1) -> Tensor:
    """other - alpha * input: ``sub`` the other way round.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.rsub(torch.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    require_tensor("rsub", input)
    if not isinstance(other, int | float | complex):
        require_tensor("rsub", other, "other")
    return sub(other, input, alpha=alpha)
