"""How fast the value of a function changes in a direction: its Jacobian times a vector.

PyTorch goes forward for that. Here, as everywhere, there are backwards: see :class:`Linear`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.creation import zeros_like
from tinygrad_edu.func.gradients import Fresh, backward, with_aux
from tinygrad_edu.func.tree import leaves_of, with_leaves


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """Return the value of a function, and its Jacobian times a vector: how fast it changes in a direction.

    There is no forward mode: a vector times the Jacobian is linear in the vector, and the derivative of that is the
    Jacobian times a vector.

    Parameters
    ----------
    func : callable
        What to differentiate.
    primals, tangents : tuple
        Its arguments, and the direction.
    strict : bool
        Accepted; a value that does not depend on an argument does not change with it.
    has_aux : bool
        Whether ``func`` returns a pair, of its value and something else that is handed on.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.jvp.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.func.jvp(torch.square, (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 10.0]),))
    (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    if not isinstance(primals, tuple) or not isinstance(tangents, tuple) or len(primals) != len(tangents):
        raise RuntimeError("jvp: expected primals and tangents to be tuples of the same length")
    fresh = Fresh(primals, "jvp")
    with enable_grad():
        value, aux = with_aux(func(*fresh.tree), has_aux, "jvp")
        linear = Linear(list(leaves_of(value)), fresh)
        changes = linear.times(list(leaves_of(tangents)))
    linear.end()
    changes, value, aux = fresh.finished((with_leaves(value, iter(changes)), value, aux))
    fresh.end()
    return (value, changes, aux) if has_aux else (value, changes)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the value of a function, and the linear function nearest to it there: a direction times the Jacobian.

    What :func:`jvp` computes for one direction, for as many as are wanted: the graph is kept, and gone through once
    for each.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.func.linearize.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> value, change = torch.func.linearize(torch.square, torch.tensor([1.0, 2.0]))
    >>> value, change(torch.tensor([1.0, 10.0])), change(torch.tensor([0.0, 1.0]))
    (tensor([1., 4.]), tensor([ 2., 40.]), tensor([0., 4.]))
    """
    fresh = Fresh(primals, "linearize")
    with enable_grad():
        value = func(*fresh.tree)
        linear = Linear(list(leaves_of(value)), fresh)

    def change(*tangents: Any) -> Any:
        given = list(leaves_of(tangents))
        check_tangents(given, fresh.leaves)
        with enable_grad():
            changes = linear.times(given)
        return fresh.finished(with_leaves(value, iter(changes)))

    return fresh.finished(value), change


class Linear:
    """J times a vector, by two backwards: v J is linear in v, and the derivative of that, times t, is J t.

    Parameters
    ----------
    outputs : list of Tensors
        Whose Jacobian it is.
    fresh : Fresh
        With respect to what.
    """

    def __init__(self, outputs: list[Any], fresh: Fresh) -> None:
        self.weights = Fresh([zeros_like(x) for x in outputs], "jvp")  # v: any will do
        self.product = list(leaves_of(backward(outputs, fresh, self.weights.leaves)))

    def times(self, tangents: list[Any]) -> list[Any]:
        """Return how each output changes in a direction."""
        return list(leaves_of(backward(self.product, self.weights, tangents)))

    def end(self) -> None:
        """Say that no other direction comes."""
        self.weights.end()


def check_tangents(tangents: list[Any], primals: Sequence[Tensor]) -> None:
    """Raise unless there is a direction for each argument, of its shape, dtype and device."""
    if len(tangents) != len(primals):
        raise RuntimeError(
            f"linearize: expected {len(primals)} tangents, one for each primal, got {len(tangents)}"
        )
    for i, (tangent, primal) in enumerate(zip(tangents, primals, strict=True)):
        for kind in ("shape", "device", "dtype"):
            expected, given = getattr(primal, kind), getattr(tangent, kind, None)
            if given != expected:
                raise RuntimeError(
                    f"linearize: expected tangent {i} to have the {kind} of its primal, {expected}, got {given}"
                )
