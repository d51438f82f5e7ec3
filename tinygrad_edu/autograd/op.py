"""``Op``: how the engine's own differentiable operations are written.

An ``Op`` is a node of the graph with two methods that belong together, ``forward`` and ``backward``. It
computes on raw arrays, with ``self`` as its notebook. (``Function``, for the user's own operations, is
PyTorch's public interface to the same.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.autograd.bfloat16 import apply_in_float32, has_bfloat16
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.observer import run_forward_observed, tell_made
from tinygrad_edu.autograd.recording import connect, link_saved
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import device_of, explain_too_large, on_card_of
from tinygrad_edu.float_errors import FLOAT_ERRORS, IGNORED
from tinygrad_edu.numpy_dtypes import DIFFERENTIABLE_DTYPES


class Op(Node):
    """One differentiable operation of the engine.

    A subclass has two methods. ``forward(self, *inputs, **options)`` computes the output array (or a tuple
    of arrays) from the input arrays and saves what the derivative needs, with ``save_for_backward`` for
    arrays and as plain attributes for everything else. ``backward(self, *grad_outputs)`` returns one
    gradient for every positional input, None where ``needs_input_grad`` says that nobody wants it.

    ``backward`` is written with operators, methods, functions of ``array_module(x)`` (NumPy, CuPy, or ``ops`` for
    a Tensor) and other operations' ``compute``: it gets arrays as a rule, and Tensors when the gradient is to be
    differentiated again.

    Of complex numbers, the gradient is that of PyTorch: what a derivative is multiplied with is its conjugate,
    ``grad_output * cos(x).conj()``; the method returns real numbers themselves (see docs/15_complex_numbers.md).
    """

    is_view: bool = False
    """Whether the output shares the memory of the first input."""

    moves_only: bool = False
    """Whether it computes nothing, as a view does, so that numbers of bfloat16 go through it as they are."""

    num_differentiable: int | None = None
    """How many of the outputs have a gradient, if not all: the first ones do."""

    def forward(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output from the input arrays."""
        raise NotImplementedError

    @classmethod
    def apply(cls, *inputs: Any, **options: Any) -> Any:
        """Run the operation on Tensors, and leave a node in the graph if a gradient may be wanted.

        Parameters
        ----------
        *inputs : Tensor, array, number or None
            What can be differentiated.
        **options
            What cannot: sizes, dimensions, flags.

        Returns
        -------
        Tensor or tuple of Tensors
        """
        node = cls()
        arrays = connect(node, inputs)
        if not cls.is_view and not cls.moves_only and has_bfloat16(arrays):
            return apply_in_float32(cls, inputs, options)
        if this_thread.mode.observers:
            output = run_forward_observed(run_forward, node, arrays, options)
            return tell_made(node, inputs, node.tie(inputs, arrays, output, options))
        output = run_forward(node, arrays, options)
        return node.tie(inputs, arrays, output, options)

    @classmethod
    def compute(cls, *inputs: Any, **options: Any) -> Any:
        """Run the operation within a ``backward``: on arrays, or on Tensors if it is differentiated in its turn."""
        for x in inputs:
            if isinstance(x, TensorBase):
                return cls.apply(*inputs, **options)
        node = cls()
        node.needs_input_grad = (False,) * len(inputs)
        return node.forward(*inputs, **options)

    def tie(self, inputs: tuple[Any, ...], arrays: tuple[Any, ...], output: Any, options: Any) -> Any:
        """Return the output, or the tuple of them, as Tensors whose history is this node."""
        outputs = output if isinstance(output, tuple) else (output,)
        results = tuple(map(tensor_from_array, outputs))
        if True in self.needs_input_grad:
            self.become_origin_of(results)
            if self.saved:
                links = link_saved(self, inputs, arrays, outputs, results)
                self.saved_links = links if any(links) else ()
        if self.is_view:
            for output_nr, result in enumerate(results):
                result.become_view_of(inputs[0], type(self), options)
                if isinstance(output, tuple):
                    result._forbid_changes(self, output_nr)
        return results if isinstance(output, tuple) else results[0]

    def become_origin_of(self, results: tuple[TensorBase, ...]) -> None:
        """Be the history of those results that can have a gradient: indices, such as those of max, cannot."""
        self.num_outputs = len(results)
        for output_nr, result in enumerate(results[: self.num_differentiable]):
            if result.array.dtype in DIFFERENTIABLE_DTYPES:
                result._edge = (self, output_nr)

    def explain_failure(self, arrays: tuple[Any, ...]) -> None:
        """After an exception in ``forward``: raise a clearer one if its cause is known."""
        check_same_device(type(self).__name__, arrays)


def run_forward(node: Op, arrays: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Return what an operation computes from the arrays of its inputs.

    NumPy does not warn meanwhile: this is ``ignored_float_errors()`` by hand. For arrays of the CPU, which come
    first, no card has to be chosen.
    """
    before = FLOAT_ERRORS.set(IGNORED)
    try:
        if isinstance(arrays[0], np.ndarray):
            return node.forward(*arrays, **options)
        with on_card_of(*arrays):
            return node.forward(*arrays, **options)
    except Exception as error:
        node.explain_failure(arrays)
        explain_too_large(type(node).__name__.lower(), error)
        explained(error)
        raise
    finally:
        FLOAT_ERRORS.reset(before)


def check_same_device(name: str, inputs: tuple[Any, ...]) -> None:
    """Raise if the inputs, Tensors or arrays, live on different devices."""
    arrays = [x.array if isinstance(x, TensorBase) else x for x in inputs]
    arrays = [x for x in arrays if hasattr(x, "device") and not isinstance(x, np.generic)]
    devices = [str(device_of(x)) for x in arrays]
    if len(set(devices)) > 1:
        operands = ", ".join(f"{list(x.shape)} on {where}" for x, where in zip(arrays, devices, strict=True))
        raise explained(
            RuntimeError(
                f"{name}: expected all tensors to be on the same device, got {operands}. Hint: move one with "
                ".to(device)"
            )
        )
