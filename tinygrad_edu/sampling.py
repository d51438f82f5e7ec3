"""Making tensors of random numbers.

All numbers are drawn on the host and then moved, see ``random``.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_dtype, as_int, optional_dtype, require_bools, require_numbers
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import CPU, Array, DeviceLike, check_numel, to_device
from tinygrad_edu.creation import Dtype, checked_sizes, finish, like
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, float_limits
from tinygrad_edu.ops.common import broadcast_shape, require_tensor, unbroadcast, zeros_for
from tinygrad_edu.random import Generator, draw, largest_whole, numpy_rng, random_integers, require_floating
from tinygrad_edu.scalars import checked_scalar
from tinygrad_edu.type_names import refuse_strangers


def _checked_float_dtype(name: str, dtype: Dtype) -> Any:
    dtype = dtypes.get_default_dtype() if dtype is None else as_dtype(name, dtype)
    if not dtype.is_complex:
        require_floating(name, dtype)
    return dtype.numpy_dtype


def rand(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers, evenly distributed over [0, 1); so are both parts of complex ones."""
    shape, wanted = checked_sizes("rand", sizes, size), _checked_float_dtype("rand", dtype)
    return finish(call(fractions, shape, wanted, generator), None, device, requires_grad)


def fractions(shape: tuple[int, ...], numpy_dtype: Any, generator: Generator | None) -> Array:
    """Draw numbers from [0, 1)."""
    array = draw(numpy_rng(generator).random, shape, numpy_dtype)
    if numpy_dtype in HALF_DTYPES:  # rounding up must not make a 1
        array = np.minimum(array, 1 - float_limits(numpy_dtype).epsneg)
    return array.astype(numpy_dtype, copy=False)


def randn(
    *sizes: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1 (each part of complex ones: 1/2)."""
    shape, wanted = checked_sizes("randn", sizes, size), _checked_float_dtype("randn", dtype)
    return finish(call(standard_normal, shape, wanted, generator), None, device, requires_grad)


def standard_normal(shape: tuple[int, ...], numpy_dtype: Any, generator: Generator | None) -> Array:
    """Draw numbers from the standard normal distribution."""
    array = draw(numpy_rng(generator).standard_normal, shape, numpy_dtype)
    if numpy_dtype.kind == "c":
        array = array / math.sqrt(2)
    return array.astype(numpy_dtype, copy=False)


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Evenly distributed random numbers of the input's shape, dtype and device."""
    shape, dtype, device = like("rand_like", input, dtype, device, memory_format)
    return rand(shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Normally distributed random numbers of the input's shape, dtype and device."""
    shape, dtype, device = like("randn_like", input, dtype, device, memory_format)
    return randn(shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad)


def randint(
    low: Any = 0,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random integers from ``low`` (0 if left out) up to, not including, ``high``.

    Called as ``randint(high, size)`` or ``randint(low, high, size)``.
    """
    dtype = optional_dtype("randint", dtype)
    if size is None:  # randint(high, size)
        low, high, size = 0, low, high
    elif high is None:  # randint(high, size=size)
        low, high = 0, low
    shape, dtype = (
        checked_sizes("randint", (size,)),
        dtypes.int64 if dtype is None else as_dtype("randint", dtype),
    )
    values = call(random_integers, low, high, shape, dtype.numpy_dtype, generator)
    return finish(values, dtype, device, requires_grad)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers from 0 to n - 1 in random order."""
    n = as_int("randperm", "n", n)
    if n < 0:
        raise RuntimeError(f"randperm: n must be non-negative, got {n}")
    check_numel("randperm", (n,))
    dtype = dtypes.int64 if dtype is None else as_dtype("randperm", dtype)
    if dtype == dtypes.bool_ or dtype.is_complex:
        raise NotImplementedError(f"randperm: expected a dtype of real numbers, got {dtype}")
    checked_scalar("randperm", n, dtype.numpy_dtype)
    if n - 1 > largest_whole(dtype.numpy_dtype):
        raise RuntimeError(
            f"randperm: n cannot be greater than {largest_whole(dtype.numpy_dtype) + 1} for {dtype}, got {n}"
        )
    return finish(call(permutation, n, generator), dtype, device, requires_grad)


def permutation(n: int, generator: Generator | None) -> Array:
    """Draw an order of n things."""
    return numpy_rng(generator).permutation(n)


class Drawn(Op):
    """Numbers that were drawn with these parameters. They are no function of them: the gradient is taken as 0."""

    moves_only = True

    def forward(self, *parameters: Array, drawn: Array) -> Array:
        self.shapes = [x.shape for x in parameters]
        return drawn

    def backward(self, grad_output: Array) -> tuple[Array, ...]:
        return tuple([unbroadcast(zeros_for(grad_output), shape) for shape in self.shapes])


def normal(
    mean: Any,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
) -> Tensor:
    """Random numbers from normal distributions, whose means and standard deviations may be Tensors.

    ``dtype``, ``device`` and ``requires_grad`` are for a ``size``: a Tensor has its own.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.normal.html
    """
    refuse_strangers("normal", mean, std)
    for x in (mean, std):
        if isinstance(x, TensorBase):
            require_floating("normal", x.dtype)
    for argument, value in (("mean", mean), ("std", std)):
        if not isinstance(value, TensorBase):
            require_numbers("normal", **{argument: value})
    means, stds = getattr(mean, "array", mean), getattr(std, "array", std)
    if np.any(to_device(stds, CPU) < 0 if hasattr(stds, "dtype") else stds < 0):
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    if size is None:
        size = broadcast_shape("normal", np.shape(means), np.shape(stds))
    size = checked_sizes("normal", (tuple(size) if isinstance(size, list | tuple) else size,))
    model = mean if isinstance(mean, TensorBase) else std
    if isinstance(model, TensorBase):
        if dtype is not None or device is not None or requires_grad:
            raise TypeError("normal(): expected no dtype, device or requires_grad beside a Tensor")
        dtype, device = model.dtype, model.device
    noise = randn(tuple(size), generator=generator, dtype=dtype, device=device)
    with no_grad():
        drawn = (noise * std + mean).array
    parameters = [x for x in (mean, std) if isinstance(x, TensorBase)]
    return Drawn.apply(*parameters, drawn=drawn) if parameters else tensor_from_array(drawn, requires_grad)


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """1 with the probability that the input gives, or with ``p`` everywhere in its shape; else 0."""
    if p is not None:
        return input.detach().clone().bernoulli_(p, generator=generator)
    probabilities = _checked_probabilities("bernoulli", input)
    if probabilities.size and not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise RuntimeError("bernoulli: expected probabilities from 0 to 1, got others")
    drawn = numpy_rng(generator).random(probabilities.shape) < probabilities
    return Drawn.apply(input, drawn=finish(np.asarray(drawn), input.dtype, input.device, False).array)


def _checked_probabilities(name: str, input: Tensor) -> Array:
    require_tensor(name, input)
    if not input.is_floating_point():
        raise NotImplementedError(f"{name} only supports floating-point dtypes for input, got: {input.dtype}")
    return to_device(input.array, CPU).astype(np.float64)


def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Draw positions with the probabilities that the (rows of the) input gives; they need not add up to 1.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.multinomial.html
    """
    require_tensor("multinomial", input)
    require_bools("multinomial", replacement=replacement)
    num_samples = as_int("multinomial", "num_samples", num_samples)
    require_tensor("multinomial", input)
    if not input.is_floating_point():
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {input.dtype}")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"prob_dist must be 1 or 2 dim, got {input.ndim}")
    if num_samples <= 0:
        raise RuntimeError(f"cannot sample n_sample <= 0 samples, got {num_samples}")
    check_numel("multinomial", (*input.shape[:-1], num_samples))
    weights = to_device(input.array, CPU).astype(np.float64)
    rows = weights.reshape(-1, weights.shape[-1])
    if (rows < 0).any() or not np.isfinite(rows).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (rows.sum(1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    if not replacement and (np.count_nonzero(rows, axis=1) < num_samples).any():
        raise RuntimeError(
            "cannot sample n_sample > prob_dist.size(-1) samples without replacement: asked for "
            f"{num_samples} of {rows.shape[1]} categories"
        )
    rng = numpy_rng(generator)
    drawn = [rng.choice(rows.shape[1], num_samples, replacement, row / row.sum()) for row in rows]
    array = np.array(drawn, np.int64).reshape(*weights.shape[:-1], num_samples)
    return finish(array, dtypes.int64, input.device, False)
