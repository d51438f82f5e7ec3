"""``learn.kernels``: a family of kernels, rung beside rung, with times of this machine."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import tinygrad_edu as torch
from tinygrad_edu.learn import html
from tinygrad_edu.learn.drawing.chart import time_text
from tinygrad_edu.learn.ladder.page import page_of
from tinygrad_edu.learn.ladder.recipes import RECIPES
from tinygrad_edu.learn.ladder.sources import RUNGS, public_functions, source_of
from tinygrad_edu.learn.ladder.timing import Timing, measure


def kernels(family: str = "convolution") -> KernelLadder:
    """Show a family of kernels on all rungs of the ladder: plain loops, compiled for the CPU, and for a GPU.

    Parameters
    ----------
    family : str, default: "convolution"
        The name of its folder, such as "pooling", or of one of its kernels, such as "conv2d_forward". Of the
        convolution, the page also animates im2col, and the product of matrices whose tile stays in registers.

    Returns
    -------
    KernelLadder
        Print it for the times, which are measured then; ``save`` writes a page, and a notebook shows it.

    Examples
    --------
    >>> from tinygrad_edu import learn
    >>> ladder = learn.kernels("dropout")
    >>> ladder.functions
    ['dropout']
    >>> print(ladder.source("dropout", "cpu").splitlines()[0])
    def dropout(x: Array, p: float, seed: int) -> Array:
    """
    return KernelLadder(family_of(family))


def family_of(name: str) -> str:
    """Return the family of that name, or the one that has a kernel of that name, or of one that begins so."""
    if name in RECIPES:
        return name
    for family in RECIPES:
        if any(kernel == name or kernel.startswith(f"{name}_") for kernel in public_functions(family)):
            return family
    raise ValueError(f"kernels: expected one of {', '.join(RECIPES)}, or one of their kernels, got {name!r}")


class KernelLadder:
    """A family of kernels.

    Attributes
    ----------
    family : str
    functions : list of str
        Its kernels, as the reference has them.
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self.functions = public_functions(family)

    def source(self, function: str, rung: str = "reference") -> str:
        """Return the text of a kernel on a rung, "reference", "cpu" or "cuda", with what it needs of its own family."""
        if rung not in RUNGS:
            raise ValueError(f"source: expected rung to be one of {', '.join(RUNGS)}, got {rung!r}")
        if function not in self.functions:
            raise ValueError(f"source: expected one of {', '.join(self.functions)}, got {function!r}")
        return source_of(self.family, rung, function)

    @cached_property
    def timings(self) -> list[Timing]:
        """How long each kernel that the family's example uses takes on each rung; measured when first asked for."""
        return measure(self.family)

    @cached_property
    def page(self) -> str:
        """The page: one HTML file that needs nothing else."""
        return page_of(self.family, self.functions, self.timings)

    def save(self, path: str | Path) -> None:
        """Write the page into a file."""
        Path(path).write_text(self.page, encoding="utf-8")

    def _repr_html_(self) -> str:
        return html.in_frame(self.page, f"The kernels of {self.family}", 900)

    def __str__(self) -> str:
        rows = [["kernel", "arrays", "reference", "cpu", "cuda"]]
        for timing in self.timings:
            rows.append([timing.name, timing.sizes, *[cell_of(timing, rung) for rung in RUNGS]])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = []
        for row in rows:
            cells = [row[0].ljust(widths[0]), row[1].ljust(widths[1])]
            cells += [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
            lines.append("  ".join(cells).rstrip())
        count = torch.get_num_threads()
        return "\n".join([f"{self.family}: measured here, with {count} threads at most", *lines])

    def __repr__(self) -> str:
        return f"KernelLadder({self.family!r}: {', '.join(self.functions)})"


def cell_of(timing: Timing, rung: str) -> str:
    """Write a time, and how many times faster than the reference it is."""
    seconds = getattr(timing, rung)
    if seconds is None:
        return "not here"
    if rung == "reference" or not timing.reference:
        return time_text(seconds)
    return f"{time_text(seconds)} ({timing.reference / seconds:,.0f}×)"
