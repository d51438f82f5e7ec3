"""Edges that are there and edges that are not: what it takes to learn which nodes belong together.

A graph says only which pairs are connected. To learn that, a network must see pairs that are not, too, and to be
tested it needs edges that it has not seen.

References
----------
https://pytorch-geometric.readthedocs.io/en/latest/modules/utils.html#torch_geometric.utils.negative_sampling
https://pytorch-geometric.readthedocs.io/en/latest/generated/torch_geometric.transforms.RandomLinkSplit.html
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

from tinygrad_edu import creation, ops, sampling
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_bools
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.nn.graph.data import Data
from tinygrad_edu.ops.common import require_tensors

METHODS = ("sparse", "dense")


def to_undirected(edge_index: Tensor) -> Tensor:
    """Return each edge in both directions, each once, in the order of their ends: (2, E) -> (2, F).

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> to_undirected(torch.tensor([[0, 1, 2], [1, 0, 0]]))
    tensor([[0, 0, 1, 2],
            [1, 2, 0, 0]])
    """
    check_edges("to_undirected", edge_index)
    return ops.unique(ops.cat([edge_index, edge_index.flip(0)], 1), dim=1)


@no_grad()
def negative_sampling(
    edge_index: Tensor,
    num_nodes: int | tuple[int, int] | None = None,
    num_neg_samples: int | float | None = None,
    method: str = "sparse",
    force_undirected: bool = False,
) -> Tensor:
    """Draw pairs of nodes that no edge connects, each at most once.

    Parameters
    ----------
    edge_index : Tensor
        (2, E): the edges that are there.
    num_nodes : int or pair of int, optional
        How many nodes there are; as many as the largest number asks for by default. A pair: how many sources and how
        many targets, if these are nodes of two kinds. Otherwise no pair of a node with itself is drawn.
    num_neg_samples : int or float, optional
        How many pairs; a float: how many for each edge. As many as edges by default. If there are not so many, all.
    method : {"sparse", "dense"}
        Draw until there are enough different ones, or put all of them in random order, which takes more memory.
    force_undirected : bool
        Return each pair in both directions; ``num_neg_samples`` counts both.

    Returns
    -------
    Tensor
        (2, num_neg_samples).

    Notes
    -----
    Every pair has a number. Those of the edges are taken; the r-th number that is free is r and as many more as there
    are taken ones before it.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> triangle_and_node = torch.tensor([[0, 1, 2], [1, 2, 0]])
    >>> negative_sampling(triangle_and_node, num_nodes=4, num_neg_samples=9).shape
    torch.Size([2, 9])
    """
    check_edges("negative_sampling", edge_index)
    require_bools("negative_sampling", force_undirected=force_undirected)
    if method not in METHODS:
        raise ValueError(f"negative_sampling: expected method to be 'sparse' or 'dense', got {method!r}")
    if num_nodes is None:
        num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    one_kind = not isinstance(num_nodes, tuple)
    rows, columns = (num_nodes, num_nodes) if not isinstance(num_nodes, tuple) else num_nodes
    force_undirected = force_undirected and one_kind
    wanted = edge_index.shape[1] if num_neg_samples is None else num_neg_samples
    wanted = int(wanted * edge_index.shape[1]) if isinstance(wanted, float) else wanted

    wanted = wanted // 2 if force_undirected else wanted

    taken = taken_numbers(edge_index, rows, columns, one_kind, force_undirected)
    free = (rows * (rows - 1) // 2 if force_undirected else rows * columns) - len(taken)
    ranks = draw_ranks(free, min(wanted, free), method, edge_index.device)
    before = ops.searchsorted(taken - creation.arange(len(taken), device=taken.device), ranks, right=True)
    return pairs_of(ranks + before, columns, force_undirected)


def taken_numbers(edge_index: Tensor, rows: int, columns: int, one_kind: bool, undirected: bool) -> Tensor:
    """Return the numbers of the pairs that may not be drawn, in ascending order.

    Pair (i, j) has the number i * columns + j. Where both directions are one, only pairs with i < j have a number,
    j * (j - 1) / 2 + i: as many as stand in the columns before it of the triangle above the diagonal, and in its own.
    """
    source, target = edge_index
    if undirected:
        first, second = ops.minimum(source, target), ops.maximum(source, target)
        numbers = ops.floor_divide(second * (second - 1), 2) + first
        return ops.unique(numbers[first < second])
    taken = source * columns + target
    if one_kind:
        taken = ops.cat([taken, creation.arange(rows, device=taken.device) * (columns + 1)])
    return ops.unique(taken)


def pairs_of(numbers: Tensor, columns: int, undirected: bool) -> Tensor:
    """Return the pairs with these numbers: (2, n); both directions of each: (2, 2 n)."""
    if not undirected:
        return ops.stack(
            [ops.floor_divide(numbers, max(columns, 1)), ops.remainder(numbers, max(columns, 1))]
        )
    second = ops.floor((1 + ops.sqrt(8 * numbers.double() + 1)) / 2).to(numbers.dtype)
    pairs = ops.stack([numbers - ops.floor_divide(second * (second - 1), 2), second])
    return ops.cat([pairs, pairs.flip(0)], 1)


def draw_ranks(free: int, wanted: int, method: str, device: Any) -> Tensor:
    """Return ``wanted`` different integers below ``free``, in random order."""
    if method == "dense" or 2 * wanted >= free:  # drawing again and again would find few new ones
        return sampling.randperm(free, device=device)[:wanted]
    ranks = sampling.randint(free, (wanted,), device=device)
    while len(ranks := ops.unique(ranks)) < wanted:
        ranks = ops.cat([ranks, sampling.randint(free, (wanted,), device=device)])
    return ranks[sampling.randperm(len(ranks), device=device)[:wanted]]


def check_edges(name: str, edge_index: Tensor) -> None:
    """Raise unless ``edge_index`` is (2, E)."""
    require_tensors(name, edge_index=edge_index)
    if edge_index.ndim != 2 or edge_index.shape[0] != 2:
        raise RuntimeError(
            f"{name}: expected edge_index of shape (2, edges), sources and targets, got {list(edge_index.shape)}"
        )


class RandomLinkSplit:
    """Split the edges of a graph at random, into those to learn from, to choose by and to test on.

    Called with a graph, it returns three. Each has ``edge_index``, the edges along which messages may pass, and
    ``edge_label_index``, the pairs that are asked about, with ``edge_label``, 1 for an edge and 0 for none. The graph
    to test on passes messages along the edges of the two others, and asks about its own.

    Parameters
    ----------
    num_val, num_test : int or float
        How many edges to choose by and to test on; a float: which share of them.
    is_undirected : bool
        Whether each edge is there in both directions: then both go to the same part, and the label is given once.
    key : str
        The name of the labels; if the graph has labels of that name, they are taken, plus 1.
    split_labels : bool
        Return ``pos_edge_label`` and ``neg_edge_label`` (and their ``_index``) instead.
    add_negative_train_samples : bool
        Whether the graph to learn from has pairs without an edge, too; otherwise draw some in every step, by
        :func:`negative_sampling`.
    neg_sampling_ratio : float
        How many pairs without an edge there are for each edge.
    disjoint_train_ratio : int or float
        How many of the edges to learn from are asked about only, and pass no messages; none: all do both.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> ring = Data(edge_index=to_undirected(torch.stack([torch.arange(10), torch.arange(1, 11) % 10])))
    >>> train, val, test = RandomLinkSplit(num_val=0.1, num_test=0.2, is_undirected=True)(ring)
    >>> test
    Data(edge_index=[2, 16], edge_label=[4], edge_label_index=[2, 4])
    """

    def __init__(
        self,
        num_val: int | float = 0.1,
        num_test: int | float = 0.2,
        is_undirected: bool = False,
        key: str = "edge_label",
        split_labels: bool = False,
        add_negative_train_samples: bool = True,
        neg_sampling_ratio: float = 1.0,
        disjoint_train_ratio: int | float = 0.0,
    ) -> None:
        require_bools(
            "RandomLinkSplit",
            is_undirected=is_undirected,
            split_labels=split_labels,
            add_negative_train_samples=add_negative_train_samples,
        )
        self.num_val, self.num_test, self.is_undirected = num_val, num_test, is_undirected
        self.key, self.split_labels = key, split_labels
        self.add_negative_train_samples, self.neg_sampling_ratio = (
            add_negative_train_samples,
            neg_sampling_ratio,
        )
        self.disjoint_train_ratio = disjoint_train_ratio

    def __call__(self, data: Data) -> tuple[Data, Data, Data]:
        edges = sampling.randperm(data.num_edges, device=data.edge_index.device)
        if self.is_undirected:
            edges = edges[(data.edge_index[0] <= data.edge_index[1])[edges]]
        val, test = count_of(self.num_val, len(edges)), count_of(self.num_test, len(edges))
        train = len(edges) - val - test
        asked = count_of(self.disjoint_train_ratio, max(train, 0))
        if train - asked <= 0:
            raise ValueError(
                f"RandomLinkSplit: expected edges to be left for training, got {len(edges)} and {val} for validation, "
                f"{test} for the test, {asked} that pass no messages"
            )
        counts = [(asked or train) if self.add_negative_train_samples else 0, val, test]
        none = self.pairs_without_edge(data, [int(count * self.neg_sampling_ratio) for count in counts])
        messages = [edges[asked:train], edges[:train], edges[: train + val]]
        about = [edges[: asked or train], edges[train : train + val], edges[train + val :]]
        first, second, third = (
            self.part(data, *places) for places in zip(messages, about, none, strict=True)
        )
        return first, second, third

    def pairs_without_edge(self, data: Data, counts: list[int]) -> list[Tensor]:
        """Return three lists of pairs, all different."""
        pairs = negative_sampling(data.edge_index, data.num_nodes, sum(counts))
        found = pairs.shape[1]
        if found < sum(counts):
            warnings.warn(
                f"RandomLinkSplit: there are {found} pairs without an edge, not the {sum(counts)} that were wanted",
                stacklevel=3,
            )
            counts = [int(count / sum(counts) * found) for count in counts]
            counts[2] = found - counts[0] - counts[1]
        return list(ops.split(pairs, counts, 1))

    def part(self, data: Data, messages: Tensor, about: Tensor, none: Tensor) -> Data:
        """Return the graph with some of its edges, and the pairs that are asked about."""
        made = copy.copy(data)
        for name, value in data:
            if name == "edge_index":
                kept = value[:, messages]
                made.edge_index = ops.cat([kept, kept.flip(0)], 1) if self.is_undirected else kept
            elif "edge" in name and isinstance(value, Tensor) and len(value) == data.num_edges:
                made[name] = ops.cat([value[messages]] * (2 if self.is_undirected else 1))
        if self.key in data:
            labels = data[self.key][about] + int(none.shape[1] > 0)
            delattr(made, self.key)
        else:
            labels = creation.ones(len(about), device=about.device)
        groups = [("pos_", labels, data.edge_index[:, about])]
        groups.append(("neg_", labels.new_zeros((none.shape[1], *labels.shape[1:])), none))
        if not self.split_labels:
            groups = [
                ("", ops.cat([group[1] for group in groups]), ops.cat([group[2] for group in groups], 1))
            ]
        for prefix, label, index in groups:
            made[f"{prefix}{self.key}"], made[f"{prefix}{self.key}_index"] = label, index
        return made

    def __repr__(self) -> str:
        return f"RandomLinkSplit(num_val={self.num_val}, num_test={self.num_test})"


def count_of(wanted: int | float, there: int) -> int:
    """Return a number of edges; a float is a share of those that are there."""
    return int(wanted * there) if isinstance(wanted, float) else wanted
