"""The functions of images against torchvision's, on Tensors of bytes and of fractions, and on Pillow's images."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import transforms

rng = np.random.default_rng(0)
BYTES = rng.integers(0, 256, (3, 13, 10), dtype=np.uint8)
BYTES[:, :3, :4] = 77  # grey, and the same everywhere
IMAGES = {
    "bytes": BYTES,
    "grey": BYTES[:1],
    "fractions": rng.random((3, 13, 10)).astype(np.float32),
    "batch": rng.integers(0, 256, (2, 3, 13, 10), dtype=np.uint8),
}

# Each call as it stands in a program; F is the module of functions, M the modes of interpolation.
CALLS = [
    "F.resize(img, 7)",
    "F.resize(img, 25)",
    "F.resize(img, (20, 5))",
    "F.resize(img, [6], max_size=7)",
    "F.resize(img, (6, 17), M.NEAREST)",
    "F.resize(img, (6, 17), M.BICUBIC)",
    "F.resize(img, (17, 4), 3)",
    "F.resized_crop(img, 2, 3, 6, 5, (9, 4))",
    "F.center_crop(img, (6, 5))",
    "F.center_crop(img, 16)",
    "F.crop(img, 2, 1, 6, 5)",
    "F.pad(img, (1, 2, 3, 4), fill=7)",
    "F.pad(img, 2, padding_mode='reflect')",
    "F.pad(img, [1, 2], padding_mode='symmetric')",
    "F.pad(img, 3, padding_mode='edge')",
    "F.hflip(img)",
    "F.vflip(img)",
    "F.five_crop(img, 4)[3]",
    "F.five_crop(img, (4, 3))[4]",
    "F.ten_crop(img, 4)[6]",
    "F.ten_crop(img, 4, vertical_flip=True)[5]",
    "F.rgb_to_grayscale(img)",
    "F.rgb_to_grayscale(img, num_output_channels=3)",
    "F.adjust_brightness(img, 0.6)",
    "F.adjust_brightness(img, 1.7)",
    "F.adjust_contrast(img, 0.4)",
    "F.adjust_contrast(img, 2.0)",
    "F.adjust_saturation(img, 0.3)",
    "F.adjust_saturation(img, 1.9)",
    "F.adjust_hue(img, 0.2)",
    "F.adjust_hue(img, -0.45)",
    "F.adjust_gamma(img, 0.7, gain=1.1)",
    "F.adjust_sharpness(img, 0.2)",
    "F.adjust_sharpness(img, 2.5)",
    "F.invert(img)",
    "F.posterize(img, 3)",
    "F.solarize(img, 0.6)",
    "F.autocontrast(img)",
    "F.equalize(img)",
    "F.gaussian_blur(img, 3)",
    "F.gaussian_blur(img, (5, 3), [1.5, 0.4])",
    "F.affine(img, 30, (2, -1), 1.2, (10, 5))",
    "F.affine(img, -75, [0, 0], 0.7, 0.0, M.BILINEAR, fill=[40])",
    "F.affine(img, 10, (0, 0), 1.0, [0.0], center=[2, 3], fill=3)",
    "F.rotate(img, 33)",
    "F.rotate(img, -20, M.BILINEAR, expand=True)",
    "F.rotate(img, 90, expand=True)",
    "F.rotate(img, 40, center=(1, 2), fill=9)",
]


def result_of(call, functional, modes, img):
    result = eval(call, {"F": functional, "M": modes, "img": img})
    return result if hasattr(result, "getbands") else result.numpy()


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", IMAGES)
@pytest.mark.parametrize("call", CALLS)
def test_functions_of_tensors_are_torchvisions(call, kind, torchvision):
    pytorch = pytest.importorskip("torch")
    image = IMAGES[kind]
    theirs = torchvision.transforms
    if kind == "grey" and call == "F.rgb_to_grayscale(img, num_output_channels=3)":
        theirs = importlib.import_module(
            "torchvision.transforms.v2"
        )  # the older one leaves it at one channel
    try:
        expected = result_of(call, theirs.functional, theirs.InterpolationMode, pytorch.from_numpy(image))
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            result_of(call, transforms.functional, transforms.InterpolationMode, torch.from_numpy(image))
        return
    actual = result_of(call, transforms.functional, transforms.InterpolationMode, torch.from_numpy(image))
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if image.dtype == np.uint8:  # a float32 that lies on the border between two bytes may fall to either side
        difference = np.abs(actual.astype(int) - expected.astype(int))
        assert difference.max() <= 1
        assert (difference > 0).mean() <= 0.03
    else:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=2e-6)


@pytest.mark.torch_parity
@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("call", CALLS)
def test_functions_of_pillows_images_are_torchvisions(call, mode, torchvision):
    image_module = pytest.importorskip("PIL.Image")
    image = image_module.fromarray(np.moveaxis(BYTES, 0, -1).copy()).convert(mode)
    theirs = torchvision.transforms
    expected = result_of(call, theirs.functional, theirs.InterpolationMode, image)
    actual = result_of(call, transforms.functional, transforms.InterpolationMode, image)
    assert (actual.mode, actual.size) == (expected.mode, expected.size)
    np.testing.assert_array_equal(np.asarray(actual), np.asarray(expected))


@pytest.mark.parametrize("call", CALLS)
def test_arrays_and_tensors_agree(call):
    modes = transforms.InterpolationMode
    from_tensor = result_of(call, transforms.functional, modes, torch.from_numpy(BYTES))
    array = eval(call, {"F": transforms.functional, "M": modes, "img": np.moveaxis(BYTES, 0, -1)})
    np.testing.assert_array_equal(np.moveaxis(array, -1, 0), from_tensor)
