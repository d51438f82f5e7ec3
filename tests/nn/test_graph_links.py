"""Pairs without an edge, split edges, dense batches and graph autoencoders."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import to_numpy
from tinygrad_edu.nn import graph

EDGES = torch.tensor([[0, 0, 1, 2, 2, 3], [1, 2, 0, 2, 3, 4]])  # with a loop; node 5 is alone


def pairs(index):
    return list(map(tuple, to_numpy(index).T.tolist()))


def free_pairs(nodes, undirected=False):
    taken = set(pairs(EDGES)) | ({(b, a) for a, b in pairs(EDGES)} if undirected else set())
    return {(a, b) for a in range(nodes) for b in range(nodes) if a != b} - taken


@pytest.mark.parametrize("method", ["sparse", "dense"])
@pytest.mark.parametrize("wanted", [1, 4, 20, 100])
def test_pairs_without_an_edge(method, wanted):
    found = pairs(graph.negative_sampling(EDGES, 6, wanted, method))
    assert len(set(found)) == len(found) == min(wanted, 25)
    assert set(found) <= free_pairs(6)
    assert wanted < 25 or set(found) == free_pairs(6)


@pytest.mark.parametrize("method", ["sparse", "dense"])
def test_each_pair_without_an_edge_is_as_likely(method):
    torch.manual_seed(0)
    counts = dict.fromkeys(free_pairs(6), 0)
    for _ in range(1000):
        for pair in pairs(graph.negative_sampling(EDGES, 6, 5, method)):
            counts[pair] += 1
    assert len(counts) == 25
    assert 140 < min(counts.values()) <= max(counts.values()) < 265  # 200 on average, with a deviation of 13


def test_pairs_in_both_directions():
    found = pairs(graph.negative_sampling(EDGES, 6, 8, force_undirected=True))
    assert len(set(found)) == 8
    assert set(found) == {(b, a) for a, b in found} <= free_pairs(6, undirected=True)
    assert set(pairs(graph.negative_sampling(EDGES, 6, 99, force_undirected=True))) == free_pairs(6, True)


def test_how_many_pairs_without_an_edge():
    assert graph.negative_sampling(EDGES).shape == (2, 6)  # as many as edges
    assert graph.negative_sampling(EDGES, num_neg_samples=0.5).shape == (2, 3)
    assert max(max(pair) for pair in pairs(graph.negative_sampling(EDGES, None, 99))) == 4
    two_kinds = pairs(graph.negative_sampling(EDGES, (4, 6), 99))
    assert set(two_kinds) == {(a, b) for a in range(4) for b in range(6)} - set(pairs(EDGES))
    everywhere = torch.tensor([[0, 1], [1, 0]])
    assert graph.negative_sampling(everywhere).shape == (2, 0)


def test_both_directions():
    assert pairs(graph.to_undirected(EDGES)) == sorted({*pairs(EDGES), *[(b, a) for a, b in pairs(EDGES)]})


# ---- splitting -------------------------------------------------------------------------------------------


def ring(nodes=20):
    one_way = torch.stack([torch.arange(nodes), (torch.arange(nodes) + 1) % nodes])
    edges = torch.cat([one_way, one_way.flip(0)], 1)
    weights = torch.minimum(edges[0], edges[1])
    return graph.Data(x=torch.eye(nodes), edge_index=edges, edge_weight=weights, y=torch.arange(40))


def test_split_edges():
    data = ring()
    parts = graph.RandomLinkSplit(num_val=0.1, num_test=5, is_undirected=True)(data)
    train, val, test = parts
    asked = [set(pairs(part.edge_label_index[:, part.edge_label == 1])) for part in parts]
    assert [len(some) for some in asked] == [13, 2, 5]
    assert set.union(*asked) == {(a, b) for a, b in pairs(data.edge_index) if a <= b}
    assert all(part.edge_label.tolist() == sorted(part.edge_label.tolist(), reverse=True) for part in parts)
    both = [some | {(b, a) for a, b in some} for some in asked]
    messages = [set(pairs(part.edge_index)) for part in parts]
    assert messages == [both[0], both[0], both[0] | both[1]]  # none of those that are tested on
    nothing = [set(pairs(part.edge_label_index[:, part.edge_label == 0])) for part in parts]
    assert [len(some) for some in nothing] == [13, 2, 5]
    assert len(set.union(*nothing)) == 20
    assert not set.union(*nothing) & set(pairs(data.edge_index))
    assert train.x is data.x
    assert train.y is data.y
    assert torch.equal(test.edge_weight, torch.minimum(test.edge_index[0], test.edge_index[1]))
    assert data.num_edges == 40


def test_split_edges_of_one_direction():
    parts = graph.RandomLinkSplit(0.25, 0.25, neg_sampling_ratio=2.0, add_negative_train_samples=False)(
        ring()
    )
    assert [part.num_edges for part in parts] == [20, 20, 30]
    assert [len(part.edge_label) for part in parts] == [20, 30, 30]


def test_edges_that_pass_no_messages():
    split = graph.RandomLinkSplit(0.1, 0.2, is_undirected=True, disjoint_train_ratio=0.5, split_labels=True)
    train, _, test = split(ring())
    assert (train.num_edges, train.pos_edge_label_index.shape[1], train.neg_edge_label_index.shape[1]) == (
        14,
        7,
        7,
    )
    assert not set(pairs(train.edge_index)) & set(pairs(train.pos_edge_label_index))
    assert (test.pos_edge_label.tolist(), test.neg_edge_label.tolist()) == ([1] * 4, [0] * 4)


def test_labels_of_edges_are_kept():
    data = ring()
    data.edge_label = data.edge_weight  # whole numbers from 0
    _, _, test = graph.RandomLinkSplit(0.1, 0.2)(data)
    first = test.edge_label_index[:, : len(test.edge_label) // 2]
    expected = torch.minimum(first[0], first[1]) + 1
    assert test.edge_label.tolist() == [*expected.tolist(), *[0] * first.shape[1]]


def test_there_are_not_enough_pairs_without_an_edge():
    full = graph.Data(edge_index=torch.tensor([[0, 0, 1, 1, 2], [1, 2, 0, 2, 0]]))
    with pytest.warns(UserWarning, match="there are 1 pairs without an edge, not the 5"):
        parts = graph.RandomLinkSplit(1, 1)(full)
    assert sum(int((part.edge_label == 0).sum()) for part in parts) == 1


# ---- dense -----------------------------------------------------------------------------------------------


def test_dense_batch():
    x, batch = torch.arange(12.0).reshape(6, 2).requires_grad_(), torch.tensor([0, 0, 2, 3, 3, 3])
    dense, mask = graph.to_dense_batch(x, batch, fill_value=-1.0)
    assert dense.shape == (4, 3, 2)
    assert mask.tolist() == [[True, True, False], [False] * 3, [True, False, False], [True] * 3]
    assert torch.equal(dense[mask], x)
    assert (dense[~mask] == -1).all()
    (2 * dense).sum().backward()
    assert (x.grad == 2).all()
    dense, mask = graph.to_dense_batch(x, batch, max_num_nodes=2, batch_size=5)
    assert (dense.shape, mask.sum().item(), dense[3].tolist()) == ((5, 2, 2), 5, [[6, 7], [8, 9]])
    dense, mask = graph.to_dense_batch(x)
    assert (dense.shape, mask.all().item()) == ((1, 6, 2), True)


def test_dense_adjacency():
    edges, batch = torch.tensor([[0, 1, 1, 3, 3], [1, 0, 0, 4, 2]]), torch.tensor([0, 0, 1, 1, 1])
    weights = torch.arange(1.0, 6.0, requires_grad=True)
    adjacency = graph.to_dense_adj(edges, batch, weights)
    assert adjacency.tolist() == [
        [[0, 1, 0], [5, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [5, 0, 4], [0, 0, 0]],
    ]
    (adjacency**2).sum().backward()
    assert weights.grad.tolist() == [2, 10, 10, 8, 10]
    assert graph.to_dense_adj(edges, batch, max_num_nodes=2).tolist() == [[[0, 1], [2, 0]], [[0, 0], [1, 0]]]
    assert graph.to_dense_adj(edges, edge_attr=torch.ones(5, 2)).shape == (1, 5, 5, 2)


# ---- autoencoders ----------------------------------------------------------------------------------------


class MeansAndDeviations(torch.nn.Module):
    def forward(self, x):
        return x, x / 2


def test_decoder():
    z = torch.randn(6, 3, dtype=torch.float64)
    decoder = graph.InnerProductDecoder()
    everything = decoder.forward_all(z)
    np.testing.assert_allclose(to_numpy(everything), 1 / (1 + np.exp(-to_numpy(z) @ to_numpy(z).T)))
    assert torch.allclose(decoder(z, EDGES), everything[EDGES[0], EDGES[1]])
    assert torch.allclose(decoder(z, EDGES, sigmoid=False).sigmoid(), decoder(z, EDGES))
    assert torch.allclose(decoder.forward_all(z, sigmoid=False).sigmoid(), everything)


def test_reconstruction_loss():
    model = graph.GAE(torch.nn.Linear(4, 3).double())
    z = model.encode(torch.randn(6, 4, dtype=torch.float64))
    none = torch.tensor([[0, 5], [5, 4]])
    there, missing = to_numpy(model.decode(z, EDGES).detach()), to_numpy(model.decode(z, none).detach())
    expected = -np.log(there).mean() - np.log(1 - missing).mean()
    np.testing.assert_allclose(model.recon_loss(z, EDGES, none).item(), expected)
    torch.manual_seed(3)
    drawn = graph.negative_sampling(EDGES, 6)
    torch.manual_seed(3)
    assert torch.equal(model.recon_loss(z, EDGES), model.recon_loss(z, EDGES, drawn))
    assert model.recon_loss(1000 * z, EDGES, none).isfinite()


def test_scores_of_edges():
    pytest.importorskip("sklearn")
    z = torch.tensor([[3.0], [2.0], [1.0], [-1.0]])
    model = graph.GAE(torch.nn.Identity())
    area, precision = model.test(z, torch.tensor([[0, 0], [1, 3]]), torch.tensor([[1, 1], [2, 3]]))
    # In falling order: 6 an edge, 2 none, -2 none, -3 an edge.
    assert (area, precision) == (0.5, 0.75)


def test_variational():
    model, x = graph.VGAE(MeansAndDeviations()), torch.randn(5, 2, dtype=torch.float64)
    assert not torch.equal(model.encode(x), model.encode(x))
    mean, log_deviation = to_numpy(x), to_numpy(x) / 2
    expected = -0.5 * (1 + 2 * log_deviation - mean**2 - np.exp(log_deviation) ** 2).sum(1).mean()
    np.testing.assert_allclose(model.kl_loss().item(), expected)
    np.testing.assert_allclose(
        model.kl_loss(x, 20 * x.abs() + 10).item(), model.kl_loss(x, 0 * x + 10).item()
    )
    assert torch.equal(model.eval().encode(x), x)


ERRORS = {
    "method": (lambda: graph.negative_sampling(EDGES, method="fast"), ValueError, "'sparse' or 'dense', got 'fast'"),
    "edges": (lambda: graph.negative_sampling(EDGES[0]), RuntimeError, r"shape \(2, edges\)"),
    "none left": (lambda: graph.RandomLinkSplit(0.5, 0.5)(ring()), ValueError, "left for training, got 40 and 20"),
    "not a bool": (lambda: graph.RandomLinkSplit(is_undirected=1.5), TypeError, "is_undirected"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    call, error, message = ERRORS[name]
    with pytest.raises(error, match=message):
        call()
