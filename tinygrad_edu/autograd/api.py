"""``backward``, ``grad`` and ``Variable``: what a program calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from numpy import empty, ndarray  # by name: a look-up in NumPy's module takes long

from tinygrad_edu import _tensor
from tinygrad_edu.autograd.graph import run_backward
from tinygrad_edu.autograd.node import Edge, accumulate_grad, private_copy
from tinygrad_edu.backend import Array, array_module, on_card_of


def as_tuple(tensors: Any) -> tuple[Any, ...]:
    """Return one Tensor, or a sequence of them, as a tuple."""
    return (tensors,) if isinstance(tensors, _tensor.Tensor) else tuple(tensors)


def root_edges(outputs: Iterable[Any]) -> list[Edge]:
    """Return where the outputs stand in the graph; raise for one that needs no gradient."""
    edges = []
    for i, output in enumerate(outputs):
        if not isinstance(output, _tensor.Tensor):
            raise TypeError(f"backward: expected Tensors to differentiate, got {type(output).__name__}")
        edge = output.edge()
        if edge is None:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        edges.append(edge)
    return edges


def unit_gradient(output: Any, create_graph: bool) -> Array:
    """Return the gradient of a single number with respect to itself: 1."""
    array = output.array
    if array.size != 1:
        raise RuntimeError(
            f"grad can be implicitly created only for scalar outputs, got shape {list(output.shape)}. Hint: "
            "reduce it with .sum() or .mean(), or pass gradient="
        )
    if type(array) is ndarray:
        one = empty(array.shape, array.dtype)
        one.fill(1)  # less than half the time of NumPy's ones()
    else:
        with on_card_of(array):
            one = array_module(array).ones(array.shape, array.dtype)
    return _tensor.tensor_from_array(one) if create_graph else one


def root_gradients(outputs: tuple[Any, ...], grad_outputs: Any, create_graph: bool) -> list[Array]:
    """Return the gradient every output starts with: what was given, or 1 for a single number."""
    if grad_outputs is None:
        return [unit_gradient(output, create_graph) for output in outputs]
    given = tuple(grad_outputs) if isinstance(grad_outputs, list | tuple) else (grad_outputs,)
    if len(given) != len(outputs):
        raise RuntimeError(f"got {len(outputs)} tensors and {len(given)} gradients")
    grads = []
    for output, grad in zip(outputs, given, strict=True):
        if grad is None:
            grads.append(unit_gradient(output, create_graph))
            continue
        if not isinstance(grad, _tensor.Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
        if grad.shape != output.shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output has a shape of {grad.shape} and output has a shape of {output.shape}."
            )
        if grad.array.dtype != output.array.dtype:
            grad = grad.to(dtype=output.dtype)
        grads.append(grad if create_graph else grad.array)
    return grads


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensors to the ``grad`` of the leaves they were computed from.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    outputs = as_tuple(tensors)
    edges = root_edges(outputs)
    grads = root_gradients(outputs, grad_tensors, create_graph)
    retain_graph = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(edges, grads, retain_graph, create_graph)
        return
    targets = list({id(x): x for x in as_tuple(inputs)}.values())  # each once, however often it is named
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    found = run_backward(edges, grads, retain_graph, create_graph, root_edges(targets))
    for target, grad in zip(targets, found, strict=True):
        if grad is not None and not target.retains_grad:  # a retained gradient is there already
            accumulate_grad(target, private_copy(grad))


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of the outputs with respect to the inputs, and leave every ``grad`` as it is.

    Parameters
    ----------
    outputs, inputs : Tensor or sequence of Tensors
        What to differentiate, with respect to what.
    grad_outputs : Tensor or sequence of Tensors, optional
        The gradients of the outputs; needed unless they are single numbers.
    retain_graph : bool, optional
        Keep what a second backward needs; by default the same as ``create_graph``.
    create_graph : bool
        Record the computation of the gradients, so that they can be differentiated.
    only_inputs : bool
        Deprecated in PyTorch and True in any case: the leaves' ``grad`` stays as it is.
    allow_unused : bool
        Return None for an input that was not used, instead of raising.
    materialize_grads : bool
        Return zeros for an input that was not used.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor(3.0, requires_grad=True)
    >>> (slope,) = torch.autograd.grad(x**3, x, create_graph=True)
    >>> torch.autograd.grad(slope, x)
    (tensor(18.),)
    """
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched=True needs vmap, which does not exist here")
    outs, ins = as_tuple(outputs), as_tuple(inputs)
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    edges = root_edges(outs)
    for x in ins:
        if not isinstance(x, _tensor.Tensor):
            raise TypeError(
                f"grad: expected Tensors to differentiate with respect to, got {type(x).__name__}"
            )
        if not x.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    grads = root_gradients(outs, grad_outputs, create_graph)
    retain_graph = create_graph if retain_graph is None else retain_graph
    found = run_backward(edges, grads, retain_graph, create_graph, [x.edge() for x in ins])
    if any(g is None for g in found) and not (allow_unused or materialize_grads):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
            "this is the desired behavior."
        )
    return tuple([_finished(g, x, materialize_grads) for g, x in zip(found, ins, strict=True)])


def _finished(grad: Any, x: Any, materialize: bool) -> Any:
    if grad is None:
        with on_card_of(x.array):
            return (
                _tensor.tensor_from_array(array_module(x.array).zeros_like(x.array)) if materialize else None
            )
    if isinstance(grad, _tensor.Tensor):
        return grad
    with on_card_of(grad):
        return _tensor.tensor_from_array(grad.copy())  # both gradients of a + b are one array


class Variable:
    """The historical wrapper: ``Variable(tensor)`` returns the tensor itself."""

    def __new__(cls, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Return a Tensor that shares the memory of ``data``."""
        result = data.detach()
        return result.requires_grad_() if requires_grad else result
