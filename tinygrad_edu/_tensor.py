"""The Tensor: an array, its gradient, and where it came from.

The arithmetic is in ``ops``; the many one-line methods that call it stand in ``_tensor_methods``.
"""

from __future__ import annotations

import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu._tensor_methods import (
    ConvertMethods,
    InplaceMethods,
    MathMethods,
    Operators,
    ReductionMethods,
    ShapeMethods,
    ViewMethods,
)
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.hooks import RemovableHandle
from tinygrad_edu.backend import Array, DeviceLike, device, device_of, to_device

if TYPE_CHECKING:
    from tinygrad_edu._tensor_methods.views import ViewInfo
    from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node, VersionCounter


class Tensor(
    Operators, MathMethods, ReductionMethods, ShapeMethods, InplaceMethods, ViewMethods, ConvertMethods
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

    array: Array

    # What most tensors never need stands here, once for all of them: so a tensor is quickly made.
    _edge: Edge | None = None  # the node that computed it, and which of the node's outputs it is
    _requires_grad: bool = False  # of a leaf; what was computed has an edge instead
    _view: ViewInfo | None = None
    _rebased: int = 0  # how often an in-place change gave it a new history
    _grad: Tensor | None = None
    _retains_grad: bool = False
    _accumulator: weakref.ref[AccumulateGrad] | None = None
    _hooks: list[Any] | tuple[()] = ()  # of a leaf; those of computed tensors are kept by their node
    _counter: VersionCounter | None = None
    _inference: bool = False

    __array_priority__ = 1000  # NumPy's operators leave it to ours: array * tensor is a Tensor

    def __init__(self, *data: Any, device: DeviceLike = None) -> None:
        if len(data) == 1 and isinstance(data[0], Size):
            data = data[0]
        if len(data) == 1 and not isinstance(data[0], int):
            array = data[0].array if isinstance(data[0], Tensor) else np.array(data[0])
            array = array.astype(dtypes.get_default_dtype().numpy_dtype)
        else:
            array = np.empty(data or 0, dtypes.get_default_dtype().numpy_dtype)
        self._initialise(array if device is None else to_device(array, device), False)

    def _initialise(self, array: Array, requires_grad: bool) -> None:
        self.array = array
        self._requires_grad = requires_grad
        self._inference = this_thread.mode.inference

    # ---- the graph -----------------------------------------------------------------------------------

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        self._follow_base()
        return None if self._edge is None else self._edge[0]

    @property
    def output_nr(self) -> int:
        """Which of the outputs of ``grad_fn`` this tensor is."""
        return 0 if self._edge is None else self._edge[1]

    @property
    def is_leaf(self) -> bool:
        """Whether it was made by the user, or needs no gradient."""
        return self.grad_fn is None

    @property
    def requires_grad(self) -> bool:
        """Whether operations on it are recorded."""
        if self._view is not None:
            self._follow_base()
        return self._edge is not None or self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf:
            if value:
                return
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        check_can_require_grad(self, value)
        if self._inference and not this_thread.mode.inference and value:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not allowed."
            )
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    def edge(self) -> Edge | None:
        """Return where this tensor stands in the graph; None if it needs no gradient."""
        if self._view is not None:
            self._follow_base()
        if self._edge is None and self._requires_grad:
            return self.grad_accumulator(), 0
        return self._edge

    def grad_accumulator(self) -> AccumulateGrad:
        """Return the node that adds to ``grad``; one for all uses, and gone when the graph is."""
        node = None if self._accumulator is None else self._accumulator()
        if node is None:
            node = AccumulateGrad()
            node.variable, node.sequence_nr, node.tensor_hooks = self, next_sequence_nr(), self._hooks
            self._accumulator = weakref.ref(node)
        return node

    # ---- gradients -----------------------------------------------------------------------------------

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient; None before ``backward``, and for tensors that are not leaves."""
        if self._grad is None and self._edge is not None and not self._retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                "for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor "
                f"by mistake, make sure you access the leaf Tensor instead: this one was made by {self.grad_fn}.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            check_grad_of(self, value)
        self._grad = value

    def accumulate_grad(self, grad: Array) -> None:
        """Add a gradient, an array or a Tensor with history, to ``grad``; the first one is copied.

        Somebody else may hold the same array: both gradients of a + b are one.
        """
        before, is_tensor = self._grad, isinstance(grad, Tensor)
        if before is None:
            self.grad = grad.clone() if is_tensor else tensor_from_array(grad.copy())
        elif is_tensor or before.requires_grad:
            self.grad = before + grad
        else:
            before.array += grad
            before.increment_version("AccumulateGrad")

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
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Fill ``grad`` also if this tensor is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._edge is not None and not self._retains_grad:
            self._retains_grad = True
            self._ask_for_grad(self._edge)

    @property
    def retains_grad(self) -> bool:
        """Whether ``retain_grad`` was called on this non-leaf tensor."""
        return self._retains_grad

    def _ask_for_grad(self, edge: Edge) -> None:
        """Have a node fill ``grad`` in backward."""
        node, output_nr = edge
        node.retained = [*node.retained, (output_nr, weakref.ref(self))]

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call ``hook(grad)`` when this tensor's gradient is known; what it returns replaces the gradient.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> x = torch.ones(2, requires_grad=True)
        >>> handle = x.register_hook(lambda grad: grad * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10., 10.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        owner, output_nr = (self.grad_accumulator(), 0) if self._edge is None else self._edge
        if not owner.tensor_hooks:
            owner.tensor_hooks = []
        if self._edge is None:
            self._hooks = owner.tensor_hooks  # the node of a leaf lives no longer than the graph
        entry = (output_nr, hook)
        owner.tensor_hooks.append(entry)
        return RemovableHandle(owner.tensor_hooks, entry)

    def detach(self) -> Tensor:
        """Return a tensor on the same memory that is cut off from the graph."""
        result = tensor_from_array(self.array.view())
        if self._inference:
            result._inference = True
        else:
            result.share_version(self.version_counter())
        return result

    def detach_(self) -> Tensor:
        """Cut this tensor off from the graph."""
        if self._view is not None:
            raise RuntimeError(
                "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) "
                "for training, this is not supported here either."
            )
        self._edge = None
        self._requires_grad = self._retains_grad = False
        return self

    @property
    def data(self) -> Tensor:
        """The same memory as a tensor that autograd knows nothing of, not even its changes."""
        return tensor_from_array(self.array.view())

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data: expected a Tensor, got {type(value).__name__}")
        self.array = value.array.view()

    # ---- what it is ----------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return self.array.ndim

    @property
    def dtype(self) -> dtypes.dtype:
        """The type of its elements."""
        return dtypes.from_numpy_dtype(self.array.dtype)

    @property
    def device(self) -> device:
        """Where its numbers live."""
        return device_of(self.array)

    @property
    def is_cuda(self) -> bool:
        """Whether it lives on a GPU."""
        return self.device.type == "cuda"

    @property
    def itemsize(self) -> int:
        """Bytes an element takes."""
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes its elements take."""
        return self.array.nbytes


class Size(tuple[int, ...]):
    """The shape of a tensor: a tuple that knows how many elements it stands for.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.zeros(2, 3).shape
    torch.Size([2, 3])
    >>> torch.zeros(2, 3).shape.numel()
    6
    """

    __slots__ = ()

    def numel(self) -> int:
        """Return the product of the sizes."""
        count = 1
        for size in self:
            count *= size
        return count

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


def tensor_from_array(array: Array, requires_grad: bool = False, cls: type[Tensor] = Tensor) -> Tensor:
    """Wrap an array, without copying it.

    No two Tensors may have one array object: ``backward`` knows a saved array by its identity. Give the second
    one ``array.view()``, which is another object on the same memory.
    """
    tensor = object.__new__(cls)
    tensor.array = np.asarray(array) if isinstance(array, np.generic) else array  # NumPy's 0-d results
    tensor._requires_grad = requires_grad
    tensor._inference = this_thread.mode.inference
    return tensor


def check_can_require_grad(tensor: Tensor, requires_grad: bool) -> None:
    """Raise if gradients make no sense for the dtype."""
    if requires_grad and tensor.array.dtype.kind != "f":
        raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {tensor.dtype}")


def check_grad_of(tensor: Tensor, grad: Any) -> None:
    """Raise unless ``grad`` can be the gradient of ``tensor``."""
    if not isinstance(grad, Tensor):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got {type(grad).__name__}")
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if grad.array.shape != tensor.array.shape:
        raise RuntimeError(
            f"assigned grad has data of a different size: expected {tensor.shape}, got {grad.shape}"
        )
    if grad.array.dtype != tensor.array.dtype:
        raise RuntimeError(
            f"assigned grad has data of a different type: expected {tensor.dtype}, got {grad.dtype}"
        )
    both_on_host = isinstance(grad.array, np.ndarray) and isinstance(tensor.array, np.ndarray)
    if not both_on_host and grad.device != tensor.device:
        raise RuntimeError(
            f"assigned grad has data located on a different device: expected {tensor.device}, got {grad.device}"
        )


# The one cycle that a tensor library cannot avoid: tensors are made by operations, operations make tensors.
from tinygrad_edu import autograd  # noqa: E402
from tinygrad_edu.autograd.node import AccumulateGrad, next_sequence_nr  # noqa: E402
