"""Networks on graphs: layers that pass messages along edges, and what they need.

The names, arguments and parameters are those of PyTorch Geometric (``torch_geometric.nn`` and ``.data``). Read
``messages.py`` first.
"""

from __future__ import annotations

from tinygrad_edu.nn.graph.attention import GATConv as GATConv
from tinygrad_edu.nn.graph.convolution import (
    GCNConv as GCNConv,
    GINConv as GINConv,
    GraphConv as GraphConv,
    SAGEConv as SAGEConv,
)
from tinygrad_edu.nn.graph.data import Batch as Batch, Data as Data
from tinygrad_edu.nn.graph.planetoid import Planetoid as Planetoid
from tinygrad_edu.nn.graph.pooling import (
    global_add_pool as global_add_pool,
    global_max_pool as global_max_pool,
    global_mean_pool as global_mean_pool,
)
