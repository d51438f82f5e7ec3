"""One vector for a whole graph: of those of its nodes.

References
----------
https://pytorch-geometric.readthedocs.io/en/latest/modules/nn.html#pooling-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.graph.messages import scatter


def global_add_pool(x: Tensor, batch: Tensor | None, size: int | None = None) -> Any:
    """Add the vectors of the nodes of each graph: (N, C) -> (graphs, C).

    Parameters
    ----------
    x : Tensor
        (N, C): the vectors of the nodes of all graphs.
    batch : Tensor, optional
        (N,): which graph each node is of; without it, there is one graph.
    size : int, optional
        How many graphs there are; as many as the batch names by default.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> global_add_pool(torch.ones(3, 2), torch.tensor([0, 0, 1]))
    tensor([[2., 2.],
            [1., 1.]])
    """
    return _pooled(x, batch, size, "add")


def global_mean_pool(x: Tensor, batch: Tensor | None, size: int | None = None) -> Any:
    """Return the mean of the vectors of the nodes of each graph; see :func:`global_add_pool`."""
    return _pooled(x, batch, size, "mean")


def global_max_pool(x: Tensor, batch: Tensor | None, size: int | None = None) -> Any:
    """Return the largest elements of the vectors of the nodes of each graph; see :func:`global_add_pool`."""
    return _pooled(x, batch, size, "max")


def _pooled(x: Tensor, batch: Tensor | None, size: int | None, reduce: str) -> Any:
    if batch is None:
        functions = {"add": ops.sum, "mean": ops.mean, "max": ops.amax}
        return functions[reduce](x, 0, keepdim=True)
    if size is None:
        size = int(batch.array.max()) + 1 if len(batch) else 0
    return scatter(x, batch, size, reduce)
