"""``learn.draw``: a picture of the graph behind a tensor."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.learn.drawing.chart import Chart
from tinygrad_edu.learn.drawing.fold import fold
from tinygrad_edu.learn.drawing.from_graph import chart_of
from tinygrad_edu.learn.drawing.from_tape import chart_of_tape
from tinygrad_edu.learn.drawing.svg import write_svg
from tinygrad_edu.learn.tape import Tape
from tinygrad_edu.type_names import type_name

MAX_BOXES = 60


class Drawing:
    """A picture; a notebook shows it.

    Attributes
    ----------
    svg : str
        The text of an SVG file: no script, nothing from elsewhere, and colours for light and for dark pages.
    """

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def save(self, path: str | Path) -> None:
        """Write the picture into an SVG file."""
        if Path(path).suffix.lower() not in ("", ".svg"):
            raise ValueError(f"save: expected a name that ends in .svg, for it is an SVG file, got {path}")
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        width, height = re.findall(r'(?:width|height)="([\d.]+)"', self.svg)[:2]
        return f"Drawing({float(width):.0f} × {float(height):.0f} pixels; .save(path) writes it)"


def draw(
    of: Any,
    model: Any = None,
    *,
    shapes: bool = True,
    sizes: bool = False,
    times: bool = False,
    max_boxes: int = MAX_BOXES,
) -> Drawing:
    """Draw the graph behind a tensor: operations as boxes, in layers from the inputs down to the result.

    Inputs and leaves have the names of the caller's variables.

    Parameters
    ----------
    of : Tensor, sequence of Tensors, or Tape
        The result, such as a loss, or several; each has to require a gradient. Or what ``learn.record()`` has
        written down: then every module is a frame, and single numbers are shown.
    model : Module, optional
        Parameters have their names then, and the operations between a module's parameters are framed.
    shapes : bool, default: True
        Write the shapes on the lines. A graph does not keep all of them; so a backward pass is run that
        changes no ``grad`` and calls no hook.
    sizes : bool, default: False
        Write how much each operation keeps for its backward.
    times : bool, default: False
        Write how long each operation's backward took, once.
    max_boxes : int, default: 60
        In larger graphs modules, and then pieces that repeat, are folded into one box each.

    Returns
    -------
    Drawing
        The same text for the same graph (without times).

    Raises
    ------
    RuntimeError
        If a tensor does not require a gradient, so that there is no graph behind it.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> a = torch.tensor(2.0, requires_grad=True)
    >>> picture = learn.draw(a * a + 1)
    >>> picture
    Drawing(329 × 304 pixels; .save(path) writes it)
    """
    if max_boxes < 2:
        raise ValueError(f"draw: expected max_boxes to be at least 2, got {max_boxes}")
    caller = sys._getframe(1)
    chart = chart_to_draw(of, model, caller.f_globals | caller.f_locals, shapes or times)
    return Drawing(write_svg(fold(chart, max_boxes), sizes, times))


def chart_to_draw(of: Any, model: Any, variables: dict[str, Any], walk: bool) -> Chart:
    """Return the chart of a tensor's graph, or of a tape."""
    if isinstance(of, Tape):
        return chart_of_tape(of)
    roots = [of] if isinstance(of, TensorBase) else of
    if (
        not isinstance(roots, Sequence)
        or not roots
        or not all(isinstance(root, TensorBase) for root in roots)
    ):
        raise TypeError(f"draw: expected a Tensor, a sequence of Tensors or a Tape, got {type_name(of)}")
    for root in roots:
        if root.edge() is None:
            raise RuntimeError(
                f"draw: there is no graph behind this tensor of shape {list(root.shape)}, for it does not require a "
                "gradient. Hint: was it computed under no_grad, detached, or made of inputs without requires_grad?"
            )
    return chart_of(roots, model, variables, walk)
