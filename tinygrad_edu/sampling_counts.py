"""Random integers: in the shape of a tensor, and counts of events whose rate or probability a tensor gives.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import sampling
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import DeviceLike, to_numpy
from tinygrad_edu.creation import Dtype, finish, like
from tinygrad_edu.ops.common import broadcast_shape, raw, require_floating_point, require_tensors
from tinygrad_edu.random import Generator, numpy_rng

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


def randint_like(
    input: Tensor,
    low: Any = 0,
    high: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Dtype = None,
    device: DeviceLike = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """Random integers, of the input's shape, dtype and device, from ``low`` up to, not including, ``high``.

    Called as ``randint_like(input, high)`` or ``randint_like(input, low, high)``.
    """
    shape, dtype, device = like("randint_like", input, dtype, device, memory_format)
    low, high = (0, low) if high is None else (low, high)
    low, high = [x.item() if isinstance(x, TensorBase) else x for x in (low, high)]
    return sampling.randint(
        low, high, shape, generator=generator, dtype=dtype, device=device, requires_grad=requires_grad
    )


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Draw counts of events from the Poisson distributions whose rates the input gives; of its shape and dtype.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.poisson.html
    """
    require_floating_point("poisson", input)
    rates = to_numpy(raw(input)).astype(np.float64)
    if rates.size and not (rates >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    drawn = np.asarray(numpy_rng(generator).poisson(rates))
    return finish(drawn, input.dtype, input.device, False)


def binomial(count: Tensor, prob: Tensor, generator: Generator | None = None) -> Tensor:
    """Draw how many of ``count`` trials succeed, each with probability ``prob``; both are broadcast.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.binomial.html
    """
    require_tensors("binomial", count=count, prob=prob)
    for argument, x in (("count", count), ("prob", prob)):
        if not x.is_floating_point():
            raise ValueError(f"binomial only supports floating-point dtypes for {argument}, got: {x.dtype}")
    shape = broadcast_shape("binomial", tuple(count.shape), tuple(prob.shape))
    counts, chances = to_numpy(raw(count)).astype(np.float64), to_numpy(raw(prob)).astype(np.float64)
    drawn = numpy_rng(generator).binomial(
        np.maximum(counts, 0).astype(np.int64), np.clip(chances, 0, 1), shape
    )
    return finish(np.asarray(drawn), count.dtype, count.device, False)
