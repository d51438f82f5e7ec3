"""The many short methods of Tensor, in four groups: operators, computing, rearranging, changing in place."""

from __future__ import annotations

from tinygrad_edu._tensor_methods.inplace import InplaceMethods
from tinygrad_edu._tensor_methods.math import MathMethods
from tinygrad_edu._tensor_methods.operators import Operators
from tinygrad_edu._tensor_methods.shape import ShapeMethods

__all__ = ["InplaceMethods", "MathMethods", "Operators", "ShapeMethods"]
