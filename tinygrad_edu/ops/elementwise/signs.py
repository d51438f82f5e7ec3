"""Signs of numbers, and questions about single elements that have no gradient.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops
"""

from __future__ import annotations

from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import raw, reject_complex, require_tensor
from tinygrad_edu.ops.elementwise.rounding import sign
from tinygrad_edu.ops.elementwise.select import where


class Sgn(Op):
    r"""s = z / \|z\| of a complex number, 0 at 0.

    Along z it does not change, across it turns: of the gradient g, the part along s is taken away, and the rest is
    divided by \|z\|: (g - s Re(g conj(s))) / \|z\|.
    """

    def forward(self, z: Array) -> Array:
        size = abs(z)
        s = z / array_module(z).where(size == 0, size.dtype.type(1), size)
        self.save_for_backward(z, s)
        return s

    def backward(self, grad_output: Array) -> Array:
        z, s = self.saved
        xp, size = array_module(grad_output), abs(z)
        across = grad_output - s * (grad_output * s.conj()).real
        return xp.where(size == 0, 0.0, across / xp.where(size == 0, 1.0, size))


def sgn(input: Tensor) -> Tensor:
    """Sign: -1, 0 or 1; of complex numbers z / abs(z), and 0 at 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.sgn(torch.tensor([3 + 4j, 0j]))
    tensor([0.6000+0.8000j, 0.0000+0.0000j])
    """
    require_tensor("sgn", input)
    return Sgn.apply(input) if raw(input).dtype.kind == "c" else sign(input)


def signbit(input: Tensor) -> Tensor:
    """Tell where the sign is minus: also that of -0.0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.signbit(torch.tensor([1.0, -0.0]))
    tensor([False,  True])
    """
    require_tensor("signbit", input)
    reject_complex("signbit", input)
    xp, x = array_module(raw(input)), raw(input)
    return tensor_from_array(xp.asarray(xp.signbit(x) if is_floating(x.dtype) else x < 0))


def isposinf(input: Tensor) -> Tensor:
    """Tell where the elements are positive infinity."""
    return _is_infinity("isposinf", input, 1)


def isneginf(input: Tensor) -> Tensor:
    """Tell where the elements are negative infinity."""
    return _is_infinity("isneginf", input, -1)


def _is_infinity(name: str, input: Tensor, factor: int) -> Tensor:
    require_tensor(name, input)
    if raw(input).dtype.kind == "c":
        raise RuntimeError(f"{name} does not support complex inputs: expected real numbers")
    xp, x = array_module(raw(input)), raw(input)
    if not is_floating(x.dtype):
        return tensor_from_array(xp.zeros_like(x, bool))
    return tensor_from_array(xp.asarray(x == factor * float("inf")))


def isreal(input: Tensor) -> Tensor:
    """Tell where the elements are real: all real numbers, and complex ones whose imaginary part is 0."""
    require_tensor("isreal", input)
    xp, x = array_module(raw(input)), raw(input)
    return tensor_from_array(xp.asarray(x.imag == 0) if x.dtype.kind == "c" else xp.ones_like(x, bool))


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """Step function: 0 below 0, 1 above it, and ``values`` at 0.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.heaviside(torch.tensor([-1.0, 0.0, 2.0]), torch.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    require_tensor("heaviside", input)
    require_tensor("heaviside", values, "values")
    x, at_zero = raw(input), raw(values)
    if x.dtype.kind == "c" or at_zero.dtype.kind == "c":
        raise RuntimeError("heaviside is not yet implemented for complex tensors: expected real numbers")
    if x.dtype != at_zero.dtype:
        raise RuntimeError(f"heaviside: expected tensors of one dtype, got {x.dtype} and {at_zero.dtype}")
    steps = tensor_from_array(array_module(x).asarray(x > 0).astype(x.dtype))
    return where(tensor_from_array(array_module(x).asarray(x == 0)), values.detach(), steps)
