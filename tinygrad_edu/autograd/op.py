"""``Op``: how the engine's own differentiable operations are written.

An ``Op`` is a node of the graph with two methods that belong together, ``forward`` and ``backward``. It
computes on raw arrays, with ``self`` as its notebook. (``Function``, for the user's own operations, is
PyTorch's public interface to the same.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import generic, ndarray  # by name: a look-up in NumPy's module takes long

from tinygrad_edu import _tensor
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.node import Node, next_sequence_nr
from tinygrad_edu.autograd.watching import watched_forward
from tinygrad_edu.backend import FLOATING_DTYPES, device_of, on_card_of, run_on_card_of


class Op(Node):
    """One differentiable operation of the engine.

    A subclass has two methods. ``forward(self, *inputs, **options)`` computes the output array (or a tuple
    of arrays) from the input arrays and saves what the derivative needs, with ``save_for_backward`` for
    arrays and as plain attributes for everything else. ``backward(self, *grad_outputs)`` returns one
    gradient for every positional input, None where ``needs_input_grad`` says that nobody wants it.

    ``backward`` is written with operators and with functions of ``tinygrad_edu.ops``, which take arrays as
    well as Tensors: it gets arrays as a rule, and Tensors when the gradient is to be differentiated again.
    """

    is_view: bool = False
    """Whether the output shares the memory of the first input."""

    num_differentiable: int | None = None
    """How many of the outputs have a gradient, if not all: the first ones do."""

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
        mode = this_thread.mode
        Tensor, grad_enabled = _tensor.Tensor, mode.grad_enabled
        arrays, edges, needs_input_grad = [], [], []
        is_tensor = False
        for x in inputs:
            edge = None
            if isinstance(x, Tensor):
                is_tensor = True
                if grad_enabled:
                    edge = x._edge  # most tensors are neither views nor leaves: a call less for them
                    if x._view is not None:
                        edge = x.edge()
                    elif edge is None and x._requires_grad:
                        edge = x.grad_accumulator(), 0
                x = x.array
            arrays.append(x)
            edges.append(edge)
            needs_input_grad.append(edge is not None)
        node.next_edges, node.needs_input_grad = edges, tuple(needs_input_grad)
        node.sequence_nr = next_sequence_nr()
        if not is_tensor:
            return node.forward(*arrays, **options)

        run_quietly = mode.run_quietly  # found sooner as an attribute than as a method
        try:
            if mode.watched:
                with on_card_of(*arrays):
                    output = watched_forward(node, inputs, arrays, options)
            elif type(arrays[0]) is ndarray:
                output = run_quietly(node.forward, *arrays, **options)
            else:
                output = run_quietly(run_on_card_of, arrays, node.forward, options)
        except Exception as error:
            if not is_reentry(error):
                node.explain_failure(inputs)
                raise
            output = mode.quiet.copy().run(run_on_card_of, arrays, node.forward, options)
        if isinstance(output, tuple):
            return node.several_results(inputs, arrays, output)
        result = object.__new__(Tensor)  # tensor_from_array, without the call
        result.array = np.asarray(output) if isinstance(output, generic) else output
        result._inference = mode.inference
        if cls.is_view:
            result.become_view_of(inputs[0], cls, options)
        if True in needs_input_grad and output.dtype in FLOATING_DTYPES:
            result._edge = (node, 0)
            if node.saved:
                node.link_saved(inputs, arrays, (output,), (result,))
        return result

    def several_results(self, inputs: tuple[Any, ...], arrays: list[Any], outputs: tuple[Any, ...]) -> Any:
        """Return the outputs as Tensors; those that have a gradient have this node as their origin."""
        results = tuple([_tensor.tensor_from_array(array) for array in outputs])
        if True in self.needs_input_grad:
            self.num_outputs = len(outputs)
            for output_nr, array in enumerate(outputs[: self.num_differentiable]):
                if array.dtype in FLOATING_DTYPES:  # indices, such as those of max, have no gradient
                    results[output_nr]._edge = (self, output_nr)
            if self.saved:
                self.link_saved(inputs, arrays, outputs, results)
        return results

    def explain_failure(self, inputs: tuple[Any, ...]) -> None:
        """After an exception in ``forward``: raise a clearer one if its cause is known."""
        check_same_device(type(self).__name__, inputs)


def is_reentry(error: Exception) -> bool:
    """Tell whether an operation began within another one's forward: a signal handler or a finaliser did that."""
    return isinstance(error, RuntimeError) and "is already entered" in str(error)


def check_same_device(name: str, inputs: tuple[Any, ...]) -> None:
    """Raise if the inputs live on different devices."""
    arrays = [x.array if isinstance(x, _tensor.Tensor) else x for x in inputs]
    arrays = [x for x in arrays if hasattr(x, "device") and not isinstance(x, generic)]
    devices = [str(device_of(x)) for x in arrays]
    if len(set(devices)) > 1:
        operands = ", ".join(f"{list(x.shape)} on {where}" for x, where in zip(arrays, devices, strict=True))
        raise RuntimeError(
            f"{name}: expected all tensors to be on the same device, got {operands}. Hint: move one with .to(device)"
        )
