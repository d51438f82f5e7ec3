"""The Tensor: an array, its gradient, where it came from, and what can be computed with it.

What it is stands in ``autograd/tensor_base.py``; the arithmetic stands in ``ops``, and what makes it methods
in ``_tensor_methods``.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import autograd
from tinygrad_edu._tensor_methods import (
    ComplexMethods,
    ConvertMethods,
    FunctionMethods,
    InplaceIndexMethods,
    InplaceMethods,
    InplaceShapeMethods,
    Operators,
    QuestionMethods,
    RandomFillMethods,
    RebaseMethods,
    ShapeMethods,
    SparseMethods,
)
from tinygrad_edu.autograd.tensor_base import (
    TensorBase,
    check_can_require_grad,
    set_tensor_class,
    tensor_from_array,
)
from tinygrad_edu.size import Size

__all__ = ["Size", "Tensor", "check_can_require_grad", "tensor_from_array"]


class Tensor(
    Operators,
    FunctionMethods,
    ShapeMethods,
    InplaceIndexMethods,
    InplaceMethods,
    InplaceShapeMethods,
    QuestionMethods,
    RandomFillMethods,
    RebaseMethods,
    ComplexMethods,
    ConvertMethods,
    SparseMethods,
    TensorBase,
):
    """An n-dimensional array that remembers how it was computed.

    Use :func:`tinygrad_edu.tensor` to make one. ``Tensor(2, 3)`` gives an uninitialised float tensor of that
    shape, ``Tensor([1, 2])`` one with these values, as in PyTorch.

    Attributes
    ----------
    array : numpy.ndarray or cupy.ndarray
        The numbers.
    requires_grad : bool
        Whether operations on it are recorded.
    grad : Tensor or None
        What ``backward`` has accumulated; of the tensor's shape and dtype.
    grad_fn : Node or None
        The operation that made it; None for a leaf.

    References
    ----------
    https://docs.pytorch.org/docs/stable/tensors.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4., 6.])
    """

    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Compute the gradient of this tensor with respect to the leaves of its graph.

        The gradients are added to the leaves' ``grad``.

        Parameters
        ----------
        gradient : Tensor, optional
            The gradient with respect to this tensor, of its shape; needed unless it is a single number.
        retain_graph : bool, optional
            Keep what a second backward needs; by default the same as ``create_graph``.
        create_graph : bool
            Record the computation of the gradients, so that they can be differentiated.
        inputs : Tensor or sequence of Tensors, optional
            Accumulate only into these.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)


set_tensor_class(Tensor)
