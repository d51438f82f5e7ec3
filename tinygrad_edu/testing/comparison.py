"""``assert_close`` asks whether two things are the same, up to rounding."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.creation import as_tensor
from tinygrad_edu.ops import isclose
from tinygrad_edu.testing.message import mismatch_of_numbers, mismatch_of_tensors

# How much of the expected number, and how much besides, the two may differ; numbers of all other dtypes must be equal.
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.bfloat16: (1.6e-2, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5),
    dtypes.complex128: (1e-7, 1e-7),
}
DTYPE_OF = {int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}


@dataclass(frozen=True)
class Options:
    """What ``assert_close`` was told."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool
    msg: Any

    def fail(self, kind: type[Exception], text: str, item: tuple[Any, ...]) -> Exception:
        """Return the error, with the user's own text if there is one."""
        if isinstance(self.msg, str):
            return kind(self.msg)
        if item:
            text += "\n\nThe failure occurred for item " + "".join([f"[{key!r}]" for key in item])
        return kind(self.msg(text) if self.msg else text)

    def tolerances(self, kinds: list[dtypes.dtype], item: tuple[Any, ...]) -> tuple[float, float]:
        """Return rtol and atol: what was given, or the larger ones of the two dtypes."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        if self.rtol is not None or self.atol is not None:
            missing = "rtol" if self.rtol is None else "atol"
            text = f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
            raise self.fail(ValueError, text, item)
        relative, absolute = zip(*[TOLERANCES.get(kind, (0.0, 0.0)) for kind in kinds], strict=True)
        return max(relative), max(absolute)


@dataclass(frozen=True)
class Pair:
    """Two things that are to be close, where they stand, and how they are compared."""

    actual: Any
    expected: Any
    item: tuple[Any, ...]
    tolerances: tuple[float, float]
    compare: Callable[[Pair, Options], str | None]


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Raise an AssertionError unless two things are close: ``|actual - expected| <= atol + rtol * |expected|``.

    Parameters
    ----------
    actual, expected : Tensors, arrays, numbers, or sequences and mappings of them
        What came out, and what should have.
    allow_subclasses : bool
        Take Tensors of different classes, one of which is a subclass of the other.
    rtol, atol : float, optional
        Both or none. By default they come from the dtypes: 1.3e-6 and 1e-5 for float32, 1e-7 and 1e-7 for float64, 0
        for integers.
    equal_nan : bool
        Whether NaN is close to NaN.
    check_device, check_dtype, check_layout, check_stride : bool
        Whether these have to be the same as well. The shape always has.
    msg : str or callable, optional
        The message of the error, or a function that makes it of the one below.

    References
    ----------
    https://docs.pytorch.org/docs/stable/testing.html#torch.testing.assert_close

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0, 3.5]), torch.tensor([1.0, 2.0, 3.0]))
    Traceback (most recent call last):
    ...
    AssertionError: Tensor-likes are not close!
    <BLANKLINE>
    Mismatched elements: 1 / 3 (33.3%)
    Greatest absolute difference: 0.5 at index (2,) (up to 1e-05 allowed)
    Greatest relative difference: 0.1666666716337204 at index (2,) (up to 1.3e-06 allowed)
    """
    __tracebackhide__ = True  # pytest shows the line of the test instead
    options = Options(
        allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride, msg
    )
    for pair in list(
        _pairs(actual, expected, (), options)
    ):  # all of them first: the structures must be the same
        text = pair.compare(pair, options)
        if text is not None:
            raise options.fail(AssertionError, text, pair.item)


def _pairs(actual: Any, expected: Any, item: tuple[Any, ...], options: Options) -> Iterator[Pair]:
    """Yield what is to be compared, from two things of the same structure."""
    __tracebackhide__ = True
    if all(isinstance(x, Sequence) and not isinstance(x, str) for x in (actual, expected)):
        if len(actual) != len(expected):
            text = f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
            raise options.fail(AssertionError, text, item)
        for i in range(len(actual)):
            yield from _pairs(actual[i], expected[i], (*item, i), options)
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        if actual.keys() != expected.keys():
            raise options.fail(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(expected.keys() - actual.keys())}\n"
                f"Additional keys in the actual mapping: {sorted(actual.keys() - expected.keys())}",
                item,
            )
        for key in _in_order(actual):
            yield from _pairs(actual[key], expected[key], (*item, key), options)
    else:
        yield _pair(actual, expected, item, options)


def _in_order(mapping: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(mapping)
    except TypeError:  # keys that have no order
        return list(mapping)


def _pair(actual: Any, expected: Any, item: tuple[Any, ...], options: Options) -> Pair:
    """Return how two things that hold no others are compared."""
    if actual is None or expected is None:
        return Pair(actual, expected, item, (0.0, 0.0), _compare_none)
    if all(isinstance(x, bool | np.bool_) for x in (actual, expected)):
        return Pair(bool(actual), bool(expected), item, (0.0, 0.0), _compare_bools)
    if all(isinstance(x, int | float | complex | np.number) for x in (actual, expected)):
        a, b = [x.item() if isinstance(x, np.number) else x for x in (actual, expected)]
        tolerances = options.tolerances([DTYPE_OF.get(type(x), dtypes.int64) for x in (a, b)], item)
        return Pair(a, b, item, tolerances, _compare_numbers)
    is_related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if is_related and (options.allow_subclasses or type(actual) is type(expected)):
        try:
            a, b = as_tensor(actual), as_tensor(expected)
        except (TypeError, ValueError, RuntimeError):  # nothing that holds numbers
            pass
        else:
            return Pair(a, b, item, options.tolerances([a.dtype, b.dtype], item), _compare_tensors)
    text = f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    raise options.fail(TypeError, text, item)


# ---- comparing -----------------------------------------------------------------------------------------
# Each returns None, or what is wrong.


def _compare_none(pair: Pair, options: Options) -> str | None:
    return None if pair.actual is pair.expected else f"None mismatch: {pair.actual} is not {pair.expected}"


def _compare_bools(pair: Pair, options: Options) -> str | None:
    same = pair.actual is pair.expected
    return None if same else f"Booleans mismatch: {pair.actual} is not {pair.expected}"


def _compare_numbers(pair: Pair, options: Options) -> str | None:
    actual, expected, (rtol, atol) = pair.actual, pair.expected, pair.tolerances
    if options.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    if actual == expected or (options.equal_nan and cmath.isnan(actual) and cmath.isnan(expected)):
        return None
    difference = abs(actual - expected)
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return None
    return mismatch_of_numbers(actual, expected, rtol, atol)


def _compare_tensors(pair: Pair, options: Options) -> str | None:
    actual, expected, (rtol, atol) = pair.actual, pair.expected, pair.tolerances
    wrong = _attribute_that_differs(actual, expected, options)
    if wrong:
        name, a, b = wrong
        return f"The values for attribute '{name}' do not match: {a} != {b}."
    actual, expected = _made_alike(actual.detach(), expected.detach())
    matches = isclose(actual, expected, rtol, atol, options.equal_nan)
    if matches.all():
        return None
    if actual.ndim == 0:
        return mismatch_of_numbers(actual.item(), expected.item(), rtol, atol)
    return mismatch_of_tensors(actual, expected, matches, rtol, atol)


def _attribute_that_differs(
    actual: Tensor, expected: Tensor, options: Options
) -> tuple[str, Any, Any] | None:
    values = [
        ("shape", actual.shape, expected.shape, True),
        ("layout", actual.layout, expected.layout, options.check_layout),
        ("stride()", _stride(actual), _stride(expected), options.check_stride),
        ("device", actual.device, expected.device, options.check_device),
        ("dtype", actual.dtype, expected.dtype, options.check_dtype),
    ]
    for name, a, b, is_checked in values:
        if is_checked and a != b:
            return name, a, b
    return None


def _stride(x: Tensor) -> Any:
    return None if x.is_sparse else x.stride()


def _made_alike(actual: Tensor, expected: Tensor) -> tuple[Tensor, Tensor]:
    """Return both without layout, on one device and of one dtype."""
    actual, expected = [x.to_dense() if x.is_sparse else x for x in (actual, expected)]
    if actual.device != expected.device:
        actual, expected = actual.cpu(), expected.cpu()
    common = dtypes.promote_types(actual.dtype, expected.dtype)
    return actual.to(common), expected.to(common)
