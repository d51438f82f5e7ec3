"""What the operations share: change of dtype, broadcasting and its reverse, checking of arguments.

What a ``backward`` calls of it (``cast``, ``zeros_for``, ``unbroadcast``) takes arrays as well as Tensors.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_int, as_ints, as_numpy_dtype, is_int, wrong_type
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op, check_same_device
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, check_dtype_on, device_of, is_on_host
from tinygrad_edu.numpy_dtypes import FLOATING_DTYPES, FLOATING_KINDS, INEXACT_KINDS
from tinygrad_edu.ops.summation import sum_over
from tinygrad_edu.type_names import type_name


class Cast(Op):
    """Change of dtype; the gradient changes back: that of a real number is real, also beside complex ones."""

    moves_only = True

    def forward(self, x: Array, *, dtype: Any) -> Array:
        self.input_dtype = x.dtype
        check_dtype_on(device_of(x), dtype)
        return x.astype(dtype)

    def backward(self, grad_output: Array) -> Array:
        if kind_of(grad_output) == "c" and self.input_dtype.kind != "c":
            grad_output = grad_output.real
        return cast(grad_output, self.input_dtype)


def to_dtype(name: str, x: Array, dtype: Any) -> Array:
    """Return ``x`` in the dtype that an argument ``dtype`` asks for."""
    return cast(x, as_numpy_dtype(name, dtype))


def cast(x: Array, numpy_dtype: Any) -> Array:
    """Return ``x`` with this NumPy dtype; ``x`` itself if it has it already."""
    if raw(x).dtype == numpy_dtype:
        return x
    return Cast.compute(x, dtype=numpy_dtype)


def raw(x: Any) -> Any:
    """Return the array of a Tensor; anything else as it is."""
    return x.array if isinstance(x, TensorBase) else x


def require_tensor(name: str, x: Any, argument: str = "input") -> None:
    """Raise unless ``x`` is a Tensor."""
    if not isinstance(x, TensorBase):
        raise explained(TypeError(f"{name}(): argument '{argument}' must be Tensor, not {type_name(x)}"))


def require_tensors(name: str, **arguments: Any) -> None:
    """Raise unless each argument is a Tensor."""
    for argument, x in arguments.items():
        if not isinstance(x, TensorBase):
            require_tensor(name, x, argument)


def optional_tensors(name: str, **arguments: Any) -> None:
    """Raise unless each argument is a Tensor or None."""
    for argument, x in arguments.items():
        if x is not None and not isinstance(x, TensorBase):
            require_tensor(name, x, argument)


def require_dtype_of(name: str, input: Any, **others: Any) -> None:
    """Raise unless each Tensor that is given (None is not) has the dtype of the input."""
    for argument, x in others.items():
        if x is not None and raw(x).dtype != raw(input).dtype:
            raise explained(
                RuntimeError(
                    f"{name}: expected {argument} of the dtype of the input, {raw(input).dtype}, got {raw(x).dtype}"
                )
            )


def require_floating_point(
    name: str, x: Any, complex_too: bool = False, error: type[Exception] = NotImplementedError
) -> None:
    """Raise unless ``x`` is a Tensor of floating-point numbers."""
    require_tensor(name, x)
    if raw(x).dtype.kind not in (INEXACT_KINDS if complex_too else FLOATING_KINDS):
        raise explained(error(f"{name}: expected a floating-point tensor, got {raw(x).dtype}"))


def as_floating(name: str, x: Any, complex_too: bool = False) -> Any:
    """Return ``x``; raise unless it is a Tensor of floating-point numbers."""
    require_floating_point(name, x, complex_too)
    return x


def as_float(name: str, x: Array) -> Array:
    """Return ``x``, with integers and booleans turned into the default floating-point dtype."""
    require_tensor(name, x)
    if raw(x).dtype.kind in "biu":
        return cast(x, dtypes.get_default_dtype().numpy_dtype)
    return x


def as_summand(name: str, x: Array, dtype: dtypes.dtype | None) -> Array:
    """Return ``x`` in the dtype in which it is added up: the given one, or int64 for integers and booleans."""
    require_tensor(name, x)
    if dtype is not None:
        return to_dtype(name, x, dtype)
    return cast(x, np.int64) if raw(x).dtype.kind in "bui" else x


def kind_of(x: Any) -> str | None:
    """Return the letter that NumPy has for the kind of an operand's dtype; None if it has no dtype of NumPy's."""
    dtype = getattr(raw(x), "dtype", None)
    return dtype.kind if isinstance(dtype, np.dtype) else None


def reject_bool(name: str, x: Any) -> None:
    """Raise if an operand is boolean, where the operation makes numbers only."""
    if kind_of(x) == "b":
        raise NotImplementedError(
            f"\"{name}\" not implemented for 'Bool': expected a number type, got torch.bool"
        )


def reject_complex(name: str, *operands: Any) -> None:
    """Raise if an operand, a Tensor or a number, is complex, where the operation is about order."""
    for x in operands:
        if isinstance(x, complex) or kind_of(x) == "c":
            raise NotImplementedError(f"{name}: expected real numbers, for complex ones have no order")


def require_kernel_dtype(name: str, x: Array) -> None:
    """Raise unless the compiled kernels work on the dtype, or on float32 in its place (see ``half.py``)."""
    dtype = x.array.dtype if isinstance(x, TensorBase) else x.dtype
    if dtype not in FLOATING_DTYPES:
        raise explained(
            RuntimeError(
                f"{name}: expected a floating-point tensor, float16, bfloat16, float32 or float64, got {dtype}"
            )
        )


def zeros_for(grad: Array) -> Array:
    """Return zeros of the shape and dtype of ``grad``: the gradient of a step function, whatever comes in."""
    zeros = array_module(raw(grad)).zeros_like(raw(grad))
    return tensor_from_array(zeros) if isinstance(grad, TensorBase) else zeros


def unbroadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Sum ``grad`` over the dimensions along which an operand of this shape was repeated.

    If y = f(broadcast(x)), every element of x was used several times, so its gradient is the sum over the
    copies.

    Examples
    --------
    >>> import numpy
    >>> unbroadcast(numpy.ones((4, 5, 3)), (1, 3))
    array([[20., 20., 20.]])
    """
    if grad.shape == shape:
        return grad
    added = grad.ndim - len(shape)
    stretched = [i + added for i, size in enumerate(shape) if size == 1 and grad.shape[i + added] != 1]
    return sum_over(grad, tuple([*range(added), *stretched])).reshape(shape)


def in_rows(x: Array) -> Array:
    """Return an array whose elements lie row after row, which ``view`` needs: itself, if they do already.

    PyTorch's results do, but for what works element by element. NumPy's lie as those of a transposed operand.
    """
    return x if x.ndim < 2 or x.flags.c_contiguous else x.copy()


def copy_in_order(x: Array) -> Array:
    """Return a copy whose elements lie in the order of ``x``'s, as PyTorch's does; repeated ones, row after row."""
    return x.copy() if 0 in x.strides else x.copy("K")


def broadcast(grad: Array, shape: tuple[int, ...]) -> Array:
    """Repeat ``grad`` along the dimensions in which it has size 1: the reverse of ``unbroadcast``."""
    if grad.shape == shape:
        return grad
    return array_module(grad).broadcast_to(grad, shape)


def ones(count: int, dtype: Any) -> Array:
    """Return a vector of ones, of the CPU and not to be written to: a product with it is a sum, and quick."""
    return _kept_ones(count, dtype) if count <= 65536 else np.ones(count, dtype)


@functools.lru_cache(maxsize=64)
def _kept_ones(count: int, dtype: Any) -> Array:
    vector = np.ones(count, dtype)
    vector.flags.writeable = False
    return vector


class BinaryOp(Op):
    """An elementwise operation on two operands that are broadcast against each other."""

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        """Say which sizes do not fit together."""
        check_same_device(type(self).__name__, arrays)
        check_broadcast(type(self).__name__.lower(), *[np.shape(raw(x)) for x in arrays])


def check_broadcast(name: str, *shapes: tuple[int, ...]) -> None:
    """Raise unless the shapes can be broadcast together."""
    broadcast_shape(name, *shapes)


def broadcast_shape(name: str, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that they are broadcast to together."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " and ".join(str(list(shape)) for shape in shapes)
        a, b = shapes[0], shapes[1]
        width = max(len(a), len(b))
        padded = zip((1,) * (width - len(a)) + tuple(a), (1,) * (width - len(b)) + tuple(b), strict=True)
        for dim, (x, y) in enumerate(padded):
            if x != y and 1 not in (x, y):
                raise explained(
                    RuntimeError(
                        f"{name}: The size of tensor a ({x}) must match the size of tensor b ({y}) at "
                        f"non-singleton dimension {dim}; expected shapes that broadcast, got {listed}"
                    )
                ) from None
        raise explained(
            RuntimeError(f"{name}: expected shapes that broadcast together, got {listed}")
        ) from None


def normalize_dim(name: str, dim: int, ndim: int) -> int:
    """Return a dimension counted from the front; a 0-d tensor counts as having one."""
    limit = max(ndim, 1)
    dim = as_int(name, "dim", dim)
    if not -limit <= dim < limit:
        raise explained(
            IndexError(
                f"{name}: Dimension out of range (expected to be in range of [{-limit}, {limit - 1}], but got "
                f"{dim})"
            )
        )
    return dim % limit


def normalize_dims(name: str, dim: int | Sequence[int] | None, ndim: int) -> tuple[int, ...]:
    """Return dimensions counted from the front; all of them for None or an empty list."""
    if dim is None or (isinstance(dim, list | tuple) and len(dim) == 0):
        return tuple(range(ndim))
    if not isinstance(dim, list | tuple):
        dim = as_int(name, "dim", dim)
        return (normalize_dim(name, dim, ndim),) if ndim else _checked_scalar_dim(name, dim)
    dims = tuple([normalize_dim(name, d, ndim) for d in dim])
    if len(set(dims)) != len(dims):
        raise RuntimeError(f"{name}: expected each dimension once, got dim={tuple(dim)}")
    return dims if ndim else ()


def _checked_scalar_dim(name: str, dim: int) -> tuple[int, ...]:
    normalize_dim(name, dim, 0)
    return ()


def check_positions(
    name: str,
    index: Array,
    size: int,
    *,
    lowest: int = 0,
    dtypes: tuple[str, ...] = ("int32", "int64"),
    error: type[Exception] = IndexError,
) -> None:
    """Raise unless an index is of integers from ``lowest`` to size - 1; on a GPU, the values are not looked at."""
    if index.dtype.name not in dtypes:
        expected = " or ".join(dtypes)
        raise explained(RuntimeError(f"{name}(): Expected dtype {expected} for index, got {index.dtype}"))
    call(refuse_outside, name, index, size, lowest, error)


def refuse_outside(name: str, index: Array, size: int, lowest: int, error: type[Exception]) -> None:
    """Raise if a position is not from ``lowest`` to size - 1."""
    if is_on_host(index) and index.size and (index.min() < lowest or index.max() >= size):
        bad = index.min() if index.min() < lowest else index.max()
        raise explained(
            error(
                f"{name}: index {int(bad)} is out of bounds for a dimension of size {size}: expected {lowest} to "
                f"{size - 1}"
            )
        )


def flat_index(index: Any) -> Array:
    """Return an index, a Tensor, as a vector of positions; observers see what is made of it."""
    array = raw(index)
    return array if array.ndim == 1 else call(flattened, array)


def flattened(array: Array) -> Array:
    """Return the elements of an array as a vector."""
    return array.reshape(-1)


def check_vector(name: str, index: Any) -> None:
    """Raise unless an index is a Tensor that names slices: a vector, or one number."""
    require_tensor(name, index, "index")
    if index.ndim > 1:
        raise explained(
            IndexError(f"{name}(): Index is supposed to be a vector, got {index.ndim} dimensions")
        )


def check_not_empty(name: str, x: Array, dims: int) -> None:
    """Raise if one of the channels and the last ``dims`` dimensions is 0: (n, c, *) may have an empty batch only."""
    if 0 in x.shape[-dims - 1 :]:
        raise explained(
            RuntimeError(
                f"{name}: expected an input of which only the batch may be empty, got {list(x.shape)}"
            )
        )


def pair(name: str, argument: str, value: Any, length: int = 2) -> tuple[int, ...]:
    """Return an int, or a sequence of ints, as a tuple of this length."""
    if type(value) is int and abs(value) < 2**31:
        return (value,) * length
    if not isinstance(value, list | tuple):
        if not is_int(value):
            raise wrong_type(name, argument, "an int or tuple of ints", value)
        return (as_int(name, argument, value),) * length
    values = as_ints(name, argument, value)
    if len(values) == 1:
        return values * length
    if len(values) != length:
        raise RuntimeError(f"{name}: expected {argument} to be an int or {length} ints, got {value}")
    return values
