"""The base class of image datasets."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tinygrad_edu.utils.data import Dataset


class VisionDataset(Dataset[Any]):
    """Base class of image datasets: keeps the transforms, and prints itself as torchvision's do.

    Parameters
    ----------
    root : str or path-like, optional
        The folder of the data.
    transforms : callable, optional
        A function ``(image, target) -> (image, target)``. Not together with the next two.
    transform : callable, optional
        A function of the image.
    target_transform : callable, optional
        A function of the target.

    References
    ----------
    https://docs.pytorch.org/vision/stable/generated/torchvision.datasets.VisionDataset.html
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | None = None,
        transforms: Callable[[Any, Any], tuple[Any, Any]] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        has_separate_transform = transform is not None or target_transform is not None
        if transforms is not None and has_separate_transform:
            raise ValueError("Only transforms or transform/target_transform can be passed as argument")
        self.root = os.path.expanduser(root) if isinstance(root, str) else root
        self.transform = transform
        self.target_transform = target_transform
        self.transforms = (
            StandardTransform(transform, target_transform) if has_separate_transform else transforms
        )

    def __getitem__(self, index: int) -> Any:
        """Return sample number ``index``."""
        raise NotImplementedError(f"{type(self).__name__}: expected a __getitem__ method, got none")

    def __len__(self) -> int:
        """Return the number of samples."""
        raise NotImplementedError(f"{type(self).__name__}: expected a __len__ method, got none")

    def extra_repr(self) -> str:
        """Return further lines for ``repr``."""
        return ""

    def __repr__(self) -> str:
        lines = [f"Number of datapoints: {len(self)}"]
        if self.root is not None:
            lines.append(f"Root location: {self.root}")
        lines += self.extra_repr().splitlines()
        if self.transforms is not None:
            lines.append(repr(self.transforms))
        return "\n".join([f"Dataset {type(self).__name__}"] + [f"    {line}" for line in lines])


class StandardTransform:
    """A transform of the image and one of the target, as one function of both."""

    def __init__(
        self,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:
        self.transform = transform
        self.target_transform = target_transform

    def __call__(self, input: Any, target: Any) -> tuple[Any, Any]:
        """Transform both."""
        if self.transform is not None:
            input = self.transform(input)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return input, target

    def __repr__(self) -> str:
        lines = [type(self).__name__]
        if self.transform is not None:
            lines += _headed_lines("Transform: ", self.transform)
        if self.target_transform is not None:
            lines += _headed_lines("Target transform: ", self.target_transform)
        return "\n".join(lines)


def _headed_lines(head: str, transform: Callable[[Any], Any]) -> list[str]:
    """Return the lines of a transform's repr, the first after ``head``, the others indented as far."""
    first, *others = repr(transform).splitlines()
    return [head + first] + [" " * len(head) + line for line in others]
