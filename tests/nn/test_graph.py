"""Graph layers against their formulas, with dense matrices in NumPy."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu.nn import graph
from tinygrad_edu.utils.data import DataLoader

NODES, IN, OUT = 6, 4, 3
# Node 5 has no edge; 2 has a loop; 0 -> 1 is there twice.
EDGES = np.array([[0, 0, 1, 2, 2, 3, 4, 3, 0], [1, 1, 0, 2, 3, 2, 0, 4, 4]])
WEIGHTS = np.array([0.5, 1.5, 2.0, 3.0, 0.25, 1.0, 0.75, 1.25, 2.5])


def adjacency(weights=None, loops=0.0):
    """Return the matrix with the weight of each edge at (target, source); loops where there is none yet."""
    a = np.zeros((NODES, NODES))
    np.add.at(a, (EDGES[1], EDGES[0]), np.ones(len(WEIGHTS)) if weights is None else weights)
    diagonal = np.diag(a)
    return a + np.diag(np.where(diagonal == 0, loops, 0.0))


def normalized(a):
    degrees = a.sum(1)
    roots = np.where(degrees > 0, 1 / np.sqrt(np.maximum(degrees, 1e-9)), 0)
    return roots[:, None] * a * roots


def mean_of_neighbours(x):
    a = adjacency()
    return a @ x / np.maximum(a.sum(1, keepdims=True), 1)


def max_of_neighbours(x):
    a = adjacency()
    return np.array([x[row > 0].max(0) if row.any() else np.zeros(IN) for row in a])


def attention(p, x, heads, slope=0.2, loops=1):
    """Return (nodes, heads, OUT): each pair of nodes has a score, and those without an edge minus infinity."""
    h = (x @ p["lin.weight"].T).reshape(NODES, heads, OUT)
    pairs = (h * p["att_src"]).sum(-1)[None, :] + (h * p["att_dst"]).sum(-1)[
        :, None
    ]  # (target, source, heads)
    pairs = np.where(pairs > 0, pairs, slope * pairs)
    a = adjacency()
    a = a - np.diag(np.diag(a)) + np.eye(NODES) if loops else a
    powers = np.exp(pairs) * a[..., None]
    shares = powers / np.maximum(powers.sum(1, keepdims=True), 1e-30)
    return np.einsum("ijh,jhc->ihc", shares, h)


LAYERS = {
    "GraphConv": (
        lambda: graph.GraphConv(IN, OUT),
        lambda p, x, w: adjacency(w) @ x @ p["lin_rel.weight"].T + p["lin_rel.bias"] + x @ p["lin_root.weight"].T,
    ),
    "GraphConv mean": (
        lambda: graph.GraphConv(IN, OUT, aggr="mean", bias=False),
        lambda p, x, w: mean_of_neighbours(x) @ p["lin_rel.weight"].T + x @ p["lin_root.weight"].T,
    ),
    "GCNConv": (
        lambda: graph.GCNConv(IN, OUT),
        lambda p, x, w: normalized(adjacency(w, 1)) @ x @ p["lin.weight"].T + p["bias"],
    ),
    "GCNConv improved": (
        lambda: graph.GCNConv(IN, OUT, improved=True, bias=False),
        lambda p, x, w: normalized(adjacency(w, 2)) @ x @ p["lin.weight"].T,
    ),
    "GCNConv plain": (
        lambda: graph.GCNConv(IN, OUT, normalize=False),
        lambda p, x, w: adjacency(w) @ x @ p["lin.weight"].T + p["bias"],
    ),
    "GCNConv no loops": (
        lambda: graph.GCNConv(IN, OUT, add_self_loops=False),
        lambda p, x, w: normalized(adjacency(w)) @ x @ p["lin.weight"].T + p["bias"],
    ),
    "SAGEConv": (
        lambda: graph.SAGEConv(IN, OUT),
        lambda p, x, w: mean_of_neighbours(x) @ p["lin_l.weight"].T + p["lin_l.bias"] + x @ p["lin_r.weight"].T,
    ),
    "SAGEConv max": (
        lambda: graph.SAGEConv(IN, OUT, aggr="max", root_weight=False),
        lambda p, x, w: max_of_neighbours(x) @ p["lin_l.weight"].T + p["lin_l.bias"],
    ),
    "GINConv": (
        lambda: graph.GINConv(torch.nn.Linear(IN, OUT), eps=0.5),
        lambda p, x, w: (1.5 * x + adjacency() @ x) @ p["nn.weight"].T + p["nn.bias"],
    ),
    "GATConv": (
        lambda: graph.GATConv(IN, OUT),
        lambda p, x, w: attention(p, x, 1)[:, 0] + p["bias"],
    ),
    "GATConv heads": (
        lambda: graph.GATConv(IN, OUT, heads=2),
        lambda p, x, w: attention(p, x, 2).reshape(NODES, -1) + p["bias"],
    ),
    "GATConv mean": (
        lambda: graph.GATConv(IN, OUT, heads=2, concat=False, negative_slope=0.5, add_self_loops=False),
        lambda p, x, w: attention(p, x, 2, 0.5, loops=0).mean(1) + p["bias"],
    ),
}  # fmt: skip
WEIGHTED = {"GraphConv", "GCNConv", "GCNConv improved", "GCNConv plain", "GCNConv no loops"}
CASES = [(name, False) for name in LAYERS] + [(name, True) for name in LAYERS if name in WEIGHTED]


def made(name):
    torch.manual_seed(0)
    layer = LAYERS[name][0]().double()
    for param in layer.parameters():  # the biases, too
        param.data = torch.randn(param.shape, dtype=torch.float64)
    x = torch.tensor(np.random.default_rng(0).standard_normal((NODES, IN)), requires_grad=True)
    return layer, x, torch.tensor(EDGES), torch.tensor(WEIGHTS, requires_grad=True)


@pytest.mark.parametrize(("name", "weighted"), CASES)
def test_formula(name, weighted):
    layer, x, edges, weights = made(name)
    found = layer(x, edges, weights) if weighted else layer(x, edges)
    p = {key: to_numpy(value.detach()) for key, value in layer.state_dict().items()}
    expected = LAYERS[name][1](p, to_numpy(x.detach()), WEIGHTS if weighted else None)
    np.testing.assert_allclose(to_numpy(found.detach()), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.gradcheck
@pytest.mark.parametrize(("name", "weighted"), CASES)
def test_gradients(name, weighted):
    layer, x, edges, weights = made(name)
    params = list(layer.parameters())

    def program(x, weights, *_):
        return layer(x, edges, weights) if weighted else layer(x, edges) + 0 * weights.sum()

    assert torch.autograd.gradcheck(program, (x, weights, *params))


@pytest.mark.parametrize("name", LAYERS)
def test_the_order_of_nodes_and_edges_does_not_matter(name):
    layer, x, edges, _ = made(name)
    rng = np.random.default_rng(1)
    order, shuffled = rng.permutation(NODES), rng.permutation(EDGES.shape[1])
    place = np.argsort(order)  # where each old node is now
    renamed = torch.tensor(place[EDGES][:, shuffled])
    expected = layer(x, edges)[torch.tensor(order)]
    found = layer(x[torch.tensor(order)], renamed)
    np.testing.assert_allclose(to_numpy(found.detach()), to_numpy(expected.detach()), rtol=1e-10)


def test_gcn_is_a_product_with_a_sparse_matrix():
    layer, x, _, _ = made("GCNConv")
    matrix = torch.tensor(normalized(adjacency(None, 1))).to_sparse()
    by_hand = torch.sparse.mm(matrix, layer.lin(x)) + layer.bias
    np.testing.assert_allclose(
        to_numpy(by_hand.detach()), to_numpy(layer(x, torch.tensor(EDGES)).detach()), rtol=1e-10
    )


def test_cached():
    layer = graph.GCNConv(IN, OUT, cached=True)
    x = torch.randn(NODES, IN)
    first = layer(x, torch.tensor(EDGES))
    assert torch.allclose(first, layer(x, torch.tensor(EDGES[:, :0])))  # the edges are not looked at again
    layer.reset_parameters()
    assert not torch.allclose(layer(x, torch.tensor(EDGES[:, :0])), first)


def test_attention_weights_and_dropout():
    layer = graph.GATConv(IN, OUT, heads=2, dropout=0.5)
    x, edges = torch.randn(NODES, IN), torch.tensor(EDGES)
    assert not torch.equal(layer(x, edges), layer(x, edges))
    layer.eval()
    _, (used, weights) = layer(x, edges, return_attention_weights=True)
    totals = np.zeros((NODES, 2))
    np.add.at(totals, to_numpy(used[1]), to_numpy(weights.detach()))
    np.testing.assert_allclose(totals, 1, rtol=1e-5)


def test_pooling():
    x = torch.tensor([[1.0, -4.0], [3.0, -2.0], [5.0, 6.0]])
    batch = torch.tensor([0, 0, 2])
    assert graph.global_add_pool(x, batch).tolist() == [[4, -6], [0, 0], [5, 6]]
    assert graph.global_mean_pool(x, batch).tolist() == [[2, -3], [0, 0], [5, 6]]
    assert graph.global_max_pool(x, batch, 4).tolist() == [[3, -2], [0, 0], [5, 6], [0, 0]]
    assert graph.global_mean_pool(x, None).tolist() == [[3, 0]]


def some_graphs():
    one = graph.Data(
        x=torch.zeros(2, 1), edge_index=torch.tensor([[0], [1]]), y=torch.tensor(1.0), name="one"
    )
    two = graph.Data(
        x=torch.ones(3, 1), edge_index=torch.tensor([[0, 2], [1, 0]]), y=torch.tensor(2.0), name="two"
    )
    return [one, two]


def test_data_and_batch():
    one, two = some_graphs()
    assert repr(two) == "Data(x=[3, 1], edge_index=[2, 2], y=[], name='two')"
    assert (two.num_nodes, two.num_edges, two.num_node_features, two.edge_attr) == (3, 2, 1, None)
    assert graph.Data(edge_index=torch.tensor([[0], [6]])).num_nodes == 7
    both = graph.Batch.from_data_list([one, two])
    assert both.edge_index.tolist() == [[0, 2, 4], [1, 3, 2]]
    assert (both.batch.tolist(), both.ptr.tolist(), both.num_graphs) == ([0, 0, 1, 1, 1], [0, 2, 5], 2)
    assert (both.y.tolist(), both.name, both.num_nodes) == ([1.0, 2.0], ["one", "two"], 5)
    assert both.to_data_list() == [one, two]
    assert copy.deepcopy(both).to(torch.float64).x.dtype == torch.float64


def test_a_loader_makes_batches_of_graphs():
    sizes = [batch.num_graphs for batch in DataLoader(some_graphs() * 3, batch_size=4)]
    assert sizes == [4, 2]


def test_a_batch_gives_what_its_graphs_give():
    layer = graph.GINConv(torch.nn.Linear(1, 2))
    graphs = some_graphs()
    both = graph.Batch.from_data_list(graphs)
    found = graph.global_add_pool(layer(both.x, both.edge_index), both.batch)
    alone = torch.cat([layer(g.x, g.edge_index).sum(0, keepdim=True) for g in graphs])
    np.testing.assert_allclose(to_numpy(found.detach()), to_numpy(alone.detach()), rtol=1e-5)


X, PATH = torch.ones(3, 4), torch.tensor([[0, 1], [1, 2]])
ERRORS = {
    "channels": (lambda: graph.GCNConv(5, 2)(X, PATH), RuntimeError, r"expected x of shape \(nodes, 5\), got \[3, 4\]"),
    "edges": (lambda: graph.SAGEConv(4, 2)(X, PATH[:1]), RuntimeError, r"shape \(2, edges\)"),
    "floats": (lambda: graph.GATConv(4, 2)(X, PATH.float()), RuntimeError, "for index, got float32"),
    "weights": (lambda: graph.GraphConv(4, 2)(X, PATH, torch.ones(3)), RuntimeError, "each of the 2 edges"),
    "aggr": (lambda: graph.GraphConv(4, 2, aggr="sum"), ValueError, "'add', 'mean' or 'max', got 'sum'"),
    "loops": (lambda: graph.GCNConv(4, 2, add_self_loops=True, normalize=False), ValueError, "without normalization"),
    "no graphs": (lambda: graph.Batch.from_data_list([]), ValueError, "at least one graph"),
    "unlike": (lambda: graph.Batch.from_data_list([graph.Data(x=X), graph.Data(y=X)]), ValueError, "same as the first"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.host("indices are not looked at on a card")
def test_an_edge_to_nowhere():
    with pytest.raises(IndexError, match="7"):
        graph.GCNConv(4, 2)(X, torch.tensor([[0], [7]]))
