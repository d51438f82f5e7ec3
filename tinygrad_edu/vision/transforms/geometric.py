"""Transforms that move pixels: borders, crops and flips, some of them random.

The random ones draw from the global generator, which ``torch.manual_seed`` seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.arguments import require_numbers
from tinygrad_edu.random import default_generator
from tinygrad_edu.utils.data.fast_path import may_use
from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.functional import Image
from tinygrad_edu.vision.transforms.transform import Transform


def as_tensor_batch(function: Callable[[Any], Any], images: Image) -> Image:
    """Run a function of Tensors (N, C, H, W) on a batch of Tensors or of arrays; arrays come back as arrays.

    So each transform needs to know one layout of batches only. Nothing is copied.
    """
    result: Tensor
    if isinstance(images, Tensor):
        if images.ndim != 4:
            raise ValueError(f"on_batch: expected a Tensor (N, C, H, W), got shape {tuple(images.shape)}")
        result = function(images)
        return result
    if images.ndim == 3:
        result = function(torch.from_numpy(images[:, None]))  # (n, h, w) as (n, 1, h, w)
        return result.numpy()[:, 0]
    if images.ndim == 4:
        result = function(torch.from_numpy(np.moveaxis(images, -1, 1)))  # (n, h, w, c) as (n, c, h, w)
        return np.moveaxis(result.numpy(), 1, -1)
    raise ValueError(f"on_batch: expected an array (N, H, W) or (N, H, W, C), got shape {images.shape}")


class Pad(Transform):
    """Add a border to an image.

    Parameters
    ----------
    padding : int or sequence of int
        Pixels on every side; or (left and right, top and bottom); or (left, top, right, bottom).
    fill : float
        The value of the border in mode "constant".
    padding_mode : str
        "constant", "edge", "reflect" or "symmetric"; see :func:`functional.pad`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Pad.html

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.Pad(2)(np.zeros((28, 28), dtype=np.uint8)).shape
    (32, 32)
    """

    def __init__(self, padding: int | Sequence[int], fill: float = 0, padding_mode: str = "constant") -> None:
        functional.check_padding(padding, padding_mode)
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def __call__(self, img: Any) -> Image:
        """Return the image with its border."""
        return functional.pad(img, self.padding, self.fill, self.padding_mode)

    def on_batch(self, images: Image) -> Image:
        """Return the images with their borders."""
        return as_tensor_batch(self, images)

    def __repr__(self) -> str:
        options = f"padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode}"
        return f"{type(self).__name__}({options})"


class CenterCrop(Transform):
    """Cut out the middle of an image; one that is too small is first padded with zeros.

    Parameters
    ----------
    size : int or sequence of int
        Height and width of the result, or one number for both.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.CenterCrop.html

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.CenterCrop((1, 2))(np.arange(12).reshape(3, 4))
    array([[5, 6]])
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = functional.as_size(size)

    def __call__(self, img: Any) -> Image:
        """Return the middle of the image."""
        return functional.center_crop(img, self.size)

    def on_batch(self, images: Image) -> Image:
        """Return the middles of the images."""
        return as_tensor_batch(self, images)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class RandomCrop(Transform):
    """Cut out a window at a random place, often after adding a border: the image moves a little.

    Parameters
    ----------
    size : int or sequence of int
        Height and width of the window, or one number for both.
    padding : int or sequence of int, optional
        A border added first; see :class:`Pad`.
    pad_if_needed : bool
        Pad an image smaller than the window, instead of raising an error.
    fill : float
        The value of the border in mode "constant".
    padding_mode : str
        "constant", "edge", "reflect" or "symmetric".

    Raises
    ------
    ValueError
        When called: if the window is larger than the padded image.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomCrop.html

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import transforms
    >>> generator = torch.manual_seed(0)
    >>> transforms.RandomCrop(28, padding=4)(np.ones((28, 28), dtype=np.uint8)).shape
    (28, 28)
    """

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
    ) -> None:
        functional.check_padding(padding if padding is not None else 0, padding_mode)
        self.size = functional.as_size(size)
        self.padding = padding
        self.pad_if_needed = pad_if_needed
        self.fill = fill
        self.padding_mode = padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Draw a window: return (top, left, height, width) for :func:`functional.crop`."""
        height, width = output_size
        (top,), (left,) = _draw_corners(img, output_size, 1)
        return top, left, height, width

    def __call__(self, img: Any) -> Image:
        """Return a random window of an image."""
        img = self._with_border(img)
        return functional.crop(img, *self.get_params(img, self.size))

    def on_batch(self, images: Image) -> Image:
        """Return a window of each image, drawn anew for each."""
        images = as_tensor_batch(self._with_border, images)
        tops, lefts = _draw_corners(images[0], self.size, len(images))
        height, width = self.size
        windows: list[Any] = [
            functional.crop(image, top, left, height, width)
            for image, top, left in zip(images, tops, lefts, strict=True)
        ]
        return torch.stack(windows) if isinstance(images, Tensor) else np.stack(windows)

    def supports_batches(self) -> bool:
        """Tell whether ``on_batch`` speaks for the others: not if a subclass redefined only those."""
        return may_use(self, "on_batch", instead_of=("__call__", "get_params"))

    def _with_border(self, img: Any) -> Any:
        if self.padding is not None:
            img = functional.pad(img, self.padding, self.fill, self.padding_mode)
        _, height, width = functional.get_dimensions(img)
        lacking = (max(self.size[1] - width, 0), max(self.size[0] - height, 0))
        if self.pad_if_needed and lacking != (0, 0):
            img = functional.pad(img, lacking, self.fill, self.padding_mode)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


def _draw_corners(
    img: Any, size: tuple[int, int], count: int
) -> tuple[functional.AnyArray, functional.AnyArray]:
    """Draw the upper left corners of ``count`` windows: their tops and their lefts."""
    _, image_height, image_width = functional.get_dimensions(img)
    height, width = size
    if image_height < height or image_width < width:
        raise ValueError(
            f"Required crop size {(height, width)} is larger than "
            f"input image size {(image_height, image_width)}"
        )
    rng = default_generator.numpy_rng
    tops = rng.integers(0, image_height - height + 1, size=count).tolist()
    lefts = rng.integers(0, image_width - width + 1, size=count).tolist()
    return tops, lefts


class _RandomFlip(Transform):
    """What the two random flips share: the probability."""

    def __init__(self, p: float = 0.5) -> None:
        require_numbers(type(self).__name__, p=p)
        if not 0 <= p <= 1:
            raise ValueError(f"{type(self).__name__}: expected a probability p between 0 and 1, got {p}")
        self.p = p

    def _flips(self, count: int) -> functional.AnyArray:
        """Draw for each image whether to flip it."""
        return default_generator.numpy_rng.random(count) < self.p

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomHorizontalFlip(_RandomFlip):
    """Mirror an image left to right with probability ``p``.

    Parameters
    ----------
    p : float
        Between 0 and 1.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomHorizontalFlip.html

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.RandomHorizontalFlip(p=1.0)(np.array([[1, 2, 3]]))
    array([[3, 2, 1]])
    """

    def __call__(self, img: Any) -> Any:
        """Return the image, flipped or not."""
        return functional.hflip(img) if self._flips(1)[0] else img

    def on_batch(self, images: Image) -> Image:
        """Return the images, each flipped or not."""
        return as_tensor_batch(self._flip_some, images)

    def _flip_some(self, images: Tensor) -> Tensor:
        flips = torch.as_tensor(self._flips(images.shape[0])[:, None, None, None], device=images.device)
        flipped: Tensor = torch.where(flips, images.flip(-1), images)
        return flipped


class RandomVerticalFlip(_RandomFlip):
    """Turn an image upside down (mirror it top to bottom) with probability ``p``.

    Parameters
    ----------
    p : float
        Between 0 and 1.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomVerticalFlip.html
    """

    def __call__(self, img: Any) -> Any:
        """Return the image, flipped or not."""
        return functional.vflip(img) if self._flips(1)[0] else img

    def on_batch(self, images: Image) -> Image:
        """Return the images, each flipped or not."""
        return as_tensor_batch(self._flip_some, images)

    def _flip_some(self, images: Tensor) -> Tensor:
        flips = torch.as_tensor(self._flips(images.shape[0])[:, None, None, None], device=images.device)
        flipped: Tensor = torch.where(flips, images.flip(-2), images)
        return flipped
