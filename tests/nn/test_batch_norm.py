from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.nn.parity import (
    assert_gradcheck,
    assert_layer_parity,
    assert_same,
    make_inputs,
    make_layer,
    numbers,
    run_layer,
)
from tinygrad_edu import nn

LAYERS = [
    ("BatchNorm1d", (3,), {}, [(5, 3)]),
    ("BatchNorm1d", (3,), {}, [(5, 3, 4)]),
    ("BatchNorm2d", (3,), {}, [(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"eps": 1e-2, "momentum": 0.3}, [(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"affine": False}, [(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"track_running_stats": False}, [(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"momentum": None}, [(4, 3, 5, 2)]),
    ("BatchNorm2d", (3,), {"bias": False}, [(4, 3, 5, 2)]),
    ("InstanceNorm1d", (3,), {}, [(2, 3, 5)]),
    ("InstanceNorm1d", (3,), {"affine": True}, [(3, 5)]),
    ("BatchNorm3d", (3,), {}, [(4, 3, 2, 3, 2)]),
    ("InstanceNorm3d", (3,), {"affine": True}, [(2, 3, 2, 3, 2)]),
    ("InstanceNorm2d", (3,), {}, [(2, 3, 4, 5)]),
    ("InstanceNorm2d", (3,), {"affine": True, "eps": 1e-2}, [(2, 3, 4, 5)]),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True, "momentum": 0.3}, [(2, 3, 4, 5)]),
    ("InstanceNorm2d", (3,), {"affine": True, "bias": False}, [(3, 4, 5)]),
]
options = pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)


@pytest.mark.torch_parity
@options
def test_parity(reference, name, args, kwargs, shapes):
    assert_layer_parity(reference, name, args, kwargs, shapes, rtol=1e-4, atol=1e-5)


@pytest.mark.torch_parity
@options
def test_running_statistics_over_several_steps_and_in_evaluation(reference, name, args, kwargs, shapes):
    ours, theirs = (make_layer(lib, name, args, kwargs) for lib in (torch, reference))
    for step in range(4):
        arrays = [(step + 1) * x + step for x in make_inputs(shapes, seed=step)]
        found, expected = run_layer(torch, ours, arrays), run_layer(reference, theirs, arrays)
        assert_same(found, expected, rtol=1e-4, atol=1e-4)
    ours.eval(), theirs.eval()
    ours.zero_grad(), theirs.zero_grad()
    assert_same(run_layer(torch, ours, arrays), run_layer(reference, theirs, arrays), rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(
        numbers(ours.num_batches_tracked) if ours.num_batches_tracked is not None else None,
        numbers(theirs.num_batches_tracked) if theirs.num_batches_tracked is not None else None,
    )


@pytest.mark.torch_parity
def test_the_gradient_in_evaluation(reference):
    ours, theirs = (make_layer(lib, "BatchNorm2d", (3,)).eval() for lib in (torch, reference))
    arrays = make_inputs([(2, 3, 2, 2)])
    assert_same(run_layer(torch, ours, arrays), run_layer(reference, theirs, arrays))


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "kwargs", "shape"),
    [
        ("BatchNorm1d", (2,), {"track_running_stats": False}, (4, 2)),
        ("BatchNorm2d", (2,), {"track_running_stats": False}, (3, 2, 2, 1)),
        ("InstanceNorm1d", (2,), {"affine": True}, (2, 2, 3)),
        ("InstanceNorm2d", (2,), {}, (2, 2, 2, 2)),
    ],
)
def test_gradcheck(name, args, kwargs, shape):
    assert_gradcheck(make_layer(torch, name, args, kwargs), *make_inputs([shape], np.float64))


@pytest.mark.gradcheck
def test_gradcheck_in_evaluation():
    layer = make_layer(torch, "BatchNorm1d", (2,))
    layer(torch.randn(8, 2))
    assert_gradcheck(layer.eval(), *make_inputs([(3, 2)], np.float64))


def test_training_normalises_and_counts():
    layer = nn.BatchNorm1d(2)
    x = torch.randn(100, 2) * 3 + 5
    y = layer(x).numpy(force=True)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(0), 1, rtol=1e-4)
    assert layer.num_batches_tracked.item() == 1
    np.testing.assert_allclose(
        layer.running_mean.numpy(force=True), 0.1 * x.numpy(force=True).mean(0), rtol=1e-5
    )
    np.testing.assert_allclose(
        layer.running_var.numpy(force=True), 0.9 + 0.1 * x.numpy(force=True).var(0, ddof=1), rtol=1e-5
    )


def test_evaluation_changes_no_statistics():
    layer = nn.BatchNorm1d(2).eval()
    layer(torch.randn(10, 2))
    assert layer.running_mean.tolist() == [0.0, 0.0]
    assert layer.num_batches_tracked.item() == 0


def test_momentum_none_is_a_plain_average():
    layer = nn.BatchNorm1d(1, momentum=None)
    for value in (1.0, 2.0, 6.0):
        layer(torch.tensor([[value - 1], [value + 1]]))
    assert layer.running_mean.item() == pytest.approx(3.0)
    assert layer.running_var.item() == pytest.approx(2.0)


def test_what_is_there_depends_on_the_options():
    assert list(nn.BatchNorm2d(1, affine=False).state_dict()) == [
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]
    layer = nn.BatchNorm2d(1, track_running_stats=False)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert layer.running_mean is None
    assert list(nn.InstanceNorm2d(1).state_dict()) == []


def test_reset():
    layer = nn.BatchNorm1d(2)
    layer(torch.randn(10, 2))
    layer.weight.data.fill_(3.0)
    layer.reset_running_stats()
    assert (layer.running_mean.tolist(), layer.running_var.tolist()) == ([0.0, 0.0], [1.0, 1.0])
    assert layer.num_batches_tracked.item() == 0
    assert layer.weight.tolist() == [3.0, 3.0]
    layer.reset_parameters()
    assert layer.weight.tolist() == [1.0, 1.0]


def test_the_statistics_are_no_part_of_the_graph():
    layer = nn.BatchNorm1d(2)
    layer(torch.randn(10, 2, requires_grad=True))
    assert not layer.running_mean.requires_grad
    assert layer.running_mean.grad_fn is None


def test_instance_norm_with_other_channels_warns():
    layer = nn.InstanceNorm2d(5)
    with pytest.warns(UserWarning, match="number of channels, 3, does not match num_features=5") as caught:
        layer(torch.ones(2, 3, 2, 2))
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.BatchNorm2d(3)(torch.ones(2, 3)), ["expected 4D input (got 2D input)"]),
        (lambda: nn.BatchNorm1d(3)(torch.ones(2, 3, 4, 5)), ["expected 2D or 3D input (got 4D input)"]),
        (lambda: nn.InstanceNorm2d(3)(torch.ones(2, 3)), ["expected 3D or 4D input (got 2D input)"]),
        (lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)), ["Expected more than 1 value per channel", "[1, 3]"]),
        (
            lambda: nn.InstanceNorm1d(3)(torch.ones(2, 3, 1)),
            ["Expected more than 1 spatial element", "[2, 3, 1]"],
        ),
        (lambda: nn.InstanceNorm1d(3, affine=True)(torch.ones(2, 4, 2)), ["num_features (3)", "got: 4"]),
    ],
)
def test_errors_are_those_of_pytorch(call, words):
    with pytest.raises(ValueError, match=r"xpected") as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_wrong_number_of_channels_is_an_error():
    with pytest.raises(RuntimeError, match=r"running_mean .*contain 4 elements.*\[3\]"):
        nn.BatchNorm2d(3)(torch.ones(2, 4, 2, 2))
