"""Boxes round objects in images: their areas, how much two of them overlap, and which of many to keep.

A box is four numbers in pixels, with x to the right and y downwards, in one of three formats: "xyxy" is two opposite
corners, (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2; "xywh" is a corner and the size, "cxcywh" the centre and the size.

References
----------
https://docs.pytorch.org/vision/stable/ops.html#box-operators
"""

from __future__ import annotations

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.autograd import no_grad
from tinygrad_edu.ops.common import require_tensor

FORMATS = ("xyxy", "xywh", "cxcywh")


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Write boxes (..., 4) in another format.

    Parameters
    ----------
    boxes : Tensor
        (..., 4), in pixels.
    in_fmt, out_fmt : {"xyxy", "xywh", "cxcywh"}
        How they are written, and how they shall be.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.box_convert.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import ops
    >>> ops.box_convert(torch.tensor([10.0, 20.0, 30.0, 60.0]), "xyxy", "cxcywh")
    tensor([20., 40., 20., 40.])
    """
    check_boxes("box_convert", boxes)
    if in_fmt not in FORMATS or out_fmt not in FORMATS:
        raise ValueError(f"box_convert: expected formats out of {FORMATS}, got {in_fmt!r} and {out_fmt!r}")
    if in_fmt == out_fmt:
        return boxes.clone()
    return from_corners(to_corners(boxes, in_fmt), out_fmt)


def to_corners(boxes: Tensor, fmt: str) -> Tensor:
    """Return boxes of a format as "xyxy"."""
    if fmt == "xyxy":
        return boxes
    place, size = boxes[..., :2], boxes[..., 2:]
    first = place - size / 2 if fmt == "cxcywh" else place
    return torch.cat([first, first + size], dim=-1)


def from_corners(boxes: Tensor, fmt: str) -> Tensor:
    """Return boxes written as "xyxy" in a format."""
    if fmt == "xyxy":
        return boxes
    first, last = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(first + last) / 2 if fmt == "cxcywh" else first, last - first], dim=-1)


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """Return the areas (...) of boxes (..., 4), in square pixels.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.box_area.html
    """
    check_boxes("box_area", boxes)
    check_format("box_area", fmt)
    sides = boxes[..., 2:] - boxes[..., :2] if fmt == "xyxy" else boxes[..., 2:]
    return sides[..., 0] * sides[..., 1]


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union, also called Jaccard index, of each box with each other one.

    Parameters
    ----------
    boxes1, boxes2 : Tensor
        (..., n, 4) and (..., m, 4).
    fmt : {"xyxy", "xywh", "cxcywh"}
        How they are written.

    Returns
    -------
    Tensor
        (..., n, m), from 0 (apart) to 1 (equal).

    Notes
    -----
    IoU(a, b) = |a and b| / |a or b|, with |a or b| = |a| + |b| - |a and b|, where |a| is the area. It is
    differentiable; where two boxes do not touch, the gradient is 0: see :func:`generalized_box_iou`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.box_iou.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import ops
    >>> ops.box_iou(
    ...     torch.tensor([[0.0, 0.0, 2.0, 2.0]]), torch.tensor([[1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]])
    ... )
    tensor([[0.3333, 0.0000]])
    """
    intersection, union = overlaps("box_iou", boxes1, boxes2, fmt)
    return intersection / union


def overlaps(name: str, boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> tuple[Tensor, Tensor]:
    """Return the areas (..., n, m) that two boxes have in common, and that both together cover."""
    check_boxes(name, boxes1, boxes2)
    check_format(name, fmt)
    first, last = inner_corners(to_corners(boxes1, fmt), to_corners(boxes2, fmt))
    sides = (last - first).clamp(min=0)  # (..., n, m, 2)
    intersection = sides[..., 0] * sides[..., 1]
    union = box_area(boxes1, fmt)[..., :, None] + box_area(boxes2, fmt)[..., None, :] - intersection
    return intersection, union


def inner_corners(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Return the corners of what two boxes have in common: (..., n, m, 2) each, in the wrong order if it is nothing."""
    a, b = boxes1[..., :, None, :], boxes2[..., None, :, :]
    return torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the share of the smallest box round both that neither of them covers: also boxes apart have a gradient.

    Parameters
    ----------
    boxes1, boxes2 : Tensor
        (..., n, 4) and (..., m, 4), as corners.

    Returns
    -------
    Tensor
        (..., n, m), from -1 (far apart) to 1 (equal).

    References
    ----------
    H. Rezatofighi et al., Generalized Intersection over Union, CVPR 2019, arXiv:1902.09630, algorithm 1.
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.generalized_box_iou.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import ops
    >>> near, far = [2.0, 0.0, 3.0, 1.0], [9.0, 0.0, 10.0, 1.0]
    >>> ops.generalized_box_iou(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.tensor([near, far]))
    tensor([[-0.3333, -0.8000]])
    """
    intersection, union = overlaps("generalized_box_iou", boxes1, boxes2)
    a, b = boxes1[..., :, None, :], boxes2[..., None, :, :]
    sides = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    around = sides[..., 0] * sides[..., 1]
    return intersection / union - (around - union) / around


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Move the corners of boxes (..., 4) that lie outside of an image of size (height, width) to its border.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.clip_boxes_to_image.html
    """
    check_boxes("clip_boxes_to_image", boxes)
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return torch.stack([x, y], dim=-1).reshape(boxes.shape)


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Return the indices of those boxes (n, 4) no side of which is shorter than ``min_size``.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.remove_small_boxes.html
    """
    check_boxes("remove_small_boxes", boxes)
    sides = boxes[:, 2:] - boxes[:, :2]
    return torch.where((sides >= min_size).all(dim=1))[0]


@no_grad()
def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Non-maximum suppression: keep the best box, drop all that overlap with it too much, and so on with the rest.

    Parameters
    ----------
    boxes : Tensor
        (n, 4), as corners.
    scores : Tensor
        (n,): how sure the network is of each.
    iou_threshold : float
        Those are dropped whose IoU with a better one that is kept is larger.

    Returns
    -------
    Tensor
        The indices of the boxes that are kept, int64, the best first.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.nms.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import ops
    >>> boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    >>> ops.nms(boxes, torch.tensor([0.8, 0.9, 0.7]), iou_threshold=0.5)
    tensor([1, 2])
    """
    check_boxes("nms", boxes)
    require_tensor("nms", scores, "scores")
    if boxes.ndim != 2 or tuple(scores.shape) != tuple(boxes.shape[:1]):
        raise RuntimeError(
            f"nms: expected boxes [n, 4] and scores [n], got {list(boxes.shape)} and {list(scores.shape)}"
        )
    order, kept = scores.argsort(descending=True, stable=True), []
    while order.numel():
        best, rest = order[0], order[1:]
        kept.append(best)
        order = rest[box_iou(boxes[best][None], boxes[rest])[0] <= iou_threshold]
    return torch.stack(kept) if kept else order


@no_grad()
def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """:func:`nms` for each class by itself: boxes of two classes do not suppress each other.

    Parameters
    ----------
    boxes, scores : Tensor
        (n, 4), as corners, and (n,).
    idxs : Tensor
        (n,): the class of each box.
    iou_threshold : float
        As for :func:`nms`.

    Returns
    -------
    Tensor
        The indices of the boxes that are kept, of all classes, the best first.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.ops.batched_nms.html
    """
    check_boxes("batched_nms", boxes)
    kept = [torch.zeros(0, dtype=torch.int64, device=boxes.device)]
    for number in torch.unique(idxs):
        (of_class,) = torch.where(idxs == number)
        kept.append(of_class[nms(boxes[of_class], scores[of_class], iou_threshold)])
    every = torch.cat(kept)
    return every[scores[every].argsort(descending=True, stable=True)]


def check_boxes(name: str, *boxes: Tensor) -> None:
    """Raise unless they are tensors of shape (..., 4)."""
    for x in boxes:
        require_tensor(name, x, "boxes")
        if x.ndim < 1 or x.shape[-1] != 4:
            raise RuntimeError(f"{name}: expected boxes of shape [..., 4], got {list(x.shape)}")


def check_format(name: str, fmt: str) -> None:
    """Raise unless it is one of the three formats."""
    if fmt not in FORMATS:
        raise ValueError(f"{name}: expected a format out of {FORMATS}, got {fmt!r}")
