"""Vectors of length one, and the angle between two.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#distance-functions
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.ops.common import check_broadcast, reject_complex, require_tensor
from tinygrad_edu.ops.elementwise.select import clamp
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.reduce.statistics import norm
from tinygrad_edu.ops.shape.layout import broadcast_to


@rounded_once
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Divide by the p-norm along ``dim``, or by ``eps`` if that is larger.

    Parameters
    ----------
    input : Tensor
        Any shape.
    p : float
        The order of the norm; see ``torch.norm``.
    dim : int
        Along which dimension the vectors lie.
    eps : float
        The smallest divisor.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.normalize.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.normalize(torch.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return input / clamp(norm(input, p, dim, keepdim=True), min=eps)


@rounded_once
def cosine_similarity(
    x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-08, *, axis: Any = None
) -> Tensor:
    """Cosine of the angle between vectors along ``dim``: x1 . x2 / (|x1| |x2|), with norms of at least eps.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cosine_similarity.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.cosine_similarity(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1.0]), dim=0)
    tensor(0.7071)
    """
    dim = as_int("cosine_similarity", "dim", dim if axis is None else axis)
    require_tensor("cosine_similarity", x1, "x1")
    require_tensor("cosine_similarity", x2, "x2")
    reject_complex("cosine_similarity", x1, x2)
    check_broadcast("cosine_similarity", x1.shape, x2.shape)
    shape = np.broadcast_shapes(tuple(x1.shape), tuple(x2.shape))  # "dim" is one of these
    x1, x2 = broadcast_to(x1, shape), broadcast_to(x2, shape)
    return sum(normalize(x1, 2, dim, eps) * normalize(x2, 2, dim, eps), dim)
