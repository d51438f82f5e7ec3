"""Images of Pillow: to Tensors and back, and what Pillow does to them itself. Pillow is imported when it is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.type_names import type_name


def is_pil_image(img: Any) -> bool:
    """Tell whether it is an image of Pillow, without importing Pillow."""
    return any(base.__module__ == "PIL.Image" and base.__name__ == "Image" for base in type(img).__mro__)


def pil_to_tensor(pic: Any) -> Tensor:
    """Turn an image of Pillow into a Tensor (C, H, W) with the same numbers.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.pil_to_tensor.html
    """
    if not is_pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type_name(pic)}")
    array = np.array(pic)  # (h, w) or (h, w, c), a copy
    channels_last = array.reshape(pic.size[1], pic.size[0], len(pic.getbands()))
    return torch.from_numpy(channels_last).permute(2, 0, 1)


# What each number of channels can be; the first is taken if no mode is asked for.
_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}
_MODES_OF_ONE = {"uint8": "L", "int16": "I;16", "int32": "I", "float32": "F"}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """Turn a Tensor (C, H, W) or an array (H, W) or (H, W, C) into an image of Pillow.

    Floating-point numbers between 0 and 1 become bytes, unless the mode is "F".

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.functional.to_pil_image.html
    """
    from PIL import Image

    if isinstance(pic, Tensor):
        array = (pic.permute(1, 2, 0) if pic.ndim == 3 else pic).detach().cpu().numpy()
    elif isinstance(pic, np.ndarray):
        array = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type_name(pic)}.")
    if array.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {array.ndim} dimensions.")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.shape[2] > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {array.shape[2]} channels.")
    if np.issubdtype(array.dtype, np.floating) and mode != "F":
        array = (array * 255).astype(np.uint8)
    mode = _mode_of(array, mode)
    if array.shape[2] == 1:
        array = array[:, :, 0]
    size = (array.shape[1], array.shape[0])
    return Image.frombytes(mode, size, np.ascontiguousarray(array).tobytes())


def _mode_of(array: Any, mode: str | None) -> str:
    """Return the mode of an array (H, W, C), or raise if the one that is asked for does not fit."""
    channels = array.shape[2]
    if channels == 1:
        expected = _MODES_OF_ONE.get(array.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for {array.dtype}. Should be {expected}")
        mode = expected
    else:
        if mode is not None and mode not in _MODES[channels]:
            raise ValueError(f"Only modes {list(_MODES[channels])} are supported for {channels} channels")
        if mode is None and array.dtype == np.uint8:
            mode = _MODES[channels][0]
    if mode is None:
        raise TypeError(f"Input type {array.dtype} is not supported")
    return mode


def filling(fill: float | Sequence[float] | None, img: Any) -> Any:
    """Return the colour of what lies outside as Pillow wants it: a number, or one a channel."""
    channels = len(img.getbands())
    values = [0.0] if fill is None else list(fill) if isinstance(fill, Sequence) else [fill]
    if len(values) not in (1, channels):
        raise ValueError(
            "The number of elements in 'fill' does not match the number of channels of the image "
            f"({len(values)} != {channels})"
        )
    values = values * channels if len(values) == 1 else values
    numbers = tuple(values) if img.mode == "F" else tuple(int(value) for value in values)
    return numbers if channels > 1 or isinstance(fill, Sequence) else numbers[0]


def pad(img: Any, borders: tuple[int, int, int, int], fill: Any, padding_mode: str) -> Any:
    """Add borders (left, top, right, bottom)."""
    from PIL import Image, ImageOps

    if padding_mode == "constant":
        return ImageOps.expand(img, border=borders, fill=filling(fill, img))
    left, top, right, bottom = borders
    array = np.asarray(img)
    widths = ((top, bottom), (left, right), (0, 0))[: array.ndim]
    return Image.fromarray(np.pad(array, widths, mode=padding_mode))  # type: ignore[call-overload]


def flip(img: Any, vertically: bool) -> Any:
    """Mirror an image."""
    from PIL import Image

    return img.transpose(Image.Transpose.FLIP_TOP_BOTTOM if vertically else Image.Transpose.FLIP_LEFT_RIGHT)


def enhance(img: Any, what: str, factor: float) -> Any:
    """Adjust "Brightness", "Contrast", "Color" or "Sharpness"."""
    from PIL import ImageEnhance

    return getattr(ImageEnhance, what)(img).enhance(factor)


def operate(img: Any, what: str, *args: float) -> Any:
    """Apply "invert", "posterize", "solarize", "autocontrast" or "equalize"."""
    from PIL import ImageOps

    return getattr(ImageOps, what)(img, *args)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Turn the hues: 1 is a whole turn."""
    from PIL import Image

    if img.mode in ("L", "1", "I", "F"):
        return img
    h, s, v = img.convert("HSV").split()
    turned = np.array(h, dtype=np.uint8) + np.int32(hue_factor * 255).astype(np.uint8)  # modulo 256
    hues = Image.frombytes("L", img.size, turned.tobytes())
    return Image.merge("HSV", (hues, s, v)).convert(img.mode)


def adjust_gamma(img: Any, gamma: float, gain: float) -> Any:
    """Raise the colours to a power."""
    table = [int((255 + 1 - 1e-3) * gain * pow(value / 255.0, gamma)) for value in range(256)] * 3
    return img.convert("RGB").point(table).convert(img.mode)


def to_grayscale(img: Any, num_output_channels: int) -> Any:
    """Take the colours out."""
    from PIL import Image

    grey = img.convert("L")
    return grey if num_output_channels == 1 else Image.merge("RGB", (grey, grey, grey))


def transform(img: Any, matrix: Sequence[float], resample: int, fill: Any) -> Any:
    """Move each pixel by a matrix of 2 x 3."""
    from PIL import Image

    where = Image.Transform.AFFINE
    return img.transform(img.size, where, matrix, resample, fillcolor=filling(fill, img))


def rotate(img: Any, angle: float, resample: int, expand: bool, center: Any, fill: Any) -> Any:
    """Turn an image."""
    return img.rotate(angle, resample, expand, center, fillcolor=filling(fill, img))
