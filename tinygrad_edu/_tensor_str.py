"""How a tensor is printed: as PyTorch prints it.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import to_numpy
from tinygrad_edu.numpy_dtypes import is_floating


class PrintOptions:
    """What ``set_printoptions`` changes."""

    precision = 4
    threshold: float = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is None stays as it is.

    Parameters
    ----------
    precision : int, optional
        Digits after the decimal point (4).
    threshold : int, optional
        Tensors of more elements are summarised (1000).
    edgeitems : int, optional
        Elements shown at each end of a summarised dimension (3).
    linewidth : int, optional
        Characters a line may take (80).
    profile : {"default", "short", "full"}, optional
        Start from one of these: "short" has 2 digits and 2 items at each end, "full" summarises nothing.
    sci_mode : bool, optional
        Force scientific notation on or off; any call without it gives the choice back to the values.
    """
    if profile is not None:
        if not isinstance(profile, str) or profile not in PROFILES:
            raise ValueError(
                f"set_printoptions: expected profile to be one of {list(PROFILES)}, got {profile!r}"
            )
        for name, value in PROFILES[profile].items():
            setattr(PrintOptions, name, value)
    given = dict(precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth)
    PrintOptions.sci_mode = sci_mode
    for name, value in given.items():
        if value is not None:
            setattr(PrintOptions, name, value)


def get_printoptions() -> dict[str, Any]:
    """Return the options as ``set_printoptions`` takes them."""
    names = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    return {name: getattr(PrintOptions, name) for name in names}


@contextlib.contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Print differently within a ``with`` block.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.printoptions(precision=2):
    ...     print(torch.tensor(3.14159))
    tensor(3.14)
    """
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


class NumberFormat:
    """Formats the real numbers of one tensor alike.

    Floating-point numbers are shown in one of three styles: ``2.`` if all are whole, ``2.5000``, or
    ``2.5000e+00`` if they are very large, very small or of very different sizes. NaN and infinity have no say.
    """

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.is_float = is_floating(values.dtype)
        self.is_whole = (
            False  # which is shown by a point behind it, also where there are no digits to be shown
        )
        self.style = "d"
        self.width = 1
        shown = values.ravel()
        if self.is_float:
            shown = shown[np.isfinite(shown) & (shown != 0)]
            if shown.size:
                self.style = self._style_for(shown.astype(np.float64))
            else:
                self.style, self.is_whole = ".0f", True
        self.width = max([1, *[len(self.text(v)) for v in shown.tolist()]])

    def _style_for(self, values: np.ndarray[Any, Any]) -> str:
        sizes = np.abs(values)
        largest, smallest = float(sizes.max()), float(sizes.min())
        scientific = largest / smallest > 1000.0 or largest > 1e8 or smallest < 1e-4
        if PrintOptions.sci_mode is not None:
            scientific = PrintOptions.sci_mode
        if scientific:
            return f".{PrintOptions.precision}e"
        self.is_whole = bool(np.all(values == np.ceil(values)))
        return ".0f" if self.is_whole else f".{PrintOptions.precision}f"

    def text(self, value: Any) -> str:
        """Return one element as text, padded to the common width."""
        if not self.is_float:
            return str(value).rjust(self.width)
        shown = format(value, self.style)
        if self.is_whole and math.isfinite(value):
            shown += "."
        return shown.rjust(self.width)


class ComplexFormat:
    """Formats the complex numbers of one tensor alike, real and imaginary parts each in their own way."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.real, self.imag = NumberFormat(values.real), NumberFormat(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def text(self, value: complex) -> str:
        """Return one element as text; only its real part is padded."""
        imag = self.imag.text(value.imag).lstrip()
        return f"{self.real.text(value.real)}{'' if imag[0] in '+-' else '+'}{imag}j"


def _nested(
    values: np.ndarray[Any, Any], fmt: NumberFormat | ComplexFormat, indent: int, summarise: bool
) -> str:
    """Return the elements between brackets, those of the inner dimensions indented."""
    edge = PrintOptions.edgeitems
    if values.ndim == 0:
        return fmt.text(values.item())
    shortened = summarise and len(values) > 2 * edge
    rows = [values[:edge], values[len(values) - edge :]] if shortened else [values]
    if values.ndim == 1:
        shown = [fmt.text(v) for part in rows for v in part.tolist()]
        if shortened:
            shown.insert(edge, " ...")
        per_line = max(1, (PrintOptions.linewidth - indent) // (fmt.width + 2))
        lines = [", ".join(shown[i : i + per_line]) for i in range(0, len(shown), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    shown = [_nested(row, fmt, indent + 1, summarise) for part in rows for row in part]
    if shortened:
        shown.insert(edge, "...")
    separator = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
    return "[" + separator.join(shown) + "]"


def _shown_corner(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return only the elements that a summary shows."""
    edge = PrintOptions.edgeitems
    for axis, size in enumerate(values.shape):
        if size > 2 * edge:
            values = np.take(values, [*range(edge), *range(size - edge, size)], axis)
    return values


def contents(values: np.ndarray[Any, Any], indent: int) -> str:
    if values.size == 0:
        return "[]"
    summarise = values.size > PrintOptions.threshold
    seen = _shown_corner(values) if summarise else values
    fmt = ComplexFormat(seen) if values.dtype.kind == "c" else NumberFormat(seen)
    return _nested(values, fmt, indent, summarise)


def _suffixes(tensor: TensorBase) -> list[str]:
    """Return what is said after the numbers: what the numbers do not show by themselves."""
    suffixes = []
    default = dtypes.get_default_dtype()
    evident = (default, dtypes.promote_types(default, dtypes.complex64), dtypes.int64, dtypes.bool_)
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    if tensor.array.size == 0 and tensor.ndim != 1:
        suffixes.append(f"size={tuple(tensor.shape)}")
    if tensor.dtype not in evident or (tensor.array.size == 0 and tensor.dtype != default):
        suffixes.append(f"dtype={tensor.dtype}")
    try:
        grad_fn, requires_grad = tensor.grad_fn, tensor.requires_grad
    except RuntimeError:  # a view that lost its history; a debugger must be able to show it
        return [*suffixes, "grad_fn=<Invalid>"]
    if grad_fn is not None:
        suffixes.append(f"grad_fn={grad_fn!r}")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def tensor_repr(tensor: TensorBase) -> str:
    """Return what ``repr(tensor)`` shows.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[1.0, -2.5], [3.0, 4.0]])
    tensor([[ 1.0000, -2.5000],
            [ 3.0000,  4.0000]])
    """
    prefix = "tensor("
    text = prefix + contents(to_numpy(tensor.array), len(prefix))
    return with_suffixes(text, _suffixes(tensor), len(prefix))


def with_suffixes(text: str, suffixes: list[str], indent: int, new_line: bool = False) -> str:
    """Return a tensor's text with what is said after it, in lines that are not too long, and closed.

    ``new_line`` has the first one begin a line in any case.
    """
    length = len(text) - text.rfind("\n") + 1  # of the last line
    for suffix in suffixes:
        if new_line or length + len(suffix) + 2 > PrintOptions.linewidth:
            text += ",\n" + " " * indent + suffix
            length = indent + len(suffix)
            new_line = False
        else:
            text += ", " + suffix
            length += len(suffix) + 2
    return text + ")"
