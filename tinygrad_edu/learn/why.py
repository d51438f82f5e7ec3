"""Why is there no gradient? ``why_no_grad(tensor, loss)`` walks to the reason and says it in one sentence or two.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu import learn
>>> x = torch.ones(3, requires_grad=True)
>>> y = x * 2
>>> y.sum().backward()
>>> learn.why_no_grad(y)
y is no leaf: Mul computed it, and backward() fills .grad of leaves only. Call y.retain_grad() before backward().
"""

from __future__ import annotations

import sys
from typing import Any

from tinygrad_edu.autograd.errors.cuts import Cut
from tinygrad_edu.autograd.errors.explaining import Stop
from tinygrad_edu.autograd.errors.expressions import expression_at, named_arguments
from tinygrad_edu.autograd.errors.hints import Operand, called
from tinygrad_edu.autograd.graph import topological_order
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.tensor_base import TensorBase, array_of
from tinygrad_edu.learn.cut_log import logs
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.type_names import type_name

LOOK_ON = "With learn.explain() round the forward, the line can be named."

UNKNOWN = "the tensor", "the loss"
"""What those are called whose expression in the program cannot be read."""


class Reason(str):
    """A sentence that a prompt shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def why_no_grad(tensor: Any, loss: Any = None) -> Reason:
    """Say why a Tensor has no gradient.

    Parameters
    ----------
    tensor : Tensor
        Whose ``grad`` is None, or whose ``requires_grad`` is False.
    loss : Tensor, optional
        Of which ``backward()`` is called, or will be: then it is known whether a way leads from it to the tensor.

    Returns
    -------
    str
        A sentence. Lines of the program are in it where they were noted: within :class:`explain`.
    """
    for x in (tensor,) if loss is None else (tensor, loss):
        if not isinstance(x, TensorBase):
            raise TypeError(f"why_no_grad: expected a Tensor, got {type_name(x)}")
    name, loss_name = names_of_caller(sys._getframe(1), sys._getframe())
    if tensor._grad is not None:
        return Reason(f"{name} has a gradient: {name}.grad is there.")
    if not tensor.requires_grad:
        return Reason(f"{name} {reason_without_history(tensor, name)}")
    if not tensor.is_leaf and not tensor.retains_grad:
        return Reason(f"{name} {of_computed(tensor, name)}")
    if loss is None:
        return Reason(f"{name} {unreached(tensor, name)}")
    if not loss.requires_grad:
        return Reason(
            f"{loss_name} has no history, so nothing flows back from it: it {reason_without_history(loss, loss_name)}"
        )
    return Reason(f"{name} {seen_from(tensor, loss, loss_name)}")


def names_of_caller(caller: Any, called: Any) -> tuple[str, str]:
    """Return what the caller calls the tensor and the loss."""
    stop = Stop(caller, caller.f_lasti, caller.f_lineno)
    if expression_at(stop) is None:
        return UNKNOWN
    tensor, loss = [x.text for x in named_arguments(stop, called)]
    return tensor, loss


def reason_without_history(tensor: TensorBase, name: str) -> str:
    """Say why a Tensor has ``requires_grad=False``."""
    cuts = tensor._cuts if tensor._is_strided else (tensor._cuts or tensor._elements._cuts)
    known = cuts or tuple(filter(None, [log.of_memory(tensor) for log in logs()]))
    if known:
        return of_cuts(known)
    if not is_inexact(array_of(tensor).dtype):
        return (
            f"has numbers of {tensor.dtype}: only floating-point and complex numbers have gradients. Labels need none; "
            "what argmax or a comparison made lets no gradient through."
        )
    if tensor.is_inference():
        return "was made under inference_mode(), which records nothing."
    reads = places_of_reads()
    asked = (
        "does not require a gradient: nobody asked for one, and nothing it was computed from needs one. Hint: "
        f"{method_of(name, 'requires_grad_()')} for a leaf."
    )
    if reads:
        return f"{asked} If it was made from numbers that had been read, the graph ended there: {reads}."
    return (
        f"{asked} If a tensor with a gradient went into it, it went in under no_grad() "
        f"or as numbers (item(), numpy()). {LOOK_ON}"
    )


def places_of_reads() -> str:
    """Return where Python has read numbers, as far as somebody has looked on: "item() at train.py:7"."""
    return ", ".join(dict.fromkeys([f"{cut.how} at {cut.line}" for log in logs() for cut in log.reads]))


def method_of(name: str, method: str) -> str:
    """Return the text of a method called on what the user calls so; of the method alone where that is not known."""
    return method if name in UNKNOWN else called(Operand(name, (), "", ""), method)


def of_cuts(cuts: tuple[Cut, ...]) -> str:
    """Say where the numbers of a Tensor left the graph."""
    places = " and ".join(map(text_of, cuts))
    unknown = any(cut.line is None for cut in cuts)
    return f"was computed from numbers that {places}." + (f" {LOOK_ON}" if unknown else "")


def text_of(cut: Cut) -> str:
    """Return what cuts and where."""
    comma = "" if cut.how.endswith(",") else ","
    return f"{cut.how} cut off from the graph" + (f"{comma} at {cut.line}" if cut.line else "")


def of_computed(tensor: TensorBase, name: str) -> str:
    """Say that gradients of computed Tensors are not kept."""
    node = tensor.grad_fn
    made = "" if node is None or node.made_at is None else f" at {node.made_at}"
    operation = "" if node is None else node.operation_name()
    return (
        f"is no leaf: {operation} computed it{made}, and backward() fills .grad of leaves only. Call "
        f"{method_of(name, 'retain_grad()')} before backward()."
    )


def unreached(tensor: TensorBase, name: str) -> str:
    """Say what is known of a leaf that no gradient has reached, without a loss."""
    node = tensor._accumulator and tensor._accumulator()
    if node is None and tensor.is_leaf:
        known = "is in no graph that is there now: no recorded operation has used it, or its result is gone"
    else:
        known = (
            "is in a graph, and no gradient has come back: backward() was not called yet, or on another loss"
        )
    shown = "tensor" if name in UNKNOWN else name
    return f"{known}; zero_grad() also sets .grad to None. why_no_grad({shown}, loss) tells more."


def seen_from(tensor: TensorBase, loss: TensorBase, loss_name: str) -> str:
    """Say whether a way leads from the loss to a Tensor, and if not, what has cut it."""
    edge, target = loss.edge(), tensor.edge()
    assert edge is not None
    assert target is not None
    nodes = topological_order([edge[0]])
    if target[0] in nodes:
        if any(node.saved is None for node in nodes):
            return (
                f"was reached by the backward() of {loss_name}, and its .grad was set to None since (zero_grad() "
                "does that), or a backward on the way returned None."
            )
        first = f"is part of the graph of {loss_name}: call {method_of(loss_name, 'backward()')} first."
        if any(node.saved for node in nodes):
            return first
        return f"{first} If you have, .grad was set to None since, or a backward on the way returned None."
    cuts = cuts_on_the_way(nodes, tensor)
    if cuts:
        return (
            f"does not reach {loss_name}: " + "; ".join(f"on the way, {text_of(cut)}" for cut in cuts) + "."
        )
    reads = places_of_reads()
    known = f"If its numbers were used, the graph ended where they were read: {reads}." if reads else LOOK_ON
    return f"is not part of the graph of {loss_name}: it was not used, or the way was cut. {known}"


def cuts_on_the_way(nodes: list[Node], tensor: TensorBase) -> list[Cut]:
    """Return what has cut the way from a leaf to one of these nodes."""
    leaf = tensor if tensor.is_leaf else None
    cuts = dict.fromkeys(cut for node in nodes for cut in node.cuts)
    return [cut for cut in cuts if leaf is None or not cut.leaves or id(leaf) in cut.leaves]
