"""Tensors of random numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = [
    "torch.rand(2, 3).shape",
    "torch.rand(2, dtype=torch.float64).dtype",
    "torch.rand(2, dtype=torch.int64)",
    "torch.randn(2, dtype=torch.int64)",
    "torch.randn(2, 3, requires_grad=True).requires_grad",
    "torch.rand(()).shape",
    "torch.rand(-1)",
    "torch.randint(3, (2,)).dtype",
    "torch.randint(2, 5, (2, 3)).shape",
    "torch.randint(5, 5, (2,))",
    "torch.randint(0, (2,))",
    "torch.randint(low=0, high=3, size=(4,)).shape",
    "torch.randint(3, (2,), dtype=torch.float32).dtype",
    "torch.randint(3, size=(2,)).shape",
    "torch.randperm(0)",
    "torch.randperm(5).sort().values",
    "torch.randperm(-1)",
    "torch.randperm(5, dtype=torch.int32).dtype",
    "torch.rand_like(torch.ones(2, 3)).shape",
    "torch.rand_like(torch.ones(2, 3, dtype=torch.int64))",
    "torch.randn_like(torch.ones(2, dtype=torch.float64)).dtype",
    "torch.normal(0.0, 1.0, (2,)).shape",
    "torch.normal(torch.zeros(3), torch.ones(3)).shape",
    "torch.normal(torch.zeros(3), 1.0).shape",
    "torch.normal(0.0, torch.ones(3)).shape",
    "torch.normal(torch.zeros(3)).shape",
    "torch.normal(torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)).dtype",
    "torch.normal(0.0, -1.0, (2,))",
    "torch.normal(0.0, 1.0, (2,), dtype=torch.float64).dtype",
    "torch.randn(2, dtype=torch.complex64).dtype",
    "torch.bernoulli(torch.tensor([0.0, 1.0]))",
    "torch.bernoulli(torch.tensor([0.0, 1.0], dtype=torch.float64))",
    "torch.bernoulli(torch.tensor([2.0]))",
    "torch.bernoulli(torch.tensor([1]))",
    "torch.multinomial(torch.tensor([0.0, 1.0]), 1)",
    "torch.multinomial(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), 1)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 3)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 3, True).shape",
    "torch.multinomial(torch.tensor([1.0, -1.0]), 1)",
    "torch.multinomial(torch.tensor([0.0, 0.0]), 1)",
    "torch.multinomial(torch.ones(2, 2, 2), 1)",
    "torch.multinomial(torch.tensor([1, 1]), 1)",
    "torch.multinomial(torch.tensor([1.0, 1.0]), 0)",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


DRAWS = {
    "rand": lambda g: torch.rand(5, generator=g),
    "randn": lambda g: torch.randn(5, generator=g),
    "randn float64": lambda g: torch.randn(5, generator=g, dtype=torch.float64),
    "randint": lambda g: torch.randint(1000, (5,), generator=g),
    "randperm": lambda g: torch.randperm(9, generator=g),
    "normal": lambda g: torch.normal(torch.zeros(5), 2.0, generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.full((50,), 0.5), generator=g),
    "multinomial": lambda g: torch.multinomial(torch.ones(9), 5, generator=g),
    "normal_": lambda g: torch.empty(5).normal_(generator=g),
    "uniform_": lambda g: torch.empty(5).uniform_(generator=g),
    "bernoulli_": lambda g: torch.empty(50).bernoulli_(generator=g),
    "random_": lambda g: torch.empty(5).random_(1000, generator=g),
    "exponential_": lambda g: torch.empty(5).exponential_(generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_the_same_seed_gives_the_same_numbers(name):
    draw = DRAWS[name]
    torch.manual_seed(1)
    first = draw(None).tolist()
    second = draw(None).tolist()
    torch.manual_seed(1)
    assert draw(None).tolist() == first
    assert second != first
    generator = torch.Generator().manual_seed(1)
    assert draw(generator).tolist() == first
    state = generator.get_state()
    assert draw(generator).tolist() == second
    generator.set_state(state)
    assert draw(generator).tolist() == second


def test_moments_and_ranges():
    torch.manual_seed(0)
    n = 20000
    for t, mean, std in [
        (torch.randn(n), 0, 1),
        (torch.rand(n), 0.5, 12**-0.5),
        (torch.normal(3.0, 2.0, (n,)), 3, 2),
        (torch.normal(torch.full((n,), 3.0), torch.full((n,), 2.0)), 3, 2),
        (torch.bernoulli(torch.full((n,), 0.3)), 0.3, 0.21**0.5),
        (torch.empty(n).normal_(1, 0.5), 1, 0.5),
        (torch.empty(n).uniform_(-1, 3), 1, 4 * 12**-0.5),
        (torch.empty(n).exponential_(2.0), 0.5, 0.5),
        (torch.empty(n).bernoulli_(0.3), 0.3, 0.21**0.5),
        (torch.randint(0, 4, (n,)).float(), 1.5, 1.25**0.5),
        (torch.empty(n).random_(0, 4), 1.5, 1.25**0.5),
    ]:
        assert t.mean().item() == pytest.approx(mean, abs=5 * std / n**0.5)
        assert t.std().item() == pytest.approx(std, rel=0.05)
    half = torch.rand(200_000, dtype=torch.float16)
    assert half.dtype == torch.float16
    assert half.max().item() < 1
    assert sorted(torch.randperm(50).tolist()) == list(range(50))
    assert set(torch.randint(3, 6, (200,)).tolist()) == {3, 4, 5}


def test_multinomial():
    torch.manual_seed(0)
    weights = torch.tensor([[0.0, 1.0, 3.0], [2.0, 0.0, 0.0]])
    drawn = torch.multinomial(weights, 4000, replacement=True)
    assert drawn.shape == (2, 4000)
    assert drawn.dtype == torch.int64
    shares = np.bincount(drawn[0].numpy(force=True), minlength=3) / 4000
    assert shares[0] == 0
    assert shares[2] == pytest.approx(0.75, abs=0.04)
    assert set(drawn[1].tolist()) == {0}
    assert sorted(torch.multinomial(weights[0], 2).tolist()) == [1, 2]


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda: torch.randint(3, 3, (1,)), RuntimeError, "got from=3 >= to=3"),
        (lambda: torch.randperm(-1), RuntimeError, "must be non-negative, got -1"),
        (
            lambda: torch.rand(2, dtype=torch.int64),
            NotImplementedError,
            "floating-point dtype, got torch.int64",
        ),
        (lambda: torch.normal(0.0, -1.0, (2,)), RuntimeError, "expects std >= 0.0, but found std -1"),
        (lambda: torch.bernoulli(torch.tensor([1.5])), RuntimeError, "probabilities from 0 to 1"),
        (lambda: torch.multinomial(torch.ones(2), 3), RuntimeError, "asked for 3 of 2 categories"),
        (lambda: torch.multinomial(torch.zeros(2), 1), RuntimeError, "sum of probabilities <= 0"),
        (lambda: torch.empty(2).normal_(0, -1), RuntimeError, "expects std >= 0.0, but found std -1"),
        (lambda: torch.empty(2).uniform_(1, 0), RuntimeError, "found from=1 > to=0"),
        (lambda: torch.empty(2).exponential_(0), RuntimeError, "lambda > 0.0"),
        (lambda: torch.empty(2).bernoulli_(2), RuntimeError, "p to be in"),
    ],
)
def test_errors(draw, error, message):
    with pytest.raises(error, match=message):
        draw()


@pytest.mark.parametrize(
    ("drawn", "mean", "variance"),
    [
        (lambda: torch.randn(5000, dtype=torch.complex64), 0, 1),
        (lambda: torch.empty(5000, dtype=torch.complex128).normal_(1, 2), 1, 4),
        (lambda: torch.rand(5000, dtype=torch.complex64), 0.5 + 0.5j, 1 / 6),
        (lambda: torch.empty(5000, dtype=torch.complex64).uniform_(1, 3), 2 + 2j, 2 / 3),
    ],
)
def test_both_parts_of_complex_numbers_are_drawn(drawn, mean, variance):
    torch.manual_seed(0)
    numbers = drawn()
    assert numbers.mean().item() == pytest.approx(mean, abs=0.1)
    assert numbers.var().item() == pytest.approx(variance, rel=0.1)
    assert (numbers.array.real != numbers.array.imag).all()
