"""The transforms that draw: what they draw, what they do with it, how they print, and what they refuse."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import transforms

rng = np.random.default_rng(0)
IMAGE = torch.from_numpy(rng.integers(0, 256, (3, 12, 9), dtype=np.uint8))
F = transforms.functional

MADE = [
    "Resize(5)",
    "Resize((4, 6), antialias=False)",
    "RandomResizedCrop(4)",
    "FiveCrop(4)",
    "TenCrop((3, 4), vertical_flip=True)",
    "RandomRotation(20)",
    "RandomRotation((0, 90), expand=True, fill=3)",
    "RandomAffine(10)",
    "RandomAffine((0, 20), (0.1, 0.2), (0.5, 2), (1, 2, 3, 4), fill=2, center=(1, 2))",
    "GaussianBlur(3)",
    "GaussianBlur((3, 5), 1.5)",
    "ColorJitter(0.5, 0.3, (0.1, 2), 0.2)",
    "ColorJitter()",
    "Grayscale(3)",
    "RandomGrayscale()",
    "RandomErasing()",
    "RandomErasing(0.3, value='random')",
    "RandomInvert()",
    "RandomPosterize(2)",
    "RandomSolarize(100, 0.1)",
    "RandomAdjustSharpness(2)",
    "RandomAutocontrast()",
    "RandomEqualize(0.9)",
    "RandomApply([T.Grayscale()], 0.2)",
    "RandomChoice([T.Grayscale(), T.RandomGrayscale()], p=[1, 2])",
    "RandomOrder([T.Grayscale()])",
    "ToPILImage()",
    "ToPILImage('L')",
    "PILToTensor()",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("made", MADE)
def test_repr_is_torchvisions(made, torchvision):
    theirs = eval(f"T.{made}", {"T": torchvision.transforms})
    assert repr(eval(f"T.{made}", {"T": transforms})) == repr(theirs)


REFUSED = [
    "Resize(2.5)",
    "Resize((1, 2, 3))",
    "RandomResizedCrop((1, 2, 3))",
    "RandomResizedCrop(2, scale=3)",
    "RandomRotation(-3)",
    "RandomRotation((1, 2, 3))",
    "RandomAffine(3, translate=(2, 0))",
    "RandomAffine(3, scale=(0, 1))",
    "RandomAffine(3, shear=(0, 1, 2))",
    "GaussianBlur(4)",
    "GaussianBlur(3, -1.0)",
    "ColorJitter(-1)",
    "ColorJitter(hue=0.7)",
    "ColorJitter((1, 2, 3))",
    "RandomErasing(2)",
    "RandomErasing(value='zero')",
    "RandomErasing(scale=(0, 2))",
    "RandomChoice([], p=3)",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("made", REFUSED)
def test_what_torchvision_refuses(made, torchvision):
    with pytest.raises((TypeError, ValueError)) as theirs:
        eval(f"T.{made}", {"T": torchvision.transforms})
    with pytest.raises(theirs.type):
        eval(f"T.{made}", {"T": transforms})


@pytest.mark.torch_parity
def test_v2_has_torchvisions_names(torchvision):
    theirs = importlib.import_module("torchvision.transforms.v2")
    public = {name for name in dir(transforms.v2) if name[0].isupper()} - {"Any", "Tensor"}
    assert public - set(dir(theirs)) == set()


def test_drawn_parameters_lie_within_their_bounds():
    torch.manual_seed(0)
    for _ in range(50):
        top, left, height, width = transforms.RandomResizedCrop.get_params(IMAGE, (0.2, 0.8), (0.5, 2))
        assert 0 <= top <= 12 - height
        assert 0 <= left <= 9 - width
        assert 0.1 < height * width / 108 < 0.95
        angle, move, scale, shear = transforms.RandomAffine.get_params(
            (5, 10), (0.5, 0.25), (2, 3), (1, 2, 3, 4), (9, 12)
        )
        assert 5 <= angle <= 10
        assert abs(move[0]) <= 5
        assert abs(move[1]) <= 3
        assert 2 <= scale <= 3
        assert 1 <= shear[0] <= 2
        assert 3 <= shear[1] <= 4
        order, *factors = transforms.ColorJitter.get_params((1, 2), None, (3, 4), (-0.1, 0.1))
        assert sorted(order.tolist()) == [0, 1, 2, 3]
        assert factors[1] is None
        assert 3 <= factors[2] <= 4
    assert transforms.RandomResizedCrop.get_params(torch.zeros(1, 100, 2), (1, 1), (1, 1)) == (49, 0, 2, 2)


def test_a_seed_gives_the_same_image_again():
    jitter = transforms.ColorJitter(0.5, 0.5, 0.5, 0.4)
    chain = transforms.Compose([jitter, transforms.RandomAffine(90), transforms.RandomResizedCrop(6)])
    torch.manual_seed(3)
    first = chain(IMAGE)
    assert not torch.equal(first, chain(IMAGE))
    torch.manual_seed(3)
    assert torch.equal(first, chain(IMAGE))


@pytest.mark.parametrize(
    ("transform", "changed"),
    [
        (transforms.RandomInvert, F.invert(IMAGE)),
        (transforms.RandomAutocontrast, F.autocontrast(IMAGE)),
        (transforms.RandomEqualize, F.equalize(IMAGE)),
        (transforms.RandomGrayscale, F.rgb_to_grayscale(IMAGE, 3)),
        (lambda p: transforms.RandomPosterize(2, p), F.posterize(IMAGE, 2)),
        (lambda p: transforms.RandomSolarize(99, p), F.solarize(IMAGE, 99)),
        (lambda p: transforms.RandomAdjustSharpness(3, p), F.adjust_sharpness(IMAGE, 3)),
        (lambda p: transforms.RandomApply([F.hflip, F.vflip], p), F.vflip(F.hflip(IMAGE))),
    ],
)
def test_with_probability(transform, changed):
    assert torch.equal(transform(p=1)(IMAGE), changed)
    assert torch.equal(transform(p=0)(IMAGE), IMAGE)


def test_choices():
    torch.manual_seed(0)
    choice = transforms.RandomChoice([lambda x: x + 1, lambda x: x + 10], p=[3, 1])
    drawn = [choice(0) for _ in range(200)]
    assert 110 < drawn.count(1) < 190
    assert set(drawn) == {1, 10}
    order = transforms.RandomOrder([lambda x: x + 1, lambda x: x * 10])
    assert {order(1) for _ in range(30)} == {20, 11}


def test_erasing():
    torch.manual_seed(0)
    ones = torch.ones(2, 10, 10)
    erased = transforms.RandomErasing(1.0, value=(5, 7))(ones)
    window = erased != 1
    assert 1 <= int(window[0].sum()) <= 45
    assert set(erased[1][window[1]].tolist()) == {7.0}
    assert float(ones.max()) == 1
    transforms.RandomErasing(1.0, value="random", inplace=True)(ones)
    assert len(ones.unique()) > 3
    with pytest.raises(ValueError, match="either a single value or 2"):
        transforms.RandomErasing(1.0, value=(1, 2, 3))(ones)


def test_pillow_and_back():
    pytest.importorskip("PIL.Image")
    for image in (IMAGE, IMAGE[:1], torch.cat([IMAGE, IMAGE[:1]])):
        assert torch.equal(transforms.PILToTensor()(transforms.ToPILImage()(image)), image)
    fractions = torch.tensor([[[0.0, 0.5, 1.0]]])
    assert transforms.PILToTensor()(transforms.ToPILImage()(fractions)).tolist() == [[[0, 127, 255]]]
    assert transforms.ToPILImage(mode="F")(fractions).mode == "F"
    with pytest.raises(ValueError, match=r"Incorrect mode \(RGB\)"):
        transforms.ToPILImage("RGB")(IMAGE[:1])
    image = transforms.v2.ToImage()(IMAGE.permute(1, 2, 0).numpy())
    assert torch.equal(image, IMAGE)
    assert transforms.v2.ToDtype(torch.float32, scale=True)(image).max() <= 1
    assert transforms.v2.ToDtype(torch.float32)(image).max() > 1
