from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn

KINDS = ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"]
SHAPES = {
    "Dropout": (40, 50),
    "Dropout1d": (40, 50, 3),
    "Dropout2d": (40, 50, 3, 2),
    "Dropout3d": (40, 50, 3, 2, 1),
    "AlphaDropout": (40, 50),
    "FeatureAlphaDropout": (40, 50, 3),
}
every_kind = pytest.mark.parametrize("name", KINDS)


@every_kind
def test_nothing_is_dropped_in_evaluation_or_with_p_0(name):
    x = torch.randn(*SHAPES[name])
    assert getattr(nn, name)(0.7).eval()(x) is x
    assert getattr(nn, name)(0.0)(x) is x


@pytest.mark.parametrize("name", ["Dropout", "Dropout1d", "Dropout2d", "Dropout3d"])
@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_how_much_is_dropped(name, p):
    y = getattr(nn, name)(p)(torch.ones(*SHAPES[name])).numpy(force=True)
    np.testing.assert_allclose(np.unique(y), [0, np.float32(1 / (1 - p))], rtol=1e-6)
    assert (y == 0).mean() == pytest.approx(p, abs=0.05)
    channels = y.reshape(40 * 50, -1)
    assert np.array_equal(channels.min(1), channels.max(1))  # a channel is dropped as a whole


@every_kind
def test_p_1_drops_all(name):
    x = torch.full(SHAPES[name], 3.0, requires_grad=True)
    y = getattr(nn, name)(1.0)(x)
    assert np.array_equal(y.numpy(force=True), np.zeros(SHAPES[name]))
    y.sum().backward()
    assert np.array_equal(x.grad.numpy(force=True), np.zeros(SHAPES[name]))


@every_kind
def test_the_gradient_goes_where_the_input_went(name):
    x = torch.randn(*SHAPES[name], requires_grad=True)
    y = getattr(nn, name)(0.4)(x)
    y.sum().backward()
    if "Alpha" in name:
        kept = x.grad.numpy(force=True) != 0
        slope = x.grad.numpy(force=True).max()
        np.testing.assert_allclose(np.unique(x.grad.numpy(force=True)), [0, slope])
        assert kept.mean() == pytest.approx(0.6, abs=0.05)
        return
    np.testing.assert_allclose((x * x.grad).numpy(force=True), y.numpy(force=True), rtol=1e-6)


@every_kind
def test_the_seed_decides(name):
    x, layer = torch.randn(*SHAPES[name]), getattr(nn, name)(0.5)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        results.append(layer(x).numpy(force=True))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])
    assert not np.array_equal(layer(x).numpy(force=True), layer(x).numpy(force=True))  # and goes on


@every_kind
def test_in_place(name):
    x = torch.randn(*SHAPES[name], requires_grad=True)
    before = x * 1
    torch.manual_seed(5)
    expected = getattr(nn, name)(0.5)(before).numpy(force=True)
    torch.manual_seed(5)
    after = getattr(nn, name)(0.5, inplace=True)(before)
    assert (after is before) == (
        name != "FeatureAlphaDropout"
    )  # which does not pass it on, in PyTorch either
    np.testing.assert_array_equal(after.numpy(force=True), expected)
    after.sum().backward()
    if "Alpha" not in name:
        np.testing.assert_allclose((x * x.grad).numpy(force=True), expected, rtol=1e-6)


def test_alpha_dropout_keeps_mean_and_variance():
    x = torch.randn(200, 500)
    y = nn.AlphaDropout(0.3)(x).numpy(force=True)
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.std() == pytest.approx(1, rel=0.02)


def test_dropout1d_without_a_batch():
    y = nn.Dropout1d(0.5)(torch.ones(60, 4)).numpy(force=True)
    assert np.array_equal(y.min(1), y.max(1))
    assert 0 < (y == 0).mean() < 1


def test_dropout2d_of_3_dimensions_warns():
    with pytest.warns(UserWarning, match="dropout2d: Received a 3D input"):
        y = nn.Dropout2d(0.5)(torch.ones(20, 10, 4)).numpy(force=True)
    assert np.array_equal(y.min(2), y.max(2))


@pytest.mark.torch_parity
@every_kind
def test_repr(reference, name):
    for args in [(), (0.25,), (0.1, True)]:
        assert repr(getattr(nn, name)(*args)) == repr(getattr(reference.nn, name)(*args))


@every_kind
@pytest.mark.parametrize("p", [-0.1, 1.5])
def test_p_must_be_a_probability(name, p):
    with pytest.raises(ValueError, match=f"dropout probability has to be between 0 and 1, but got {p}"):
        getattr(nn, name)(p)


def test_dropout1d_of_another_shape_is_an_error():
    with pytest.raises(RuntimeError, match="dropout1d: Expected 2D or 3D input, but received a 4D input"):
        nn.Dropout1d()(torch.ones(1, 1, 1, 1))
