"""Where the boxes and lines of a picture of a graph go: layers from top to bottom, frames round groups.

``lay_out(items, edges)`` is the whole of it: sizes of boxes in, places of boxes and lines out. It knows
nothing of tensors, and what it returns depends on nothing but its arguments.
"""

from tinygrad_edu.learn.layout.compound import lay_out as lay_out
from tinygrad_edu.learn.layout.model import (
    Edge as Edge,
    Frame as Frame,
    Item as Item,
    Layout as Layout,
    Point as Point,
    Spacing as Spacing,
)
from tinygrad_edu.learn.layout.paths import smooth_path as smooth_path
from tinygrad_edu.learn.layout.runs import numbered_runs as numbered_runs

__all__ = ["lay_out", "Item", "Edge", "Frame", "Layout", "Point", "Spacing", "smooth_path", "numbered_runs"]
