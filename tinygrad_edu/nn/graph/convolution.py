"""Graph layers: each node's new vector is made of its own and those of its neighbours.

The arguments and the names of the parameters are those of PyTorch Geometric.

References
----------
https://pytorch-geometric.readthedocs.io/en/latest/modules/nn.html#convolutional-layers
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_bools, require_ints
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.graph.messages import (
    REDUCTIONS,
    check_graph,
    edge_weights,
    gather,
    scatter,
    with_self_loops,
)
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


def check_aggr(name: str, aggr: Any) -> None:
    """Raise unless the neighbours are put together in one of the known ways."""
    if aggr not in REDUCTIONS:
        raise ValueError(f"{name}: expected aggr to be 'add', 'mean' or 'max', got {aggr!r}")


class GraphConv(Module):
    r"""The simplest graph layer: one matrix for the node itself, one for the sum of its neighbours.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the nodes' vectors, before and after.
    aggr : {"add", "mean", "max"}
        How the neighbours are put together.
    bias : bool
        Whether a vector is added.

    Notes
    -----
    .. math::
        x'_i = W_1 x_i + W_2 \sum_{j \to i} e_{ji} x_j

    with ``lin_root`` for :math:`W_1` and ``lin_rel`` for :math:`W_2`, and the weights :math:`e` of the edges.

    References
    ----------
    C. Morris et al., Weisfeiler and Leman Go Neural: Higher-order Graph Neural Networks, AAAI 2019, equation 3.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> path = torch.tensor([[0, 1], [1, 2]])  # 0 -> 1 -> 2
    >>> torch.nn.GraphConv(4, 8)(torch.randn(3, 4), path).shape
    torch.Size([3, 8])
    """

    def __init__(self, in_channels: int, out_channels: int, aggr: str = "add", bias: bool = True) -> None:
        super().__init__()
        require_ints("GraphConv", in_channels=in_channels, out_channels=out_channels)
        check_aggr("GraphConv", aggr)
        self.in_channels, self.out_channels, self.aggr = in_channels, out_channels, aggr
        self.lin_rel = Linear(in_channels, out_channels, bias=bias)
        self.lin_root = Linear(in_channels, out_channels, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Any:
        check_graph("GraphConv", x, edge_index, self.in_channels)
        source, target = edge_index
        messages = gather(x, source)  # (E, in_channels)
        if edge_weight is not None:
            messages = messages * edge_weights("GraphConv", edge_index, edge_weight, x)[:, None]
        return self.lin_rel(scatter(messages, target, len(x), self.aggr)) + self.lin_root(x)

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}"


class GCNConv(Module):
    r"""Graph convolution: the mean of a node and its neighbours, where those with many neighbours count less.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the nodes' vectors, before and after.
    improved : bool
        Give each node's own vector the weight 2.
    cached : bool
        Keep the weights of the edges from the first call: for one graph only, which stays as it is.
    add_self_loops : bool, optional
        Whether each node is its own neighbour; as ``normalize`` says by default.
    normalize : bool
        Whether the edges are weighted by the degrees of their ends.
    bias : bool
        Whether a vector is added.

    Notes
    -----
    .. math::
        x'_i = W \sum_{j \to i} \frac{e_{ji}}{\sqrt{d_i d_j}} x_j + b, \qquad d_i = \sum_{j \to i} e_{ji}

    over the neighbours and the node itself; as matrices, :math:`D^{-1/2} (A + I) D^{-1/2} X W^T + b`.

    References
    ----------
    T. Kipf, M. Welling, Semi-Supervised Classification with Graph Convolutional Networks, ICLR 2017, equation 2.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> path = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
    >>> torch.nn.graph.GCNConv(4, 8)(torch.randn(3, 4), path).shape
    torch.Size([3, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        improved: bool = False,
        cached: bool = False,
        add_self_loops: bool | None = None,
        normalize: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_ints("GCNConv", in_channels=in_channels, out_channels=out_channels)
        require_bools("GCNConv", improved=improved, cached=cached, normalize=normalize, bias=bias)
        add_self_loops = normalize if add_self_loops is None else add_self_loops
        if add_self_loops and not normalize:
            raise ValueError("GCNConv does not support adding self-loops to the graph without normalization")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.improved, self.cached = improved, cached
        self.add_self_loops, self.normalize = add_self_loops, normalize
        self._kept: tuple[Tensor, Tensor] | None = None
        self.lin = Linear(in_channels, out_channels, bias=False)
        self.bias = Parameter(creation.zeros(out_channels)) if bias else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters again."""
        init.xavier_uniform_(self.lin.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
        self._kept = None

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor | None = None) -> Any:
        check_graph("GCNConv", x, edge_index, self.in_channels)
        edge_index, weight = self.weighted_edges(x, edge_index, edge_weight)
        source, target = edge_index
        messages = gather(self.lin(x), source) * weight[:, None]  # (E, out_channels)
        out = scatter(messages, target, len(x))
        return out if self.bias is None else out + self.bias

    def weighted_edges(self, x: Tensor, edge_index: Tensor, weight: Tensor | None) -> tuple[Tensor, Any]:
        """Return the edges, loops among them, and e / sqrt(d_i d_j) for each."""
        if self._kept is not None:
            return self._kept
        weight = edge_weights("GCNConv", edge_index, weight, x)
        if self.add_self_loops:
            fill = 2.0 if self.improved else 1.0
            edge_index, weight = with_self_loops(edge_index, weight, len(x), fill, keep_weights=True)
        if self.normalize:
            source, target = edge_index
            degrees = scatter(weight, target, len(x))
            is_alone = degrees == 0
            roots = ops.where(is_alone, 0.0, ops.rsqrt(ops.where(is_alone, 1.0, degrees)))
            weight = gather(roots, source) * weight * gather(roots, target)
        if self.cached:
            self._kept = edge_index, weight
        return edge_index, weight

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}"


class SAGEConv(Module):
    r"""GraphSAGE: one matrix for the node itself, one for the mean of its neighbours.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the nodes' vectors, before and after.
    aggr : {"mean", "add", "max"}
        How the neighbours are put together.
    normalize : bool
        Whether the result is brought to length 1.
    root_weight : bool
        Whether the node itself counts.
    project : bool
        Whether the neighbours go through a linear layer and a ReLU first.
    bias : bool
        Whether a vector is added.

    Notes
    -----
    .. math::
        x'_i = W_1 x_i + W_2 \operatorname{mean}_{j \to i} x_j

    with ``lin_r`` for :math:`W_1` and ``lin_l`` for :math:`W_2`.

    References
    ----------
    W. Hamilton, R. Ying, J. Leskovec, Inductive Representation Learning on Large Graphs, NeurIPS 2017, algorithm 1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> torch.nn.graph.SAGEConv(4, 8)(torch.randn(3, 4), path).shape
    torch.Size([3, 8])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        aggr: str = "mean",
        normalize: bool = False,
        root_weight: bool = True,
        project: bool = False,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_ints("SAGEConv", in_channels=in_channels, out_channels=out_channels)
        check_aggr("SAGEConv", aggr)
        self.in_channels, self.out_channels, self.aggr = in_channels, out_channels, aggr
        self.normalize, self.root_weight, self.project = normalize, root_weight, project
        if project:
            self.lin = Linear(in_channels, in_channels)
        self.lin_l = Linear(in_channels, out_channels, bias=bias)
        if root_weight:
            self.lin_r = Linear(in_channels, out_channels, bias=False)

    def forward(self, x: Tensor, edge_index: Tensor) -> Any:
        check_graph("SAGEConv", x, edge_index, self.in_channels)
        source, target = edge_index
        sent = F.relu(self.lin(x)) if self.project else x
        out = self.lin_l(scatter(gather(sent, source), target, len(x), self.aggr))
        if self.root_weight:
            out = out + self.lin_r(x)
        return F.normalize(out, p=2.0, dim=-1) if self.normalize else out

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, aggr={self.aggr}"


class GINConv(Module):
    r"""Graph isomorphism layer: a network of its own on the sum of the node and its neighbours.

    A sum tells apart neighbourhoods that a mean or a maximum does not: with a network that is large enough, the layer
    distinguishes all graphs that the Weisfeiler-Leman test does.

    Parameters
    ----------
    nn : Module
        (N, in_channels) -> (N, out_channels), for example two linear layers with a ReLU between them.
    eps : float
        :math:`\epsilon`, by which the node itself counts more than a neighbour.
    train_eps : bool
        Whether :math:`\epsilon` is learned.

    Notes
    -----
    .. math::
        x'_i = \operatorname{nn}\left((1 + \epsilon) x_i + \sum_{j \to i} x_j\right)

    References
    ----------
    K. Xu, W. Hu, J. Leskovec, S. Jegelka, How Powerful are Graph Neural Networks?, ICLR 2019, equation 4.1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> torch.nn.graph.GINConv(torch.nn.Linear(4, 8))(torch.randn(3, 4), path).shape
    torch.Size([3, 8])
    """

    eps: Any

    def __init__(self, nn: Module, eps: float = 0.0, train_eps: bool = False) -> None:
        super().__init__()
        self.nn = nn
        self.initial_eps = eps
        start = creation.full((1,), float(eps))
        if train_eps:
            self.eps = Parameter(start)
        else:
            self.register_buffer("eps", start)

    def forward(self, x: Tensor, edge_index: Tensor) -> Any:
        check_graph("GINConv", x, edge_index)
        source, target = edge_index
        return self.nn((1 + self.eps) * x + scatter(gather(x, source), target, len(x)))
