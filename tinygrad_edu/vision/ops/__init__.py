"""Blocks that several networks are built of, and boxes: what ``torchvision.ops`` is to PyTorch.

Masks, and what is cut out of feature maps by boxes (``roi_align``), are not there.
"""

from __future__ import annotations

from tinygrad_edu.vision.ops.boxes import (
    batched_nms,
    box_area,
    box_convert,
    box_iou,
    clip_boxes_to_image,
    generalized_box_iou,
    nms,
    remove_small_boxes,
)
from tinygrad_edu.vision.ops.focal_loss import sigmoid_focal_loss
from tinygrad_edu.vision.ops.misc import MLP, Conv2dNormActivation, SqueezeExcitation
from tinygrad_edu.vision.ops.stochastic_depth import StochasticDepth, stochastic_depth

__all__ = [
    "MLP",
    "Conv2dNormActivation",
    "SqueezeExcitation",
    "StochasticDepth",
    "batched_nms",
    "box_area",
    "box_convert",
    "box_iou",
    "clip_boxes_to_image",
    "generalized_box_iou",
    "nms",
    "remove_small_boxes",
    "sigmoid_focal_loss",
    "stochastic_depth",
]
