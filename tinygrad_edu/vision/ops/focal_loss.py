"""The focal loss, for detectors: nearly all of what they look at is background, which soon is easy."""

from __future__ import annotations

import tinygrad_edu.nn.functional as F
from tinygrad_edu import Tensor
from tinygrad_edu.ops.common import require_tensor


def sigmoid_focal_loss(
    inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none"
) -> Tensor:
    """Binary cross-entropy in which an example counts less, the surer and righter the network already is of it.

    Parameters
    ----------
    inputs : Tensor
        Logits, of any shape.
    targets : Tensor
        0 or 1, of the same shape and dtype.
    alpha : float
        The weight of the ones, from 0 to 1; zeros have 1 - alpha. With -1, all count the same.
    gamma : float
        How much less the easy ones count; 0 is the cross-entropy itself.
    reduction : {"none", "mean", "sum"}
        What becomes of the losses of all elements.

    Notes
    -----
    With p = sigmoid(x), and p_t = p where the target is 1, else 1 - p: FL = -alpha_t (1 - p_t)^gamma log(p_t).

    References
    ----------
    T. Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, arXiv:1708.02002, equation 5.
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.sigmoid_focal_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import ops
    >>> ops.sigmoid_focal_loss(
    ...     torch.tensor([3.0, 0.0]), torch.tensor([1.0, 1.0])
    ... )  # sure and right, undecided
    tensor([2.7321e-05, 4.3322e-02])
    """
    require_tensor("sigmoid_focal_loss", inputs, "inputs")
    require_tensor("sigmoid_focal_loss", targets, "targets")
    if not 0 <= alpha <= 1 and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid Value for arg 'reduction': '{reduction}'")
    p = inputs.sigmoid()
    p_target = p * targets + (1 - p) * (1 - targets)
    loss = F.binary_cross_entropy_with_logits(inputs, targets, reduction="none") * (1 - p_target) ** gamma
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()
