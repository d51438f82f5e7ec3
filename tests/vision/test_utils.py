"""Grids, files and boxes, against torchvision's."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import utils

rng = np.random.default_rng(0)
FRACTIONS = rng.standard_normal((5, 3, 7, 6)).astype(np.float32)
BYTES = rng.integers(0, 256, (3, 40, 50), dtype=np.uint8)
BOXES = np.array([[2, 3, 20, 30], [10, 5, 45, 12.7]])


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((5, 3, 7, 6), {}),
        ((5, 3, 7, 6), {"nrow": 2, "padding": 1, "pad_value": 0.5}),
        ((5, 3, 7, 6), {"nrow": 3, "padding": 0, "normalize": True}),
        ((5, 3, 7, 6), {"normalize": True, "scale_each": True}),
        ((5, 3, 7, 6), {"normalize": True, "value_range": (-0.5, 0.25)}),
        ((15, 1, 7, 6), {}),
        ((1, 3, 35, 6), {}),
        ((1, 35, 18), {}),
        ((35, 18), {"normalize": True}),
    ],
)
def test_make_grid(shape, options, torchvision):
    pytorch = pytest.importorskip("torch")
    image = FRACTIONS.reshape(shape)
    expected = torchvision.utils.make_grid(pytorch.from_numpy(image), **options)
    actual = utils.make_grid(torch.from_numpy(image.copy()), **options)
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_make_grid_of_a_list():
    images = [torch.from_numpy(image) for image in FRACTIONS]
    assert torch.equal(utils.make_grid(images), utils.make_grid(torch.from_numpy(FRACTIONS)))
    with pytest.raises(TypeError, match="a list containing int"):
        utils.make_grid([3])
    with pytest.raises(TypeError, match="expected, got str"):
        utils.make_grid("image")
    with pytest.raises(ValueError, match=r"got shape \(1, 2, 3, 4, 5\)"):
        utils.make_grid(torch.zeros(1, 2, 3, 4, 5))


@pytest.mark.torch_parity
def test_save_image(tmp_path, torchvision):
    image_module = pytest.importorskip("PIL.Image")
    pytorch = pytest.importorskip("torch")
    utils.save_image(torch.from_numpy(FRACTIONS), tmp_path / "ours.png", nrow=3)
    torchvision.utils.save_image(pytorch.from_numpy(FRACTIONS), tmp_path / "theirs.png", nrow=3)
    ours, theirs = (np.asarray(image_module.open(tmp_path / f"{name}.png")) for name in ("ours", "theirs"))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", ["bytes", "fractions", "grey"])
@pytest.mark.parametrize(
    "options",
    [
        {"colors": "red"},
        {"colors": ["#00ff80", (1, 2, 3)], "width": 3},
        {"colors": (9, 8, 7), "fill": True},
        {"colors": "blue", "labels": ["one", "two"]},
    ],
)
def test_draw_bounding_boxes(kind, options, torchvision):
    pytest.importorskip("PIL.Image")
    pytorch = pytest.importorskip("torch")
    image = {"bytes": BYTES, "fractions": BYTES / np.float32(255), "grey": BYTES[:1]}[kind]
    expected = torchvision.utils.draw_bounding_boxes(
        pytorch.from_numpy(image), pytorch.from_numpy(BOXES), **options
    )
    actual = utils.draw_bounding_boxes(torch.from_numpy(image.copy()), torch.from_numpy(BOXES), **options)
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (BYTES[None], {}, "not batches"),
        (BYTES[:2], {}, "Only grayscale and RGB"),
        (BYTES.astype(np.int64), {}, "must be uint8 or float, got torch.int64"),
        (BYTES, {"labels": ["one"]}, r"boxes \(2\) and labels \(1\) mismatch"),
        (BYTES, {"colors": ["red"]}, "got 1 < 2"),
        (BYTES, {"colors": (1, 2)}, "RGB triplet"),
    ],
)
def test_what_cannot_be_drawn(image, options, message):
    pytest.importorskip("PIL.Image")
    with pytest.raises(ValueError, match=message):
        utils.draw_bounding_boxes(torch.from_numpy(image.copy()), torch.from_numpy(BOXES), **options)


def test_boxes_of_default_colours():
    pytest.importorskip("PIL.Image")
    drawn = utils.draw_bounding_boxes(torch.from_numpy(BYTES.copy()), torch.from_numpy(BOXES))
    assert drawn[:, 30, 10].tolist() == [255, 0, 0]
    assert drawn[:, 9, 45].tolist() == [0, 255, 255]
    with pytest.warns(UserWarning, match="No box was drawn"):
        utils.draw_bounding_boxes(torch.from_numpy(BYTES.copy()), torch.zeros(0, 4))
    with pytest.raises(ValueError, match="xmin, ymin, xmax, ymax"):
        utils.draw_bounding_boxes(torch.from_numpy(BYTES.copy()), torch.tensor([[5, 0, 1, 2]]))
