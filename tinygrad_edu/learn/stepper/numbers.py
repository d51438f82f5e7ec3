"""Values as the page gets them: a few numbers as they are, many as bytes, of large arrays a part."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from tinygrad_edu.learn.tape import Value

WRITTEN_OUT = 64
"""Up to so many elements are written as decimal numbers."""

BYTES_OF_ALL = 2_800_000
"""About how much of the file all numbers together may take."""

MOST, FEWEST = 6272, 64
"""How many elements of one array are shown, if there are few arrays or very many: 6272 is 8 pictures of 28 x 28."""

LONGEST = 64
"""How many elements along one dimension are shown."""


def elements_per_value(values: int) -> int:
    """Return how many elements of each value can be shown, so that the file stays small: each takes four letters."""
    return max(FEWEST, min(MOST, BYTES_OF_ALL // 4 // max(values, 1)))


def shown_sizes(shape: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Return how many elements along each dimension are shown: first a matrix of the last two, then more of these."""
    if len(shape) < 2:
        return tuple([min(size, most) for size in shape])
    rows, columns = shape[-2:]
    columns = min(columns, LONGEST, max(math.isqrt(most), most // max(rows, 1)))
    rows = min(rows, LONGEST, most // max(columns, 1))
    sizes, left = [rows, columns], most // max(rows * columns, 1)
    for size in reversed(shape[:-2]):
        sizes.insert(0, min(size, left, 16))
        left //= max(sizes[0], 1)
        left = max(left, 1)
    return tuple(sizes)


def as_json(value: Value, most: int) -> dict[str, Any]:
    """Return a value for the page: its shape, its extent, and the numbers of its window."""
    sizes = tuple(map(min, shown_sizes(value.shape, most), value.window.shape))
    part = value.window[tuple(map(slice, sizes))]
    entry: dict[str, Any] = {"shape": list(value.shape), "dtype": value.dtype}
    if value.device != "cpu":
        entry["device"] = value.device
    if sizes != value.shape:
        entry["window"] = list(sizes)
    if value.size > 1:
        entry["low"], entry["high"] = short(value.lowest), short(value.highest)
    if value.not_finite:
        entry["bad"] = value.not_finite
    if part.size <= WRITTEN_OUT:
        entry["numbers"] = [written(x) for x in part.ravel().tolist()]
    else:
        entry["bytes"] = packed(np.abs(part) if part.dtype.kind == "c" else part)
    return entry


def short(x: float) -> Any:
    """Return a number with the digits that matter; text, if JSON knows no such number."""
    if not math.isfinite(x):
        return str(float(x))
    return int(x) if float(x).is_integer() and abs(x) < 1e15 else float(f"{x:.7g}")


def written(x: Any) -> Any:
    """Return an element: a number, true or false, or the text of a complex number."""
    if isinstance(x, bool):
        return x
    if isinstance(x, complex):
        return f"{x.real:.4g}{x.imag:+.4g}i"
    return short(x)


def packed(part: np.ndarray[Any, Any]) -> str:
    """Return numbers as text: of each, the first 24 bits as a float32, which are four letters in base 64."""
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(part, np.float32).ravel()
    bits = numbers.view(np.uint32)
    rounded = np.where(np.isinf(numbers), bits, bits + np.uint32(0x80))
    rounded = np.where(np.isnan(numbers), np.uint32(0x7FC00000), rounded).astype(">u4")
    return base64.b64encode(rounded.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()).decode("ascii")
