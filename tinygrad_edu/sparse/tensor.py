"""What all sparse tensors have in common: a pattern, and an ordinary Tensor of the elements on it.

A sparse tensor keeps only those elements that are not zero. How can it stand beside :class:`Tensor`, which is one dense
array and about which all the operations are written? Three answers were weighed.

1. Every operation asks what it was given. That is a check on the path of each dense operation, in a hundred files, for
   the sake of a few.
2. A sparse tensor is a foreign object, as SciPy's is. Then ``isinstance(x, torch.Tensor)`` fails, a module cannot hold
   one as a buffer, and autograd, which knows Tensors alone, has to be taught all of it a second time.
3. A sparse tensor *is a* Tensor whose numbers are kept in others: where they stand (integers without a gradient), and
   the elements themselves, a Tensor of one dimension, or of more if each is a vector.

The third is what stands here. It asks nothing of the dense operations:

- **Gradients come for free.** Where the elements are does not depend on their values. So every operation on sparse
  tensors is one on their elements, made of ordinary differentiable operations: gather (``x[rows, columns]``),
  scatter-add (zeros, into which values are added at an index) and arithmetic in between. The graph goes through the
  elements; ``requires_grad``, ``grad_fn``, ``grad`` and the hooks of a sparse tensor are those of its elements, and its
  gradient is a sparse tensor of the same pattern.
- **Operators find their way by themselves.** Python asks the right operand first if its class is derived from that of
  the left one and has the reflected method: ``dense @ sparse`` runs ``__rmatmul__`` of the sparse tensor, and
  ``dense * sparse`` never reaches the dense ``mul``.
- **What has no sparse form says so.** Dense operations begin with ``x.array``. A sparse tensor has none, and its
  property of that name raises an error which says what to do. Thus there is no list of the operations that are missing.

The price: of PyTorch's *functions*, those of ``torch.sparse`` and the products of matrices (``torch.mm(a, x)``) take
sparse tensors; for the others (``torch.add(a, b)``) there are the operators and the methods.

SciPy (CuPy's copy of it on a GPU) computes the one thing that is much faster there: the product with a dense matrix.

References
----------
https://docs.pytorch.org/docs/stable/sparse.html
"""

# A sparse tensor takes less than a dense one in some methods, of which the type checker would complain.
# mypy: disable-error-code="override"

from __future__ import annotations

import copy
import functools
from typing import Any, Self

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu._tensor_methods.convert import check_leaf
from tinygrad_edu.autograd.node import Edge, Node, VersionCounter
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.backend import Array
from tinygrad_edu.size import Size
from tinygrad_edu.sparse.printing import sparse_repr
from tinygrad_edu.tensor_types import name_of_type
from tinygrad_edu.type_names import type_name


class Elements(Op):
    """The elements of a sparse tensor as a Tensor of their own, on the same memory; the derivative is 1."""

    is_view = True

    def forward(self, x: Array) -> Array:
        return x.view()

    def backward(self, grad_output: Array) -> Array:
        return grad_output


class SparseTensor(Tensor):
    """A tensor of which only some elements are kept; the base of the two layouts.

    Attributes
    ----------
    _elements : Tensor
        (number of elements, *dense sizes). Autograd knows these, and they know autograd.
    _size : Size
        The shape that the tensor has.
    """

    _is_strided = False
    _elements: Any
    _size: Size

    def with_elements(self, elements: Any) -> Self:
        """Return a tensor of the same pattern with other elements."""
        raise NotImplementedError(type_name(self))

    def _parts(self) -> tuple[Any, ...]:
        """Return all that the tensor is made of, as the function that makes such a tensor takes it."""
        raise NotImplementedError(type_name(self))

    @property
    def array(self) -> Any:
        """There is none: dense operations, which ask for it, do not take sparse tensors."""
        raise NotImplementedError(
            f"expected dense tensors (torch.strided), got one of layout {self.layout} and shape "
            f"{list(self.shape)}: this operation has no sparse form. Hint: use to_dense(), or the operators and "
            "methods of sparse tensors and the functions of torch.sparse"
        )

    # ---- the graph goes through the elements ------------------------------------------------------------

    @property
    def grad_fn(self) -> Node | None:
        """The node that made the elements; None for a leaf."""
        return self._elements.grad_fn

    @property
    def output_nr(self) -> int:
        """Which of the outputs of ``grad_fn`` the elements are."""
        return self._elements.output_nr

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, or needs no gradient."""
        return self._elements.is_leaf

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        return self._elements.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._elements.requires_grad = value

    def edge(self) -> Edge | None:
        """Return where the elements stand in the graph; None if they need no gradient."""
        return self._elements.edge()

    @property
    def grad(self) -> Any:
        """The accumulated gradient, of the same pattern; None before ``backward``."""
        grad = self._elements.grad
        return None if grad is None else self.with_elements(grad)

    @grad.setter
    def grad(self, value: TensorBase | None) -> None:
        self._elements.grad = None if value is None else self._elements_of(value)

    def _elements_of(self, grad: Any) -> Any:
        """Return a gradient's numbers at the elements of this tensor."""
        if not isinstance(grad, TensorBase):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got {type_name(grad)}")
        if grad.shape != self.shape:
            raise RuntimeError(
                f"assigned grad has data of a different size: expected {self.shape}, got {grad.shape}"
            )
        return grad.to_dense().sparse_mask(self)._elements

    def accumulate_grad(self, grad: Any) -> None:
        """Add a gradient of the elements to theirs."""
        self._elements.accumulate_grad(grad)

    def retain_grad(self) -> None:
        """Fill ``grad`` also if this tensor is not a leaf."""
        self._elements.retain_grad()

    @property
    def retains_grad(self) -> bool:
        """Whether ``retain_grad`` was called on this non-leaf tensor."""
        return self._elements.retains_grad

    def register_hook(self, hook: Any) -> Any:
        """Call ``hook(grad)`` with a gradient of this tensor's pattern; what it returns replaces the gradient."""
        return self._elements.register_hook(functools.partial(self._run_hook, hook))

    def _run_hook(self, hook: Any, grad: Any) -> Any:
        answer = hook(self.with_elements(grad))
        return None if answer is None else self._elements_of(answer)

    def register_post_accumulate_grad_hook(self, hook: Any) -> Any:
        """Call ``hook(tensor)`` when a backward has added to the ``grad`` of this leaf."""
        return self._elements.register_post_accumulate_grad_hook(functools.partial(self._run_post_hook, hook))

    def _run_post_hook(self, hook: Any, elements: Any) -> None:
        hook(self)

    def detach(self) -> Self:
        """Return a tensor on the same memory that is cut off from the graph."""
        return self.with_elements(self._elements.detach())

    def detach_(self) -> Self:
        """Cut this tensor off from the graph."""
        self._elements.detach_()
        return self

    @property
    def data(self) -> Any:
        """The same memory as a tensor that autograd knows nothing of."""
        return self.with_elements(self._elements.data)

    @data.setter
    def data(self, value: Any) -> None:
        raise NotImplementedError(f"data: expected a dense tensor, got one of layout {self.layout}")

    def version_counter(self) -> VersionCounter:
        """Return what counts the changes of the elements."""
        return self._elements.version_counter()

    def increment_version(self, changed_by: str) -> None:
        """Note that the elements have been changed in place."""
        self._elements.increment_version(changed_by)

    # ---- what it is -------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return self._size

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return len(self._size)

    @property
    def dtype(self) -> Any:
        """The type of its elements."""
        return self._elements.dtype

    @property
    def device(self) -> Any:
        """Where its numbers live."""
        return self._elements.device

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return self._elements.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes that all it is made of takes."""
        return sum(part.nbytes for part in self._parts() if isinstance(part, Tensor))

    def numel(self) -> int:
        """Return the number of elements, those that are not kept among them."""
        return self._size.numel()

    nelement = numel

    def is_floating_point(self) -> bool:
        """Tell whether the dtype is a real floating-point type."""
        return self._elements.is_floating_point()

    def is_complex(self) -> bool:
        """Tell whether the dtype is complex."""
        return self._elements.is_complex()

    def is_contiguous(self, memory_format: Any = None) -> bool:
        """Tell whether the elements follow each other in memory: never, for some are left out."""
        return False

    def __len__(self) -> int:
        return self.shape[0]

    def _values(self) -> Tensor:
        """Return the elements, which share the memory."""
        values: Tensor = Elements.apply(self._elements)
        return values

    def _nnz(self) -> int:
        """Return how many elements are kept; positions that occur twice count twice."""
        return int(self._elements.shape[0])

    def dense_dim(self) -> int:
        """Return how many dimensions each kept element has: 0 if it is a number."""
        return self._elements.ndim - 1

    # ---- conversion -------------------------------------------------------------------------------------

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Return the tensor with another dtype and/or on another device; itself if nothing changes."""
        elements = self._elements.to(*args, **kwargs)
        return self if elements is self._elements else self.with_elements(elements)

    def clone(self, *, memory_format: Any = None) -> Self:
        """Return a copy with a history."""
        return self.with_elements(ops.clone(self._elements))

    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the name of the type, such as "torch.sparse.FloatTensor", or the tensor with another dtype."""
        if dtype is not None:
            return super().type(dtype, non_blocking)
        package, _, name = name_of_type(self).rpartition(".")
        return f"{package}.{str(self.layout).removeprefix('torch.').removesuffix('_coo')}.{name}"

    def numpy(self, *, force: bool = False) -> Any:
        """Raise: there is no NumPy array of a sparse tensor."""
        raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")

    def __repr__(self) -> str:
        return sparse_repr(self)

    def __format__(self, spec: str) -> str:
        return object.__format__(self, spec)

    def __reduce__(self) -> tuple[Any, ...]:
        check_leaf(self, "pickle")
        return rebuild_sparse_tensor, (self.layout, self._parts(), self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        check_leaf(self, "deepcopy")
        memo[id(self)] = copied = self.with_elements(copy.deepcopy(self._elements, memo))
        return copied


def rebuild_sparse_tensor(layout: Any, parts: tuple[Any, ...], requires_grad: bool) -> Any:
    """Make a sparse tensor from what was pickled."""
    return layout.tensor_class.from_parts(*parts).requires_grad_(requires_grad)
