"""LKJCholesky distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu import dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.creation import arange
from tinygrad_edu.distributions import constraints
from tinygrad_edu.distributions.beta import Beta
from tinygrad_edu.distributions.distribution import Distribution
from tinygrad_edu.distributions.utils import broadcast_all
from tinygrad_edu.sampling import randn


class LKJCholesky(Distribution):
    """Distribution of L, where the density of the matrix of correlations L L^T goes with |L L^T|^(concentration - 1).

    With a concentration of 1 all matrices of correlations are equally likely; above, the correlations become smaller.

    References
    ----------
    D. Lewandowski, D. Kurowicka, H. Joe, Generating random correlation matrices based on vines and extended onion
    method, Journal of Multivariate Analysis 100, 2009: section 3.2 for the draws, page 1999 for the constant.

    Notes
    -----
    The k elements of a row before the diagonal are a vector whose squared length is of Beta(k / 2, ...), as in the
    paper. PyTorch takes Beta(k - 1/2, ...): its correlations of matrices of size 3 or more are off.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> lower = torch.distributions.LKJCholesky(3, 0.5).sample()
    >>> torch.allclose(torch.diagonal(lower @ lower.mT), torch.ones(3))
    True
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None) -> None:
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Any:
        new = super().expand(batch_shape, _instance)
        new.dim = self.dim
        return new

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw row by row: how much of its length lies before the diagonal, and in which direction."""
        like: dict[str, Any] = {"dtype": self.concentration.dtype, "device": self.concentration.device}
        before = ops.clamp(arange(self.dim, **like) - 1, min=0)  # 0, 0, 1, ..., dim - 2
        with no_grad():
            most = (self.concentration + 0.5 * (self.dim - 2)).unsqueeze(-1)
            lengths = Beta(0.5 * before + 0.5, most - 0.5 * before).sample(
                sample_shape
            )  # of each row, squared
            normal = ops.tril(randn(self._extended_shape(sample_shape), **like), -1)
            squares = (normal**2).sum(-1, keepdim=True)
            direction = normal / ops.sqrt(
                ops.where(squares == 0, 1.0, squares)
            )  # of the first row there is none
            rows = ops.sqrt(lengths).unsqueeze(-1) * direction
            rest = ops.clamp(1 - (rows**2).sum(-1), min=dtypes.finfo(rows.dtype).tiny)
            return rows + ops.diag_embed(ops.sqrt(rest))

    def log_prob(self, value: Tensor) -> Tensor:
        """Sum of (2 concentration - 2 + dim - i) log L_ii over the rows i = 2, ..., less the constant."""
        if self._validate_args:
            self._validate_sample(value)
        rows = arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - rows
        density = (order * ops.log(ops.diagonal(value, 0, -2, -1)[..., 1:])).sum(-1)
        others = self.dim - 1
        alpha = self.concentration + 0.5 * others
        constant = 0.5 * others * math.log(math.pi) - others * ops.lgamma(alpha)
        return density - constant - ops.mvlgamma(alpha - 0.5, others)
