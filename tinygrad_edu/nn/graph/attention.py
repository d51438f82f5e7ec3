"""Attention on a graph: each node decides how much it listens to which neighbour."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_bools, require_ints
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.graph.messages import check_graph, gather, neighbour_softmax, scatter, with_self_loops
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


class GATConv(Module):
    r"""Graph attention: the neighbours are added with weights that depend on both ends of the edge.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the nodes' vectors, before and, for each head, after.
    heads : int
        How many layers of this kind work side by side.
    concat : bool
        Whether their results stand one after the other, (N, heads * out_channels); else their mean is taken.
    negative_slope : float
        Of the leaky ReLU on the scores.
    dropout : float
        The probability with which an edge is left out in training.
    add_self_loops : bool
        Whether each node listens to itself.
    bias : bool
        Whether a vector is added.

    Notes
    -----
    With :math:`h = W x` for each head, an edge from j to i has the score

    .. math::
        s_{ji} = \operatorname{LeakyReLU}(a_{src} \cdot h_j + a_{dst} \cdot h_i), \qquad
        x'_i = \sum_{j \to i} \operatorname{softmax}_j(s_{ji}) h_j + b

    In the paper, both vectors are one, of double length, times the two ends one after the other: the same number, for
    which here no vector has to be made for every edge.

    References
    ----------
    P. Veličković et al., Graph Attention Networks, ICLR 2018, equations 3 to 6.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> path = torch.tensor([[0, 1], [1, 2]])
    >>> torch.nn.graph.GATConv(4, 8, heads=2)(torch.randn(3, 4), path).shape
    torch.Size([3, 16])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        heads: int = 1,
        concat: bool = True,
        negative_slope: float = 0.2,
        dropout: float = 0.0,
        add_self_loops: bool = True,
        bias: bool = True,
    ) -> None:
        super().__init__()
        require_ints("GATConv", in_channels=in_channels, out_channels=out_channels, heads=heads)
        require_bools("GATConv", concat=concat, add_self_loops=add_self_loops, bias=bias)
        self.in_channels, self.out_channels, self.heads = in_channels, out_channels, heads
        self.concat, self.negative_slope, self.dropout = concat, negative_slope, dropout
        self.add_self_loops = add_self_loops
        self.lin = Linear(in_channels, heads * out_channels, bias=False)
        self.att_src = Parameter(creation.zeros(1, heads, out_channels))
        self.att_dst = Parameter(creation.zeros(1, heads, out_channels))
        self.bias = (
            Parameter(creation.zeros(heads * out_channels if concat else out_channels)) if bias else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters again."""
        init.xavier_uniform_(self.lin.weight)
        bound = math.sqrt(6 / (self.heads + self.out_channels))
        init.uniform_(self.att_src, -bound, bound)
        init.uniform_(self.att_dst, -bound, bound)
        if self.bias is not None:
            init.zeros_(self.bias)

    def forward(self, x: Tensor, edge_index: Tensor, return_attention_weights: bool | None = None) -> Any:
        """Return the new vectors; with ``return_attention_weights``, also (edge_index, weights of (E, heads))."""
        check_graph("GATConv", x, edge_index, self.in_channels)
        nodes = len(x)
        if self.add_self_loops:
            edge_index, _ = with_self_loops(edge_index, None, nodes)
        source, target = edge_index
        h = ops.reshape(self.lin(x), (nodes, self.heads, self.out_channels))
        of_source, of_target = ops.sum(h * self.att_src, -1), ops.sum(h * self.att_dst, -1)  # (N, heads)
        scores = F.leaky_relu(gather(of_source, source) + gather(of_target, target), self.negative_slope)
        weights = neighbour_softmax(scores, target, nodes)  # (E, heads)
        weights = F.dropout(weights, self.dropout, self.training)
        out = scatter(gather(h, source) * weights[..., None], target, nodes)  # (N, heads, out_channels)
        out = ops.reshape(out, (nodes, -1)) if self.concat else ops.mean(out, 1)
        out = out if self.bias is None else out + self.bias
        return (out, (edge_index, weights)) if return_attention_weights else out

    def extra_repr(self) -> str:
        return f"{self.in_channels}, {self.out_channels}, heads={self.heads}"
