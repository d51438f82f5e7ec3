"""Changes of colours, pixel by pixel: functions of images (..., 1 or 3, H, W), of arrays and of Pillow's images."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import pillow
from tinygrad_edu.vision.transforms.basic import convert_image_dtype, largest_value, through_tensor
from tinygrad_edu.vision.transforms.pillow import is_pil_image


def _require_channels(img: Tensor, least_dimensions: int = 2) -> None:
    """Raise unless an image has one or three channels."""
    if img.ndim < least_dimensions:
        raise TypeError(
            f"Input image tensor should have at least {least_dimensions} dimensions, but found {img.ndim}"
        )
    channels = img.shape[-3] if img.ndim > 2 else 1
    if channels not in (1, 3):
        raise TypeError(f"Input image tensor permitted channel values are [1, 3], but found {channels}")


def _require_not_negative(**factors: float) -> None:
    for name, factor in factors.items():
        if factor < 0:
            raise ValueError(f"{name} ({factor}) is not non-negative.")


def _blend(first: Tensor, second: Any, ratio: float) -> Tensor:
    """Return ``ratio * first + (1 - ratio) * second``, within the range of the dtype."""
    mixed = ratio * first + (1.0 - ratio) * second
    return mixed.clamp(0, largest_value(first.dtype)).to(first.dtype)


def _as_float(img: Tensor) -> Tensor:
    return img if img.dtype.is_floating_point else img.to(torch.float32)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Return the luminance ``0.2989 r + 0.587 g + 0.114 b`` (ITU-R BT.601), in one channel or three times.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.rgb_to_grayscale.html
    """
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if is_pil_image(img):
        return pillow.to_grayscale(img, num_output_channels)
    return through_tensor("rgb_to_grayscale", _grey, img, num_output_channels)


def _grey(img: Tensor, num_output_channels: int = 1) -> Tensor:
    _require_channels(img, 3)
    if img.shape[-3] == 3:
        red, green, blue = img.unbind(-3)
        grey = (0.2989 * red + 0.587 * green + 0.114 * blue).to(img.dtype).unsqueeze(-3)
    else:
        grey = img.clone()
    return torch.cat([grey] * 3, -3) if num_output_channels == 3 else grey


to_grayscale = rgb_to_grayscale


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Multiply the colours: 0 is black, 1 the image itself."""
    _require_not_negative(brightness_factor=brightness_factor)
    if is_pil_image(img):
        return pillow.enhance(img, "Brightness", brightness_factor)
    return through_tensor("adjust_brightness", _brightness, img, brightness_factor)


def _brightness(img: Tensor, factor: float) -> Tensor:
    _require_channels(img)
    return _blend(img, 0.0, factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Mix with the mean grey: 0 is that grey, 1 the image itself."""
    _require_not_negative(contrast_factor=contrast_factor)
    if is_pil_image(img):
        return pillow.enhance(img, "Contrast", contrast_factor)
    return through_tensor("adjust_contrast", _contrast, img, contrast_factor)


def _contrast(img: Tensor, factor: float) -> Tensor:
    _require_channels(img)
    grey = _grey(img) if img.ndim > 2 else img[None]
    return _blend(img, _as_float(grey).mean((-3, -2, -1), keepdim=True), factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Mix with the image in grey: 0 is grey, 1 the image itself."""
    _require_not_negative(saturation_factor=saturation_factor)
    if is_pil_image(img):
        return pillow.enhance(img, "Color", saturation_factor)
    return through_tensor("adjust_saturation", _saturation, img, saturation_factor)


def _saturation(img: Tensor, factor: float) -> Tensor:
    _require_channels(img)
    return img if img.ndim < 3 or img.shape[-3] == 1 else _blend(img, _grey(img), factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Turn the hues round the circle of colours: 0.5 and -0.5 are half a turn, which gives the complement."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    if is_pil_image(img):
        return pillow.adjust_hue(img, hue_factor)
    return through_tensor("adjust_hue", _hue, img, hue_factor)


def _hue(img: Tensor, factor: float) -> Tensor:
    _require_channels(img)
    if img.ndim < 3 or img.shape[-3] == 1:
        return img
    hue, saturation, value = _rgb_to_hsv(convert_image_dtype(img, torch.float32))
    turned = _hsv_to_rgb((hue + factor) % 1.0, saturation, value)
    return convert_image_dtype(turned, img.dtype)


def _rgb_to_hsv(img: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return hue, saturation and value, each between 0 and 1.

    References
    ----------
    A. R. Smith: "Color gamut transform pairs", SIGGRAPH 1978.
    """
    red, green, blue = img.unbind(-3)
    value, least = img.amax(-3), img.amin(-3)
    is_grey = value == least
    ones = torch.ones_like(value)
    chroma = value - least
    saturation = chroma / torch.where(is_grey, ones, value)
    divisor = torch.where(is_grey, ones, chroma)
    r, g, b = (value - red) / divisor, (value - green) / divisor, (value - blue) / divisor
    sixths = torch.where(value == red, b - g, torch.where(value == green, 2.0 + r - b, 4.0 + g - r))
    return torch.fmod(sixths / 6.0 + 1.0, 1.0), saturation, value


def _hsv_to_rgb(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Return the image (..., 3, H, W) of hue, saturation and value."""
    sextant = torch.floor(hue * 6.0)
    rest = hue * 6.0 - sextant
    p = (value * (1.0 - saturation)).clamp(0.0, 1.0)
    q = (value * (1.0 - saturation * rest)).clamp(0.0, 1.0)
    t = (value * (1.0 - saturation * (1.0 - rest))).clamp(0.0, 1.0)
    index = (sextant.to(torch.int64) % 6).unsqueeze(0)
    channels = [(value, q, p, p, t, value), (t, value, value, q, p, p), (p, p, t, value, value, q)]
    return torch.stack([torch.stack(channel).gather(0, index)[0] for channel in channels], -3)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """Return ``gain * img ** gamma``, in numbers between 0 and 1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    if is_pil_image(img):
        return pillow.adjust_gamma(img, gamma, gain)
    return through_tensor("adjust_gamma", _gamma, img, gamma, gain)


def _gamma(img: Tensor, gamma: float, gain: float) -> Tensor:
    _require_channels(img)
    fractions = img if img.dtype.is_floating_point else convert_image_dtype(img, torch.float32)
    return convert_image_dtype((gain * fractions**gamma).clamp(0, 1), img.dtype)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """Mix with a blurred image: 0 is blurred, 1 the image itself, 2 sharper."""
    _require_not_negative(sharpness_factor=sharpness_factor)
    if is_pil_image(img):
        return pillow.enhance(img, "Sharpness", sharpness_factor)
    return through_tensor("adjust_sharpness", _sharpness, img, sharpness_factor)


def _sharpness(img: Tensor, factor: float) -> Tensor:
    _require_channels(img)
    if min(img.shape[-2:]) <= 2:
        return img
    kernel = torch.ones(1, 1, 3, 3, dtype=_as_float(img).dtype, device=img.device)
    kernel[0, 0, 1, 1] = 5.0
    planes = _as_float(img).reshape(-1, 1, *img.shape[-2:])
    blurred = torch.nn.functional.conv2d(planes, kernel / 13.0)
    blurred = blurred.reshape(*img.shape[:-2], *blurred.shape[-2:])
    if not img.dtype.is_floating_point:
        blurred = blurred.round()
    degenerate = img.clone()
    degenerate[..., 1:-1, 1:-1] = blurred.to(img.dtype)
    return _blend(img, degenerate, factor)


def invert(img: Any) -> Any:
    """Return the negative."""
    if is_pil_image(img):
        return pillow.operate(img, "invert")
    return through_tensor("invert", _invert, img)


def _invert(img: Tensor) -> Tensor:
    _require_channels(img, 3)
    return largest_value(img.dtype) - img


def posterize(img: Any, bits: int) -> Any:
    """Keep the highest ``bits`` bits of each byte."""
    if is_pil_image(img):
        return pillow.operate(img, "posterize", bits)
    return through_tensor("posterize", _posterize, img, bits)


def _posterize(img: Tensor, bits: int) -> Tensor:
    _require_bytes(img)
    return img & (256 - 2 ** (8 - bits))


def _require_bytes(img: Tensor) -> None:
    _require_channels(img, 3)
    if img.dtype is not torch.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found {img.dtype}")


def solarize(img: Any, threshold: float) -> Any:
    """Return the negative where a value is not below the threshold."""
    if is_pil_image(img):
        return pillow.operate(img, "solarize", threshold)
    return through_tensor("solarize", _solarize, img, threshold)


def _solarize(img: Tensor, threshold: float) -> Tensor:
    if threshold > largest_value(img.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return torch.where(img >= threshold, _invert(img), img)


def autocontrast(img: Any) -> Any:
    """Stretch each channel so that its darkest value becomes black and its lightest white."""
    if is_pil_image(img):
        return pillow.operate(img, "autocontrast")
    return through_tensor("autocontrast", _autocontrast, img)


def _autocontrast(img: Tensor) -> Tensor:
    _require_channels(img, 3)
    bound = largest_value(img.dtype)
    darkest, lightest = (
        _as_float(img.amin((-2, -1), keepdim=True)),
        _as_float(img.amax((-2, -1), keepdim=True)),
    )
    is_flat = darkest == lightest
    scale = bound / torch.where(is_flat, torch.ones_like(darkest), lightest - darkest)
    stretched = ((_as_float(img) - darkest) * scale).clamp(0, bound).to(img.dtype)
    return torch.where(is_flat, img, stretched)


def equalize(img: Any) -> Any:
    """Map the bytes of each channel so that all are about equally frequent."""
    if is_pil_image(img):
        return pillow.operate(img, "equalize")
    return through_tensor("equalize", _equalize, img)


def _equalize(img: Tensor) -> Tensor:
    _require_bytes(img)
    planes = img.reshape(-1, *img.shape[-2:])
    return torch.stack([_equalize_channel(plane) for plane in planes]).reshape(img.shape)


def _equalize_channel(channel: Tensor) -> Tensor:
    """Map each byte to the part of the pixels that are below it; all integers, as Pillow does it."""
    counts = torch.bincount(channel.reshape(-1).to(torch.int64), minlength=256)
    step = int(counts[counts != 0][:-1].sum()) // 255
    if step == 0:
        return channel
    below = torch.cumsum(counts, 0) - counts
    table = ((below + step // 2) // step).clamp(0, 255)
    table[0] = 0
    return table[channel.to(torch.int64)].to(torch.uint8)
