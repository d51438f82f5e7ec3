"""Whole derivatives of a function: Jacobian, Hessian, and their products with vectors (``torch.autograd.functional``).

A backward multiplies a vector from the left with the Jacobian, v J. Everything here is made of that. All rows of J are
one backward for each number of the output. J v, from the right, is the derivative of v J with respect to v, for v J is
linear in v: two backwards, one through the other.

References
----------
https://docs.pytorch.org/docs/stable/autograd.html#functional-higher-level-api
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.autograd.api import grad
from tinygrad_edu.autograd.functional_checks import (
    OF_GRADIENTS,
    OF_JACOBIAN,
    STRICT,
    WITH_GRAPH,
    Tensors,
    as_tuple,
    check_strategy,
    checked_vector,
    new_inputs,
    require_grad,
    single_number,
    values_of,
    vector_of_inputs,
)
from tinygrad_edu.autograd.grad_mode import enable_grad, is_grad_enabled, set_grad_enabled
from tinygrad_edu.creation import zeros_like
from tinygrad_edu.ops import stack


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the outputs of a function, and v J: a vector times its Jacobian.

    Parameters
    ----------
    func : callable
        Takes Tensors, returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple of Tensors
        Where.
    v : Tensor or tuple of Tensors, optional
        Of the outputs' shapes; 1 by default, for an output of one number.
    create_graph : bool
        Let the results be differentiated with respect to the inputs.
    strict : bool
        Raise where an output does not depend on an input, instead of returning zeros.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.vjp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.autograd.functional.vjp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        inputs, one_input = new_inputs(inputs, "vjp", create_graph)
        outputs, one_output = values_of(func, inputs, "vjp", strict)
        if v is None and (len(outputs) != 1 or outputs[0].numel() != 1):
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single "
                "element."
            )
        v = checked_vector(v, outputs, one_output, "vjp", create_graph)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(outputs, inputs, v, create_graph)
        result = _without_gaps(found, inputs, strict, create_graph, "The output", "The jacobian")
    return _finished(outputs, one_output, create_graph), _finished(result, one_input, create_graph)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the outputs of a function, and J v: its Jacobian times a vector.

    The arguments are those of :func:`vjp`; ``v`` has the inputs' shapes.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jvp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.autograd.functional.jvp(lambda x: x * x, torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    with enable_grad():
        inputs, one_input = new_inputs(inputs, "jvp", create_graph)
        v = vector_of_inputs(v, inputs, one_input, "jvp", create_graph)
        outputs, one_output = values_of(func, inputs, "jvp", strict)
        weights = tuple([zeros_like(output, requires_grad=True) for output in outputs])
        product = _gradients(outputs, inputs, weights, True)  # weights J, a linear function of the weights
        require_grad(product, strict, OF_GRADIENTS)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(product, weights, v, create_graph)
        result = _without_gaps(found, outputs, strict, create_graph, "The gradient", "The jacobian")
    return _finished(outputs, one_output, create_graph), _finished(result, one_output, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of a function: how each number of its outputs changes with each number of its inputs.

    Parameters
    ----------
    func, inputs, create_graph, strict
        As in :func:`vjp`.
    vectorize : bool
        Accepted, and changes nothing: each number of the output is one backward.
    strategy : {"reverse-mode", "forward-mode"}
        The second is taken with ``vectorize=True`` only, as in PyTorch, and gives the same numbers.

    Returns
    -------
    Tensor, or tuples of Tensors
        Of shape output.shape + input.shape; for several outputs a tuple, each item for several inputs a tuple.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.jacobian.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.autograd.functional.jacobian(lambda x: x * x, torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    check_strategy(strategy, strict, vectorize, create_graph)
    with enable_grad():
        inputs, one_input = new_inputs(inputs, "jacobian", create_graph)
        outputs, one_output = values_of(func, inputs, "jacobian", strict)
        rows = [_jacobian_of(i, output, inputs, create_graph, strict) for i, output in enumerate(outputs)]
    return _finished([_finished(row, one_input, create_graph) for row in rows], one_output, True)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian of a function whose value is a single number: the Jacobian of its gradient.

    The arguments are those of :func:`jacobian`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hessian.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.autograd.functional.hessian(lambda x: x.prod(), torch.tensor([2.0, 3.0, 5.0]))
    tensor([[0., 5., 3.],
            [5., 0., 2.],
            [3., 2., 0.]])
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    inputs, one_input = as_tuple(inputs, "inputs", "hessian")

    def single_output(*point: Any) -> Any:
        return single_number(func, point, "hessian", strict).squeeze()

    def gradient(*point: Any) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            point = tuple([x.requires_grad_(True) for x in point])
        result = jacobian(single_output, point, create_graph=True)
        require_grad(result, strict, OF_JACOBIAN)
        return result

    rows = jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return rows[0][0] if one_input else rows


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the value of a function, and v H: a vector times its Hessian.

    The arguments are those of :func:`vjp`; the value is a single number, and ``v`` has the inputs' shapes.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.vhp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.autograd.functional.vhp(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]), torch.ones(2))
    (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        inputs, one_input = new_inputs(inputs, "vhp", create_graph)
        v = vector_of_inputs(v, inputs, one_input, "vhp", create_graph)
        output = single_number(func, inputs, "vhp", strict)
        gradient = _gradients((output,), inputs, (None,), True)
        require_grad(gradient, strict, OF_JACOBIAN)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(gradient, inputs, v, create_graph)
        result = _without_gaps(found, inputs, strict, create_graph, "The jacobian", "The hessian")
    return _finished((output,), True, create_graph), _finished(result, one_input, create_graph)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return the value of a function, and H v: its Hessian times a vector.

    Where second derivatives are continuous H is symmetric, and :func:`vhp` gives the same with one backward less.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.functional.hvp.html
    """
    with enable_grad():
        inputs, one_input = new_inputs(inputs, "hvp", create_graph)
        v = vector_of_inputs(v, inputs, one_input, "hvp", create_graph)
        output = single_number(func, inputs, "hvp", strict)
        gradient = _gradients((output,), inputs, (None,), True)
        require_grad(gradient, strict, OF_JACOBIAN)
        weights = tuple([zeros_like(x, requires_grad=True) for x in inputs])
        product = _gradients(gradient, inputs, weights, True)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(product, weights, v, create_graph)
        result = _without_gaps(found, inputs, strict, create_graph, "The hessian", "The hessian")
    return _finished((output,), True, create_graph), _finished(result, one_input, create_graph)


# ---- derivatives ---------------------------------------------------------------------------------------


def _gradients(
    outputs: Sequence[Any],
    inputs: Tensors,
    grad_outputs: Sequence[Any],
    create_graph: bool,
    retain_graph: bool | None = None,
) -> Tensors:
    """Do what ``autograd.grad`` does, and take outputs that are None or need no gradient; None for unused inputs."""
    wanted = [i for i, x in enumerate(outputs) if x is not None and x.requires_grad]
    if not wanted:
        return (None,) * len(inputs)
    outs, vectors = [outputs[i] for i in wanted], [grad_outputs[i] for i in wanted]
    return grad(outs, inputs, vectors, retain_graph, create_graph, allow_unused=True)


def _jacobian_of(index: int, output: Any, inputs: Tensors, create_graph: bool, strict: bool) -> Tensors:
    """Return the Jacobian of one output with respect to each input, row by row."""
    rows: list[list[Any]] = [[] for _ in inputs]
    flat = output.reshape(-1)
    for j in range(output.numel()):
        found = _gradients((flat[j],), inputs, (None,), create_graph, retain_graph=True)
        for i, (row, x) in enumerate(zip(found, inputs, strict=True)):
            if strict and row is None:
                raise RuntimeError(
                    f"Output {index} of the user-provided function is independent of input {i}. {STRICT}"
                )
            if strict and create_graph and not row.requires_grad:
                raise RuntimeError(
                    f"The jacobian of the user-provided function is independent of input {index}. {WITH_GRAPH}"
                )
            rows[i].append(zeros_like(x) if row is None else row)
    return tuple([stack(row).view(*output.shape, *x.shape) for row, x in zip(rows, inputs, strict=True)])


# ---- what all of them end with -------------------------------------------------------------


def _without_gaps(
    found: Tensors, like: Tensors, strict: bool, create_graph: bool, what: str, derivative: str
) -> Tensors:
    """Put zeros where there is no gradient; in strict mode, raise there."""
    for i, x in enumerate(found if strict else ()):
        of = "of the user-provided function is independent of input"
        if x is None:
            raise RuntimeError(f"{what} {of} {i}. {STRICT}")
        if create_graph and not x.requires_grad:
            raise RuntimeError(f"{derivative} {of} {i}. {WITH_GRAPH}")
    return tuple([zeros_like(x) if g is None else g for g, x in zip(found, like, strict=True)])


def _finished(tensors: Sequence[Any], one: bool, create_graph: bool) -> Any:
    """Return a tuple, or the Tensor that was asked for alone; without history unless it is wanted."""
    results = tuple(tensors) if create_graph else tuple([x.detach() for x in tensors])
    return results[0] if one else results
