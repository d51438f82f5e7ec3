"""What a step may make and look up inside: constants, random numbers, classes, orders, indices."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal

places = [2, 0]
weight = nn.Parameter(torch.ones(6))


def masked_inside(x):
    mask = torch.triu(torch.ones(6, 6), 1).bool()
    scores = (x[:, :, None] * x[:, None]).masked_fill(mask, -torch.inf)
    return scores.softmax(-1)


def builds_a_mask(x):
    mask = torch.zeros(4, 6)
    mask[:, 1:3] = 1.0
    mask[0] = x[0] > 0
    return x * mask


def indexes(x):
    rows = torch.arange(4)
    classes = x.argmax(1)
    return x[rows, classes], x[:, places], x.index_select(1, classes % 3), x.gather(1, classes[:, None])


def scatters(x):
    classes = x.argmax(1, keepdim=True)
    return (
        torch.zeros(4, 6).scatter_(1, classes, 1.0),
        x.scatter_add(1, classes, x),
        x.index_add(0, classes[:, 0] % 4, x),
    )


def is_sorted(x):
    values, order = x.sort(1, descending=True)
    top = x.topk(2)
    return (
        values,
        order,
        top.values * 2,
        x.argsort(0),
        x.median(1).values,
        torch.quantile(x, 0.5) if False else x,
    )


def has_classes(x):
    classes = x.argmax(1)
    smooth = F.cross_entropy(x, classes, label_smoothing=0.1)
    mixed = F.cross_entropy(x, x.softmax(1))
    return smooth, mixed, F.nll_loss(F.log_softmax(x, 1), classes), F.one_hot(classes, 6) * x


def is_of_probabilities(x):
    return F.binary_cross_entropy(x.sigmoid(), (x > 0).float())


def solves(x):
    square = x @ x.T + torch.eye(4) * 3
    return (
        torch.linalg.solve(square, x),
        torch.linalg.inv(square),
        square.det(),
        torch.linalg.cholesky(square),
    )


def has_constants(x):
    a = torch.tensor([1.0, 2, 3, 4, 5, 6])
    a += 1  # each call has one of its own
    b = torch.full((6,), 0.5) * torch.linspace(0, 1, 6)
    return x * a + b + torch.tensor([places[0] * 1.0]) + torch.ones(4, 1, dtype=torch.float64)


def draws(x):
    noise = torch.randn_like(x) * torch.rand(6) + torch.randint(0, 9, (6,))
    return x + noise, x[torch.randperm(4)], torch.randint(0, 5, (3,), dtype=torch.int32)


def drops(x):
    channels = x.reshape(2, 2, 6)
    return (
        F.dropout1d(channels),
        F.alpha_dropout(x, 0.3, True),
        F.feature_alpha_dropout(channels, 0.3, True),
        F.dropout(x),
    )


def makes_an_image_larger(x):
    return F.interpolate(x.reshape(1, 1, 4, 6), scale_factor=2), F.interpolate(
        x.reshape(1, 1, 4, 6), (5, 5), mode="bilinear"
    )


def fills_a_container(x):
    parts = {}
    both = [0, 0]
    for name in ("a", "b"):
        parts[name] = x * len(parts)
    both[1] = parts["a"] + parts["b"]
    return both[1].repeat_interleave(2, 0), x * 1.0


bags = nn.EmbeddingBag(6, 3, mode="mean")


def has_bags(x):
    return bags(x.argsort(1)), bags(x.argmax(1), torch.tensor([0, 1, 1]))


def attends(x):
    heads = x.reshape(1, 2, 4, 3)
    hides = torch.tril(torch.ones(4, 4, dtype=torch.bool), -1)  # nothing is left to the first query
    attention = F.scaled_dot_product_attention
    return attention(heads, heads, heads, hides), attention(
        heads, heads, heads, is_causal=True, dropout_p=0.2
    )


FUNCTIONS = [
    masked_inside,
    builds_a_mask,
    indexes,
    scatters,
    is_sorted,
    has_classes,
    is_of_probabilities,
    solves,
]
FUNCTIONS += [fills_a_container, has_bags, has_constants, draws, drops, makes_an_image_larger, attends]


def outcomes(function, learns, replay):
    """Return what a function gives in eight calls, and the gradient of a parameter."""
    weight.grad = None
    optimizer = torch.optim.SGD([weight], lr=1e-5)
    weight.data.fill_(1.0)

    def step(x):
        optimizer.zero_grad()
        results = function(x * weight)
        results = results if isinstance(results, tuple) else (results,)
        sum([r.float().sin().sum() for r in results if r.requires_grad], (weight * 0).sum()).backward()
        optimizer.step()
        return [r.detach() for r in results]

    called = step if learns else torch.no_grad()(lambda x: function(x * 1.0))
    called = torch.compile(called, fullgraph=True) if replay else called
    torch.manual_seed(1)
    return called, [[called(torch.randn(4, 6)) for _ in range(8)], weight.grad, torch.rand(1)]


@pytest.mark.parametrize("learns", [False, True])
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_replayed(function, learns):
    _, expected = outcomes(function, learns, False)
    called, got = outcomes(function, learns, True)
    assert equal(expected, got)
    assert [r.checked for r in called.recordings] == [True]
    assert not called.recordings[0].kernels_failed


def picks(x, index):
    return x.gather(0, index)


def selects(x, index):
    return x.index_select(0, index)


def takes(x, index):
    return x[index]


def is_one_at(x, index):
    return F.one_hot(index, 5) * x


def loses(x, index):
    return F.nll_loss(x[None].expand(5, 5), index, reduction="none")


@pytest.mark.host("a GPU does not look at values")
@pytest.mark.parametrize("function", [picks, selects, takes, is_one_at, loses], ids=lambda f: f.__name__)
def test_an_index_that_is_outside(function):
    """Its error is the one that there is without replay, and the next call is right."""
    compiled = torch.compile(function, fullgraph=True)
    good, bad = torch.tensor([0, 4, 2, 1, 1]), torch.tensor([0, 4, 2, 5, 1])
    for i in range(8):
        x = torch.randn(5)
        if i > 3:
            with pytest.raises((IndexError, RuntimeError)) as expected:
                function(x, bad)
            with pytest.raises(expected.type):
                compiled(x, bad)
        assert equal(compiled(x, good), function(x, good))
    assert compiled.recordings[0].checked


@pytest.mark.host("a GPU does not look at values")
def test_a_matrix_without_an_inverse_and_numbers_that_are_no_probabilities():
    compiled = torch.compile(lambda a: torch.linalg.inv(a))
    likely = torch.compile(lambda p: F.binary_cross_entropy(p, torch.ones(2)))
    for _ in range(4):
        compiled(torch.eye(3) * 2)
        likely(torch.rand(2))
    with pytest.raises(torch.linalg.LinAlgError, match="singular"):
        compiled(torch.zeros(3, 3))
    with pytest.raises(RuntimeError, match="between 0 and 1"):
        likely(torch.tensor([0.5, 2.0]))
    assert compiled.recordings[0].checked
    assert likely.recordings[0].checked


def test_a_constant_follows_the_value_that_it_is_made_of():
    compiled = torch.compile(lambda x: x * torch.tensor([float(places[0]), 1.0]), fullgraph=True)
    for i in range(9):
        places[0] = i // 3
        assert equal(compiled(torch.ones(2)), torch.tensor([float(places[0]), 1.0]))
    places[0] = 2
    assert len(compiled.recordings) == 3


def test_the_seed_may_be_set_between():
    compiled = torch.compile(draws, fullgraph=True)
    for i in range(8):
        x = torch.ones(4, 6)
        torch.manual_seed(i)
        expected = draws(x)
        torch.manual_seed(i)
        assert equal(list(compiled(x)), list(expected))
