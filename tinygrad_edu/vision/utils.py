"""Images put together, saved and drawn on: what ``torchvision.utils`` is to PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.autograd import no_grad
from tinygrad_edu.type_names import type_name
from tinygrad_edu.vision.transforms import functional

Colour = str | tuple[int, int, int]


@no_grad()
def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Put images together into one, row by row.

    Parameters
    ----------
    tensor : Tensor or list of Tensor
        Images, of shape (N, C, H, W), or a list of (C, H, W).
    nrow : int
        The number of images in a row.
    padding : int
        The width of the border around each, in pixels.
    normalize : bool
        Bring the values into the range from 0 to 1.
    value_range : (float, float), optional
        What becomes 0 and 1; the smallest and the largest value if left out.
    scale_each : bool
        Normalize each image by itself.
    pad_value : float
        The value of the border.

    Returns
    -------
    Tensor
        The image, with three channels if the images are grey.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.utils.make_grid.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import utils
    >>> utils.make_grid(torch.zeros(10, 1, 28, 28), nrow=5).shape
    torch.Size([3, 62, 152])
    """
    images = _as_batch(tensor)
    if normalize:
        if value_range is not None and not isinstance(value_range, tuple):
            raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
        parts = list(images) if scale_each else [images]
        scaled = [_into_unit_range(part, value_range) for part in parts]
        images = torch.stack(scaled) if scale_each else scaled[0]
    count, channels, height, width = images.shape
    if count == 1:
        return images[0]
    columns = min(nrow, count)
    rows = -(-count // columns)
    step_down, step_right = height + padding, width + padding
    grid = images.new_full((channels, step_down * rows + padding, step_right * columns + padding), pad_value)
    for i in range(count):
        top, left = i // columns * step_down + padding, i % columns * step_right + padding
        grid[:, top : top + height, left : left + width] = images[i]
    return grid


def _as_batch(tensor: Tensor | list[Tensor]) -> Tensor:
    """Return images (N, C, H, W), grey ones with three channels."""
    if isinstance(tensor, list):
        for element in tensor:
            if not isinstance(element, Tensor):
                raise TypeError(
                    f"tensor or list of tensors expected, got a list containing {type_name(element)}"
                )
        tensor = torch.stack(tensor)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"tensor or list of tensors expected, got {type_name(tensor)}")
    images: Tensor = tensor
    if images.ndim == 2:
        images = images[None]
    if images.ndim == 3:
        images = images[None]
    if images.ndim != 4:
        raise ValueError(f"make_grid: expected images (N, C, H, W), got shape {tuple(images.shape)}")
    return torch.cat([images] * 3, 1) if images.shape[1] == 1 else images


def _into_unit_range(image: Tensor, value_range: tuple[float, float] | None) -> Tensor:
    low, high = (float(image.min()), float(image.max())) if value_range is None else value_range
    return (image.clamp(low, high) - low) / max(high - low, 1e-5)


@no_grad()
def save_image(tensor: Tensor | list[Tensor], fp: Any, format: str | None = None, **kwargs: Any) -> None:
    """Write images, of values between 0 and 1, into one file, with Pillow (the extra ``vision``).

    Parameters
    ----------
    tensor : Tensor or list of Tensor
        As for :func:`make_grid`.
    fp : str, path-like or file
        Where to; the name's ending says the format.
    format : str, optional
        The format, such as "PNG".
    **kwargs
        The other arguments of :func:`make_grid`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.utils.save_image.html
    """
    grid = make_grid(tensor, **kwargs)
    rounded = (grid * 255 + 0.5).clamp(0, 255).to(torch.uint8)
    functional.to_pil_image(rounded).save(fp, format=format)


@no_grad()
def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str] | None = None,
    colors: Colour | list[Colour] | None = None,
    fill: bool = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
) -> Tensor:
    """Draw boxes onto an image, with Pillow (the extra ``vision``).

    Parameters
    ----------
    image : Tensor
        Of shape (1 or 3, H, W), bytes or fractions.
    boxes : Tensor
        Of shape (N, 4): xmin, ymin, xmax, ymax.
    labels : list of str, optional
        What is written at each box.
    colors : colour or list of colours, optional
        Names, "#rrggbb" or (r, g, b); spread over the circle of hues if left out.
    fill : bool
        Tint what is inside.
    width : int
        The width of the lines.
    font, font_size : optional
        A TrueType font and its size.

    Returns
    -------
    Tensor
        The image, of shape (3, H, W) and the same dtype.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.utils.draw_bounding_boxes.html
    """
    from PIL import ImageDraw, ImageFont

    _check_boxes(image, boxes, labels)
    if len(boxes) == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if font is None and font_size is not None:
        warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=2)
    text_font = ImageFont.load_default() if font is None else ImageFont.truetype(font, font_size or 10)
    coloured = torch.cat([image] * 3) if image.shape[0] == 1 else image
    canvas = functional.to_pil_image(functional.convert_image_dtype(coloured, torch.uint8))
    draw = ImageDraw.Draw(canvas, "RGBA" if fill else None)
    colours = _as_colours(colors, len(boxes))
    for i, box in enumerate(boxes.to(torch.int64).tolist()):
        colour = colours[i]
        draw.rectangle(box, width=width, outline=colour, fill=(*colour, 100) if fill else None)
        if labels is not None and labels[i] is not None:
            corner = (box[0] + width + 1, box[1] + width + 1)
            draw.text(corner, labels[i], fill=colour, font=text_font)
    return functional.convert_image_dtype(functional.pil_to_tensor(canvas), image.dtype)


def _check_boxes(image: Tensor, boxes: Tensor, labels: Sequence[str] | None) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"Tensor expected, got {type_name(image)}")
    if image.dtype is not torch.uint8 and not image.dtype.is_floating_point:
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.ndim != 3:
        raise ValueError("Pass individual images, not batches")
    if image.shape[0] not in (1, 3):
        raise ValueError("Only grayscale and RGB images are supported")
    if len(boxes) and boxes.shape[-1] != 4:
        raise ValueError(f"draw_bounding_boxes: expected boxes of shape (N, 4), got {tuple(boxes.shape)}")
    if bool((boxes[:, 0] > boxes[:, 2]).any()) or bool((boxes[:, 1] > boxes[:, 3]).any()):
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format.")
    if labels is not None and len(labels) != len(boxes):
        raise ValueError(
            f"Number of boxes ({len(boxes)}) and labels ({len(labels)}) mismatch. "
            "Please specify labels for each box."
        )


def _as_colours(colors: Any, count: int) -> list[tuple[int, int, int]]:
    """Return (r, g, b) of each box."""
    from PIL import ImageColor

    if colors is None:
        colors = [f"hsl({360 * i // count}, 100%, 50%)" for i in range(count)]
    elif isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(
                "Number of colors must be equal or larger than the number of objects, "
                f"but got {len(colors)} < {count}."
            )
    elif not isinstance(colors, tuple | str):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    return [ImageColor.getrgb(colour) if isinstance(colour, str) else colour for colour in colors]
