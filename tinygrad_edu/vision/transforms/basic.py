"""The first functions of images: kinds of images, conversions, crops, borders and flips.

An image is a NumPy array of shape (H, W) or (H, W, C), a Tensor of shape (..., C, H, W), or an image of Pillow; the
result is of the same kind. Images of other libraries that offer NumPy's array interface are taken as arrays.

References
----------
https://docs.pytorch.org/vision/stable/transforms.html#functional-transforms
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.arguments import as_dtype, require_ints, require_numbers
from tinygrad_edu.backend import check_numel
from tinygrad_edu.type_names import type_name
from tinygrad_edu.vision.transforms import pillow
from tinygrad_edu.vision.transforms.pillow import is_pil_image

AnyArray: TypeAlias = npt.NDArray[Any]
Image: TypeAlias = "AnyArray | Tensor"

PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def as_image(img: Any, operation: str) -> Image:
    """Return a Tensor or an array as it is, and anything else with NumPy's array interface as an array."""
    image = img
    if not isinstance(img, np.ndarray | Tensor):
        if not hasattr(img, "__array_interface__"):
            raise TypeError(f"{operation}: expected a NumPy array or a Tensor, got {type_name(img)}")
        image = np.asarray(img)
    if image.ndim < 2 or (isinstance(image, np.ndarray) and image.ndim > 3):
        raise ValueError(
            f"{operation}: expected an array (H, W) or (H, W, C), or a Tensor (..., H, W), "
            f"got {type(image).__name__} of shape {tuple(image.shape)}"
        )
    return image


def through_tensor(operation: str, function: Callable[..., Tensor], img: Any, *args: Any) -> Image:
    """Run a function of Tensors (..., C, H, W) on a Tensor, or on an array, which comes back as an array."""
    image = as_image(img, operation)
    if isinstance(image, Tensor):
        return function(image, *args)
    if image.ndim == 2:
        result = function(torch.from_numpy(image[None]), *args)  # (h, w) as (1, h, w)
        return result.numpy()[0]
    result = function(torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, -1, 0))), *args)
    return np.moveaxis(result.numpy(), 0, -1)


def largest_value(dtype: torch.dtype) -> int:
    """Return what stands for white: 255 for bytes, the largest number of other integers, 1 for fractions."""
    return 1 if dtype.is_floating_point else int(np.iinfo(dtype.numpy_dtype).max)


def get_image_size(img: Any) -> list[int]:
    """Return [width, height] of an image."""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    """Return the number of channels of an image."""
    return get_dimensions(img)[0]


def get_dimensions(img: Any) -> list[int]:
    """Return [channels, height, width] of an image."""
    if is_pil_image(img):
        return [len(img.getbands()), img.size[1], img.size[0]]
    image = as_image(img, "get_dimensions")
    if isinstance(image, Tensor):
        channels = image.shape[-3] if image.ndim > 2 else 1
        return [channels, image.shape[-2], image.shape[-1]]
    channels = image.shape[2] if image.ndim == 3 else 1
    return [channels, image.shape[0], image.shape[1]]


def to_tensor(pic: Any) -> Tensor:
    """Turn an array of shape (H, W) or (H, W, C) into a Tensor of shape (C, H, W).

    Bytes (uint8) become the default floating-point type, divided by 255, so between 0 and 1. Other types
    keep their type and their values; the Tensor may then share the array's memory.

    Raises
    ------
    TypeError
        If it is no array.
    ValueError
        If it has neither 2 nor 3 dimensions.
    """
    if isinstance(pic, np.ndarray):
        array = pic
    elif hasattr(pic, "__array_interface__"):
        array = np.array(pic)  # a copy: Pillow's memory is read-only
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type_name(pic)}")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    if array.ndim == 2:
        array = array[:, :, None]  # (h, w, 1)
    return channels_first_tensor(array)


def channels_first_tensor(array: AnyArray) -> Tensor:
    """Turn (..., H, W, C) into a Tensor (..., C, H, W), and bytes into fractions of 255."""
    array = np.moveaxis(array, -1, -3)
    if array.dtype == np.uint8:
        array = array.astype(torch.get_default_dtype().numpy_dtype, order="C")  # a fresh array
        array /= 255
    return torch.from_numpy(np.ascontiguousarray(array))


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """Subtract the mean from each channel and divide by the standard deviation.

    Parameters
    ----------
    tensor : Tensor
        Floating-point image or batch of images, of shape (..., C, H, W).
    mean, std : sequence of float
        One number a channel, or a single one for all.
    inplace : bool
        Change ``tensor`` itself.

    Returns
    -------
    Tensor
        The same shape and type as ``tensor``; the gradient flows back through it.

    Raises
    ------
    TypeError
        If it is not a Tensor, or not of a floating-point type.
    ValueError
        If it has fewer than 3 dimensions, if a number of ``std`` is zero, or if there are neither one nor C
        numbers.

    Notes
    -----
    ``output[..., c, :, :] = (input[..., c, :, :] - mean[c]) / std[c]``
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type_name(tensor)}")
    if not tensor.dtype.is_floating_point:
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3:
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.shape}"
        )
    mean_values = _per_channel("mean", mean, tensor)
    std_values = _per_channel("std", std, tensor)
    if 0 in std_values:
        raise ValueError(
            f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero."
        )
    mean_tensor = torch.as_tensor(mean_values, device=tensor.device)
    std_tensor = torch.as_tensor(std_values, device=tensor.device)
    if inplace:
        return tensor.sub_(mean_tensor).div_(std_tensor)
    return (tensor - mean_tensor) / std_tensor


def _per_channel(name: str, values: Sequence[float], tensor: Tensor) -> AnyArray:
    """Return one number a channel as an array of shape (C, 1, 1) or (1, 1, 1), of the tensor's dtype."""
    if not isinstance(values, list | tuple | np.ndarray | Tensor | int | float):
        raise TypeError(f"normalize: expected {name} to be a number or a sequence of numbers, got {values}")
    for value in values if isinstance(values, list | tuple) else ():
        require_numbers("normalize", **{name: value})
    numbers = np.asarray(values, dtype=tensor.dtype.numpy_dtype).reshape(-1, 1, 1)
    if len(numbers) not in (1, tensor.shape[-3]):
        raise ValueError(
            f"normalize: expected 1 or {tensor.shape[-3]} numbers in {name} (one a channel), got {values}"
        )
    return numbers


def convert_image_dtype(image: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Convert between bytes (0 to 255) and floating-point numbers (0 to 1), scaling the values.

    Raises
    ------
    TypeError
        If one of the two types is neither uint8 nor a floating-point type.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"convert_image_dtype: expected image to be a Tensor, got {type(image).__name__}")
    dtype = as_dtype("convert_image_dtype", dtype)
    for wanted in (image.dtype, dtype):
        if wanted is not torch.uint8 and not wanted.is_floating_point:
            raise TypeError(f"convert_image_dtype: expected uint8 or a floating-point type, got {wanted}")
    if image.dtype is dtype:
        return image
    if image.dtype is torch.uint8:
        return image.to(dtype) / 255
    if dtype is torch.uint8:
        # Not 255: then only an exact 1.0 would become 255. The 0.001 keeps 1.0 from becoming 256.
        return (image * (256 - 1e-3)).to(dtype)
    return image.to(dtype)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """Cut out the window whose upper left corner is (top, left); of an array or Tensor it is a view.

    Raises
    ------
    ValueError
        If the window does not lie inside the image.
    """
    require_ints("crop", top=top, left=left, height=height, width=width)
    image: Any = img if is_pil_image(img) else as_image(img, "crop")
    _, image_height, image_width = get_dimensions(image)
    if min(top, left, height, width) < 0 or top + height > image_height or left + width > image_width:
        raise ValueError(
            f"crop: expected a window inside the image of size {(image_height, image_width)}, "
            f"got rows {top} to {top + height} and columns {left} to {left + width}"
        )
    if is_pil_image(image):
        return image.crop((left, top, left + width, top + height))
    if isinstance(image, Tensor):
        return image[..., top : top + height, left : left + width]
    return image[top : top + height, left : left + width]


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """Cut out the middle; an image that is too small is first padded with zeros on both sides."""
    image = img if is_pil_image(img) else as_image(img, "center_crop")
    crop_height, crop_width = as_size(output_size)
    _, height, width = get_dimensions(image)
    lacking_height, lacking_width = max(crop_height - height, 0), max(crop_width - width, 0)
    if lacking_height > 0 or lacking_width > 0:
        padding = (
            lacking_width // 2,
            lacking_height // 2,
            (lacking_width + 1) // 2,
            (lacking_height + 1) // 2,
        )
        image = pad(image, padding)
        _, height, width = get_dimensions(image)
    top, left = round((height - crop_height) / 2), round((width - crop_width) / 2)
    return crop(image, top, left, crop_height, crop_width)


def pad(img: Any, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> Any:
    """Add a border to an image.

    Parameters
    ----------
    img : array or Tensor
        The image.
    padding : int or sequence of int
        Pixels on every side; or (left and right, top and bottom); or (left, top, right, bottom).
    fill : float
        The value of the border in mode "constant".
    padding_mode : str
        "constant"; "edge" repeats the outermost pixel; "reflect" mirrors at the outermost pixel
        (c b | a b c); "symmetric" mirrors at the edge (b a | a b c).

    Raises
    ------
    ValueError
        If there are not 1, 2 or 4 paddings, if one is negative, or if there is no such mode.
    """
    left, top, right, bottom = check_padding(padding, padding_mode)
    if is_pil_image(img):
        return pillow.pad(img, (left, top, right, bottom), fill, padding_mode)
    image = as_image(img, "pad")
    if padding_mode == "constant":
        if isinstance(image, Tensor):
            padded: Tensor = torch.nn.functional.pad(image, (left, right, top, bottom), value=fill)
            return padded
        border = ((top, bottom), (left, right), (0, 0))
        return np.pad(image, border[: image.ndim], constant_values=fill)
    _, height, width = get_dimensions(image)
    rows = _padded_index(padding_mode, height, top, bottom)
    columns = _padded_index(padding_mode, width, left, right)
    if isinstance(image, Tensor):
        return image[..., rows[:, None], columns]
    return image[rows[:, None], columns]


def _padded_index(mode: str, size: int, before: int, after: int) -> npt.NDArray[np.int64]:
    """Return which row (or column) of the image stands in each row of the padded image."""
    index: npt.NDArray[np.int64] = np.pad(np.arange(size), (before, after), mode=mode)  # type: ignore[call-overload]
    return index


def hflip(img: Any) -> Any:
    """Mirror an image left to right; a copy."""
    if is_pil_image(img):
        return pillow.flip(img, vertically=False)
    image = as_image(img, "hflip")
    return image.flip(-1) if isinstance(image, Tensor) else np.flip(image, 1).copy()


def vflip(img: Any) -> Any:
    """Turn an image upside down (mirror it top to bottom); a copy."""
    if is_pil_image(img):
        return pillow.flip(img, vertically=True)
    image = as_image(img, "vflip")
    return image.flip(-2) if isinstance(image, Tensor) else np.flip(image, 0).copy()


def as_size(size: int | Sequence[int]) -> tuple[int, int]:
    """Return (height, width) from one number, or from a sequence of one or two."""
    numbers = _as_ints("size", size)
    if len(numbers) not in (1, 2):
        raise ValueError(f"Please provide only two dimensions (h, w) for size, got {size}")
    if min(numbers) < 1:
        raise ValueError(f"size: expected numbers of at least 1, got {size}")
    return numbers[0], numbers[-1]


def check_padding(padding: int | Sequence[int], padding_mode: str) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) from one number, or from a sequence of one, two or four."""
    if padding_mode not in PADDING_MODES:
        raise ValueError(
            f"Padding mode should be either constant, edge, reflect or symmetric, got {padding_mode!r}"
        )
    numbers = _as_ints("padding", padding)
    if len(numbers) not in (1, 2, 4):
        raise ValueError(
            f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(numbers)} element tuple"
        )
    if min(numbers) < 0:
        raise ValueError(f"padding: expected numbers of at least 0, got {padding}")
    check_numel("pad", [1 + sum(numbers)])
    left, top, right, bottom = (numbers * 4)[:4]  # one or two numbers are repeated
    return left, top, right, bottom


def _as_ints(name: str, value: int | Sequence[int]) -> list[int]:
    """Return one integer, or a sequence of integers, as a list."""
    numbers = list(value) if isinstance(value, Sequence) else [value]
    if not all(isinstance(number, Integral) for number in numbers):
        raise TypeError(f"{name}: expected an int or a sequence of ints, got {value!r}")
    return [int(number) for number in numbers]
