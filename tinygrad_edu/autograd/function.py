"""``Function``: PyTorch's public interface for operations of one's own, on Tensors.

``forward`` and ``backward`` are static methods; ``ctx``, the node in the graph, carries what the second needs
from the first. (The engine's own operations are written as ``Op``, on raw arrays.)
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tinygrad_edu.autograd.callers import user_line
from tinygrad_edu.autograd.grad_mode import ModeSwitch, this_thread
from tinygrad_edu.autograd.node import Node, SavedLink, next_sequence_nr
from tinygrad_edu.autograd.observer import run_forward_observed, tell_made
from tinygrad_edu.autograd.recording import connect, link_saved, saved_as_tensors
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.dtypes import from_numpy_dtype
from tinygrad_edu.type_names import type_name


class FunctionContext(Node):
    """The ``ctx`` of a user's ``Function``, which is also its node in the graph.

    It takes any attribute, for what is not a Tensor: ``ctx.size = 3``.
    """

    def __init__(self, function: type[Function]) -> None:
        self.function = function
        self.materialize = True
        self.to_save: tuple[Any, ...] = ()
        self.dirty: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.input_likes: tuple[Any, ...] = ()
        self.output_likes: tuple[Any, ...] = ()

    if TYPE_CHECKING:  # attributes of the user's own

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

    def name(self) -> str:
        """Return the name PyTorch gives such a node."""
        return f"{self.function.__name__}Backward"

    def operation_name(self) -> str:
        """Return the name of the user's class."""
        return self.function.__name__

    # ---- what a user's forward calls -----------------------------------------------------------------

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep tensors for ``backward``, which finds them in ``saved_tensors``."""
        for x in tensors:
            if x is not None and not isinstance(x, TensorBase):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument is of type {type_name(x)}"
                )
        self.to_save = tensors

    def mark_non_differentiable(self, *outputs: TensorBase) -> None:
        """Say which outputs have no gradient."""
        self.non_differentiable = outputs

    def mark_dirty(self, *inputs: TensorBase) -> None:
        """Say which inputs ``forward`` has changed in place."""
        self.dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """Say whether missing gradients arrive as zeros (True, the default) or as None."""
        self.materialize = value

    # ---- after forward -------------------------------------------------------------------------------

    def record(self, args: tuple[Any, ...], outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Tie this node into the graph and return the outputs, of which it is the origin now."""
        self.input_likes = tuple([_like(x) for x in args])
        self.output_likes = tuple([_like(x) for x in outputs])
        self.num_outputs = len(outputs)
        arrays = tuple([getattr(x, "array", x) for x in outputs])
        outputs = tuple([self._adopt(nr, x, args) for nr, x in enumerate(outputs)])
        self.saved = tuple([x.array if x is not None and x._is_strided else x for x in self.to_save])
        # What was changed in place is an output now, and no longer the input it was.
        unchanged = [None if any(x is y for y in self.dirty) else getattr(x, "array", None) for x in args]
        known = zip(link_saved(self, args, unchanged, arrays, outputs), self.to_save, strict=True)
        self.saved_links = tuple([link or _link_to(x) for link, x in known])
        return outputs

    def _adopt(self, output_nr: int, x: Any, args: tuple[Any, ...]) -> Any:
        """Return one output as a tensor whose history is this node."""
        if not isinstance(x, TensorBase) or not (x.is_floating_point() or x.is_complex()):
            return x
        if any(x is other for other in self.non_differentiable):
            return x
        if any(x is other for other in self.dirty):
            changed = tensor_from_array(x.array)
            changed.set_history((self, output_nr))
            x.rebase_history(changed)
            return x
        return x.as_output_of(self, output_nr, args)

    # ---- backward ------------------------------------------------------------------------------------

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The tensors given to ``save_for_backward``."""
        if any(isinstance(x, TensorBase) and x._is_strided for x in self.saved or ()):
            return self.saved  # the derivative is itself to be differentiated
        return saved_as_tensors(self)

    def backward(self, *grad_outputs: Array) -> tuple[Any, ...]:
        """Call the user's ``backward`` with Tensors, and check what it returns."""
        grads = [self._as_tensor(g, like) for g, like in zip(grad_outputs, self.output_likes, strict=True)]
        answer = self.function.backward(self, *grads)
        answers = answer if isinstance(answer, tuple) else (answer,)
        expected = len(self.next_edges)
        if len(answers) < expected or any(x is not None for x in answers[expected:]):
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients "
                f"(expected {expected}, got {len(answers)})"
            )
        return tuple([self._checked(i, answers[i]) for i in range(expected)])

    def _as_tensor(self, grad: Any, like: Array) -> Any:
        if grad is None and self.materialize and like is not None:
            return tensor_from_array(array_module(like).zeros_like(like))
        return grad if grad is None or isinstance(grad, TensorBase) else tensor_from_array(grad)

    def _checked(self, index: int, grad: Any) -> Any:
        """Return one gradient in the form the engine works with now: an array, or a Tensor."""
        if grad is None:
            return None
        if not isinstance(grad, TensorBase):
            raise TypeError(
                f"function {self.name()} returned {type_name(grad)} at index {index}, expected a Tensor"
            )
        like = self.input_likes[index]
        if like is None:
            raise RuntimeError(
                f"function {self.name()} returned a gradient different than None at position {index}, but the "
                "corresponding forward input was not a Tensor"
            )
        if self.next_edges[index] is None:
            return None
        grad = self._of_shape(index, grad, like.shape).to(dtype=from_numpy_dtype(like.dtype))
        return grad if this_thread.mode.grad_enabled else grad.array

    def _of_shape(self, index: int, grad: Any, shape: tuple[int, ...]) -> Any:
        """Return the gradient summed over the dimensions along which the input was broadcast."""
        added = grad.ndim - len(shape)
        fits = added >= 0 and all(
            size in (1, got) for size, got in zip(shape, grad.shape[added:], strict=True)
        )
        if not fits:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {index} - got {list(grad.shape)} "
                f"but expected shape compatible with {list(shape)}"
            )
        if added:
            grad = grad.sum(tuple(range(added)))
        stretched = tuple([d for d, size in enumerate(shape) if size == 1 and grad.shape[d] != 1])
        return grad.sum(stretched, keepdim=True) if stretched else grad


def _like(x: Any) -> Any:
    """Return an array of the shape, dtype and device of a Tensor that takes no memory; else None."""
    if not isinstance(x, TensorBase):
        return None
    xp = array_module(x.array)
    return xp.broadcast_to(xp.zeros((), x.array.dtype), x.array.shape)


def _link_to(x: Any) -> SavedLink | None:
    """Return the link to a Tensor that was saved and is neither input nor output: it has a version, too."""
    if x is None:
        return None
    counter = x.version_counter()
    return SavedLink(None, None, counter, counter.value)


class Function:
    """Base of user-defined operations, in PyTorch's style.

    ``forward`` and ``backward`` are static methods; ``ctx`` carries what the second needs from the first.
    ``forward(ctx, *args)`` may also be split in two, ``forward(*args)`` and
    ``setup_context(ctx, inputs, output)``.

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
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the output Tensor, or a tuple of them, from ``(ctx, *args)``."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx: FunctionContext, inputs: tuple[Any, ...], output: Any) -> Any:
        """Save what ``backward`` needs, if ``forward`` takes no ``ctx``."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        """Return a gradient Tensor, or None, for every argument of ``forward``."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with "
            "backward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run ``forward``, and leave a node in the graph if a gradient may be wanted."""
        ctx = FunctionContext(cls)
        arrays = connect(ctx, args)
        with ModeSwitch(grad_enabled=False):
            output = run_forward_observed(functools.partial(run_user_forward, args), ctx, arrays, {})
        outputs = output if isinstance(output, tuple) else (output,)
        recorded = any(ctx.next_edges)
        for x in ctx.dirty:
            x.check_may_change(recorded)
            x.increment_version(f"{ctx.name()} at {user_line()}")
        if recorded:
            outputs = ctx.record(args, outputs)
        ctx.to_save = ctx.dirty = ctx.non_differentiable = ()
        return tell_made(ctx, args, outputs if isinstance(output, tuple) else outputs[0])


def run_user_forward(args: tuple[Any, ...], ctx: FunctionContext, arrays: Any, options: Any) -> Any:
    """Call the user's ``forward`` with Tensors, and ``setup_context`` if that is defined."""
    function = ctx.function
    if function.setup_context is Function.setup_context:
        return function.forward(ctx, *args)
    output = function.forward(*args)
    function.setup_context(ctx, args, output)
    return output


class DifferentiatedTwice(Node):
    """Stands behind gradients that cannot be differentiated, and says so when somebody tries to."""

    def backward(self, *grad_outputs: Array) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(backward: Any) -> Any:
    """Decorate a ``Function.backward`` that cannot itself be differentiated."""

    @functools.wraps(backward)
    def first_derivative_only(ctx: FunctionContext, *grad_outputs: Any) -> Any:
        recording = this_thread.mode.grad_enabled
        with ModeSwitch(grad_enabled=False):
            answer = backward(ctx, *grad_outputs)
        if not recording:
            return answer
        node = DifferentiatedTwice()
        edges = [grad.edge() for grad in grad_outputs if isinstance(grad, TensorBase)]
        node.next_edges = (*ctx.next_edges, *edges)
        node.sequence_nr = next_sequence_nr()
        answers = answer if isinstance(answer, tuple) else (answer,)
        node.num_outputs = len(answers)
        cut = tuple([None if x is None else x.detach() for x in answers])
        for output_nr, grad in enumerate(cut):
            if grad is not None:
                grad.set_history((node, output_nr))
        return cut

    return first_derivative_only
