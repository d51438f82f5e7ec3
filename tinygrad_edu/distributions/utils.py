"""What the distributions share: broadcasting of parameters, probabilities and their logits, numbers to draw from."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import is_number
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import to_device, to_numpy
from tinygrad_edu.creation import tensor
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.ops.common import broadcast_shape
from tinygrad_edu.random import numpy_rng
from tinygrad_edu.sampling import rand


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Return parameters, tensors or numbers, as tensors of one shape; numbers take the dtype of a tensor.

    Raises
    ------
    ValueError
        If one is neither.
    """
    if not all(isinstance(v, Tensor) or is_number(v) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__: "
            f"expected numbers or tensors, got {[type(v).__name__ for v in values]}"
        )
    given = [v for v in values if isinstance(v, Tensor)]
    like: dict[str, Any] = {"dtype": dtypes.get_default_dtype()}
    if given:
        like = {"dtype": given[0].dtype, "device": given[0].device}
    tensors = [v if isinstance(v, Tensor) else tensor(v, **like) for v in values]
    shape = broadcast_shape("broadcast_tensors", *[x.shape for x in tensors], ())
    return tuple([ops.broadcast_to(x, shape) for x in tensors])


def clamp_probs(probs: Tensor) -> Tensor:
    """Keep probabilities away from 0 and 1 by the smallest step of their dtype."""
    eps = dtypes.finfo(probs.dtype).eps
    return ops.clamp(probs, min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return log(p / (1 - p)) of a probability, or log(p) of probabilities that add up to 1."""
    clamped = clamp_probs(probs)
    return ops.log(clamped) - ops.log1p(-clamped) if is_binary else ops.log(clamped)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return the probabilities: the sigmoid of one logit, or the softmax of several."""
    return ops.sigmoid(logits) if is_binary else ops.softmax(logits, -1)


def uniform_like(x: Tensor, shape: Any) -> Tensor:
    """Return evenly distributed numbers of (0, 1): 0 is left out, for its logarithm is asked."""
    numbers = rand(tuple(shape), dtype=x.dtype, device=x.device)
    return ops.clamp(numbers, min=dtypes.finfo(x.dtype).tiny)


def draw_with(method: str, x: Tensor, shape: Any, *parameters: Any) -> Tensor:
    """Draw from one of NumPy's distributions on the host; the result has the dtype of ``x`` and lies on its device."""
    arrays = [to_numpy(p.array) if isinstance(p, Tensor) else p for p in parameters]
    numbers = getattr(numpy_rng(), method)(*arrays, size=tuple(shape))
    return tensor_from_array(to_device(np.asarray(numbers).astype(x.array.dtype), x.device))


class WithProbsOrLogits(Distribution):
    """Distributions that are given by probabilities or their logits; the other one is computed when it is asked for."""

    _is_binary = True

    def _set_probs_or_logits(self, probs: Any, logits: Any, *others: Any) -> tuple[Tensor, ...]:
        """Keep the one that is given, and return the others, broadcast against it."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        *broadcast, parameter = broadcast_all(*others, logits if probs is None else probs)
        self.__dict__["logits" if probs is None else "probs"] = parameter
        return tuple(broadcast)

    @functools.cached_property
    def logits(self) -> Tensor:
        """Logits of the probabilities."""
        with enable_grad():
            return probs_to_logits(self.probs, self._is_binary)

    @functools.cached_property
    def probs(self) -> Tensor:
        """Probabilities."""
        with enable_grad():
            return logits_to_probs(self.logits, self._is_binary)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["logits"] if "probs" not in self.__dict__ else self.__dict__["probs"]

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._param.shape


BINARY_CONSTRAINTS = {"probs": constraints.unit_interval, "logits": constraints.real}
