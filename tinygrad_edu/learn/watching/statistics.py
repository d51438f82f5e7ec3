"""What is counted of an array: a few numbers, and a histogram."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.backend import to_numpy

BINS = 24


def on_host(array: Any) -> np.ndarray[Any, Any]:
    """Return an array as floating-point numbers of NumPy, complex ones by their absolute value."""
    host = np.asarray(to_numpy(array))
    host = np.abs(host) if host.dtype.kind == "c" else host
    return host.astype(np.float64)


def norm(array: Any) -> float:
    """Return the square root of the sum of the squares."""
    return float(np.sqrt(np.square(on_host(array)).sum()))


def describe(array: Any) -> dict[str, Any]:
    """Return mean and standard deviation, and how many elements are not finite."""
    numbers = on_host(array)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return {"mean": math.nan, "std": math.nan, "not_finite": int(numbers.size)}
    return {
        "mean": float(finite.mean()),
        "std": float(finite.std()),
        "not_finite": int(numbers.size - finite.size),
    }


def histogram(array: Any) -> dict[str, Any]:
    """Return counts in bins of one width between the smallest and the largest finite element."""
    numbers = on_host(array)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return {"low": 0.0, "high": 0.0, "counts": []}
    counts, edges = np.histogram(finite, BINS)
    return {"low": float(edges[0]), "high": float(edges[-1]), "counts": counts.tolist()}
