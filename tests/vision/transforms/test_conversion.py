"""ToTensor, Normalize and ConvertImageDtype, on images and on batches."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.vision import transforms

rng = np.random.default_rng(0)
GREY = rng.integers(0, 256, (5, 4, 3), dtype=np.uint8)  # 5 images of 4 x 3
COLOUR = rng.integers(0, 256, (5, 4, 3, 2), dtype=np.uint8)  # two channels


def stacked(transform, images):
    results = [transform(image) for image in images]
    if isinstance(results[0], torch.Tensor):
        return torch.stack(results).numpy()
    return np.stack(results)


# ---- ToTensor -----------------------------------------------------------------------------------------


def test_to_tensor_of_grey_bytes():
    tensor = transforms.ToTensor()(np.array([[0, 51], [102, 255]], dtype=np.uint8))
    assert (tensor.dtype, tuple(tensor.shape)) == (torch.float32, (1, 2, 2))
    np.testing.assert_array_equal(tensor.numpy(), np.float32([[[0, 0.2], [0.4, 1]]]))


def test_to_tensor_moves_the_channels_to_the_front():
    tensor = transforms.ToTensor()(COLOUR[0])
    assert tuple(tensor.shape) == (2, 4, 3)
    assert tensor.numpy().flags.c_contiguous
    np.testing.assert_array_equal(tensor.numpy()[1], COLOUR[0][:, :, 1] / np.float32(255))


def test_to_tensor_of_every_byte():
    tensor = transforms.ToTensor()(np.arange(256, dtype=np.uint8).reshape(16, 16))
    np.testing.assert_array_equal(tensor.numpy().ravel(), np.arange(256, dtype=np.float32) / np.float32(255))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int16, np.bool_])
def test_to_tensor_leaves_other_types_alone(dtype):
    image = (GREY[0] % 7).astype(dtype)
    tensor = transforms.ToTensor()(image)
    assert tensor.numpy().dtype == dtype
    np.testing.assert_array_equal(tensor.numpy()[0], image)


def test_to_tensor_gives_the_default_dtype():
    torch.set_default_dtype(torch.float64)
    try:
        tensor = transforms.ToTensor()(GREY[0])
    finally:
        torch.set_default_dtype(torch.float32)
    np.testing.assert_array_equal(tensor.numpy()[0], GREY[0] / 255)


def test_to_tensor_of_bytes_is_a_copy():
    image = GREY[0].copy()
    transforms.ToTensor()(image).zero_()
    np.testing.assert_array_equal(image, GREY[0])


def test_to_tensor_of_flipped_arrays():
    tensor = transforms.ToTensor()(GREY[0][:, ::-1])
    np.testing.assert_array_equal(tensor.numpy()[0], GREY[0][:, ::-1] / np.float32(255))


def test_to_tensor_of_a_pillow_image():
    image_module = pytest.importorskip("PIL.Image")
    for image in (GREY[0], np.repeat(COLOUR[0][:, :, :1], 3, axis=2)):
        result = transforms.ToTensor()(image_module.fromarray(image))
        np.testing.assert_array_equal(result.numpy(), transforms.ToTensor()(image).numpy())


@pytest.mark.parametrize("pic", [torch.zeros(2, 2), [[1, 2]], "image.png", None])
def test_to_tensor_refuses_what_is_no_array(pic):
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray\. Got (Tensor|list|str|None)"):
        transforms.ToTensor()(pic)


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4, 5), ()])
def test_to_tensor_refuses_other_dimensions(shape):
    with pytest.raises(ValueError, match=rf"pic should be 2/3 dimensional\. Got {len(shape)} dimensions\."):
        transforms.ToTensor()(np.zeros(shape))


@pytest.mark.parametrize(
    "images", [GREY, COLOUR, COLOUR.astype(np.float64)], ids=["grey", "colour", "float64"]
)
def test_to_tensor_on_batch(images):
    result = transforms.ToTensor().on_batch(images).numpy()
    expected = stacked(transforms.ToTensor(), images)
    assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(result, expected)


def test_to_tensor_on_batch_refuses_single_images():
    with pytest.raises(
        TypeError, match=r"expected an array \(N, H, W\) or \(N, H, W, C\), got ndarray of shape \(4, 3\)"
    ):
        transforms.ToTensor().on_batch(GREY[0])
    with pytest.raises(TypeError, match="got list of shape None"):
        transforms.ToTensor().on_batch(list(GREY))


# ---- Normalize ----------------------------------------------------------------------------------------


def test_normalize_each_channel_by_its_own_numbers():
    tensor = torch.tensor([[[1.0, 3.0]], [[10.0, 20.0]]])
    result = transforms.Normalize(mean=(1, 10), std=(2, 5))(tensor)
    assert result.tolist() == [[[0, 1]], [[0, 2]]]
    assert tensor.tolist() == [[[1, 3]], [[10, 20]]]


def test_normalize_in_place():
    tensor = torch.tensor([[[1.0, 3.0]]])
    result = transforms.Normalize([1.0], [2.0], inplace=True)(tensor)
    assert result is tensor
    assert tensor.tolist() == [[[0, 1]]]


def test_normalize_keeps_float64():
    assert (
        transforms.Normalize([0.1], [0.3])(torch.zeros(1, 2, 2, dtype=torch.float64)).dtype == torch.float64
    )


def test_normalize_takes_tensors_as_numbers():
    result = transforms.Normalize(torch.tensor([1.0]), torch.tensor([2.0]))(torch.tensor([[[5.0]]]))
    assert result.tolist() == [[[2.0]]]


def test_normalize_lets_the_gradient_through():
    """For adversarial examples: the gradient with respect to the image."""
    image = torch.ones(2, 1, 2, requires_grad=True)
    transforms.Normalize((0.5, 0.5), (0.25, 0.5))(image).sum().backward()
    assert image.grad.tolist() == [[[4, 4]], [[2, 2]]]


def test_normalize_on_batch():
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1, 0.7), (0.3, 0.4))])
    np.testing.assert_array_equal(transform.on_batch(COLOUR).numpy(), stacked(transform, COLOUR))


@pytest.mark.parametrize(
    ("tensor", "mean", "std", "error", "match"),
    [
        (
            np.zeros((1, 2, 2)),
            [0.5],
            [1.0],
            TypeError,
            r"img should be Tensor Image\. Got numpy.ndarray",
        ),
        (
            torch.zeros(1, 2, 2, dtype=torch.uint8),
            [0.5],
            [1.0],
            TypeError,
            r"Input tensor should be a float tensor\. Got torch\.uint8\.",
        ),
        (
            torch.zeros(2, 2),
            [0.5],
            [1.0],
            ValueError,
            r"a tensor image of size \(\.\.\., C, H, W\)\. Got tensor\.size\(\) = torch\.Size\(\[2, 2\]\)",
        ),
        (
            torch.zeros(1, 2, 2),
            [0.5],
            [0.0],
            ValueError,
            "std evaluated to zero after conversion to torch.float32",
        ),
        (torch.zeros(1, 2, 2), [0.5], [1e-60], ValueError, "std evaluated to zero"),
        (
            torch.zeros(1, 2, 2),
            [0.5] * 3,
            [1.0],
            ValueError,
            r"expected 1 or 1 numbers in mean \(one a channel\), got",
        ),
        (torch.zeros(3, 2, 2), [0.5], [1.0, 2.0], ValueError, r"expected 1 or 3 numbers in std"),
    ],
)
def test_normalize_refuses(tensor, mean, std, error, match):
    with pytest.raises(error, match=match):
        transforms.Normalize(mean, std)(tensor)


# ---- ConvertImageDtype --------------------------------------------------------------------------------


def test_convert_image_dtype():
    convert = transforms.functional.convert_image_dtype
    every_byte = torch.arange(256).to(torch.uint8)
    fractions = convert(every_byte, torch.float32)
    np.testing.assert_array_equal(fractions.numpy(), np.arange(256, dtype=np.float32) / np.float32(255))
    assert convert(fractions, torch.uint8).tolist() == list(range(256))
    assert convert(fractions, torch.float64).dtype == torch.float64
    assert convert(every_byte, torch.uint8) is every_byte
    assert convert(torch.tensor([0.0, 0.5, 0.999, 1.0]), torch.uint8).tolist() == [0, 127, 255, 255]


def test_convert_image_dtype_refuses_other_integers():
    with pytest.raises(TypeError, match=r"expected uint8 or a floating-point type, got torch\.int32"):
        transforms.ConvertImageDtype(torch.int32)(torch.zeros(1, 2, 2))


def test_convert_image_dtype_on_batch():
    images = torch.from_numpy(COLOUR)
    result = transforms.ConvertImageDtype(torch.float64).on_batch(images)
    np.testing.assert_array_equal(result.numpy(), COLOUR / 255.0)


# ---- against PyTorch ----------------------------------------------------------------------------------


@pytest.mark.torch_parity
def test_to_tensor_and_normalize_are_pytorchs_bit_for_bit():
    pytorch = pytest.importorskip("torch")
    image = pytorch.from_numpy(COLOUR[0]).permute(2, 0, 1).to(pytorch.float32).div(255)
    mean, std = (pytorch.tensor(numbers).view(-1, 1, 1) for numbers in ((0.1307, 0.4), (0.3081, 0.2)))
    expected = image.sub(mean).div(std).numpy()
    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307, 0.4), (0.3081, 0.2))]
    )
    np.testing.assert_array_equal(transform(COLOUR[0]).numpy(), expected)
