"""The methods of Tensor that change it in place; their names end in an underscore.

Every method computes the new tensor with the function of the same name in ``ops`` and then writes it into the
old one's memory: ``write_result`` does that for all of them, and tells autograd.
"""

from __future__ import annotations

from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu.arguments import as_int, as_number, require_bools, wrong_type
from tinygrad_edu.autograd.callers import user_line
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, to_device
from tinygrad_edu.dtypes import complex128, float64
from tinygrad_edu.ops.common import check_positions, check_vector, require_dtype_of, require_tensor
from tinygrad_edu.ops.indexing.index import SetItem, check_index, index_put_zeros, is_basic, raw_index
from tinygrad_edu.random import Generator, draw, largest_whole, numpy_rng, random_integers, require_floating
from tinygrad_edu.scalars import check_long, checked_scalar, element_scalar
from tinygrad_edu.type_names import refuse_strangers


class InplaceMethods(TensorBase):
    """Methods that change the tensor; part of Tensor."""

    def exp_(self) -> Self:
        """See ``torch.exp``; changes the tensor in place."""
        return write_result(self, ops.exp(self), "exp_")

    def log_(self) -> Self:
        """See ``torch.log``; changes the tensor in place."""
        return write_result(self, ops.log(self), "log_")

    def log1p_(self) -> Self:
        """See ``torch.log1p``; changes the tensor in place."""
        return write_result(self, ops.log1p(self), "log1p_")

    def expm1_(self) -> Self:
        """See ``torch.expm1``; changes the tensor in place."""
        return write_result(self, ops.expm1(self), "expm1_")

    def sign_(self) -> Self:
        """See ``torch.sign``; changes the tensor in place."""
        return write_result(self, ops.sign(self), "sign_")

    def sqrt_(self) -> Self:
        """See ``torch.sqrt``; changes the tensor in place."""
        return write_result(self, ops.sqrt(self), "sqrt_")

    def rsqrt_(self) -> Self:
        """See ``torch.rsqrt``; changes the tensor in place."""
        return write_result(self, ops.rsqrt(self), "rsqrt_")

    def sin_(self) -> Self:
        """See ``torch.sin``; changes the tensor in place."""
        return write_result(self, ops.sin(self), "sin_")

    def cos_(self) -> Self:
        """See ``torch.cos``; changes the tensor in place."""
        return write_result(self, ops.cos(self), "cos_")

    def tanh_(self) -> Self:
        """See ``torch.tanh``; changes the tensor in place."""
        return write_result(self, ops.tanh(self), "tanh_")

    def sigmoid_(self) -> Self:
        """See ``torch.sigmoid``; changes the tensor in place."""
        return write_result(self, ops.sigmoid(self), "sigmoid_")

    def neg_(self) -> Self:
        """See ``torch.neg``; changes the tensor in place."""
        return write_result(self, ops.neg(self), "neg_")

    def reciprocal_(self) -> Self:
        """See ``torch.reciprocal``; changes the tensor in place."""
        return write_result(self, ops.reciprocal(self), "reciprocal_")

    def floor_(self) -> Self:
        """See ``torch.floor``; changes the tensor in place."""
        return write_result(self, ops.floor(self), "floor_")

    def ceil_(self) -> Self:
        """See ``torch.ceil``; changes the tensor in place."""
        return write_result(self, ops.ceil(self), "ceil_")

    def trunc_(self) -> Self:
        """See ``torch.trunc``; changes the tensor in place."""
        return write_result(self, ops.trunc(self), "trunc_")

    def relu_(self) -> Self:
        """See ``torch.relu``; changes the tensor in place."""
        return write_result(self, ops.relu(self), "relu_")

    def square_(self) -> Self:
        """See ``torch.square``; changes the tensor in place."""
        return write_result(self, ops.square(self), "square_")

    def abs_(self) -> Self:
        """See ``torch.abs``; changes the tensor in place."""
        if self.is_complex():
            raise RuntimeError(
                "abs_: expected a tensor of real numbers, got a complex one, whose size is real"
            )
        return write_result(self, ops.absolute(self), "abs_")

    def round_(self, *, decimals: int = 0) -> Self:
        """See ``torch.round``; changes the tensor in place."""
        return write_result(self, ops.round(self, decimals=decimals), "round_")

    def add_(self, other: Any, *, alpha: float = 1) -> Self:
        """See ``torch.add``; changes the tensor in place."""
        return write_result(self, ops.add(self, other, alpha=alpha), "add_")

    def sub_(self, other: Any, *, alpha: float = 1) -> Self:
        """See ``torch.sub``; changes the tensor in place."""
        return write_result(self, ops.sub(self, other, alpha=alpha), "sub_")

    def mul_(self, other: Any) -> Self:
        """See ``torch.mul``; changes the tensor in place."""
        return write_result(self, ops.mul(self, other), "mul_")

    def div_(self, other: Any, *, rounding_mode: str | None = None) -> Self:
        """See ``torch.div``; changes the tensor in place."""
        return write_result(self, ops.div(self, other, rounding_mode=rounding_mode), "div_")

    def pow_(self, exponent: Any) -> Self:
        """See ``torch.pow``; changes the tensor in place."""
        return write_result(self, ops.pow(self, exponent), "pow_")

    def remainder_(self, other: Any) -> Self:
        """See ``torch.remainder``; changes the tensor in place."""
        return write_result(self, ops.remainder(self, other), "remainder_")

    def floor_divide_(self, other: Any) -> Self:
        """See ``torch.floor_divide``; changes the tensor in place."""
        return write_result(self, ops.floor_divide(self, other), "floor_divide_")

    def bitwise_and_(self, other: Any) -> Self:
        """See ``torch.bitwise_and``; changes the tensor in place."""
        return write_result(self, ops.bitwise_and(self, other), "bitwise_and_")

    def bitwise_or_(self, other: Any) -> Self:
        """See ``torch.bitwise_or``; changes the tensor in place."""
        return write_result(self, ops.bitwise_or(self, other), "bitwise_or_")

    def bitwise_xor_(self, other: Any) -> Self:
        """See ``torch.bitwise_xor``; changes the tensor in place."""
        return write_result(self, ops.bitwise_xor(self, other), "bitwise_xor_")

    def bitwise_left_shift_(self, other: Any) -> Self:
        """See ``torch.bitwise_left_shift``; changes the tensor in place."""
        return write_result(self, ops.bitwise_left_shift(self, other), "bitwise_left_shift_")

    def bitwise_right_shift_(self, other: Any) -> Self:
        """See ``torch.bitwise_right_shift``; changes the tensor in place."""
        return write_result(self, ops.bitwise_right_shift(self, other), "bitwise_right_shift_")

    def logical_not_(self) -> Self:
        """See ``torch.logical_not``; changes the tensor in place."""
        return write_result(self, ops.logical_not(self), "logical_not_")

    def logical_and_(self, other: Any) -> Self:
        """See ``torch.logical_and``; changes the tensor in place."""
        return write_result(self, ops.logical_and(self, other), "logical_and_")

    def clamp_(self, min: Any = None, max: Any = None) -> Self:
        """See ``torch.clamp``; changes the tensor in place."""
        old = ops.clone(self) if hasattr(min, "shape") or hasattr(max, "shape") else self
        return write_result(self, ops.clamp(old, min, max), "clamp_")

    def lerp_(self, end: Any, weight: Any) -> Self:
        """See ``torch.lerp``; changes the tensor in place."""
        return write_result(self, ops.lerp(self, end, weight), "lerp_")

    def addcmul_(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """See ``torch.addcmul``; changes the tensor in place."""
        return write_result(self, ops.addcmul(self, tensor1, tensor2, value=value), "addcmul_")

    def addcdiv_(self, tensor1: Any, tensor2: Any, *, value: float = 1) -> Self:
        """See ``torch.addcdiv``; changes the tensor in place."""
        return write_result(self, ops.addcdiv(self, tensor1, tensor2, value=value), "addcdiv_")

    def masked_fill_(self, mask: TensorBase, value: Any) -> Self:
        """See ``torch.masked_fill``; changes the tensor in place."""
        return write_result(self, ops.masked_fill(self, mask, value), "masked_fill_")

    def scatter_(
        self,
        dim: Any = None,
        index: Any = None,
        src: Any = None,
        *,
        value: Any = None,
        reduce: str | None = None,
        **numpy_names: Any,
    ) -> Self:
        """See ``torch.scatter``; changes the tensor in place."""
        written = ops.scatter(self, dim, index, src, value=value, reduce=reduce, **numpy_names)
        return write_result(self, written, "scatter_")

    def scatter_add_(self, dim: Any = None, index: Any = None, src: Any = None, **numpy_names: Any) -> Self:
        """See ``torch.scatter_add``; changes the tensor in place."""
        return write_result(self, ops.scatter_add(self, dim, index, src, **numpy_names), "scatter_add_")

    def index_add_(
        self, dim: Any = None, index: Any = None, source: Any = None, *, alpha: float = 1, **numpy_names: Any
    ) -> Self:
        """See ``torch.index_add``; changes the tensor in place."""
        return write_result(
            self, ops.index_add(self, dim, index, source, alpha=alpha, **numpy_names), "index_add_"
        )

    def index_fill_(self, dim: Any = None, index: Any = None, value: Any = None, *, axis: Any = None) -> Self:
        """Set the slices along ``dim`` that the index names to one value."""
        if isinstance(value, complex) and not self.is_complex():
            raise RuntimeError(
                "index_fill_(): Converting complex Scalar to non-complex type is not supported"
            )
        if isinstance(value, TensorBase) and value.ndim:
            raise RuntimeError(
                f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimensions"
            )
        value = ops.scalar_like(self, value).item() if not isinstance(value, TensorBase) else value
        place = self._along("index_fill_", dim if axis is None else axis, index, counts_back=True)
        set_item(self, (*place[:-1], ops.unique(place[-1])) if self.ndim else place, value)
        return self

    def index_copy_(
        self, dim: Any = None, index: Any = None, source: Any = None, *, axis: Any = None
    ) -> Self:
        """Copy the slices of ``source`` to those along ``dim`` that the index names."""
        place = self._along("index_copy_", dim if axis is None else axis, index, counts_back=False)
        require_tensor("index_copy_", source, "source")
        require_dtype_of("index_copy_", self, source=source)
        if self.ndim and source.ndim and self.ndim != source.ndim:
            raise IndexError(
                f"index_copy_(): expected source of {self.ndim} dimensions, as the destination, got {source.ndim}"
            )
        set_item(self, place, source)
        return self

    def index_put_(self, indices: tuple[Any, ...], values: TensorBase, accumulate: bool = False) -> Self:
        """Do ``self[indices] = values``, or add the values to what is there, also to places named twice."""
        if not isinstance(indices, list | tuple):
            raise wrong_type("index_put_", "indices", "tuple of Tensors", indices)
        require_tensor("index_put_", values, "values")
        require_bools("index_put_", accumulate=accumulate)
        require_dtype_of("index_put_", self, values=values)
        if accumulate:
            index = raw_index(tuple(indices), self.array)
            values = ops.expand(values, self.array[index].shape)
            return write_result(self, self + index_put_zeros(values, index, self.array.shape), "index_put_")
        set_item(self, tuple(indices), values)
        return self

    def _along(self, name: str, dim: int, index: TensorBase, counts_back: bool) -> tuple[Any, ...]:
        """Return the index of the slices along ``dim``, which may be negative if it counts back from the end."""
        dim = ops.normalize_dim(name, dim, self.ndim)
        check_vector(name, index)
        size = self.shape[dim] if self.ndim else 1
        check_positions(name, index.array, size, lowest=-size if counts_back else 0, dtypes=("int64",))
        return (slice(None),) * dim + (index,) if self.ndim else (...,)

    def tril_(self, diagonal: int = 0) -> Self:
        """See ``torch.tril``; changes the tensor in place."""
        return write_result(self, ops.tril(self, diagonal), "tril_")

    def triu_(self, diagonal: int = 0) -> Self:
        """See ``torch.triu``; changes the tensor in place."""
        return write_result(self, ops.triu(self, diagonal), "triu_")

    def fill_(self, value: Any) -> Self:
        """Set every element to ``value``."""
        return write_result(self, ops.full_of(self, value), "fill_")

    def zero_(self) -> Self:
        """Set every element to 0."""
        return write_result(self, ops.full_of(self, 0), "zero_")

    def copy_(self, other: TensorBase, non_blocking: bool = False) -> Self:
        """Copy the elements of ``other``, which is broadcast and converted as needed."""
        require_bools("copy_", non_blocking=non_blocking)
        return write_result(self, ops.copy_of(self, other), "copy_")

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers from the normal distribution."""
        mean, std = as_number("normal_", "mean", mean), as_number("normal_", "std", std)
        if not std >= 0:
            raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
        if self.is_complex():
            values = draw(numpy_rng(generator).standard_normal, self.array.shape, complex128.numpy_dtype) * (
                0.5**0.5 * std
            )
            return write_numbers(self, values + mean, "normal_")
        require_floating("normal_", self.dtype)
        values = numpy_rng(generator).standard_normal(self.array.shape) * std + mean
        return write_numbers(self, values, "normal_")

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers, evenly distributed over [a, b)."""
        a, b = as_number("uniform_", "a", a), as_number("uniform_", "b", b)
        if not self.is_complex():
            require_floating("uniform_", self.dtype)
        if not a <= b:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
        for number in (a, b, b - a):
            checked_scalar("uniform_", number, self.array.dtype)
        kind = (complex128 if self.is_complex() else float64).numpy_dtype
        low = complex(a, a) if self.is_complex() else a
        values = draw(numpy_rng(generator).random, self.array.shape, kind) * (b - a) + low
        return write_numbers(self, values, "uniform_")

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers of the density lambd e^(-lambd x)."""
        lambd = as_number("exponential_", "lambd", lambd)
        require_floating("exponential_", self.dtype, RuntimeError)
        if not lambd > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
        return write_numbers(
            self, numpy_rng(generator).standard_exponential(self.array.shape) / lambd, "exponential_"
        )

    def bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None) -> Self:
        """Fill with ones, of probability ``p``, and zeros."""
        p = as_number("bernoulli_", "p", p)
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return write_numbers(self, numpy_rng(generator).random(self.array.shape) < p, "bernoulli_")

    def random_(
        self, low: int | None = None, high: int | None = None, *, generator: Generator | None = None
    ) -> Self:
        """Fill with random integers from [low, high), or [0, low) if ``high`` is left out.

        Without limits: all integers from 0 on that the dtype holds exactly, and those below.
        """
        shape, dtype = self.array.shape, self.array.dtype
        if dtype.kind == "c":
            raise NotImplementedError(f"random_: expected a real dtype, got {dtype}")
        if low is None:
            values = numpy_rng(generator).integers(0, largest_whole(dtype), shape, endpoint=True)
        else:
            low, high = (0, low) if high is None else (low, high)
            low, high = as_int("random_", "from", low), as_int("random_", "to", high)
            values = random_integers(low, high, shape, dtype, generator)
        return write_numbers(self, values, "random_")


def write_result(tensor: TensorBase, result: TensorBase, name: str) -> Any:
    """Write ``result`` into the memory of ``tensor``, which takes over its history."""
    recorded = this_thread.mode.grad_enabled and (result.requires_grad or tensor.requires_grad)
    tensor.check_may_change(recorded)
    if result.array.shape != tensor.array.shape:
        raise RuntimeError(
            f"{name}: output with shape {list(tensor.shape)} doesn't match the broadcast shape {list(result.shape)}"
        )
    if result.dtype.category > tensor.dtype.category:
        raise RuntimeError(
            f"{name}: result type {result.dtype} can't be cast to the desired output type {tensor.dtype}"
        )
    check_writeable(tensor.array, name)
    if recorded and result.grad_fn is not None:
        result.grad_fn.keep_copies_of(tensor.array)
    result = ops.cast(result, tensor.array.dtype)
    tensor.array[...] = result.array
    tensor.increment_version(f"{name} at {user_line()}")
    if recorded:
        tensor.rebase_history(result)
    return tensor


def check_writeable(array: Array, name: str) -> None:
    """Raise if an array cannot be changed, element by element."""
    if array.size and any(
        stride == 0 and size > 1 for stride, size in zip(array.strides, array.shape, strict=True)
    ):
        raise RuntimeError(
            f"{name}: unsupported operation: more than one element of the written-to tensor refers to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )
    if not getattr(array.flags, "writeable", True):
        raise RuntimeError(f"{name}: the tensor's array is read-only. Please clone() the tensor first.")


def write_numbers(tensor: TensorBase, values: Array, name: str) -> Any:
    """Write an array drawn on the host into the memory of ``tensor``."""
    drawn = tensor_from_array(to_device(values.astype(tensor.array.dtype), tensor.device))
    return write_result(tensor, ops.copy_of(tensor, drawn), name)


def set_item(tensor: TensorBase, index: Any, value: Any) -> None:
    """Do ``tensor[index] = value``."""
    index = raw_index(index, tensor.array)
    check_index(tensor.array, index)
    if isinstance(value, TensorBase):
        if value.device != tensor.device and (value.ndim == 0 or is_basic(index)):
            value = value.to(tensor.device)
        value = ops.cast(value, tensor.array.dtype)
    elif hasattr(value, "shape"):
        refuse_strangers("__setitem__", value)
        value = ops.cast(to_device(value, tensor.device), tensor.array.dtype)
    else:
        check_long("__setitem__", value)
        value = element_scalar("__setitem__", value, tensor.array.dtype)
    recorded = this_thread.mode.grad_enabled and (
        tensor.requires_grad or getattr(value, "requires_grad", False)
    )
    tensor.check_may_change(recorded)
    check_writeable(tensor.array, "__setitem__")
    result = SetItem.apply(tensor, value, index=index, in_place=True)
    tensor.increment_version(f"__setitem__ at {user_line()}")
    if recorded:
        tensor.rebase_history(result)
