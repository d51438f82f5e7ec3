"""The Tensor: an array, its gradient, and where it came from.

The arithmetic is in ``ops``; the many one-line methods that call it stand in ``_tensor_methods`` (results
are new tensors) and ``_tensor_inplace`` (methods whose names end in an underscore).
"""

from __future__ import annotations

import warnings
import weakref
from typing import Any

import numpy as np

from tinygrad_edu import _tensor_str, dtypes
from tinygrad_edu._tensor_methods import InplaceMethods, MathMethods, Operators, ShapeMethods
from tinygrad_edu.autograd.grad_mode import mode
from tinygrad_edu.autograd.hooks import RemovableHandle
from tinygrad_edu.backend import Array, DeviceLike, device, device_of, to_device, to_numpy


class ViewInfo:
    """How a tensor that shares another's memory was made from it, to be made again when that is changed."""

    __slots__ = ("op", "options", "parent", "rebased")

    def __init__(self, parent: Tensor, op: Any, options: dict[str, Any], rebased: int) -> None:
        self.parent = parent
        self.op = op
        self.options = options
        self.rebased = rebased


class Tensor(Operators, MathMethods, ShapeMethods, InplaceMethods):
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

    __slots__ = (
        "__weakref__",
        "_accumulator",
        "_edge",
        "_grad",
        "_hooks",
        "_requires_grad",
        "_version",
        "_view",
        "array",
    )

    array: Array

    def __new__(cls, *args: Any, **kwargs: Any) -> Tensor:
        return object.__new__(cls)

    def __init__(self, *data: Any, device: DeviceLike = None) -> None:
        if len(data) == 1 and not isinstance(data[0], int):
            array = data[0].array if isinstance(data[0], Tensor) else np.array(data[0])
            array = array.astype(dtypes.get_default_dtype().numpy_dtype)
        else:
            array = np.empty(data or 0, dtypes.get_default_dtype().numpy_dtype)
        self._initialise(to_device(array, device), False)

    def _initialise(self, array: Array, requires_grad: bool) -> None:
        self.array = array
        self._requires_grad = requires_grad
        self._grad: Tensor | None = None
        self._edge: Any = None
        self._view: ViewInfo | None = None
        self._accumulator: weakref.ref[Any] | None = None
        self._hooks: list[Any] | None = None
        self._version: VersionCounter | None = None if mode.inference else VersionCounter()

    # ---- the graph -----------------------------------------------------------------------------------

    @property
    def grad_fn(self) -> Node | None:
        """The node that made this tensor; None for a leaf."""
        self._follow_parent()
        return None if self._edge is None else self._edge[0]  # type: ignore[no-any-return]

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
            self._follow_parent()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if not self.is_leaf and not value:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a computed "
                "variable in a subgraph that doesn't require differentiation use var_no_grad = var.detach()."
            )
        check_can_require_grad(self, value)
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        """The accumulated gradient; None before ``backward``, and for tensors that are not leaves."""
        if self._grad is None and self._edge is not None and not self.retains_grad:
            warnings.warn(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute "
                "won't be populated during autograd.backward(). If you indeed want the .grad field to be populated "
                f"for a non-leaf Tensor, use .retain_grad() on the non-leaf Tensor. It was made by {self.grad_fn}.",
                UserWarning,
                stacklevel=2,
            )
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got {type(value).__name__}"
                )
            if value.shape != self.shape:
                raise RuntimeError(
                    f"assigned grad has data of a different size: expected {self.shape}, got {value.shape}"
                )
            if value.array.dtype != self.array.dtype:
                raise RuntimeError(
                    f"assigned grad has data of a different type: expected {self.dtype}, got {value.dtype}"
                )
        self._grad = value

    def edge(self) -> Edge | None:
        """Return where this tensor stands in the graph; None if it needs no gradient."""
        if self._view is not None:
            self._follow_parent()
        if self._edge is not None:
            return self._edge  # type: ignore[no-any-return]
        return (self._accumulate_grad(), 0) if self._requires_grad else None

    def _accumulate_grad(self) -> AccumulateGrad:
        """Return the node that adds to ``grad``; one for all uses, and gone when the graph is."""
        node = None if self._accumulator is None else self._accumulator()
        if node is None:
            node = AccumulateGrad(self)
            node.tensor_hooks = self._leaf_hooks()
            self._accumulator = weakref.ref(node)
        return node

    def _leaf_hooks(self) -> list[Any]:
        if self._hooks is None:
            self._hooks = []
        return self._hooks

    def set_history(self, edge: Edge | None) -> None:
        """Say which output of which node this tensor is."""
        self._edge = edge
        self._requires_grad = edge is not None

    def version_counter(self) -> VersionCounter:
        """Return the counter of in-place changes."""
        if self._version is None:
            raise RuntimeError(
                "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference "
                "mode in computation tracked by autograd. To work around this, you can make a clone to get a normal "
                "tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`."
            )
        return self._version

    def increment_version(self, changed_by: str) -> None:
        """Note that the array was changed in place."""
        if self._version is not None:
            self._version.value += 1
            self._version.last_change = changed_by

    def is_inference(self) -> bool:
        """Tell whether it was made in inference mode."""
        return self._version is None

    # ---- views: tensors that share memory ------------------------------------------------------------

    def become_view_of(self, parent: Tensor, op: Any, options: dict[str, Any]) -> None:
        """Note that this tensor shares the memory of ``parent``, by this operation."""
        self._version = parent._version
        if mode.grad_enabled and self._version is not None:
            self._view = ViewInfo(parent, op, options, self._version.rebased)

    def _follow_parent(self) -> None:
        """If the memory was given a new history through another tensor, take it over."""
        view, version = self._view, self._version
        if view is None or version is None or view.rebased == version.rebased:
            return
        with enable_grad():
            self.set_history(view.op.apply(view.parent, **view.options)._edge)
        view.rebased = version.rebased

    def rebase_history(self, result: Tensor) -> None:
        """Take over the history of ``result``, whose numbers have been written into this tensor's memory.

        A view hands it on to the tensor whose memory it shows; itself and its siblings follow when asked.
        """
        if self._version is None:
            return
        if self._view is None:
            self._edge, self._requires_grad = result._edge, result._requires_grad
            self._version.rebased += 1
        else:
            view = self._view
            changed = ViewScatter.apply(view.parent, result, op=view.op, options=view.options, in_place=True)
            view.parent.rebase_history(changed)

    @property
    def _base(self) -> Tensor | None:
        """The tensor that owns the memory, if this one is a view."""
        tensor = self
        while tensor._view is not None:
            tensor = tensor._view.parent
        return None if tensor is self else tensor

    # ---- backward ------------------------------------------------------------------------------------

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
            Accumulate only into these leaves.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.backward.html
        """
        autograd.backward(self, gradient, retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        """Fill ``grad`` also if this tensor is not a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        edge = self.edge()
        if self._edge is None or edge is None or self.retains_grad:
            return
        node, output_nr = edge
        node.retained = [*node.retained, (output_nr, weakref.ref(self))]

    @property
    def retains_grad(self) -> bool:
        """Whether ``retain_grad`` was called on this non-leaf tensor."""
        return self._edge is not None and any(reference() is self for _, reference in self._edge[0].retained)

    def register_hook(self, hook: Any) -> RemovableHandle:
        """Call ``hook(grad)`` when this tensor's gradient is known; what it returns replaces the gradient.

        References
        ----------
        https://docs.pytorch.org/docs/stable/generated/torch.Tensor.register_hook.html
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        edge = self.edge()
        if self._edge is None or edge is None:
            hooks, entry = self._leaf_hooks(), (0, hook)
        else:
            node, output_nr = edge
            if not node.tensor_hooks:
                node.tensor_hooks = []
            hooks, entry = node.tensor_hooks, (output_nr, hook)
        hooks.append(entry)
        return RemovableHandle(hooks, entry)

    def detach(self) -> Tensor:
        """Return a tensor on the same memory that is cut off from the graph."""
        result = tensor_from_array(self.array)
        result._version = self._version
        return result

    @property
    def data(self) -> Tensor:
        """The same memory as a tensor that autograd knows nothing of, not even its changes."""
        return tensor_from_array(self.array)

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data: expected a Tensor, got {type(value).__name__}")
        self.array = value.array

    # ---- what it is ----------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        """The sizes of its dimensions."""
        return Size(self.array.shape)

    @property
    def ndim(self) -> int:
        """The number of its dimensions."""
        return self.array.ndim  # type: ignore[no-any-return]

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
        return self.array.itemsize  # type: ignore[no-any-return]

    @property
    def nbytes(self) -> int:
        """Bytes its elements take."""
        return self.array.nbytes  # type: ignore[no-any-return]

    # ---- out of the tensor ---------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """Return the numbers as a NumPy array that shares the memory."""
        if force:
            return to_numpy(self.array)
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.is_cuda:
            raise TypeError(
                f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy the tensor to "
                "host memory first."
            )
        return self.array  # type: ignore[no-any-return]

    def item(self) -> Any:
        """Return the only element as a Python number."""
        if self.array.size != 1:
            raise RuntimeError(f"a Tensor with {self.array.size} elements cannot be converted to Scalar")
        return self.array.item()

    def tolist(self) -> Any:
        """Return the elements as nested lists of Python numbers."""
        return self.array.tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __repr__(self) -> str:
        return _tensor_str.tensor_repr(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if self.ndim == 0 and spec else str(self)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise RuntimeError("only leaf tensors can be pickled: this one has a grad_fn; use detach() first")
        return _rebuild, (type(self), to_numpy(self.array), str(self.device), self._requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the "
                "moment. If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm "
                "usage; use detach() first."
            )
        copied = tensor_from_array(self.array.copy(), self._requires_grad, type(self))
        memo[id(self)] = copied
        if self._grad is not None:
            copied._grad = tensor_from_array(self._grad.array.copy())
        return copied


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

    def __repr__(self) -> str:
        return f"torch.Size({list(self)})"


def tensor_from_array(array: Array, requires_grad: bool = False, cls: type[Tensor] = Tensor) -> Tensor:
    """Wrap an array, without copying it."""
    if isinstance(array, np.generic):
        array = np.asarray(array)
    tensor = object.__new__(cls)
    tensor._initialise(array, requires_grad)
    return tensor


def _rebuild(cls: type[Tensor], array: Array, device_name: str, requires_grad: bool) -> Tensor:
    return tensor_from_array(to_device(array, device_name), requires_grad, cls)


def check_can_require_grad(tensor: Tensor, requires_grad: bool) -> None:
    """Raise if gradients make no sense for the dtype."""
    if requires_grad and tensor.array.dtype.kind != "f":
        raise RuntimeError(f"only Tensors of floating point dtype can require gradients, got {tensor.dtype}")


# The one cycle that a tensor library cannot avoid: tensors are made by operations, operations make tensors.
from tinygrad_edu import autograd  # noqa: E402
from tinygrad_edu.autograd.grad_mode import enable_grad  # noqa: E402
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node, VersionCounter  # noqa: E402
from tinygrad_edu.ops.index import ViewScatter  # noqa: E402
