"""Making tensors: from data, filled with constants, in sequences, at random.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#creation-ops
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import _tensor, dtypes
from tinygrad_edu.backend import CPU, Array, DeviceLike, array_module, device_of, to_device
from tinygrad_edu.ops.shape import sizes_of
from tinygrad_edu.random import Generator, numpy_rng

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor

Dtype = dtypes.dtype | None


def finish(array: Array, dtype: Dtype, device: DeviceLike, requires_grad: bool) -> Tensor:
    """Return an array as a tensor of the wanted dtype, on the wanted device."""
    if dtype is not None:
        array = array.astype(dtype.numpy_dtype, copy=False)
    result = _tensor.tensor_from_array(to_device(array, device))
    _tensor.check_can_require_grad(result, requires_grad)
    result._requires_grad = requires_grad
    return result


def array_from_data(data: Any, dtype: Dtype = None) -> Array:
    """Return nested lists, numbers, arrays and Tensors as one array, with PyTorch's choice of dtype.

    A given ``dtype`` is used for Python numbers at once (0.1 becomes a float64 without becoming a float32
    first); arrays and Tensors keep theirs.
    """
    if isinstance(data, _tensor.Tensor):
        return data.array
    if hasattr(data, "dtype"):
        dtypes.from_numpy_dtype(data.dtype)
        return np.asarray(data) if isinstance(data, np.generic) else data
    if isinstance(data, list | tuple) and _holds_tensors(data):
        data = _without_tensors(data)
    try:
        array = np.array(data)
    except ValueError:
        raise ValueError(
            f"tensor: expected sequences of equal length at every level, got {_shorten(data)}"
        ) from None
    if array.dtype.kind not in "biufc":
        raise _no_dtype_for(data)
    if array.dtype == np.uint64:
        raise RuntimeError("tensor: Overflow when unpacking long: expected integers below 2**63")
    if dtype is not None or _holds_numpy(data):
        return array
    if array.dtype.kind == "f":
        return array.astype(dtypes.get_default_dtype().numpy_dtype)
    if array.dtype.kind == "c":
        return array.astype(dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64).numpy_dtype)
    return array


def _no_dtype_for(data: Any) -> Exception:
    """Return the error for data that are not numbers."""
    if _leaf_types(data) <= {int, bool}:
        return RuntimeError(
            f"tensor: Overflow when unpacking long: expected integers below 2**63, got {_shorten(data)}"
        )
    names = ", ".join(sorted(t.__name__ for t in _leaf_types(data)))
    return TypeError(f"tensor: could not infer dtype of {names}: expected numbers, got {_shorten(data)}")


def _leaf_types(data: Any) -> set[type]:
    """Return the types of what nested sequences hold."""
    if isinstance(data, list | tuple):
        return set().union(*[_leaf_types(x) for x in data])
    return {type(data)}


def _shorten(data: Any) -> str:
    text = repr(data)
    return text if len(text) <= 80 else text[:77] + "..."


def _holds_tensors(data: Any) -> bool:
    return isinstance(data, _tensor.Tensor) or (
        isinstance(data, list | tuple) and any(_holds_tensors(x) for x in data[:1])
    )


def _holds_numpy(data: Any) -> bool:
    return hasattr(data, "dtype") or (
        isinstance(data, list | tuple) and any(_holds_numpy(x) for x in data[:1])
    )


def _without_tensors(data: Any) -> Any:
    if isinstance(data, _tensor.Tensor):
        return data.item() if data.numel() == 1 and data.ndim == 0 else data.detach().cpu().numpy()
    return [_without_tensors(x) for x in data] if isinstance(data, list | tuple) else data


def tensor(
    data: Any, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Make a tensor with a copy of ``data``.

    Parameters
    ----------
    data : number, nested sequence, array or Tensor
        Python floats become the default dtype (float32), ints int64, booleans bool; arrays keep theirs.
    dtype : dtype, optional
        Convert to this.
    device : device, optional
        Where to put it.
    requires_grad : bool
        Whether to record what is done with it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.tensor.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, _tensor.Tensor):
        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than tensor(sourceTensor).",
            stacklevel=2,
        )
    array = array_from_data(data, dtype)
    if device is None:
        device = device_of(array)
    array = array.astype(array.dtype if dtype is None else dtype.numpy_dtype, order="C", copy=True)
    return finish(array, None, device, requires_grad)


def as_tensor(data: Any, dtype: Dtype = None, device: DeviceLike = None) -> Tensor:
    """Make a tensor, sharing the memory of ``data`` if it is an array (or Tensor) of the right dtype and device."""
    if isinstance(data, _tensor.Tensor):
        return data.to(device=data.device if device is None else device, dtype=dtype or data.dtype)
    array = array_from_data(data, dtype)
    return finish(array, dtype, device_of(array) if device is None else device, False)


def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """Make a tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    dtypes.from_numpy_dtype(ndarray.dtype)
    return _tensor.tensor_from_array(ndarray)


def _float_dtype(dtype: Dtype) -> Any:
    return (dtype or dtypes.get_default_dtype()).numpy_dtype


def _checked_sizes(name: str, size: Sequence[Any]) -> tuple[int, ...]:
    sizes = sizes_of(size)
    if any(s < 0 for s in sizes):
        raise RuntimeError(f"{name}: Trying to create tensor with negative dimension: {list(sizes)}")
    return sizes


def zeros(*size: Any, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Zeros of the given shape.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return finish(np.zeros(_checked_sizes("zeros", size), _float_dtype(dtype)), None, device, requires_grad)


def ones(*size: Any, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """Ones of the given shape."""
    return finish(np.ones(_checked_sizes("ones", size), _float_dtype(dtype)), None, device, requires_grad)


def empty(*size: Any, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False) -> Tensor:
    """A tensor of the given shape whose elements are whatever was in memory."""
    return finish(np.empty(_checked_sizes("empty", size), _float_dtype(dtype)), None, device, requires_grad)


def full(
    size: Sequence[int],
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the given shape with one value everywhere; its dtype is the value's."""
    value = array_from_data(fill_value, dtype)
    return finish(np.full(_checked_sizes("full", (size,)), value, value.dtype), dtype, device, requires_grad)


def _like(input: Tensor, dtype: Dtype, device: DeviceLike) -> tuple[tuple[int, ...], dtypes.dtype, Any]:
    if not isinstance(input, _tensor.Tensor):
        raise TypeError(f"argument 'input' must be Tensor, not {type(input).__name__}")
    return tuple(input.shape), dtype or input.dtype, input.device if device is None else device


def zeros_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Zeros of the input's shape, dtype and device."""
    shape, dtype, device = _like(input, dtype, device)
    return zeros(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def ones_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Ones of the input's shape, dtype and device."""
    shape, dtype, device = _like(input, dtype, device)
    return ones(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def empty_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """An uninitialised tensor of the input's shape, dtype and device."""
    shape, dtype, device = _like(input, dtype, device)
    return empty(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the input's shape, dtype and device with one value everywhere."""
    shape, dtype, device = _like(input, dtype, device)
    return full(shape, fill_value, dtype=dtype, device=device, requires_grad=requires_grad)


def arange(
    start: float,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers from ``start`` (0 if only one argument is given) up to, not including, ``end``.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.arange(1, 6, 2)
    tensor([1, 3, 5])
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError(
            f"arange: upper bound and lower bound inconsistent with step sign: start={start}, end={end}, step={step}"
        )
    if dtype is None:
        whole = all(isinstance(x, int | np.integer) for x in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    count = max(math.ceil((end - start) / step), 0)
    values = start + step * np.arange(count)
    return finish(values, dtype, device, requires_grad)


def linspace(
    start: float,
    end: float,
    steps: int,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """``steps`` evenly spaced numbers from ``start`` to ``end``, both included."""
    return finish(np.linspace(start, end, steps).astype(_float_dtype(dtype)), None, device, requires_grad)


def logspace(
    start: float,
    end: float,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
) -> Tensor:
    """``steps`` numbers from base^start to base^end, evenly spaced on a logarithmic scale."""
    return finish(np.logspace(start, end, steps, base=base).astype(_float_dtype(dtype)), None, device, False)


def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, or the first ``m`` columns of a larger one."""
    return finish(np.eye(n, m, dtype=_float_dtype(dtype)), None, device, requires_grad)


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, evenly distributed over [0, 1)."""
    return finish(_uniform(_checked_sizes("rand", size), dtype, generator), None, device, requires_grad)


def _uniform(sizes: tuple[int, ...], dtype: Dtype, generator: Generator | None) -> Array:
    wanted = _float_dtype(dtype)
    if wanted == np.float64:
        return numpy_rng(generator).random(sizes, np.float64)
    return numpy_rng(generator).random(sizes, np.float32).astype(wanted, copy=False)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1."""
    sizes, wanted = _checked_sizes("randn", size), _float_dtype(dtype)
    if wanted == np.float64:
        array = numpy_rng(generator).standard_normal(sizes, np.float64)
    else:
        array = numpy_rng(generator).standard_normal(sizes, np.float32).astype(wanted, copy=False)
    return finish(np.asarray(array), None, device, requires_grad)


def rand_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Evenly distributed random numbers of the input's shape, dtype and device."""
    shape, dtype, device = _like(input, dtype, device)
    return rand(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def randn_like(
    input: Tensor, *, dtype: Dtype = None, device: DeviceLike = None, requires_grad: bool = False
) -> Tensor:
    """Normally distributed random numbers of the input's shape, dtype and device."""
    shape, dtype, device = _like(input, dtype, device)
    return randn(shape, dtype=dtype, device=device, requires_grad=requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from ``low`` (0 if left out) up to, not including, ``high``."""
    if size is None:
        low, high, size = 0, low, high
    if high is None or low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    values = numpy_rng(generator).integers(low, high, _checked_sizes("randint", (size,)))
    return finish(np.asarray(values), dtype or dtypes.int64, device, requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Dtype = None, device: DeviceLike = None
) -> Tensor:
    """The integers from 0 to n - 1 in random order."""
    return finish(numpy_rng(generator).permutation(n), dtype or dtypes.int64, device, False)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None) -> Tensor:
    """Random numbers from normal distributions, whose means and standard deviations may be Tensors."""
    if size is None:
        size = np.broadcast_shapes(
            np.shape(getattr(mean, "array", mean)), np.shape(getattr(std, "array", std))
        )
    return randn(tuple(size), generator=generator) * std + mean


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the input gives, else 0."""
    array = array_module(input.array).asarray(
        to_device(numpy_rng(generator).random(tuple(input.shape)), input.device)
    )
    return _tensor.tensor_from_array((array < input.array).astype(input.array.dtype))


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw positions with the probabilities that the (rows of the) input gives; they need not add up to 1."""
    weights = to_device(input.array, CPU).astype(np.float64)
    rows = weights.reshape(-1, weights.shape[-1])
    if (rows < 0).any() or not np.isfinite(rows).all() or (rows.sum(1) <= 0).any():
        raise RuntimeError(
            "probability tensor contains either `inf`, `nan` or element < 0, or a row sums to 0"
        )
    if not replacement and (np.count_nonzero(rows, axis=1) < num_samples).any():
        raise RuntimeError(
            f"cannot sample n_sample > prob_dist.size(-1) samples without replacement: asked for {num_samples} of "
            f"{rows.shape[1]} categories"
        )
    rng = numpy_rng(generator)
    drawn = [rng.choice(rows.shape[1], num_samples, replacement, row / row.sum()) for row in rows]
    return finish(
        np.stack(drawn).reshape(*weights.shape[:-1], num_samples), dtypes.int64, input.device, False
    )


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return coordinate grids of vectors."""
    vectors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], list | tuple) else tensors
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    xp = array_module(vectors[0].array)
    return tuple(
        [
            _tensor.tensor_from_array(g.copy())
            for g in xp.meshgrid(*[v.array for v in vectors], indexing=indexing)
        ]
    )
