"""Boxes and the focal loss: against torchvision's, and non-maximum suppression against what it means."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.autograd import gradcheck
from tinygrad_edu.vision import ops

rng = np.random.default_rng(0)


def random_boxes(n, dtype=np.float32):
    corners = rng.integers(0, 40, (n, 4)).astype(dtype)
    corners[:, 2:] = corners[:, :2] + rng.integers(1, 30, (n, 2))
    return corners


FIVE, SEVEN, LOGITS = random_boxes(5), random_boxes(7), rng.standard_normal((4, 3)).astype(np.float32)
TARGETS = (LOGITS[::-1] > 0).astype(np.float32)

CALLS = [
    ("box_area", [FIVE], {}),
    ("box_area", [FIVE], {"fmt": "xywh"}),
    ("box_area", [FIVE.astype(np.int64)], {"fmt": "cxcywh"}),
    ("box_iou", [FIVE, SEVEN], {}),
    ("box_iou", [FIVE, SEVEN], {"fmt": "xywh"}),
    ("box_iou", [FIVE, SEVEN], {"fmt": "cxcywh"}),
    ("box_iou", [FIVE.astype(np.int64), SEVEN.astype(np.int64)], {}),
    ("box_iou", [FIVE[:0], SEVEN], {}),
    ("box_iou", [np.stack([FIVE, FIVE + 1]), np.stack([SEVEN, SEVEN * 2])], {}),
    ("generalized_box_iou", [FIVE, SEVEN], {}),
    ("generalized_box_iou", [FIVE.astype(np.float64), FIVE.astype(np.float64) + 50], {}),
    ("clip_boxes_to_image", [FIVE - 5], {"size": (20, 30)}),
    ("clip_boxes_to_image", [np.stack([FIVE, FIVE * 3])], {"size": (20, 30)}),
    ("remove_small_boxes", [FIVE], {"min_size": 9}),
    ("sigmoid_focal_loss", [LOGITS, TARGETS], {}),
    ("sigmoid_focal_loss", [LOGITS, TARGETS], {"alpha": 0.6, "gamma": 1.5, "reduction": "mean"}),
    ("sigmoid_focal_loss", [LOGITS, TARGETS], {"alpha": -1, "reduction": "sum"}),
    *[
        ("box_convert", [FIVE], {"in_fmt": before, "out_fmt": after})
        for before in ("xyxy", "xywh", "cxcywh")
        for after in ("xyxy", "xywh", "cxcywh")
    ],
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("name", "arrays", "options"), CALLS, ids=[f"{i}-{x[0]}" for i, x in enumerate(CALLS)]
)
def test_like_torchvision(name, arrays, options, torchvision):
    pytorch = pytest.importorskip("torch")
    expected = getattr(torchvision.ops, name)(*map(pytorch.from_numpy, arrays), **options)
    actual = getattr(ops, name)(*[torch.from_numpy(x.copy()) for x in arrays], **options)
    assert str(actual.dtype) == str(expected.dtype)
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["box_iou", "generalized_box_iou"])
def test_overlaps_have_gradients(name):
    a, b = (torch.from_numpy(random_boxes(n, np.float64)).requires_grad_() for n in (2, 3))
    with torch.no_grad():
        a += 0.3  # no two sides lie on one line, where there is none
    assert gradcheck(getattr(ops, name), (a, b))


def test_a_box_is_pulled_to_another_one():
    """IoU has no gradient while they do not touch; the generalized one has."""
    target = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
    box = torch.tensor([[20.0, 9.0, 23.0, 11.0]], requires_grad=True)
    optimizer = torch.optim.Adam([box], lr=0.2)
    assert ops.box_iou(box, target).item() == 0
    for _ in range(300):
        optimizer.zero_grad()
        (1 - ops.generalized_box_iou(box, target)).sum().backward()
        optimizer.step()
    assert ops.box_iou(box, target).item() > 0


def kept_one_by_one(boxes, scores, threshold):
    """Return what non-maximum suppression keeps, box by box, with Python's numbers."""
    kept = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        overlaps = [ops.box_iou(boxes[i][None], boxes[j][None]).item() for j in kept]
        if all(overlap <= threshold for overlap in overlaps):
            kept.append(i)
    return kept


@pytest.mark.parametrize("threshold", [0.0, 0.2, 0.5, 1.0])
@pytest.mark.parametrize("n", [0, 1, 40])
def test_nms(n, threshold):
    boxes, scores = torch.from_numpy(random_boxes(n)), torch.from_numpy(rng.random(n).astype(np.float32))
    actual = ops.nms(boxes, scores, threshold)
    assert actual.dtype == torch.int64
    assert actual.tolist() == kept_one_by_one(boxes, scores.tolist(), threshold)


def test_nms_of_classes():
    boxes, scores = torch.from_numpy(random_boxes(40)), torch.from_numpy(rng.random(40).astype(np.float32))
    classes = torch.arange(40) % 3
    apart = boxes + 1000 * classes[:, None]  # where boxes of two classes cannot meet
    assert torch.equal(ops.batched_nms(boxes, scores, classes, 0.1), ops.nms(apart, scores, 0.1))
    assert ops.batched_nms(boxes[:0], scores[:0], classes[:0], 0.1).shape == (0,)


@pytest.mark.parametrize(
    ("kind", "message", "call"),
    [
        (
            RuntimeError,
            r"box_area: expected boxes of shape \[..., 4\], got \[3\]",
            lambda x: ops.box_area(x[0, :3]),
        ),
        (TypeError, "box_iou", lambda x: ops.box_iou(x, [[0, 0, 1, 1]])),
        (ValueError, "got 'xxyy'", lambda x: ops.box_iou(x, x, fmt="xxyy")),
        (ValueError, "got 'xxyy' and 'xywh'", lambda x: ops.box_convert(x, "xxyy", "xywh")),
        (RuntimeError, r"got \[5, 4\] and \[4\]", lambda x: ops.nms(x, torch.zeros(4), 0.5)),
        (ValueError, "Invalid alpha value: 2", lambda x: ops.sigmoid_focal_loss(x, x, alpha=2)),
        (ValueError, "'maximum'", lambda x: ops.sigmoid_focal_loss(x, x, reduction="maximum")),
    ],
)
def test_errors(kind, message, call):
    with pytest.raises(kind, match=message):
        call(torch.from_numpy(FIVE.copy()))
