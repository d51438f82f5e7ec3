"""Gradients and Jacobians as functions.

All are made of backwards. The Tensors that a function is differentiated with respect to are new ones with the same
numbers (``Fresh``); what comes out belongs to their graph. If nothing else is in that graph that can have a gradient,
no one will ever go back through it, and the results are handed out without it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import autograd
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import enable_grad, is_grad_enabled
from tinygrad_edu.autograd.node import AccumulateGrad, Node
from tinygrad_edu.creation import zeros_like
from tinygrad_edu.func.tree import leaves_of, mapped, with_leaves
from tinygrad_edu.ops import stack

ArgNums = int | tuple[int, ...]


class Fresh:
    """A tree of Tensors with the numbers of another, to differentiate with respect to.

    Attributes
    ----------
    tree : tree of Tensors
        It.
    leaves : list of Tensors
        Its Tensors, from the left.
    """

    def __init__(self, tree: Any, name: str) -> None:
        self.leaves = [_anew(x, name) for x in leaves_of(tree)]
        self.tree = with_leaves(tree, iter(self.leaves))

    def end(self) -> None:
        """Say that nobody will differentiate with respect to these any more: graphs that end in them lead nowhere."""
        for leaf in self.leaves:
            if leaf.is_leaf:
                leaf.requires_grad_(False)

    def finished(self, tree: Any) -> Any:
        """Return results, each without its graph unless that leads to something else that can have a gradient."""
        return mapped(self._finished, tree)

    def _finished(self, x: Any) -> Any:
        if not isinstance(x, Tensor) or not x.requires_grad:
            return x
        return x if is_grad_enabled() and _leads_elsewhere(x, self.leaves) else x.detach()


def _anew(x: Any, name: str) -> Tensor:
    if not isinstance(x, Tensor):
        raise ValueError(f"{name}: expected Tensors to differentiate with respect to, got {type(x)}")
    return x.view_as(x) if x.requires_grad and is_grad_enabled() else x.detach().requires_grad_()


def _leads_elsewhere(x: Tensor, leaves: Sequence[Tensor]) -> bool:
    """Tell whether the graph of a Tensor ends in a leaf that is none of these."""
    own = {id(leaf) for leaf in leaves}
    if x.grad_fn is None:
        return id(x) not in own
    seen: set[Node] = set()
    waiting: list[Node] = [x.grad_fn]
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if isinstance(node, AccumulateGrad) and node.variable.requires_grad and id(node.variable) not in own:
            return True
        waiting.extend(next_node for next_node, _ in node.next_functions if next_node is not None)
    return False


# ---- gradients -----------------------------------------------------------------------------------------


def grad(func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """Return a function that computes the gradient of another one, whose value is a single number.

    Parameters
    ----------
    func : callable
        What to differentiate.
    argnums : int or tuple of int
        With respect to which arguments: Tensors, or tuples, lists and dicts of them.
    has_aux : bool
        Whether ``func`` returns a pair, of the number and something else that is handed on.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.grad.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.func.grad(torch.func.grad(torch.sin))(torch.tensor(1.0))
    tensor(-0.8415)
    """
    computed = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        result, value = computed(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of another one, and its value: ``(gradient, value)``.

    The arguments are those of :func:`grad`; with ``has_aux`` it is ``(gradient, (value, aux))``.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.grad_and_value.html
    """

    @functools.wraps(func)
    def gradient_and_value(*args: Any, **kwargs: Any) -> Any:
        fresh = Fresh(_selected(args, argnums), "grad")
        with enable_grad():
            value, aux = with_aux(func(*_replaced(args, argnums, fresh.tree), **kwargs), has_aux, "grad")
            _check_number(value)
            gradients = backward([value], fresh, None)
        value, aux, gradients = fresh.finished((value, aux, gradients))
        fresh.end()
        return gradients, (value, aux) if has_aux else value

    return gradient_and_value


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """Return the value of a function, and a function that multiplies a vector with its Jacobian there.

    Parameters
    ----------
    func : callable
        What to differentiate.
    *primals
        Its arguments.
    has_aux : bool
        Whether ``func`` returns a pair, of its value and something else that is handed on.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.vjp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> value, backward = torch.func.vjp(torch.square, torch.tensor([1.0, 2.0]))
    >>> value, backward(torch.tensor([1.0, 10.0]))
    (tensor([1., 4.]), (tensor([ 2., 40.]),))
    """
    fresh = Fresh(primals, "vjp")
    with enable_grad():
        value, aux = with_aux(func(*fresh.tree), has_aux, "vjp")

    def multiply(*cotangents: Any, **kwargs: Any) -> Any:
        given = list(leaves_of(cotangents[0] if len(cotangents) == 1 else cotangents))
        with enable_grad():
            gradients = backward(list(leaves_of(value)), fresh, given)
        return fresh.finished(gradients)

    outputs = fresh.finished(value)
    return (outputs, multiply, fresh.finished(aux)) if has_aux else (outputs, multiply)


# ---- whole Jacobians -----------------------------------------------------------------------------------


def jacrev(
    func: Callable[..., Any],
    argnums: ArgNums = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of another one, with a backward for each number of its value.

    Parameters
    ----------
    func, argnums, has_aux
        As in :func:`grad`; the value may be Tensors of any shape.
    chunk_size : int, optional
        Accepted, and changes nothing.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.jacrev.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.func.jacrev(torch.square)(torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        fresh = Fresh(_selected(args, argnums), "jacrev")
        with enable_grad():
            value, aux = with_aux(func(*_replaced(args, argnums, fresh.tree), **kwargs), has_aux, "jacrev")
            rows = iter([_jacobian_of(x, fresh) for x in leaves_of(value)])
        result, aux = fresh.finished((with_leaves(value, rows), aux))
        fresh.end()
        return (result, aux) if has_aux else result

    return jacobian


def jacfwd(
    func: Callable[..., Any], argnums: ArgNums = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of another one; the same numbers as :func:`jacrev`, in the same way.

    PyTorch's goes forward, which is faster where the value has more numbers than the argument; here nothing does.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.jacfwd.html
    """
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: ArgNums = 0) -> Callable[..., Any]:
    """Return a function that computes the Hessian of another one: the Jacobian of its Jacobian.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.hessian.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.func.hessian(torch.prod)(torch.tensor([2.0, 3.0]))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


# ---- helpers -------------------------------------------------------------------------------------------


def _selected(args: tuple[Any, ...], argnums: ArgNums) -> Any:
    for i in argnums if isinstance(argnums, tuple) else (argnums,):
        if not isinstance(i, int):
            raise RuntimeError(f"argnum must be int, got: {type(i)}")
        if not -len(args) <= i < len(args):
            raise RuntimeError(f"Got argnum={i}, but only {len(args)} positional inputs")
    return tuple([args[i] for i in argnums]) if isinstance(argnums, tuple) else args[argnums]


def _replaced(args: tuple[Any, ...], argnums: ArgNums, new: Any) -> list[Any]:
    result = list(args)
    for i, x in zip(argnums, new, strict=True) if isinstance(argnums, tuple) else [(argnums, new)]:
        result[i] = x
    return result


def with_aux(result: Any, has_aux: bool, name: str) -> tuple[Any, Any]:
    """Return the value of a function and what it returns beside it, or None."""
    if not has_aux:
        return result, None
    if not isinstance(result, tuple) or len(result) != 2:
        raise RuntimeError(
            f"{name}: expected a function that returns (output, aux) where has_aux=True, got {result}"
        )
    return result


def _check_number(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise RuntimeError(
            "Expected the differentiated function to return a single Tensor, got " + str(type(value).__name__)
        )
    if value.dim() != 0:
        raise RuntimeError(
            f"Expected the differentiated function to return a scalar Tensor, got a Tensor with {value.dim()} dims "
            f"of shape {tuple(value.shape)}. Hint: reduce it with .sum() or .mean()"
        )


def backward(outputs: list[Any], fresh: Fresh, vectors: list[Any] | None) -> Any:
    """Return the gradients of Tensors, in the shape of the tree, with zeros for what was not used."""
    given = [None] * len(outputs) if vectors is None else vectors
    if len(given) != len(outputs):
        raise RuntimeError(f"expected {len(outputs)} Tensors to multiply with, got {len(given)}")
    wanted = [(x, v) for x, v in zip(outputs, given, strict=True) if x.requires_grad]
    found: Sequence[Any] = [None] * len(fresh.leaves)
    if wanted:
        tensors, weights = zip(*wanted, strict=True)
        found = autograd.grad(tensors, fresh.leaves, weights, create_graph=True, allow_unused=True)
    gradients = [zeros_like(x) if g is None else g for g, x in zip(found, fresh.leaves, strict=True)]
    return with_leaves(fresh.tree, iter(gradients))


def _jacobian_of(output: Any, fresh: Fresh) -> Any:
    """Return the Jacobian of one Tensor, in the shape of the tree."""
    if not isinstance(output, Tensor):
        raise RuntimeError(f"jacrev: expected a function that returns Tensors, got {type(output)}")
    rows = [list(leaves_of(backward([x], fresh, None))) for x in output.reshape(-1).unbind()]
    columns = [
        stack([row[i] for row in rows]).reshape((*output.shape, *x.shape))
        if rows
        else x.new_zeros(*output.shape, *x.shape)
        for i, x in enumerate(fresh.leaves)
    ]
    return with_leaves(fresh.tree, iter(columns))
