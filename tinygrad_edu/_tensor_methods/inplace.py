"""The methods of Tensor that compute in place, such as ``add_``: each is its function, and writes the result.

What writes to some places only stands in ``inplace_index``, what changes the shape in ``inplace_shape``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu._tensor_methods.writing import compute_each, in_place, write_result
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.ops import other_names


class InplaceMethods(TensorBase):
    """Methods that compute and write the result into the tensor; part of Tensor."""

    # ---- of one tensor ----------------------------------------------------------------------------------

    exp_ = in_place(ops.exp)
    exp2_ = in_place(ops.exp2)
    expm1_ = in_place(ops.expm1)
    log_ = in_place(ops.log)
    log2_ = in_place(ops.log2)
    log10_ = in_place(ops.log10)
    log1p_ = in_place(ops.log1p)
    sqrt_ = in_place(ops.sqrt)
    rsqrt_ = in_place(ops.rsqrt)
    square_ = in_place(ops.square)
    reciprocal_ = in_place(ops.reciprocal)
    neg_ = in_place(ops.neg)
    sign_ = in_place(ops.sign)
    sgn_ = in_place(ops.sgn)
    sin_ = in_place(ops.sin)
    cos_ = in_place(ops.cos)
    tan_ = in_place(ops.tan)
    asin_ = in_place(ops.asin)
    acos_ = in_place(ops.acos)
    atan_ = in_place(ops.atan)
    sinh_ = in_place(ops.sinh)
    cosh_ = in_place(ops.cosh)
    tanh_ = in_place(ops.tanh)
    asinh_ = in_place(ops.asinh)
    acosh_ = in_place(ops.acosh)
    atanh_ = in_place(ops.atanh)
    sinc_ = in_place(ops.sinc)
    deg2rad_ = in_place(ops.deg2rad)
    rad2deg_ = in_place(ops.rad2deg)
    sigmoid_ = in_place(ops.sigmoid)
    logit_ = in_place(ops.logit)
    relu_ = in_place(ops.relu)
    erf_ = in_place(ops.erf)
    erfc_ = in_place(ops.erfc)
    erfinv_ = in_place(ops.erfinv)
    lgamma_ = in_place(ops.lgamma)
    digamma_ = in_place(ops.digamma)
    mvlgamma_ = in_place(ops.mvlgamma)
    i0_ = in_place(ops.i0)
    floor_ = in_place(ops.floor)
    ceil_ = in_place(ops.ceil)
    trunc_ = in_place(ops.trunc)
    frac_ = in_place(ops.frac)
    round_ = in_place(ops.round)
    nan_to_num_ = in_place(ops.nan_to_num)
    logical_not_ = in_place(ops.logical_not)
    bitwise_not_ = in_place(ops.bitwise_not)

    def abs_(self) -> Self:
        """See ``torch.abs``; changes the tensor in place."""
        if self.is_complex():
            raise RuntimeError(
                "abs_: expected a tensor of real numbers, got a complex one, whose size is real"
            )
        return write_result(self, ops.absolute(self), "abs_")

    def float_power_(self, exponent: Any) -> Self:
        """See ``torch.float_power``, whose result is of float64 or complex128; so must be the tensor."""
        result = ops.float_power(self, exponent)
        if result.dtype is not self.dtype:
            raise RuntimeError(
                f"float_power_: the base given has dtype {self.dtype} but the operation's result requires dtype "
                f"{result.dtype}"
            )
        return write_result(self, result, "float_power_")

    def polygamma_(self, n: int) -> Self:
        """See ``torch.polygamma``; changes the tensor in place."""
        return write_result(self, ops.polygamma(n, self), "polygamma_")

    # ---- of two or three ---------------------------------------------------------------------------------

    add_ = in_place(ops.add)
    sub_ = in_place(ops.sub)
    mul_ = in_place(ops.mul)
    div_ = in_place(ops.div)
    floor_divide_ = in_place(ops.floor_divide)
    remainder_ = in_place(ops.remainder)
    fmod_ = in_place(ops.fmod)
    gcd_ = in_place(ops.gcd)
    lcm_ = in_place(ops.lcm)
    nextafter_ = in_place(ops.nextafter)
    ldexp_ = in_place(ops.ldexp)
    pow_ = in_place(ops.pow)
    atan2_ = in_place(ops.atan2)
    hypot_ = in_place(ops.hypot)
    copysign_ = in_place(ops.copysign)
    heaviside_ = in_place(ops.heaviside)
    xlogy_ = in_place(ops.xlogy)
    igamma_ = in_place(ops.igamma)
    igammac_ = in_place(ops.igammac)
    eq_ = in_place(ops.eq)
    ne_ = in_place(ops.ne)
    lt_ = in_place(ops.lt)
    le_ = in_place(ops.le)
    gt_ = in_place(ops.gt)
    ge_ = in_place(ops.ge)
    logical_and_ = in_place(ops.logical_and)
    logical_or_ = in_place(ops.logical_or)
    logical_xor_ = in_place(ops.logical_xor)
    bitwise_and_ = in_place(ops.bitwise_and)
    bitwise_or_ = in_place(ops.bitwise_or)
    bitwise_xor_ = in_place(ops.bitwise_xor)
    bitwise_left_shift_ = in_place(ops.bitwise_left_shift)
    bitwise_right_shift_ = in_place(ops.bitwise_right_shift)
    clamp_ = in_place(ops.clamp)
    lerp_ = in_place(ops.lerp)
    addcmul_ = in_place(ops.addcmul)
    addcdiv_ = in_place(ops.addcdiv)
    clamp_min_ = in_place(other_names.clamp_min)
    clamp_max_ = in_place(other_names.clamp_max)

    # ---- by a function of Python's numbers ------------------------------------------------------------------

    def apply_(self, callable: Callable[[Any], Any]) -> Self:
        """Replace each element by ``callable(element)``; slow, and without a gradient.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.tensor([1.0, 2.0]).apply_(lambda x: 10 * x)
        tensor([10., 20.])
        """
        return compute_each(self, "apply_", callable, ())

    def map_(self, other: TensorBase, callable: Callable[[Any, Any], Any]) -> Self:
        """Replace each element by ``callable(element, element of other)``; see :meth:`apply_`."""
        return compute_each(self, "map_", callable, (other,))

    def map2_(self, x: TensorBase, y: TensorBase, callable: Callable[[Any, Any, Any], Any]) -> Self:
        """Replace each element by ``callable(element, element of x, element of y)``; see :meth:`apply_`."""
        return compute_each(self, "map2_", callable, (x, y))

    # ---- of matrices, and along a dimension -----------------------------------------------------------------

    addmm_ = in_place(ops.addmm)
    addbmm_ = in_place(ops.addbmm)
    baddbmm_ = in_place(ops.baddbmm)
    addmv_ = in_place(ops.addmv)
    addr_ = in_place(ops.addr)
    tril_ = in_place(ops.tril)
    triu_ = in_place(ops.triu)
    cumsum_ = in_place(ops.cumsum)
    cumprod_ = in_place(ops.cumprod)
    renorm_ = in_place(ops.renorm)

    # ---- the same by other names --------------------------------------------------------------------------

    absolute_ = abs_
    negative_ = neg_
    fix_ = trunc_
    clip_ = clamp_
    arccos_ = acos_
    arccosh_ = acosh_
    arcsin_ = asin_
    arcsinh_ = asinh_
    arctan_ = atan_
    arctanh_ = atanh_
    arctan2_ = atan2_
    subtract_ = sub_
    multiply_ = mul_
    divide_ = div_
    true_divide_ = div_
    greater_ = gt_
    greater_equal_ = ge_
    less_ = lt_
    less_equal_ = le_
    not_equal_ = ne_
