"""Networks on graphs: layers that pass messages along edges, and what they need.

The names, arguments and parameters are those of PyTorch Geometric (``torch_geometric.nn``, ``.data``, ``.utils`` and
``.transforms``). Read ``messages.py`` first.
"""

from __future__ import annotations

from tinygrad_edu.nn.graph.attention import GATConv as GATConv
from tinygrad_edu.nn.graph.autoencoder import (
    GAE as GAE,
    VGAE as VGAE,
    InnerProductDecoder as InnerProductDecoder,
)
from tinygrad_edu.nn.graph.convolution import (
    GCNConv as GCNConv,
    GINConv as GINConv,
    GraphConv as GraphConv,
    SAGEConv as SAGEConv,
)
from tinygrad_edu.nn.graph.data import Batch as Batch, Data as Data
from tinygrad_edu.nn.graph.dense import to_dense_adj as to_dense_adj, to_dense_batch as to_dense_batch
from tinygrad_edu.nn.graph.links import (
    RandomLinkSplit as RandomLinkSplit,
    negative_sampling as negative_sampling,
    to_undirected as to_undirected,
)
from tinygrad_edu.nn.graph.planetoid import Planetoid as Planetoid
from tinygrad_edu.nn.graph.pooling import (
    global_add_pool as global_add_pool,
    global_max_pool as global_max_pool,
    global_mean_pool as global_mean_pool,
)
