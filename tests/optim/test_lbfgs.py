"""L-BFGS: as PyTorch's, step by step; and on Rosenbrock's valley."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.optim.line_search import Point, minimum_of_cubic, strong_wolfe

OPTIONS = [
    {},
    {"lr": 0.01},
    {"tolerance_grad": 1e-3},
    {"max_iter": 5, "max_eval": 3},
    {"max_eval": 1},
    {"line_search_fn": "strong_wolfe", "max_eval": 1},
    {"history_size": 2, "lr": 0.3},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 3},
    {"line_search_fn": "strong_wolfe", "max_eval": 4},
    {"line_search_fn": "strong_wolfe", "history_size": 2, "lr": 0.3},
    {"line_search_fn": "strong_wolfe", "lr": 10.0},
]


def quartic(params):
    return sum(((p - 1) ** 2 * (1 + p * p)).sum() for p in params)


def train(engine, options, loss_of=quartic, steps=4):
    rng = np.random.default_rng(0)
    params = [engine.tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((3, 4), (2,), ())]
    optimizer = engine.optim.LBFGS(params, **options)

    def closure():
        optimizer.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    seen = []
    for _ in range(steps):
        loss = optimizer.step(closure).item()
        state = optimizer.state[params[0]]
        seen.append([loss, state["n_iter"], state["func_evals"], *[p.tolist() for p in params]])
    return optimizer, seen


@pytest.mark.torch_parity
@pytest.mark.parametrize("options", OPTIONS)
def test_parity(options):
    reference = pytest.importorskip("torch")
    optimizer, ours = train(torch, options)
    expected, theirs = train(reference, options)
    for found, wanted in zip(ours, theirs, strict=True):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
    assert sorted(optimizer.state_dict()["state"][0]) == sorted(expected.state_dict()["state"][0])
    assert repr(optimizer) == repr(expected)


def test_down_rosenbrocks_valley():
    w = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe", max_iter=100)

    def closure():
        optimizer.zero_grad()
        loss = (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.tolist(), [1, 1], atol=1e-4)


def test_the_line_search_meets_both_conditions():
    def evaluate(step):
        loss = step**4 - 3 * step**2 - step
        slope = 4 * step**3 - 6 * step - 1
        return Point(step, loss, torch.tensor([slope]), slope)

    start = evaluate(0.0)
    for first in (1e-3, 0.1, 1.0, 7.0, 100.0):
        found, used = strong_wolfe(evaluate, start, first, 1.0, 1e-9, 25)
        assert found.loss <= start.loss + 1e-4 * found.step * start.slope
        assert abs(found.slope) <= 0.9 * abs(start.slope)
        assert 1 <= used <= 26


def test_the_lowest_point_of_a_cubic():
    def point(x):
        return Point(x, x**3 - 3 * x, torch.zeros(1), 3 * x * x - 3)

    assert minimum_of_cubic(point(0.0), point(3.0), (0.0, 3.0)) == pytest.approx(1.0)
    assert minimum_of_cubic(point(3.0), point(0.0), (0.0, 0.5)) == 0.5
    assert minimum_of_cubic(point(2.0), point(2.0), (1.0, 3.0)) == 2.0


def test_state_comes_back_from_a_file(tmp_path):
    optimizer, _ = train(torch, {"line_search_fn": "strong_wolfe", "max_iter": 3}, steps=2)
    torch.save(optimizer.state_dict(), tmp_path / "state.pt")
    params = optimizer.param_groups[0]["params"]
    again = torch.optim.LBFGS([p.detach().clone().requires_grad_() for p in params])
    again.load_state_dict(torch.load(tmp_path / "state.pt"))
    states = [o.state_dict()["state"][0] for o in (optimizer, again)]
    assert states[0]["n_iter"] == states[1]["n_iter"]
    assert torch.equal(states[0]["old_dirs"][-1], states[1]["old_dirs"][-1])
    assert torch.equal(states[0]["prev_flat_grad"], states[1]["prev_flat_grad"])


def test_the_size_of_the_memory_comes_from_the_group():
    """It is there that ``load_state_dict`` puts the options of a file."""
    w = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([w], max_iter=6)
    optimizer.param_groups[0]["history_size"] = 2

    def closure():
        optimizer.zero_grad()
        loss = quartic([w])
        loss.backward()
        return loss

    optimizer.step(closure)
    assert len(optimizer.state[w]["old_dirs"]) == 2


def test_errors():
    w = torch.zeros(2, requires_grad=True)
    with pytest.raises(ValueError, match="LBFGS doesn't support per-parameter options"):
        torch.optim.LBFGS([{"params": [w]}, {"params": [torch.zeros(1, requires_grad=True)]}])
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        torch.optim.LBFGS([w], line_search_fn="armijo").step(lambda: (w * w).sum())
    with pytest.raises(TypeError, match="argument 'closure' must be callable, not NoneType"):
        torch.optim.LBFGS([w]).step()
