"""Digits for the demos: images and labels as tensors, a few of each kind, and images that are moved a little.

It knows neither engine, but is given one as ``torch``; the 12,000 digits come with the package, as NumPy arrays.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

from tinygrad_edu.vision import datasets


def load_digits(torch: ModuleType, train: bool, count: int | None = None) -> tuple[Any, Any]:
    """Return the first ``count`` digits: (n, 1, 28, 28) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    return torch.tensor(images[:, None] / 255, dtype=torch.float32), torch.tensor(labels)


def choose_labeled(torch: ModuleType, labels: Any, of_each: int) -> Any:
    """Return the places of digits, drawn by chance: ``of_each`` of each kind."""
    places = [torch.nonzero(labels == kind)[:, 0] for kind in range(10)]
    return torch.cat([where[torch.randperm(len(where))[:of_each]] for where in places])


def moved(
    torch: ModuleType,
    images: Any,
    turn: float = 12.0,
    grow: float = 0.12,
    lean: float = 0.15,
    step: float = 2.5,
) -> Any:
    """Return each image turned, grown, leant and shifted by chance; what comes in from outside is black.

    Parameters
    ----------
    torch : module
        The engine.
    images : Tensor
        (n, channels, height, width).
    turn : float
        Degrees to either side, at most.
    grow, lean : float
        By how much of its size it becomes larger or smaller, and the top goes to a side, at most.
    step : float
        Pixels to each side, at most.
    """
    n, side = len(images), images.shape[-1]
    chance = 2 * torch.rand(5, n) - 1
    angle, size = chance[0] * math.radians(turn), 1 + chance[1] * grow
    cos, sin, slope = torch.cos(angle) / size, torch.sin(angle) / size, chance[2] * lean
    right, down = chance[3:] * 2 * step / side  # in the units of affine_grid: the image goes from -1 to 1
    rows = [cos, cos * slope - sin, right, sin, sin * slope + cos, down]
    theta = torch.stack(rows, dim=1).view(n, 2, 3).to(images)
    grid = torch.nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, align_corners=False)
