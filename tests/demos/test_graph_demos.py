"""What the demos on graphs are made of: their graphs, scores of pairs, attacks, distances."""

from __future__ import annotations

import random

import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn import graph


def test_groups_are_drawn(load):
    torch.manual_seed(0)
    data = load("graphs.py").groups(200, 4, within=0.5, between=0.01)
    assert torch.bincount(data.y).tolist() == [50] * 4
    first, second = data.edge_index
    same = data.y[first] == data.y[second]
    assert not (first == second).any()
    assert torch.equal(graph.to_undirected(data.edge_index), data.edge_index)
    assert 0.45 < same.sum().item() / (4 * 50 * 49) < 0.55  # all ordered pairs of a group
    assert 0.006 < (~same).sum().item() / (200 * 150) < 0.014


def test_the_club(load):
    data = load("graphs.py").karate_club()
    assert (data.num_nodes, data.num_edges) == (34, 2 * 78)
    assert data.train_mask.nonzero().flatten().tolist() == [0, 33]


def test_area_under_the_curve(load):
    demo = load("25_link_prediction.py")
    scores, labels = torch.tensor([3.0, 1.0, 1.0, 0.0, -1.0]), torch.tensor([1, 1, 0, 0, 1])
    assert demo.auc(scores, labels) == pytest.approx((1 + 1 + 0.5 + 1 + 0 + 0) / 6)
    others, edges = demo.curve_of(scores, labels)
    assert (others.tolist(), edges.tolist()) == (
        [0, 0, 0.5, 1, 1],
        pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1]),
    )
    assert torch.trapezoid(edges, others).item() == pytest.approx(demo.auc(scores, labels))


def test_scores_without_learning(load):
    data = graph.Data(
        edge_index=graph.to_undirected(torch.tensor([[0, 0, 1, 2], [1, 2, 3, 3]])), y=torch.zeros(5)
    )
    data.y = data.y.long()
    found = load("25_link_prediction.py").without_learning(data, torch.tensor([[0, 0], [3, 4]]))
    assert [value.tolist() for value in found.values()] == [[2, 0], [4, 0]]


def test_which_edges_are_rebuilt(load):
    demo, z = load("26_graph_autoencoder.py"), torch.tensor([[3.0, 0], [2, 0], [0, 2], [0, 1]])
    model = graph.VGAE(torch.nn.Identity())
    assert demo.rebuilt(model, z, torch.tensor([[0, 1], [1, 0]])) == 1
    assert demo.rebuilt(model, z, torch.tensor([[0, 1, 0, 2], [1, 0, 2, 0]])) == 0.5
    known = torch.tensor([True, False, True, False])
    assert demo.nearest_class(z, torch.tensor([0, 0, 1, 1]), known).tolist() == [0, 0, 1, 1]


def test_the_dense_network_is_that_of_the_layers(load):
    demo, data = load("27_graph_attack.py"), load("graphs.py").karate_club()
    torch.manual_seed(0)
    model, layers = demo.Net(34, 2), [graph.GCNConv(34, 16), graph.GCNConv(16, 2)]
    for layer, linear in zip(layers, (model.first, model.second), strict=True):
        layer.load_state_dict({"lin.weight": linear.weight, "bias": linear.bias})
    expected = layers[1](layers[0](data.x, data.edge_index).relu(), data.edge_index)
    assert torch.allclose(model(data.x, graph.to_dense_adj(data.edge_index)[0]), expected, atol=1e-5)


def test_gains_are_what_a_small_change_does(load):
    demo, data = load("27_graph_attack.py"), load("graphs.py").karate_club()
    torch.manual_seed(0)
    model, adjacency = demo.Net(34, 2).double(), graph.to_dense_adj(data.edge_index)[0].double()
    data.x = data.x.double()
    gains = demo.gain_of_each_pair(model, data, adjacency, target=5)
    for a, b in [(0, 5), (5, 20), (6, 16)]:
        changed = adjacency + 1e-4 * (demo.flipped(adjacency, (a, b)) - adjacency)
        losses = [-demo.chances(model, data, matrix, 5)[data.y[5]].log() for matrix in (adjacency, changed)]
        assert gains[a, b].item() == pytest.approx((losses[1] - losses[0]).item() / 1e-4, rel=1e-2)
    assert demo.flipped(adjacency, (0, 5))[5, 0] == 1 - adjacency[5, 0]


def test_distances_and_kinds_of_graphs(load):
    demo = load("28_whole_graphs.py")
    assert demo.mean_distance(5, {(0, 1), (1, 2), (3, 4)}) == pytest.approx((1 + 1 + 2 + 1) / 4)
    rng = random.Random(0)
    for kind in demo.KINDS:
        edges = kind(20, rng)
        assert all(0 <= a < b < 20 for a, b in edges)
        assert 34 <= len(edges) <= 40
    assert all((a + b) % 2 for a, b in demo.two_camps(20, rng))
    assert [data.y.item() for data in demo.draw(6, rng)] == [0, 1, 2, 3, 0, 1]
