"""How a tensor is printed: as PyTorch prints it.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import to_numpy

if TYPE_CHECKING:
    from tinygrad_edu._tensor import Tensor


class PrintOptions:
    """What ``set_printoptions`` changes."""

    precision = 4
    threshold = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
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
    sci_mode : bool, optional
        Force scientific notation on or off.
    """
    given = dict(
        precision=precision, threshold=threshold, edgeitems=edgeitems, linewidth=linewidth, sci_mode=sci_mode
    )
    for name, value in given.items():
        if value is not None:
            setattr(PrintOptions, name, value)


class NumberFormat:
    """Formats the elements of one tensor to a common width."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.kind = values.dtype.kind
        self.style = "d"
        self.suffix = ""
        if self.kind == "f":
            self._choose_float_style(values.astype(np.float64).ravel())
        self.width = max((len(self.text(v)) for v in values.ravel()), default=0)

    def _choose_float_style(self, values: np.ndarray[Any, Any]) -> None:
        finite = np.abs(values[np.isfinite(values) & (values != 0)])
        digits = PrintOptions.precision
        largest, smallest = (float(finite.max()), float(finite.min())) if finite.size else (0.0, 0.0)
        whole = bool(np.all(finite == np.ceil(finite)))
        if whole:
            scientific = largest > 1e8 or (finite.size > 0 and largest / smallest > 1000.0 and largest > 1e8)
        else:
            scientific = largest / smallest > 1000.0 or largest > 1e8 or smallest < 1e-4
        if PrintOptions.sci_mode is not None:
            scientific = PrintOptions.sci_mode
        if scientific:
            self.style = f".{digits}e"
        elif whole:
            self.style, self.suffix = ".0f", "."
        else:
            self.style = f".{digits}f"

    def text(self, value: Any) -> str:
        """Return one element as text, not yet padded."""
        if self.kind == "b":
            return str(bool(value))
        if self.kind == "c":
            real, imag = NumberFormat(np.asarray(value.real)), NumberFormat(np.asarray(abs(value.imag)))
            sign = "-" if math.copysign(1.0, value.imag) < 0 else "+"
            return f"{real.text(value.real)}{sign}{imag.text(abs(value.imag))}j"
        if self.kind == "f" and not math.isfinite(value):
            return str(float(value))
        return format(value if self.kind != "f" else float(value), self.style) + self.suffix

    def padded(self, value: Any) -> str:
        """Return one element as text of the common width."""
        return self.text(value).rjust(self.width)


def _nested(values: np.ndarray[Any, Any], fmt: NumberFormat, indent: int, summarise: bool) -> str:
    edge = PrintOptions.edgeitems
    if values.ndim == 0:
        return fmt.text(values.item())
    shortened = summarise and len(values) > 2 * edge
    if values.ndim == 1:
        per_line = max(1, (PrintOptions.linewidth - indent) // (fmt.width + 2))
        shown = [
            fmt.padded(v) for v in (np.concatenate([values[:edge], values[-edge:]]) if shortened else values)
        ]
        if shortened:
            shown.insert(edge, " ...")
        lines = [", ".join(shown[i : i + per_line]) for i in range(0, len(shown), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_nested(v, fmt, indent + 1, summarise) for v in (values[:edge] if shortened else values)]
    if shortened:
        rows += ["..."] + [_nested(v, fmt, indent + 1, summarise) for v in values[-edge:]]
    separator = "," + "\n" * (values.ndim - 1) + " " * (indent + 1)
    return "[" + separator.join(rows) + "]"


def _shown_corner(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return only the elements that a summary shows."""
    edge = PrintOptions.edgeitems
    for axis, size in enumerate(values.shape):
        if size > 2 * edge:
            values = np.take(values, [*range(edge), *range(size - edge, size)], axis)
    return values


def tensor_repr(tensor: Tensor, name: str = "tensor") -> str:
    """Return what ``repr(tensor)`` shows.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.tensor([[1.0, -2.5], [3.0, 4.0]])
    tensor([[ 1.0000, -2.5000],
            [ 3.0000,  4.0000]])
    """
    values = to_numpy(tensor.array)
    suffixes = []
    if values.size == 0:
        body = "[]"
        if values.shape != (0,):
            suffixes.append(f"size={tuple(values.shape)}")
    else:
        summarise = values.size > PrintOptions.threshold
        fmt = NumberFormat(_shown_corner(values) if summarise else values)
        body = _nested(values, fmt, len(name) + 1, summarise)
    if tensor.device.type != "cpu":
        suffixes.append(f"device='{tensor.device}'")
    default_complex = dtypes.promote_types(dtypes.get_default_dtype(), dtypes.complex64)
    if tensor.dtype not in (dtypes.get_default_dtype(), dtypes.bool_, dtypes.int64, default_complex) or (
        values.size == 0 and tensor.dtype != dtypes.get_default_dtype()
    ):
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn={tensor.grad_fn!r}")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    return f"{name}({', '.join([body, *suffixes])})"
