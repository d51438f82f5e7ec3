"""The part of a tensor that autograd knows: an array, its gradient, and where it came from.

The class that programs use, ``Tensor`` in ``_tensor.py``, adds all that is made of operations. So autograd and the
operations can be read, and imported, before it. What they make are Tensors all the same: ``set_tensor_class`` says
of which class, as PyTorch's Python part tells it to the C++ part, where ``torch._C.TensorBase`` is.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from tinygrad_edu import dtypes, layouts
from tinygrad_edu.arguments import as_ints, is_int, require_bools, wrong_type
from tinygrad_edu.autograd.errors.cuts import DATA, DETACHED, Cut, note_cut
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.hook_methods import HookMethods
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node, VersionCounter, next_sequence_nr
from tinygrad_edu.autograd.telling import tell_called, tell_grad
from tinygrad_edu.autograd.views import ViewInfo, ViewMethods
from tinygrad_edu.backend import Array, DeviceLike, check_numel, device, device_of, to_device
from tinygrad_edu.memory_formats import contiguous_format
from tinygrad_edu.numpy_dtypes import NUMBER_KINDS, is_inexact
from tinygrad_edu.size import Size
from tinygrad_edu.type_names import refuse_strangers, type_name

Tensor: TypeAlias = Any
"""What signatures of operations call a Tensor, for the class itself is made of them and comes later."""


class TensorBase(ViewMethods, HookMethods):
    """An array, its gradient, and where it came from; see ``Tensor``."""

    if TYPE_CHECKING:  # every one is a Tensor, and has its methods

        def __getattr__(self, name: str) -> Any: ...

    array: Array

    # What most tensors never need stands here, once for all of them: so a tensor is quickly made.
    _edge: Edge | None = None  # the node that computed it, and which of the node's outputs it is
    _requires_grad: bool = False  # of a leaf; what was computed has an edge instead
    _view: ViewInfo | None = None
    _rebased: int = 0  # how often an in-place change gave it a new history
    _grad: TensorBase | None = None
    _retains_grad: bool = False
    _accumulator: weakref.ref[AccumulateGrad] | None = None
    _hooks: list[Any] | tuple[()] = ()  # of a leaf; those of computed tensors are kept by their node
    _post_accumulate_hooks: list[Any] | tuple[()] = ()  # of a leaf
    _counter: VersionCounter | None = None
    _inference: bool = False
    _cuts: tuple[Cut, ...] = ()  # why it has no gradient, as far as that is known

    # Of a dense tensor; see tinygrad_edu/sparse.
    layout: layouts.layout = layouts.strided
    is_sparse: bool = False
    is_sparse_csr: bool = False
    _is_strided: bool = True

    __array_priority__ = 1000  # NumPy's operators leave it to ours: array * tensor is a Tensor

    def __init__(self, *data: Any, device: DeviceLike = None) -> None:
        if len(data) == 1 and isinstance(data[0], Size):
            data = data[0]
        if len(data) == 1 and (isinstance(data[0], TensorBase) or not is_int(data[0])):
            refuse_strangers("Tensor", data[0])
            if not isinstance(data[0], TensorBase | np.ndarray | Sequence) or isinstance(
                data[0], str | bytes
            ):
                raise wrong_type("Tensor", "data", "a sequence", data[0])
            array = data[0].array if isinstance(data[0], TensorBase) else np.array(data[0])
            if array.dtype.kind not in NUMBER_KINDS:
                raise TypeError(f"Tensor: expected numbers, got elements of type {array.dtype}")
            if not isinstance(data[0], TensorBase):  # which keeps its dtype and its memory
                array = array.astype(dtypes.get_default_dtype().numpy_dtype)
        else:
            shape = as_ints("Tensor", "size", data) or (0,)
            if min(shape) < 0:
                raise RuntimeError(
                    f"Tensor: Trying to create tensor with negative dimension {min(shape)}: {list(shape)}"
                )
            check_numel("Tensor", shape)
            array = np.empty(shape, dtypes.get_default_dtype().numpy_dtype)
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

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Set ``requires_grad`` and return the tensor."""
        require_bools("requires_grad_", requires_grad=requires_grad)
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
    def grad(self) -> Any:
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
    def grad(self, value: TensorBase | None) -> None:
        if value is not None:
            check_grad_of(self, value)
        self._grad = value
        if this_thread.mode.observers:
            tell_grad(self, value)

    def accumulate_grad(self, grad: Array) -> None:
        """Add a gradient, an array or a Tensor with history, to ``grad``; the first one is copied.

        Somebody else may hold the same array: both gradients of a + b are one.
        """
        before, is_tensor = self._grad, isinstance(grad, TensorBase)
        if before is None and not is_tensor:
            self.grad = tensor_from_array(grad.copy())
        elif before is None:
            self.grad = grad.clone(memory_format=contiguous_format)
        elif not before._is_strided:
            self.grad = (grad if is_tensor else tensor_from_array(grad)) + before
        elif is_tensor or before.requires_grad:
            self.grad = before + grad
        else:
            before.array += grad
            before.increment_version("AccumulateGrad")

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

    def detach(self) -> Any:
        """Return a tensor on the same memory that is cut off from the graph."""
        result = tensor_from_array(view_of(self.array))
        if self._inference:
            result._inference = True
        else:
            result.share_version(self.version_counter())
        note_cut(self, result, DETACHED)
        return result

    def detach_(self) -> Self:
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
    def data(self) -> Any:
        """The same memory as a tensor that autograd knows nothing of, not even its changes."""
        result = tensor_from_array(view_of(self.array))
        note_cut(self, result, DATA)
        return result

    @data.setter
    def data(self, value: TensorBase) -> None:
        if not isinstance(value, TensorBase):
            raise TypeError(f"data: expected a Tensor, got {type_name(value)}")
        self.array = value.array.view()

    # ---- what it is ----------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return tuple.__new__(Size, self.array.shape)  # which are ints

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


_tensor_class: type[Any] = TensorBase


def set_tensor_class(cls: type[TensorBase]) -> None:
    """Say of which class the tensors are that operations make."""
    global _tensor_class
    _tensor_class = cls


def tensor_from_array(array: Array, requires_grad: bool = False, cls: type[Any] | None = None) -> Any:
    """Wrap an array, without copying it.

    No two Tensors may have one array object: ``backward`` knows a saved array by its identity. Give the second
    one ``array.view()``, which is another object on the same memory.
    """
    tensor = object.__new__(cls or _tensor_class)
    tensor.array = np.asarray(array) if isinstance(array, np.generic) else array  # NumPy's 0-d results
    if requires_grad:
        tensor._requires_grad = True
    if this_thread.mode.inference:
        tensor._inference = True
    return tensor


def view_of(array: Array) -> Array:
    """Return another array on the same memory."""
    return tell_called(view_of, (array,), array.view())


def array_of(x: Any) -> Any:
    """Return the array of a Tensor, of a sparse one that of its elements; anything else, such as an array, as it is."""
    if not isinstance(x, TensorBase):
        return x
    return x.array if x._is_strided else x._elements.array


def check_can_require_grad(tensor: TensorBase, requires_grad: bool) -> None:
    """Raise if gradients make no sense for the dtype."""
    if requires_grad and not is_inexact(tensor.array.dtype):
        raise RuntimeError(
            f"only Tensors of floating point and complex dtype can require gradients, got {tensor.dtype}"
        )


def check_grad_of(tensor: TensorBase, grad: Any) -> None:
    """Raise unless ``grad`` can be the gradient of ``tensor``."""
    if not isinstance(grad, TensorBase):
        raise TypeError(f"assigned grad expected to be a Tensor or None but got {type_name(grad)}")
    if grad is tensor:
        raise RuntimeError("can't assign Variable as its own grad")
    if not grad._is_strided:
        return check_sparse_grad_of(tensor, grad)
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


def check_sparse_grad_of(tensor: TensorBase, grad: Any) -> None:
    """Raise unless a sparse Tensor can be the gradient of a dense one."""
    for what, expected, got in (
        ("of a different size", tensor.shape, grad.shape),
        ("of a different type", tensor.dtype, grad.dtype),
        ("located on a different device", tensor.device, grad.device),
    ):
        if expected != got:
            raise RuntimeError(f"assigned grad has data {what}: expected {expected}, got {got}")
