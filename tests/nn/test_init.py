from __future__ import annotations

import math
import re

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.nn import init

SHAPE = (60, 40, 3, 2)
FAN_IN, FAN_OUT = 40 * 6, 60 * 6


def filled(name, *args, shape=SHAPE, **kwargs):
    """Call a function of init and return the numbers; check that it fills in place."""
    tensor = torch.empty(*shape, requires_grad=True)
    assert getattr(init, name)(tensor, *args, **kwargs) is tensor
    assert tensor.requires_grad
    assert tensor.is_leaf
    return tensor.numpy(force=True).astype(np.float64)


def assert_even(values, low, high):
    """The values are evenly distributed over an interval (of at least some hundred values)."""
    assert values.min() >= low - 1e-6
    assert values.max() <= high + 1e-6
    histogram, _ = np.histogram(values, bins=10, range=(low, high))
    expected = values.size / 10
    assert np.abs(histogram - expected).max() < 5 * math.sqrt(expected)


def assert_normal(values, mean, std):
    z = (values - mean) / std
    assert z.mean() == pytest.approx(0, abs=5 / math.sqrt(z.size))
    assert z.std() == pytest.approx(1, abs=4 / math.sqrt(z.size))
    assert (np.abs(z) < 1).mean() == pytest.approx(0.6827, abs=0.02)
    assert np.abs(z).max() > 3


# ---- simple ------------------------------------------------------------------------------------------


def test_uniform_and_normal():
    assert_even(filled("uniform_"), 0, 1)
    assert_even(filled("uniform_", a=-3, b=2.0), -3, 2)
    assert_normal(filled("normal_"), 0, 1)
    assert_normal(filled("normal_", mean=5.0, std=0.5), 5, 0.5)


def test_constants():
    assert np.array_equal(filled("constant_", 0.25), np.full(SHAPE, 0.25))
    assert np.array_equal(filled("ones_"), np.ones(SHAPE))
    assert np.array_equal(filled("zeros_"), np.zeros(SHAPE))
    assert np.array_equal(filled("eye_", shape=(3, 5)), np.eye(3, 5))


def test_a_generator_decides_and_the_global_one_is_left_alone():
    state = torch.get_rng_state()
    for name in (
        "uniform_",
        "normal_",
        "trunc_normal_",
        "xavier_uniform_",
        "xavier_normal_",
        "kaiming_uniform_",
        "kaiming_normal_",
        "orthogonal_",
    ):
        first, second, other = (
            filled(name, shape=(4, 3), generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
        )
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)
    sparse = [
        filled("sparse_", 0.5, shape=(4, 3), generator=torch.Generator().manual_seed(1)) for _ in range(2)
    ]
    assert np.array_equal(*sparse)
    assert torch.get_rng_state() == state


# ---- by fan ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_xavier(gain):
    bound = gain * math.sqrt(6 / (FAN_IN + FAN_OUT))
    assert_even(filled("xavier_uniform_", gain), -bound, bound)
    assert_normal(filled("xavier_normal_", gain=gain), 0, gain * math.sqrt(2 / (FAN_IN + FAN_OUT)))


@pytest.mark.parametrize(
    ("options", "std"),
    [
        ({}, math.sqrt(2 / FAN_IN)),
        ({"mode": "fan_out"}, math.sqrt(2 / FAN_OUT)),
        ({"a": 1.0}, math.sqrt(1 / FAN_IN)),
        ({"nonlinearity": "relu"}, math.sqrt(2 / FAN_IN)),
        ({"mode": "fan_out", "nonlinearity": "tanh"}, 5 / 3 / math.sqrt(FAN_OUT)),
        ({"nonlinearity": "linear"}, math.sqrt(1 / FAN_IN)),
    ],
)
def test_kaiming(options, std):
    assert_normal(filled("kaiming_normal_", **options), 0, std)
    assert_even(filled("kaiming_uniform_", **options), -math.sqrt(3) * std, math.sqrt(3) * std)


def test_kaiming_keeps_the_size_of_the_signal():
    x = torch.randn(200, 300)
    for _ in range(10):
        w = init.kaiming_normal_(torch.empty(300, 300), nonlinearity="relu")
        x = torch.relu(x @ w.t())
    assert 0.3 < (x**2).mean().item() < 3


# ---- the others --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0, 1, -2, 2), (0, 1, -0.1, 3), (5, 2, 0, 5), (0, 0.02, -2, 2), (0, 1, 3, 4), (0, 1, 9, 10)],
)
def test_trunc_normal(mean, std, a, b):
    from scipy.stats import kstest, truncnorm

    values = filled("trunc_normal_", mean, std, a, b, shape=(100, 50))
    assert values.min() >= a - 1e-6
    assert values.max() <= b + 1e-6
    exact = truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert kstest(values.ravel(), exact.cdf).pvalue > 1e-3


def test_orthogonal():
    for shape in [(5, 5), (3, 7), (7, 3)]:
        w = filled("orthogonal_", shape=shape)
        product = w @ w.T if shape[0] <= shape[1] else w.T @ w
        np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-6)
    w = filled("orthogonal_", gain=2.0, shape=(4, 2, 3)).reshape(4, 6)
    np.testing.assert_allclose(w @ w.T, 4 * np.eye(4), atol=1e-5)
    first = np.array([filled("orthogonal_", shape=(2, 2))[0, 0] for _ in range(400)])
    assert first.mean() == pytest.approx(0, abs=0.15)  # no direction is preferred


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("shape", "groups"), [((4, 2, 3), 1), ((2, 4, 3, 3), 1), ((6, 2, 4, 3), 3), ((4, 4, 2, 3, 3), 2)]
)
def test_dirac_is_that_of_pytorch(reference, shape, groups):
    expected = reference.nn.init.dirac_(reference.empty(*shape), groups).numpy(force=True)
    assert np.array_equal(filled("dirac_", groups, shape=shape), expected)


def test_sparse():
    values = filled("sparse_", 0.3, 2.0, shape=(50, 40))
    assert np.array_equal((values == 0).sum(0), np.full(40, 15))
    assert values[values != 0].std() == pytest.approx(2, rel=0.1)


def test_dtype_is_kept():
    for name in ("uniform_", "normal_", "xavier_uniform_", "orthogonal_", "trunc_normal_", "eye_", "ones_"):
        tensor = getattr(init, name)(torch.empty(3, 2, dtype=torch.float64))
        assert tensor.dtype == torch.float64


def test_a_parameter_of_a_layer():
    layer = torch.nn.Linear(3, 2)
    init.zeros_(layer.bias)
    init.constant_(layer.weight, 1.0)
    layer(torch.ones(1, 3)).sum().backward()
    assert layer(torch.ones(1, 3)).tolist() == [[3.0, 3.0]]
    assert layer.weight.grad.tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("name", ["kaiming_uniform_", "kaiming_normal_"])
def test_nothing_to_fill(name):
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        assert filled(name, shape=(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: init.xavier_uniform_(torch.empty(3)), ["fewer than 2 dimensions", "[3]"]),
        (lambda: init.kaiming_normal_(torch.empty(3)), ["fewer than 2 dimensions", "[3]"]),
        (
            lambda: init.kaiming_normal_(torch.empty(3, 2), mode="fan"),
            ["Mode fan not supported", "fan_in", "fan_out"],
        ),
        (lambda: init.eye_(torch.empty(3)), ["2 dimensions", "[3]"]),
        (lambda: init.orthogonal_(torch.empty(3)), ["2 or more dimensions", "[3]"]),
        (lambda: init.dirac_(torch.empty(3, 2)), ["3, 4, or 5 dimensions", "[3, 2]"]),
        (lambda: init.dirac_(torch.empty(3, 2, 1), 2), ["divisible by groups", "3", "2"]),
        (lambda: init.sparse_(torch.empty(3), 0.5), ["2 dimensions", "[3]"]),
    ],
)
def test_errors_name_what_was_expected_and_what_came(call, words):
    with pytest.raises(ValueError, match=re.escape(words[0])) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


OLDER = {
    "uniform": (3, 4), "normal": (3, 4), "constant": (2,), "eye": (3, 3), "dirac": (2, 2, 3), "xavier_uniform": (3, 4),
    "xavier_normal": (3, 4), "kaiming_uniform": (3, 4), "kaiming_normal": (3, 4), "orthogonal": (3, 3),
    "sparse": (3, 4),
}  # fmt: skip


@pytest.mark.parametrize("name", OLDER)
def test_older_names_warn(name):
    arguments = {"constant": (2.5,), "sparse": (0.5,)}.get(name, ())
    results = []
    for function in (getattr(torch.nn.init, name + "_"), getattr(torch.nn.init, name)):
        torch.manual_seed(0)
        x = torch.zeros(OLDER[name])
        if function.__name__ == name:
            with pytest.warns(
                FutureWarning, match=f"`nn.init.{name}` is now deprecated in favor of `nn.init.{name}_`"
            ):
                assert function(x, *arguments) is x
        else:
            function(x, *arguments)
        results.append(x.tolist())
    assert results[0] == results[1]
