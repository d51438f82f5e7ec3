"""Borders, crops and flips: arrays and Tensors, single images and batches, certain and random."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

import tinygrad_edu as torch
from tinygrad_edu.vision import transforms

functional = transforms.functional
rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (6, 5, 4), dtype=np.uint8)  # 6 images of 5 x 4
COLOUR = rng.integers(0, 256, (6, 5, 4, 3), dtype=np.uint8)
TENSORS = torch.from_numpy(rng.random((6, 2, 5, 4)).astype(np.float32))
IMAGE = np.arange(12).reshape(3, 4)


def to_numpy(images):
    return images.numpy() if isinstance(images, torch.Tensor) else images


@pytest.fixture(params=["grey", "colour", "tensors"])
def images(request):
    return {"grey": GREY, "colour": COLOUR, "tensors": TENSORS}[request.param]


@pytest.mark.parametrize(
    "transform",
    [
        transforms.Pad(2, fill=7),
        transforms.Pad((1, 2), padding_mode="edge"),
        transforms.Pad((0, 1, 2, 3), padding_mode="reflect"),
        transforms.Pad([3], padding_mode="symmetric"),
        transforms.CenterCrop((3, 2)),
        transforms.CenterCrop(7),
        transforms.RandomCrop((5, 4)),  # nothing left to chance
        transforms.RandomHorizontalFlip(p=1),
        transforms.RandomVerticalFlip(p=1),
        transforms.RandomVerticalFlip(p=0),
    ],
    ids=repr,
)
def test_on_batch_is_the_stacked_images(transform, images):
    result = transform.on_batch(images)
    assert isinstance(result, type(images))
    expected = np.stack([to_numpy(transform(image)) for image in images])
    assert to_numpy(result).dtype == expected.dtype
    np.testing.assert_array_equal(to_numpy(result), expected)
    assert to_numpy(images).shape[0] == 6


@pytest.mark.parametrize(
    "transform",
    [
        transforms.Pad(1),
        transforms.CenterCrop(3),
        transforms.RandomCrop(3),
        transforms.RandomHorizontalFlip(1.0),
    ],
    ids=repr,
)
def test_arrays_and_tensors_agree(transform):
    """The same image as (H, W, C) array and as (C, H, W) Tensor."""
    torch.manual_seed(3)
    from_array = transform(COLOUR[0])
    torch.manual_seed(3)
    from_tensor = transform(torch.from_numpy(np.moveaxis(COLOUR[0], -1, 0).copy()))
    np.testing.assert_array_equal(np.moveaxis(from_array, -1, 0), from_tensor.numpy())


# ---- Pad ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("padding", "mode", "expected"),
    [
        ((2, 0), "constant", [9, 9, 1, 2, 3, 9, 9]),
        ((2, 0), "edge", [1, 1, 1, 2, 3, 3, 3]),
        ((2, 0), "reflect", [3, 2, 1, 2, 3, 2, 1]),
        ((2, 0), "symmetric", [2, 1, 1, 2, 3, 3, 2]),
        ((1, 0, 2, 0), "constant", [9, 1, 2, 3, 9, 9]),
    ],
)
def test_pad_modes(padding, mode, expected):
    row = np.array([[1, 2, 3]])
    assert functional.pad(row, padding, 9, mode).tolist() == [expected]
    assert functional.pad(torch.from_numpy(row)[None], padding, 9, mode).tolist() == [[expected]]


def test_pad_order_is_left_top_right_bottom():
    padded = functional.pad(np.ones((1, 1), dtype=int), (1, 2, 3, 4))
    assert padded.shape == (1 + 2 + 4, 1 + 1 + 3)
    assert padded[2, 1] == 1
    assert functional.pad(np.ones((1, 1)), (1, 2)).shape == (5, 3)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (((1, 2, 3),), "Padding must be an int or a 1, 2, or 4 element tuple, not a 3 element tuple"),
        ((1, 0, "wrap"), "Padding mode should be either constant, edge, reflect or symmetric, got 'wrap'"),
        ((-1,), "padding: expected numbers of at least 0, got -1"),
    ],
)
def test_pad_refuses(arguments, match):
    with pytest.raises(ValueError, match=match):
        transforms.Pad(*arguments)
    with pytest.raises(ValueError, match=match):
        functional.pad(IMAGE, *arguments)


# ---- crops --------------------------------------------------------------------------------------------


def test_crop():
    assert functional.crop(IMAGE, 1, 2, 2, 2).tolist() == [[6, 7], [10, 11]]
    assert functional.crop(torch.from_numpy(IMAGE), 1, 2, 2, 2).tolist() == [[6, 7], [10, 11]]


@pytest.mark.parametrize("window", [(-1, 0, 2, 2), (0, 3, 2, 2), (2, 0, 2, 2), (0, 0, 4, 4)])
def test_crop_refuses_windows_outside(window):
    with pytest.raises(
        ValueError, match=r"crop: expected a window inside the image of size \(3, 4\), got rows"
    ):
        functional.crop(IMAGE, *window)


def test_center_crop():
    assert transforms.CenterCrop((1, 2))(IMAGE).tolist() == [[5, 6]]
    assert transforms.CenterCrop([2])(IMAGE).tolist() == [[1, 2], [5, 6]]  # (3 - 2) / 2 is rounded to even
    assert transforms.CenterCrop((1, 7))(np.array([[1, 2]])).tolist() == [[0, 0, 1, 2, 0, 0, 0]]


@pytest.mark.parametrize("size", [(1, 2, 3), [], 0, (3, -1)])
def test_sizes_refused(size):
    for cls in (transforms.CenterCrop, transforms.RandomCrop):
        with pytest.raises(
            ValueError, match=r"Please provide only two dimensions \(h, w\) for size|at least 1, got"
        ):
            cls(size)


@pytest.mark.parametrize("number", ["28", 28.5, (1, "a"), None])
def test_what_is_no_integer_is_refused(number):
    with pytest.raises(TypeError, match="size: expected an int or a sequence of ints, got"):
        transforms.CenterCrop(number)
    with pytest.raises(TypeError, match="padding: expected an int or a sequence of ints, got"):
        transforms.Pad(number)


def test_numpy_integers_are_integers():
    assert repr(transforms.CenterCrop((np.int64(3), np.int32(2)))) == "CenterCrop(size=(3, 2))"


@given(
    image_size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    padding=st.sampled_from([None, 1, (2, 0)]),
    pad_if_needed=st.booleans(),
)
def test_random_crop_is_a_window_of_the_padded_image(image_size, size, padding, pad_if_needed):
    image = np.arange(1, 1 + image_size[0] * image_size[1]).reshape(image_size)
    transform = transforms.RandomCrop(size, padding, pad_if_needed)
    padded = image if padding is None else functional.pad(image, padding)
    if not pad_if_needed and (padded.shape[0] < size[0] or padded.shape[1] < size[1]):
        with pytest.raises(ValueError, match="is larger than input image size"):
            transform(image)
        return
    lacking = (max(size[1] - padded.shape[1], 0), max(size[0] - padded.shape[0], 0))
    if pad_if_needed:
        padded = functional.pad(padded, lacking)
    windows = np.lib.stride_tricks.sliding_window_view(padded, size).reshape(-1, *size)
    for result in (transform(image), *transform.on_batch(np.stack([image] * 3))):
        assert any(np.array_equal(result, window) for window in windows)


def test_random_crop_reaches_every_place_equally():
    image = np.arange(12, dtype=np.int64).reshape(3, 4)
    torch.manual_seed(0)
    batch = transforms.RandomCrop(2).on_batch(np.stack([image] * 6000))[:, 0, 0]
    torch.manual_seed(0)
    transform = transforms.RandomCrop(2)
    singles = [int(transform(image)[0, 0]) for _ in range(6000)]
    for corners in (batch, singles):
        values, counts = np.unique(corners, return_counts=True)
        assert values.tolist() == [0, 1, 2, 4, 5, 6]  # 2 x 3 places
        assert np.abs(counts - 1000).max() < 150  # five standard deviations


def test_random_crop_get_params():
    torch.manual_seed(1)
    top, left, height, width = transforms.RandomCrop.get_params(IMAGE, (2, 3))
    assert (height, width) == (2, 3)
    assert 0 <= top <= 1
    assert 0 <= left <= 1
    with pytest.raises(
        ValueError, match=r"Required crop size \(4, 4\) is larger than input image size \(3, 4\)"
    ):
        transforms.RandomCrop.get_params(IMAGE, (4, 4))


# ---- flips --------------------------------------------------------------------------------------------


def test_flips():
    assert transforms.RandomHorizontalFlip(1)(IMAGE).tolist() == IMAGE[:, ::-1].tolist()
    assert transforms.RandomVerticalFlip(1)(IMAGE).tolist() == IMAGE[::-1].tolist()
    assert functional.hflip(TENSORS).numpy().tolist() == TENSORS.numpy()[..., ::-1].tolist()
    assert functional.vflip(TENSORS).numpy().tolist() == TENSORS.numpy()[..., ::-1, :].tolist()
    assert functional.hflip(IMAGE).flags.c_contiguous


@pytest.mark.parametrize("flip", [transforms.RandomHorizontalFlip, transforms.RandomVerticalFlip])
def test_flips_as_often_as_they_should(flip):
    image = np.array([[1, 2], [3, 4]])
    torch.manual_seed(0)
    batch = flip(p=0.25).on_batch(np.stack([image] * 4000))
    singles = [flip(p=0.25)(image) for _ in range(4000)]
    for results in (batch, singles):
        flipped = sum(int(result[0, 0]) != 1 for result in results)
        assert abs(flipped - 1000) < 140  # five standard deviations


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_flip_refuses_what_is_no_probability(p):
    with pytest.raises(
        ValueError, match="RandomHorizontalFlip: expected a probability p between 0 and 1, got"
    ):
        transforms.RandomHorizontalFlip(p)


@pytest.mark.parametrize(
    "transform",
    [transforms.RandomCrop(3), transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip()],
    ids=repr,
)
def test_manual_seed_governs_the_random_transforms(transform, images):
    def run():
        torch.manual_seed(5)
        singles = [to_numpy(transform(images[0])).copy() for _ in range(20)]
        return np.stack(singles), to_numpy(transform.on_batch(images))

    for first, second in zip(run(), run(), strict=True):
        np.testing.assert_array_equal(first, second)
    assert len({single.tobytes() for single in run()[0]}) > 1


# ---- images that are none -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operation", [functional.hflip, functional.vflip, transforms.CenterCrop(2), transforms.Pad(1)]
)
def test_what_is_no_image_is_refused(operation):
    with pytest.raises(TypeError, match="expected a NumPy array or a Tensor, got list"):
        operation([[1, 2], [3, 4]])
    with pytest.raises(
        ValueError, match=r"expected an array \(H, W\) or \(H, W, C\), or a Tensor .*shape \(6, 5, 4, 3\)"
    ):
        operation(COLOUR)
    with pytest.raises(ValueError, match=r"got Tensor of shape \(3,\)"):
        operation(torch.zeros(3))


def test_batches_that_are_none_are_refused():
    with pytest.raises(
        ValueError, match=r"expected an array \(N, H, W\) or \(N, H, W, C\), got shape \(5, 4\)"
    ):
        transforms.CenterCrop(2).on_batch(GREY[0])
    with pytest.raises(ValueError, match=r"expected a Tensor \(N, C, H, W\), got shape \(2, 5, 4\)"):
        transforms.CenterCrop(2).on_batch(TENSORS[0])


def test_pillow_images():
    image_module = pytest.importorskip("PIL.Image")
    image = image_module.fromarray(COLOUR[0])
    np.testing.assert_array_equal(transforms.CenterCrop(3)(image), transforms.CenterCrop(3)(COLOUR[0]))
    assert functional.get_dimensions(image) == [3, 5, 4]


def test_get_dimensions():
    assert functional.get_dimensions(IMAGE) == [1, 3, 4]
    assert functional.get_dimensions(TENSORS) == [2, 5, 4]
    assert functional.get_dimensions(TENSORS[0, 0]) == [1, 5, 4]
