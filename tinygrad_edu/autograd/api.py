"""``backward``, ``grad`` and ``Variable``: what a program calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.arguments import wrong_type
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.graph import Pending, add_gradient, run_backward
from tinygrad_edu.autograd.node import Edge
from tinygrad_edu.autograd.search import Search
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, filled_like, on_card_of
from tinygrad_edu.type_names import type_name


def as_tuple(tensors: Any, name: str = "backward") -> tuple[Any, ...]:
    """Return one Tensor, or several, as a tuple; ``name`` is who asks, for the error."""
    if isinstance(tensors, TensorBase):
        return (tensors,)
    if not isinstance(tensors, Iterable):
        raise TypeError(f"{name}: expected a Tensor, or a sequence of Tensors, got {type_name(tensors)}")
    return tuple(tensors)


def check_flags(name: str, **flags: Any) -> None:
    """Raise unless each flag that is given is True or False; an integer stands for one, as in PyTorch."""
    for argument, flag in flags.items():
        if flag is not None and not isinstance(flag, int | np.integer | np.bool_):
            raise wrong_type(name, argument, "bool", flag)


def root_gradients(outputs: tuple[Any, ...], grad_outputs: Any, create_graph: bool) -> Pending:
    """Return the gradients with which a backward begins, by the nodes that made the outputs."""
    given = (None,) * len(outputs) if grad_outputs is None else as_gradients(grad_outputs, len(outputs))
    pending: Pending = {}
    for i, output in enumerate(outputs):
        add_gradient(pending, edge_of(i, output), root_gradient(output, given[i], create_graph))
    return pending


def edge_of(index: int, output: Any) -> Edge:
    """Return where a Tensor stands in the graph; raise if it needs no gradient."""
    if not isinstance(output, TensorBase):
        raise TypeError(f"backward: expected Tensors to differentiate, got {type_name(output)}")
    edge = output.edge()
    if edge is None:
        raise explained(
            RuntimeError(f"element {index} of tensors does not require grad and does not have a grad_fn")
        )
    return edge


def as_gradients(grad_outputs: Any, count: int) -> Sequence[Any]:
    """Return the gradients that were given, one or several, as a sequence; None is one, too."""
    given = grad_outputs if isinstance(grad_outputs, list | tuple) else (grad_outputs,)
    if len(given) != count:
        raise RuntimeError(f"got {count} tensors and {len(given)} gradients")
    return given


def root_gradient(output: Any, given: Any, create_graph: bool) -> Array:
    """Return the gradient with which an output begins: what was given, in its dtype, or 1 for a single number."""
    if not output._is_strided:
        return root_gradient(
            output._elements, given if given is None else output._elements_of(given), create_graph
        )
    if given is None:
        if output.array.size != 1:
            raise explained(
                RuntimeError(
                    f"grad can be implicitly created only for scalar outputs, got shape {list(output.shape)}. Hint: "
                    "reduce it with .sum() or .mean(), or pass gradient="
                )
            )
        if output.array.dtype.kind == "c":
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got {output.dtype}. Hint: take "
                "its .abs() or .real, or pass gradient="
            )
        one = filled_like(output.array, 1)
        if this_thread.mode.observers:
            tell_called(filled_like, (output.array, 1), one)
        return tensor_from_array(one) if create_graph else one
    if not isinstance(given, TensorBase):
        raise TypeError(f"gradients can be either Tensors or None, but got {type_name(given)}")
    if given.shape != output.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output has a shape of {given.shape} and output has a shape of {output.shape}."
        )
    if given.array.dtype != output.array.dtype:
        if "c" in given.array.dtype.kind + output.array.dtype.kind:
            raise RuntimeError(
                "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
                f"dtype: grad_output has a dtype of {given.dtype} and output has a dtype of {output.dtype}."
            )
        given = given.to(dtype=output.dtype)
    return given if create_graph else given.array


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Add the gradients of the tensors to the ``grad`` of the leaves they were computed from.

    ``grad_variables`` is the old name of ``grad_tensors``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: expected grad_tensors or its old name grad_variables, got both")
        grad_tensors = grad_variables
    if retain_graph is not None or create_graph is not False:
        check_flags("backward", retain_graph=retain_graph, create_graph=create_graph)
    pending = root_gradients(as_tuple(tensors), grad_tensors, create_graph)
    retain_graph = create_graph if retain_graph is None else retain_graph
    if inputs is None:
        run_backward(pending, retain_graph, create_graph)
    else:
        accumulate_into(inputs, pending, retain_graph, create_graph)


def accumulate_into(inputs: Any, pending: Pending, retain_graph: bool, create_graph: bool) -> None:
    """Do what ``backward`` does for these inputs alone, be they leaves or not."""
    targets = list({id(x): x for x in as_tuple(inputs)}.values())  # each once, however often it is named
    if not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    search = Search([edge_of(i, target) for i, target in enumerate(targets)])
    run_backward(pending, retain_graph, create_graph, search)
    for target, grad in zip(targets, search.results(), strict=True):
        if grad is not None and not target.retains_grad:  # a retained gradient is there already
            target.accumulate_grad(grad)


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
    check_flags("grad", retain_graph=retain_graph, create_graph=create_graph, allow_unused=allow_unused)
    if is_grads_batched:
        raise NotImplementedError(
            "grad: is_grads_batched=True is not there. Hint: call grad for each of them"
        )
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    pending = root_gradients(as_tuple(outputs), grad_outputs, create_graph)
    retain_graph = create_graph if retain_graph is None else retain_graph
    ins = as_tuple(inputs)
    search = Search([wanted_edge(x) for x in ins])
    run_backward(pending, retain_graph, create_graph, search)
    found = search.results()
    if any(g is None for g in found) and not (allow_unused or materialize_grads):
        raise RuntimeError(
            "One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if "
            "this is the desired behavior."
        )
    return tuple([_finished(g, x, materialize_grads) for g, x in zip(found, ins, strict=True)])


def wanted_edge(x: Any) -> Edge:
    """Return where a Tensor stands in the graph with respect to which is differentiated."""
    if not isinstance(x, TensorBase):
        raise TypeError(f"grad: expected Tensors to differentiate with respect to, got {type_name(x)}")
    edge = x.edge()
    if edge is None:
        raise explained(RuntimeError("One of the differentiated Tensors does not require grad"))
    return edge


def _finished(grad: Any, x: Any, materialize: bool) -> Any:
    if not x._is_strided and (grad is not None or materialize):
        return x.with_elements(_finished(grad, x._elements, materialize))
    if grad is None:
        return tensor_from_array(filled_like(x.array, 0)) if materialize else None
    if isinstance(grad, TensorBase):
        return grad
    with on_card_of(grad):
        return tensor_from_array(grad.copy())  # both gradients of a + b are one array


class VariableType:
    """What ``Variable`` is: called as a class, and asked for with ``isinstance``, where it stands for every Tensor."""

    def __call__(self, data: Any, requires_grad: bool = False, volatile: bool = False) -> Any:
        """Return a Tensor that shares the memory of ``data``."""
        result = data.detach()
        return result.requires_grad_() if requires_grad else result

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, TensorBase)


Variable = VariableType()
"""The historical wrapper: ``Variable(tensor)`` returns the tensor itself."""
