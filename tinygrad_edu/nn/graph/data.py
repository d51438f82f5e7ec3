"""Graphs, one or several at once.

References
----------
https://pytorch-geometric.readthedocs.io/en/latest/modules/data.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor


class Data:
    """A graph: vectors of its nodes, its edges, and whatever else belongs to it.

    Parameters
    ----------
    x : Tensor, optional
        (nodes, channels).
    edge_index : Tensor, optional
        (2, edges): the source and the target of each edge.
    edge_attr : Tensor, optional
        (edges, ...).
    y : Tensor, optional
        What is to be learned: of the nodes, or of the graph, with a first dimension of 1.
    **others
        Further tensors, such as masks of nodes, and anything else.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> Data(x=torch.ones(3, 2), edge_index=torch.tensor([[0, 1], [1, 2]]), y=torch.tensor([1]))
    Data(x=[3, 2], edge_index=[2, 2], y=[1])
    """

    x: Any = None
    edge_index: Any = None
    edge_attr: Any = None
    y: Any = None

    def __init__(
        self,
        x: Tensor | None = None,
        edge_index: Tensor | None = None,
        edge_attr: Tensor | None = None,
        y: Any = None,
        **others: Any,
    ) -> None:
        given = {"x": x, "edge_index": edge_index, "edge_attr": edge_attr, "y": y, **others}
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)

    def keys(self) -> list[str]:
        """Return the names of what the graph has."""
        return [name for name in vars(self) if not name.startswith("_")]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter([(name, vars(self)[name]) for name in self.keys()])

    def __contains__(self, name: str) -> bool:
        return name in self.keys()

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    @property
    def num_nodes(self) -> int:
        """How many nodes there are: as many as ``x`` has rows, or the largest number in ``edge_index`` asks for."""
        if "num_nodes" in vars(self):
            return int(vars(self)["num_nodes"])
        if self.x is not None:
            return len(self.x)
        return (
            int(self.edge_index.max()) + 1 if self.edge_index is not None and self.edge_index.numel() else 0
        )

    @num_nodes.setter
    def num_nodes(self, value: int) -> None:
        vars(self)["num_nodes"] = value

    @property
    def num_edges(self) -> int:
        """How many edges there are; one that leads both ways counts twice."""
        return 0 if self.edge_index is None else int(self.edge_index.shape[1])

    @property
    def num_node_features(self) -> int:
        """The size of the nodes' vectors."""
        return 0 if self.x is None else int(self.x.shape[-1])

    num_features = num_node_features

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move all tensors, in place; see ``Tensor.to``."""
        for name, value in self:
            if isinstance(value, Tensor):
                setattr(self, name, value.to(*args, **kwargs))
        return self

    def __repr__(self) -> str:
        shown = [f"{k}={list(v.shape) if isinstance(v, Tensor) else v!r}" for k, v in self]
        return f"{type(self).__name__}({', '.join(shown)})"


class Batch(Data):
    """Several graphs as one large graph without edges between them.

    Everything that works on one graph works on it; ``batch`` says which graph each node is of, and ``ptr`` where the
    nodes of each begin.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> pair = Data(x=torch.zeros(2, 1), edge_index=torch.tensor([[0], [1]]))
    >>> both = Batch.from_data_list([pair, pair])
    >>> both.edge_index, both.batch
    (tensor([[0, 2],
            [1, 3]]), tensor([0, 0, 1, 1]))
    """

    batch: Any
    ptr: Any

    @classmethod
    def from_data_list(cls, data_list: Sequence[Data]) -> Batch:
        """Put graphs together, all of which have the same things."""
        graphs = list(data_list)
        if not graphs:
            raise ValueError("Batch: expected at least one graph, got none")
        if any(graph.keys() != graphs[0].keys() for graph in graphs):
            raise ValueError(
                f"Batch: expected every graph to have the same as the first, {graphs[0].keys()}, got "
                f"{[graph.keys() for graph in graphs]}"
            )
        made, sizes = cls(), [graph.num_nodes for graph in graphs]
        starts = [sum(sizes[:i]) for i in range(len(sizes) + 1)]
        for name, _ in graphs[0]:
            if name != "num_nodes":
                setattr(made, name, joined(name, [graph[name] for graph in graphs], starts))
        made.batch = ops.repeat_interleave(creation.arange(len(graphs)), creation.tensor(sizes))
        made.ptr = creation.tensor(starts)
        made.num_nodes = starts[-1]
        made._graphs = graphs
        return made

    _graphs: list[Data]

    @property
    def num_graphs(self) -> int:
        """How many graphs these are."""
        return len(self._graphs)

    def to_data_list(self) -> list[Data]:
        """Return the graphs that were put together."""
        return self._graphs

    def __len__(self) -> int:
        return self.num_graphs


def joined(name: str, values: list[Any], starts: list[int]) -> Any:
    """Return what the graphs have under one name as one: names with ``index`` number nodes, and are moved up."""
    if not isinstance(values[0], Tensor):
        return creation.tensor(values) if isinstance(values[0], int | float) else values
    if "index" in name:
        return ops.cat([value + start for value, start in zip(values, starts, strict=False)], -1)
    return ops.cat([value.reshape(1) if value.ndim == 0 else value for value in values])
