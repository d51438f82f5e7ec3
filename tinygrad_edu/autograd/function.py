"""How an operation is written: ``Op`` for the engine's own, ``Function`` for the user's.

Both are nodes of the graph with two methods that belong together, ``forward`` and ``backward``. An ``Op``
computes on raw arrays, with ``self`` as its notebook; a ``Function`` is PyTorch's public interface: static
methods that compute on Tensors, with ``ctx`` as their notebook.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import _tensor
from tinygrad_edu.autograd import anomaly
from tinygrad_edu.autograd.grad_mode import ModeSwitch, mode
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.backend import Array, array_module, device_of


class Op(Node):
    """One differentiable operation of the engine.

    A subclass has two methods. ``forward(self, *inputs, **options)`` computes the output array (or a tuple
    of arrays) from the input arrays and saves what the derivative needs, with ``save_for_backward`` for
    arrays and as plain attributes for everything else. ``backward(self, *grad_outputs)`` returns one
    gradient for every positional input, None where ``needs_input_grad`` says that nobody wants it.

    ``backward`` is written with operators and with functions of ``tinygrad_edu.ops``, which take arrays as
    well as Tensors: it gets arrays as a rule, and Tensors when the gradient is to be differentiated again.
    """

    __slots__ = ()

    is_view = False
    """Whether the output shares the memory of the first input."""

    num_differentiable: int | None = None
    """How many of the outputs have a gradient, if not all: the first ones do."""

    quiet = False
    """Whether NumPy's floating-point warnings are switched off in ``forward``: 1 / 0 is inf, and no news."""

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output from the input arrays."""
        raise NotImplementedError

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """Run the operation, and leave a node in the graph if a gradient may be wanted.

        Parameters
        ----------
        *inputs : Tensor, array, number or None
            What can be differentiated.
        **options
            What cannot: sizes, dimensions, flags.

        Returns
        -------
        Tensor or tuple of Tensors
            Arrays, if no input is a Tensor.
        """
        node = cls()
        arrays = []
        needs_input_grad = []
        is_tensor = needs_grad = False
        for x in inputs:
            if isinstance(x, _tensor.Tensor):
                is_tensor = True
                arrays.append(x.array)
                needs = x.requires_grad and mode.grad_enabled
                needs_grad = needs_grad or needs
                needs_input_grad.append(needs)
            else:
                arrays.append(x)
                needs_input_grad.append(False)
        if not is_tensor:
            node.needs_input_grad = (True,) * len(inputs)
            return node.forward(*arrays, **options)

        node.needs_input_grad = tuple(needs_input_grad)
        try:
            if cls.quiet:
                with np.errstate(all="ignore"):
                    output = node.forward(*arrays, **options)
            else:
                output = node.forward(*arrays, **options)
        except Exception:
            node.explain_failure(inputs)
            raise
        outputs = output if isinstance(output, tuple) else (output,)
        if mode.detect_anomaly:
            anomaly.check_output(node, inputs, outputs)
        tensors = tuple([_tensor.tensor_from_array(array) for array in outputs])
        if cls.is_view:
            tensors[0].become_view_of(inputs[0], cls, options)
        if needs_grad:
            node.record(inputs, tensors)
        return tensors if isinstance(output, tuple) else tensors[0]

    def explain_failure(self, inputs: tuple[Any, ...]) -> None:
        """After an exception in ``forward``: raise a clearer one if its cause is known."""
        check_same_device(type(self).__name__, inputs)

    def record(self, inputs: tuple[Any, ...], outputs: tuple[_tensor.Tensor, ...]) -> None:
        """Tie this node into the graph: edges to where the inputs came from, and to it from the outputs."""
        self.next_edges = tuple([x.edge() if isinstance(x, _tensor.Tensor) else None for x in inputs])
        self.num_outputs = len(outputs)
        if mode.detect_anomaly:
            self.made_at = anomaly.user_line()
        for output_nr, tensor in enumerate(outputs[: self.num_differentiable]):
            if tensor.array.dtype.kind == "f":  # indices, such as those of max, have no gradient
                tensor.set_history((self, output_nr))
        if self.saved:
            self.link_saved(inputs, outputs)


def check_same_device(name: str, inputs: tuple[Any, ...]) -> None:
    """Raise if the inputs live on different devices."""
    tensors = [x for x in inputs if isinstance(x, _tensor.Tensor)]
    devices = {str(device_of(x.array)) for x in tensors}
    if len(devices) > 1:
        operands = ", ".join(f"{list(x.shape)} on {x.device}" for x in tensors)
        raise RuntimeError(
            f"{name}: expected all tensors to be on the same device, got {operands}. Hint: move one with .to(device)"
        )


class FunctionContext(Node):
    """The ``ctx`` of a user's ``Function``, which is also its node in the graph."""

    __slots__ = ("__dict__", "function", "input_shapes", "materialize", "non_differentiable", "output_likes")

    def __init__(self, function: type[Function]) -> None:
        super().__init__()
        self.function = function
        self.materialize = True
        self.non_differentiable: tuple[Any, ...] = ()

    def name(self) -> str:
        """Return the name PyTorch gives such a node."""
        return f"{self.function.__name__}Backward"

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``, which finds them in ``saved_tensors``."""
        for x in tensors:
            if x is not None and not isinstance(x, _tensor.Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type(x).__name__}"
                )
        self.saved = tuple([None if x is None else x.array for x in tensors])

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to ``save_for_backward``."""
        if self.saved and isinstance(next((x for x in self.saved if x is not None), None), _tensor.Tensor):
            return self.saved
        return self.saved_as_tensors()

    def mark_non_differentiable(self, *outputs: _tensor.Tensor) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = outputs

    def mark_dirty(self, *inputs: _tensor.Tensor) -> None:
        """Say which inputs ``forward`` has changed in place."""
        for x in inputs:
            x.increment_version(self.name())

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether missing gradients arrive as zeros (True, the default) or as None."""
        self.materialize = value

    def backward(self, *grad_outputs: Array) -> tuple[Any, ...]:
        """Call the user's ``backward`` with Tensors, and check what it returns."""
        grads = tuple(
            [self._as_tensor(grad, like) for grad, like in zip(grad_outputs, self.output_likes, strict=True)]
        )
        answer = self.function.backward(self, *grads)
        answers = answer if isinstance(answer, tuple) else (answer,)
        expected = len(self.next_edges)
        if (
            len(answers) != expected
            and any(x is not None for x in answers[expected:])
            or len(answers) < expected
        ):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients "
                f"(expected {expected}, got {len(answers)})"
            )
        return tuple([self._checked(i, answers[i], grad_outputs) for i in range(expected)])

    def _as_tensor(self, grad: Any, like: Array) -> Any:
        if grad is None:
            return (
                _tensor.tensor_from_array(array_module(like).zeros_like(like)) if self.materialize else None
            )
        return grad if isinstance(grad, _tensor.Tensor) else _tensor.tensor_from_array(grad)

    def _checked(self, index: int, grad: Any, grad_outputs: tuple[Any, ...]) -> Any:
        """Return one gradient in the form the engine works with now: an array, or a Tensor."""
        if grad is None or self.next_edges[index] is None:
            return None
        if not isinstance(grad, _tensor.Tensor):
            raise TypeError(
                f"function {self.name()} returned {type(grad).__name__} at index {index}, expected a Tensor"
            )
        if grad.shape != self.input_shapes[index]:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {index} - got {list(grad.shape)} "
                f"but expected shape compatible with {list(self.input_shapes[index])}"
            )
        return grad if any(isinstance(x, _tensor.Tensor) for x in grad_outputs) else grad.array


class Function:
    """Base of user-defined operations, in PyTorch's style.

    ``forward`` and ``backward`` are static methods; ``ctx`` carries what the second needs from the first.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.Function

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> class Exp(torch.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, i):
    ...         result = i.exp()
    ...         ctx.save_for_backward(result)
    ...         return result
    ...
    ...     @staticmethod
    ...     def backward(ctx, grad_output):
    ...         (result,) = ctx.saved_tensors
    ...         return grad_output * result
    >>> x = torch.zeros(2, requires_grad=True)
    >>> Exp.apply(x).sum().backward()
    >>> x.grad
    tensor([1., 1.])
    """

    @staticmethod
    def forward(ctx: FunctionContext, *args: Any, **kwargs: Any) -> Any:
        """Compute the output Tensor, or a tuple of them."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def backward(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        """Return a gradient Tensor, or None, for every argument of ``forward``."""
        raise NotImplementedError("You must implement the backward function to use it with autograd.")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run ``forward``, and leave a node in the graph if a gradient may be wanted."""
        ctx = FunctionContext(cls)
        ctx.needs_input_grad = tuple(
            [isinstance(x, _tensor.Tensor) and x.requires_grad and mode.grad_enabled for x in args]
        )
        with ModeSwitch(grad_enabled=False):
            output = cls.forward(ctx, *args)
        outputs = output if isinstance(output, tuple) else (output,)
        if any(ctx.needs_input_grad):
            # An input that forward returned as it is becomes a new tensor, so that the input keeps its history.
            outputs = tuple([x.detach() if any(x is arg for arg in args) else x for x in outputs])
            cls._record(ctx, args, outputs)
        return outputs if isinstance(output, tuple) else outputs[0]

    @staticmethod
    def _record(ctx: FunctionContext, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
        ctx.next_edges = tuple([x.edge() if isinstance(x, _tensor.Tensor) else None for x in args])
        ctx.num_outputs = len(outputs)
        ctx.input_shapes = [getattr(x, "shape", None) for x in args]
        ctx.output_likes = [getattr(x, "array", None) for x in outputs]
        if mode.detect_anomaly:
            ctx.made_at = anomaly.user_line()
        skipped = {id(x) for x in ctx.non_differentiable}
        for output_nr, tensor in enumerate(outputs):
            if (
                isinstance(tensor, _tensor.Tensor)
                and id(tensor) not in skipped
                and tensor.is_floating_point()
            ):
                tensor.set_history((ctx, output_nr))
        tensors = tuple([x for x in outputs if isinstance(x, _tensor.Tensor)])
        if ctx.saved:
            ctx.link_saved(args, tensors)


def once_differentiable(backward: Any) -> Any:
    """Decorate a ``Function.backward`` that cannot itself be differentiated."""

    def first_derivative_only(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        with ModeSwitch(grad_enabled=False):
            return backward(ctx, *grad_outputs)

    return first_derivative_only
