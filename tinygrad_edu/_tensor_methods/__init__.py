"""The many short methods of Tensor, in groups that are put together in ``_tensor``."""

from __future__ import annotations

from tinygrad_edu._tensor_methods.complex_numbers import ComplexMethods
from tinygrad_edu._tensor_methods.convert import ConvertMethods
from tinygrad_edu._tensor_methods.functions import FunctionMethods
from tinygrad_edu._tensor_methods.inplace import InplaceMethods
from tinygrad_edu._tensor_methods.inplace_index import InplaceIndexMethods
from tinygrad_edu._tensor_methods.inplace_shape import InplaceShapeMethods
from tinygrad_edu._tensor_methods.operators import Operators
from tinygrad_edu._tensor_methods.questions import QuestionMethods
from tinygrad_edu._tensor_methods.random_fills import RandomFillMethods
from tinygrad_edu._tensor_methods.shape import ShapeMethods
from tinygrad_edu._tensor_methods.sparse import SparseMethods
from tinygrad_edu._tensor_methods.views import RebaseMethods

__all__ = [
    "ComplexMethods",
    "ConvertMethods",
    "FunctionMethods",
    "InplaceIndexMethods",
    "InplaceMethods",
    "InplaceShapeMethods",
    "Operators",
    "QuestionMethods",
    "RandomFillMethods",
    "ShapeMethods",
    "SparseMethods",
    "RebaseMethods",
]
