"""Stochastic depth: dropout of whole residual branches."""

from __future__ import annotations

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.ops.common import require_tensor


def stochastic_depth(input: Tensor, p: float, mode: str, training: bool = True) -> Tensor:
    """Set a branch's output to zero with probability ``p``, and divide what is left by ``1 - p``.

    Parameters
    ----------
    input : Tensor
        The output of a residual branch, of shape (N, ...).
    p : float
        Between 0 and 1.
    mode : {"batch", "row"}
        Whether it is drawn once, or anew for each of the N samples.
    training : bool
        Nothing happens if it is False.

    References
    ----------
    G. Huang et al., Deep Networks with Stochastic Depth, ECCV 2016, arXiv:1603.09382, section 3.
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.stochastic_depth.html
    """
    require_tensor("stochastic_depth", input, "input")
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}")
    if mode not in ("batch", "row"):
        raise ValueError(f"mode has to be either 'batch' or 'row', but got {mode}")
    if not training or p == 0.0:
        return input
    survival_rate = 1.0 - p
    samples = input.shape[0] if mode == "row" else 1
    shape = [samples] + [1] * (input.ndim - 1)
    keep = torch.empty(shape, dtype=input.dtype, device=input.device).bernoulli_(survival_rate)
    if survival_rate > 0.0:
        keep = keep / survival_rate  # so that the mean stays what it is
    return input * keep


class StochasticDepth(nn.Module):
    """:func:`stochastic_depth` as a module.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.StochasticDepth.html
    """

    def __init__(self, p: float, mode: str) -> None:
        super().__init__()
        self.p = p
        self.mode = mode

    def forward(self, input: Tensor) -> Tensor:
        return stochastic_depth(input, self.p, self.mode, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, mode={self.mode})"
