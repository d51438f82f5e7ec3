"""Transforms that change what the numbers are: arrays into Tensors, bytes into fractions, their scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import functional
from tinygrad_edu.vision.transforms.functional import AnyArray
from tinygrad_edu.vision.transforms.transform import Transform


class ToTensor(Transform):
    """Turn an array (H, W) or (H, W, C) into a Tensor (C, H, W), and bytes 0...255 into numbers 0...1.

    Arrays of other types than uint8 keep their type and their values.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToTensor.html

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu.vision import transforms
    >>> image = np.array([[0, 51], [102, 255]], dtype=np.uint8)  # (2, 2)
    >>> transforms.ToTensor()(image).shape
    torch.Size([1, 2, 2])
    >>> transforms.ToTensor().on_batch(np.stack([image] * 5)).shape
    torch.Size([5, 1, 2, 2])
    """

    def __call__(self, pic: Any) -> Tensor:
        """Return the Tensor (C, H, W) of one image."""
        return functional.to_tensor(pic)

    def on_batch(self, images: AnyArray) -> Tensor:
        """Return the Tensor (N, C, H, W) of arrays (N, H, W) or (N, H, W, C)."""
        if not isinstance(images, np.ndarray) or images.ndim not in (3, 4):
            raise TypeError(
                "ToTensor.on_batch: expected an array (N, H, W) or (N, H, W, C), "
                f"got {type(images).__name__} of shape {getattr(images, 'shape', None)}"
            )
        if images.ndim == 3:
            images = images[..., None]  # (n, h, w, 1)
        return functional.channels_first_tensor(images)


class Normalize(Transform):
    """Subtract the mean from each channel and divide by the standard deviation.

    Parameters
    ----------
    mean, std : sequence of float
        One number a channel, or a single one for all; in the scale of the Tensor (0 to 1 after ``ToTensor``).
    inplace : bool
        Change the Tensor itself.

    Notes
    -----
    ``output[c] = (input[c] - mean[c]) / std[c]``. For MNIST after ``ToTensor``: mean 0.1307, std 0.3081.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Normalize.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.Normalize(mean=[0.5], std=[0.25])(torch.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[-2.,  0.,  2.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        """Normalize an image (C, H, W), or a batch of images (..., C, H, W)."""
        return functional.normalize(tensor, self.mean, self.std, self.inplace)

    def on_batch(self, images: Tensor) -> Tensor:
        """Normalize images (N, C, H, W)."""
        return functional.normalize(images, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class ConvertImageDtype(Transform):
    """Convert a Tensor between bytes (0 to 255) and floating-point numbers (0 to 1), scaling the values.

    Parameters
    ----------
    dtype : torch.dtype
        The wanted type: uint8 or a floating-point type.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ConvertImageDtype.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.ConvertImageDtype(torch.float32)(torch.tensor([[0, 51, 255]], dtype=torch.uint8))
    tensor([[0.0000, 0.2000, 1.0000]])
    """

    def __init__(self, dtype: torch.dtype) -> None:
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        """Convert a Tensor of any shape."""
        return functional.convert_image_dtype(image, self.dtype)

    def on_batch(self, images: Tensor) -> Tensor:
        """Convert images (N, C, H, W)."""
        return functional.convert_image_dtype(images, self.dtype)
