"""How far two things are from each other, in words; the words are PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor


def mismatch_of_numbers(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    """Return what is said of two numbers that are not close."""
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    where = f"Expected {expected} but got {actual}."
    return _mismatch("Scalars", where, (absolute, None), (relative, None), rtol, atol)


def mismatch_of_tensors(actual: Tensor, expected: Tensor, matches: Tensor, rtol: float, atol: float) -> str:
    """Return what is said of two Tensors, some elements of which are not close."""
    wrong = matches.numel() - int(matches.sum())
    where = f"Mismatched elements: {wrong} / {matches.numel()} ({wrong / matches.numel():.1%})"
    if not (actual.is_floating_point() or actual.is_complex()):
        actual, expected = actual.to(dtypes.int64), expected.to(dtypes.int64)
    absolute = (actual - expected).abs().masked_fill(matches, 0)
    relative = (absolute / expected.abs()).masked_fill(matches, 0)
    return _mismatch("Tensor-likes", where, _greatest(absolute), _greatest(relative), rtol, atol)


def _greatest(differences: Tensor) -> tuple[float, tuple[int, ...]]:
    flat = differences.flatten()
    place = int(flat.argmax())
    index = np.unravel_index(place, differences.shape)
    return flat[place].item(), tuple([int(i) for i in index])


def _mismatch(
    what: str,
    where: str,
    absolute: tuple[float, tuple[int, ...] | None],
    relative: tuple[float, tuple[int, ...] | None],
    rtol: float,
    atol: float,
) -> str:
    are_equal = rtol == 0 and atol == 0
    lines = [f"{what} are not {'equal' if are_equal else 'close'}!", "", where]
    for kind, (difference, index), allowed in (("absolute", absolute, atol), ("relative", relative, rtol)):
        if index is None:
            line = f"{kind.title()} difference: {difference}"
        else:
            line = f"Greatest {kind} difference: {difference} at index {index}"
        lines.append(line if are_equal else f"{line} (up to {allowed} allowed)")
    return "\n".join(lines)
