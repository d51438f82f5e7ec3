"""Message passing: what all graph layers are made of.

A graph is a list of edges, ``edge_index`` of shape (2, E): edge e leads from node ``edge_index[0, e]``, its source, to
node ``edge_index[1, e]``, its target. A layer does three things with the vectors x of the nodes:

1. *gather*: every edge takes the vector of its source, ``x[source]``: (N, C) -> (E, C);
2. *message*: what is sent along the edge is made of it, for example times the weight of the edge;
3. *scatter*: every node adds up the messages of the edges that lead to it: (E, C) -> (N, C).

Gather and scatter-add are each other's derivatives. Together, they are the product with the sparse matrix A that has
the weight of edge e at (target, source): ``torch.sparse.mm(A, x)``; but a message may be anything, also something that
depends on both ends of the edge.

References
----------
J. Gilmer et al., Neural Message Passing for Quantum Chemistry, ICML 2017, equations 1 and 2.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.tensor_base import tensor_from_array
from tinygrad_edu.backend import array_module
from tinygrad_edu.ops.common import check_positions, require_tensors
from tinygrad_edu.ops.nn.embedding_bag import SumBags

REDUCTIONS = ("add", "mean", "max")


def gather(x: Tensor, index: Tensor) -> Tensor:
    """Return the vectors of the nodes at one end of the edges: (N, ...) and (E,) -> (E, ...).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> gather(torch.tensor([[1.0], [2.0]]), torch.tensor([1, 1, 0]))
    tensor([[2.],
            [2.],
            [1.]])
    """
    rows = ops.embedding(index, ops.reshape(x, (x.shape[0], -1)))
    return ops.reshape(rows, (len(index), *x.shape[1:]))


def scatter(messages: Tensor, index: Tensor, size: int, reduce: str = "add") -> Tensor:
    """Put the messages together that go to one node.

    Parameters
    ----------
    messages : Tensor
        (E, ...).
    index : Tensor
        (E,) integers: the node each of them goes to.
    size : int
        How many nodes there are.
    reduce : {"add", "mean", "max"}
        What is made of the messages to one node.

    Returns
    -------
    Tensor
        (size, ...); 0 for nodes that get no message.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scatter(torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([2, 2, 0]), 3)
    tensor([[4.],
            [0.],
            [3.]])
    """
    require_tensors("scatter", messages=messages, index=index)
    if reduce not in REDUCTIONS:
        raise ValueError(f"scatter: expected reduce to be 'add', 'mean' or 'max', got {reduce!r}")
    check_positions("scatter", index.array, size)
    rows = ops.reshape(messages, (messages.shape[0], -1))
    if reduce == "max":
        everywhere = ops.expand(ops.reshape(index, (-1, 1)), rows.shape)
        nothing = tensor_from_array(array_module(rows.array).zeros((size, rows.shape[1]), rows.array.dtype))
        total = ops.scatter_reduce(nothing, 0, everywhere, rows, "amax", include_self=False)
    else:
        total = SumBags.apply(rows, index, bags=size)
    if reduce == "mean":
        total = total / ops.clamp(degree(index, size, messages), min=1)[:, None]
    return ops.reshape(total, (size, *messages.shape[1:]))


def degree(index: Tensor, size: int, like: Tensor) -> Any:
    """Return how often each node occurs in an index: (size,), in the dtype of another tensor."""
    return ops.bincount(index, minlength=size).to(like.dtype)


def neighbour_softmax(scores: Tensor, index: Tensor, size: int) -> Tensor:
    """Apply softmax to the scores of the edges that lead to one node: (E, heads) -> (E, heads).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> neighbour_softmax(torch.tensor([[3.0], [5.0], [5.0]]), torch.tensor([0, 1, 1]), 2)
    tensor([[1.0000],
            [0.5000],
            [0.5000]])
    """
    largest = scatter(scores.detach(), index, size, "max")  # subtracted on both sides: it has no gradient
    powers = ops.exp(scores - gather(largest, index))
    return powers / gather(scatter(powers, index, size), index)


def check_graph(name: str, x: Tensor, edge_index: Tensor, in_channels: int | None = None) -> None:
    """Raise unless ``x`` is (N, C) and ``edge_index`` (2, E) of integers from 0 to N - 1."""
    require_tensors(name, x=x, edge_index=edge_index)
    if x.ndim != 2 or in_channels not in (None, x.shape[1]):
        raise RuntimeError(
            f"{name}: expected x of shape (nodes, {'channels' if in_channels is None else in_channels}), got "
            f"{list(x.shape)}"
        )
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise RuntimeError(
            f"{name}: expected edge_index of shape (2, edges), sources and targets, got {list(edge_index.shape)}"
        )
    check_positions(name, edge_index.array, x.shape[0])


def edge_weights(name: str, edge_index: Tensor, weight: Tensor | None, like: Tensor) -> Tensor:
    """Return the weights of the edges, (E,); ones if there are none."""
    if weight is None:
        made: Tensor = like.new_ones(edge_index.shape[1])
        return made
    require_tensors(name, edge_weight=weight)
    if tuple(weight.shape) != (edge_index.shape[1],):
        raise RuntimeError(
            f"{name}: expected a weight for each of the {edge_index.shape[1]} edges, got {list(weight.shape)}"
        )
    return weight


def with_self_loops(
    edge_index: Tensor, weight: Tensor | None, nodes: int, fill: float = 1.0, keep_weights: bool = False
) -> tuple[Tensor, Any]:
    """Return the edges with one loop at each node behind them; loops that are there already are not doubled.

    Parameters
    ----------
    edge_index, weight : Tensor
        (2, E) and (E,), or no weights.
    nodes : int
        How many nodes there are.
    fill : float
        The weight of the new loops.
    keep_weights : bool
        Whether a loop that was there keeps its weight.
    """
    source, target = edge_index.array
    xp = array_module(source)
    kept, old = source != target, source == target
    loops = xp.arange(nodes, dtype=source.dtype)
    index = tensor_from_array(
        xp.stack([xp.concatenate([source[kept], loops]), xp.concatenate([target[kept], loops])])
    )
    if weight is None:
        return index, None
    of_loops = weight.new_full((nodes,), fill)
    if keep_weights and old.any():
        of_loops[source[old]] = weight[old]
    return index, ops.cat([weight[kept], of_loops])
