"""Pictures of a graph as SVG: ``learn.draw(loss)``."""

from tinygrad_edu.learn.drawing.draw import Drawing as Drawing, draw as draw

__all__ = ["draw", "Drawing"]
