"""Graphs of different sizes as one array: filled up to the size of the largest.

References
----------
https://pytorch-geometric.readthedocs.io/en/latest/modules/utils.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.graph.links import check_edges
from tinygrad_edu.nn.graph.messages import scatter
from tinygrad_edu.ops.common import require_tensors


def to_dense_batch(
    x: Tensor,
    batch: Tensor | None = None,
    fill_value: float = 0.0,
    max_num_nodes: int | None = None,
    batch_size: int | None = None,
) -> tuple[Any, Any]:
    """Give each graph a row: (N, ...) -> (graphs, max_num_nodes, ...).

    Parameters
    ----------
    x : Tensor
        (N, ...): of the nodes of all graphs, one graph after the other.
    batch : Tensor, optional
        (N,) in ascending order: which graph each node is of; without it, there is one graph.
    fill_value : float
        What stands where a graph has no more nodes.
    max_num_nodes : int, optional
        How many nodes there is room for; further ones are left out. By default for all.
    batch_size : int, optional
        How many graphs there are; as many as the batch names by default.

    Returns
    -------
    (Tensor, Tensor)
        The nodes, and where there are some: bool (graphs, max_num_nodes).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> to_dense_batch(torch.tensor([5, 6, 7]), torch.tensor([0, 1, 1]))
    (tensor([[5, 0],
            [6, 7]]), tensor([[ True, False],
            [ True,  True]]))
    """
    require_tensors("to_dense_batch", x=x)
    if batch is None:
        batch = creation.zeros(len(x), dtype=creation.arange(0).dtype, device=x.device)
    counts, places = numbered(batch, batch_size)
    room = max_num_nodes if max_num_nodes is not None else int(counts.max()) if len(counts) else 0
    fits = places < room
    where = batch[fits], places[fits]
    dense = creation.full((len(counts), room, *x.shape[1:]), fill_value, dtype=x.dtype, device=x.device)
    mask = creation.zeros((len(counts), room), dtype=fits.dtype, device=x.device)
    return ops.index_put(dense, where, x[fits]), ops.index_put(mask, where, fits[fits])


def to_dense_adj(
    edge_index: Tensor,
    batch: Tensor | None = None,
    edge_attr: Tensor | None = None,
    max_num_nodes: int | None = None,
    batch_size: int | None = None,
) -> Any:
    """Return the adjacency matrix of each graph: (graphs, max_num_nodes, max_num_nodes, ...).

    Element [g, i, j] is the number of edges from node i to node j of graph g, or the sum of what they have in
    ``edge_attr``; the arguments are those of :func:`to_dense_batch`.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> to_dense_adj(torch.tensor([[0, 0, 2], [1, 1, 0]]))
    tensor([[[0., 2., 0.],
             [0., 0., 0.],
             [1., 0., 0.]]])
    """
    check_edges("to_dense_adj", edge_index)
    if batch is None:
        nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
        batch = creation.zeros(nodes, dtype=edge_index.dtype, device=edge_index.device)
        batch_size = batch_size or 1
    if edge_attr is None:
        edge_attr = creation.ones(edge_index.shape[1], device=edge_index.device)
    counts, places = numbered(batch, batch_size)
    room = max_num_nodes if max_num_nodes is not None else int(counts.max())
    source, target = places[edge_index[0]], places[edge_index[1]]
    fits = ops.logical_and(source < room, target < room)
    cells = (batch[edge_index[0]] * room + source) * room + target
    total = scatter(edge_attr[fits], cells[fits], len(counts) * room * room)
    return ops.reshape(total, (len(counts), room, room, *edge_attr.shape[1:]))


def numbered(batch: Tensor, batch_size: int | None) -> tuple[Tensor, Tensor]:
    """Return how many nodes each graph has, and for each node which of its graph's nodes it is."""
    if batch_size is None:
        batch_size = int(batch.max()) + 1 if len(batch) else 0
    counts = ops.bincount(batch, minlength=batch_size)
    starts = ops.cumsum(counts, 0) - counts
    return counts, creation.arange(len(batch), device=batch.device) - starts[batch]
