"""Transforms that choose among others, and those between Tensors and Pillow's images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor
from tinygrad_edu.vision.transforms import functional

Transformation = Callable[[Any], Any]


class _SeveralTransforms:
    """Base class of those that have a list of transforms."""

    def __init__(self, transforms: Sequence[Transformation]) -> None:
        if not isinstance(transforms, Sequence) and not hasattr(transforms, "__iter__"):
            raise TypeError("Argument transforms should be a sequence")
        self.transforms = list(transforms)

    def __repr__(self) -> str:
        parts = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}({parts}\n)"


class RandomApply(_SeveralTransforms):
    """Apply all of several transforms with probability ``p``, otherwise none.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomApply.html
    """

    def __init__(self, transforms: Sequence[Transformation], p: float = 0.5) -> None:
        super().__init__(transforms)
        self.p = p

    def __call__(self, img: Any) -> Any:
        """Return the image, transformed or not."""
        if self.p < float(torch.rand(1)):
            return img
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        parts = "".join(f"\n    {transform}" for transform in self.transforms)
        return f"{type(self).__name__}(\n    p={self.p}{parts}\n)"


class RandomOrder(_SeveralTransforms):
    """Apply several transforms in random order.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomOrder.html
    """

    def __call__(self, img: Any) -> Any:
        """Return the transformed image."""
        for i in torch.randperm(len(self.transforms)).tolist():
            img = self.transforms[i](img)
        return img


class RandomChoice(_SeveralTransforms):
    """Apply one of several transforms.

    Parameters
    ----------
    transforms : sequence of callables
        The transforms.
    p : sequence of float, optional
        How probable each of them is, up to a factor; all the same if left out.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.RandomChoice.html
    """

    def __init__(self, transforms: Sequence[Transformation], p: Sequence[float] | None = None) -> None:
        super().__init__(transforms)
        if p is not None and not isinstance(p, Sequence):
            raise TypeError("Argument p should be a sequence")
        if p is not None and len(p) != len(self.transforms):
            raise ValueError(
                f"RandomChoice: expected {len(self.transforms)} probabilities in p, got {len(p)}"
            )
        self.p = p

    def __call__(self, img: Any) -> Any:
        """Return the transformed image."""
        weights = [1.0] * len(self.transforms) if self.p is None else [float(weight) for weight in self.p]
        chosen = int(torch.multinomial(torch.tensor(weights), 1).item())
        return self.transforms[chosen](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class ToPILImage:
    """Turn a Tensor or an array into an image of Pillow; see :func:`functional.to_pil_image`.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.ToPILImage.html
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        """Return the image."""
        return functional.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class PILToTensor:
    """Turn an image of Pillow into a Tensor (C, H, W) with the same numbers.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.PILToTensor.html
    """

    def __call__(self, pic: Any) -> Tensor:
        """Return the Tensor."""
        return functional.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
