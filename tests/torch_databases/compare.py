"""Comparing what the two engines gave: values, shapes, dtypes, gradients and errors."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu
from tests.torch_databases.convert import NotShared, as_array, flatten
from tests.torch_databases.databases import torch
from tinygrad_edu.numpy_dtypes import HALF_DTYPES, NUMBER_KINDS, is_inexact

# By the dtype of the results: relative to each number (in half precision, to the largest), absolute below 1.
TOLERANCES = {
    "float16": 1e-2,
    "bfloat16": 4e-2,
    "float32": 2e-5,
    "complex64": 2e-5,
    "float64": 1e-9,
    "complex128": 1e-9,
}


class Outcome:
    """What a call gave: a value, or an error."""

    def __init__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self.value = function(*args, **kwargs)
            except Exception as error:
                self.error = error


def difference(ours: Outcome, theirs: Outcome, values: bool = True) -> str | None:
    """Say how two outcomes differ, or return None."""
    if theirs.error is not None:
        if ours.error is None:
            return f"returns, where PyTorch raises {short(theirs.error)}"
        if not same_class(ours.error, theirs.error):
            return f"raises {short(ours.error)}, PyTorch {short(theirs.error)}"
        return None
    if ours.error is not None:
        return f"raises {short(ours.error)}"
    return difference_of_values(ours.value, theirs.value, values)


def same_class(ours: Exception, theirs: Exception) -> bool:
    """Tell whether ``except`` with the class of PyTorch's error catches ours."""
    expected = type(theirs).__name__.removeprefix("_")  # LinAlgError is _LinAlgError there
    return expected in [base.__name__ for base in type(ours).__mro__]


def difference_of_values(ours: Any, theirs: Any, values: bool = True) -> str | None:
    """Say how two results differ, or return None; without ``values`` only their shapes and dtypes count."""
    found, expected = flatten(ours), flatten(theirs)
    if len(found) != len(expected):
        return f"{len(found)} results, PyTorch has {len(expected)}"
    for number, (a, b) in enumerate(zip(found, expected, strict=True)):
        different = difference_of_one(a, b, values)
        if different is not None:
            return different if len(expected) == 1 else f"result {number}: {different}"
    return None


def difference_of_one(a: Any, b: Any, values: bool) -> str | None:
    if not isinstance(b, torch.Tensor):
        if isinstance(b, torch.dtype | torch.Size | torch.device):
            a, b = repr(a), repr(b)
        same = type(a) is type(b) and (not values or same_numbers(np.asarray(a), np.asarray(b)))
        return None if same else f"{' '.join(repr(a).split())}, PyTorch has {b!r}"
    if not isinstance(a, tinygrad_edu.Tensor):
        return f"a {type(a).__name__}, PyTorch has a Tensor"
    if not a._is_strided:
        raise NotShared("a sparse result, of which tests/sparse take care")
    if f"torch.{a.array.dtype}" != repr(b.dtype):  # a result may have a dtype that no tensor should have
        return f"dtype torch.{a.array.dtype}, PyTorch has {b.dtype}"
    if tuple(a.shape) != tuple(b.shape):
        return f"shape {list(a.shape)}, PyTorch has {list(b.shape)}"
    if values and not same_numbers(as_array(a), as_array(b)):
        return "values " + first_different(as_array(a), as_array(b))
    return None


def close(a: Any, b: Any) -> Any:
    """Tell, number for number, whether they are the same but for the last digits; NaN is NaN."""
    if not is_inexact(b.dtype):
        return a == b
    tolerance = TOLERANCES[b.dtype.name]
    with np.errstate(all="ignore"):
        if b.dtype.kind == "c":
            near = abs(a.astype(np.complex128) - b) <= tolerance * np.maximum(abs(b.astype(np.complex128)), 1)
            near &= np.isfinite(a) & np.isfinite(b)
            return near | (close(a.real, b.real) & close(a.imag, b.imag))
        exact = (a == b) | (np.isnan(a) & np.isnan(b))
        wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
        size = abs(wide_b)
        if b.dtype in HALF_DTYPES:  # PyTorch rounds their sums on the way: as large as the largest term
            size = np.max(size, initial=1, where=np.isfinite(size))
        near = abs(wide_a - wide_b) <= tolerance * np.maximum(size, 1)
    return exact | (near & np.isfinite(a) & np.isfinite(b))


def same_numbers(a: Any, b: Any) -> bool:
    if b.dtype.kind not in NUMBER_KINDS:
        return bool(np.all(a == b))
    return a.shape == b.shape and bool(np.all(close(a, b)))


def first_different(a: Any, b: Any) -> str:
    wrong = ~np.atleast_1d(close(a, b))
    place = tuple(np.argwhere(wrong)[0])
    a, b = np.atleast_1d(a), np.atleast_1d(b)
    listed = [int(i) for i in place]
    return f"at {listed}: {a[place]}, PyTorch has {b[place]} ({int(wrong.sum())} of {wrong.size})"


def short(error: Exception) -> str:
    """Return an error on one line."""
    text = " ".join(str(error).split())
    if isinstance(error, TypeError):
        text = text.partition(", but expected one of")[0]
    return f"{type(error).__name__}: {text[:150]}"
