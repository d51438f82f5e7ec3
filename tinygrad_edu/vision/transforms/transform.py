"""What a transform is, and chains of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.utils.data.fast_path import may_use


class Transform:
    """Base class of the transforms that can also work on a whole batch at once.

    A transform is a callable on one image. An image is

    - a NumPy array of shape (H, W) or (H, W, C), before ``ToTensor``,
    - a Tensor of shape (C, H, W), from ``ToTensor`` on.

    :meth:`on_batch` does the same to a stack of images: arrays of shape (N, H, W) or (N, H, W, C), Tensors
    of shape (N, C, H, W). It gives bit for bit what calling the transform on each image and stacking the
    results gives; random transforms draw anew for each image there, too, but they draw a batch's numbers in
    another order, so that the same seed gives other crops and flips than the image-by-image path.

    To write a transform of your own that a DataLoader can run on whole batches, derive a class from this
    one with a ``__call__`` and an ``on_batch``. Any other callable is a transform, too; the images are then
    transformed one by one.
    """

    def __call__(self, image: Any) -> Any:
        """Transform one image."""
        raise NotImplementedError(f"{type(self).__name__}: expected a __call__ method, got none")

    def on_batch(self, images: Any) -> Any:
        """Transform a stack of images."""
        raise NotImplementedError(f"{type(self).__name__}: expected an on_batch method, got none")

    def supports_batches(self) -> bool:
        """Tell whether ``on_batch`` speaks for ``__call__``: not if a subclass redefined the latter only."""
        return may_use(self, "on_batch", instead_of=("__call__",))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def supports_batches(transform: Callable[[Any], Any] | None) -> bool:
    """Tell whether a transform (None: no transform) can work on a whole batch at once."""
    return transform is None or (isinstance(transform, Transform) and transform.supports_batches())


class Compose(Transform):
    """Apply several transforms, one after the other.

    Parameters
    ----------
    transforms : sequence of callables
        The transforms, first to last.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Compose.html

    Examples
    --------
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    Compose(
        ToTensor()
        Normalize(mean=(0.1307,), std=(0.3081,))
    )
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        if not isinstance(transforms, Iterable):
            raise wrong_type("Compose", "transforms", "a sequence of transforms", transforms)
        self.transforms = transforms

    def __call__(self, image: Any) -> Any:
        """Transform one image."""
        for transform in self.transforms:
            if not callable(transform):
                raise wrong_type("Compose", "transforms", "callable", transform)
            image = transform(image)
        return image

    def on_batch(self, images: Any) -> Any:
        """Transform a stack of images."""
        for transform in self.transforms:
            if not isinstance(transform, Transform):
                raise TypeError(f"Compose.on_batch: expected transforms with on_batch, got {transform!r}")
            images = transform.on_batch(images)
        return images

    def supports_batches(self) -> bool:
        """Tell whether every part can work on a batch."""
        return super().supports_batches() and all(supports_batches(part) for part in self.transforms)

    def __repr__(self) -> str:
        parts = "".join(f"\n    {part}" for part in self.transforms)
        return f"{type(self).__name__}({parts}\n)"


class Lambda:
    """Apply a function of one's own.

    It knows one image only, so that a DataLoader transforms image by image.

    Parameters
    ----------
    lambd : callable
        The function.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.Lambda.html

    Examples
    --------
    >>> from tinygrad_edu.vision import transforms
    >>> transforms.Lambda(abs)(-3)
    3
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, image: Any) -> Any:
        """Return the function's result."""
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
