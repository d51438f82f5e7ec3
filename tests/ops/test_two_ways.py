"""Operations that have a kernel and a way in operators: both give the same, and each is taken when it should be."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import kernel_table
from tinygrad_edu.nn import functional as F


def gelu_tanh(x):
    return F.gelu(x, approximate="tanh")


def softplus(x):
    return F.softplus(x, 2.0, 1.0)


def layer_norm(x, weight, bias):
    return F.layer_norm(x, (4, 5), weight.reshape(4, 5), bias.reshape(4, 5))


def layer_norm_with_weight_alone(x, weight):
    return F.layer_norm(x, (20,), weight)


def layer_norm_with_bias_alone(x, bias):
    return F.layer_norm(x, (20,), None, bias)


def batch_norm(x, weight, bias):
    return F.batch_norm(x, None, None, weight, bias, training=True)


def group_norm(x, weight, bias):
    return F.group_norm(x, 2, weight, bias)


# The function, the shape of its input, and how many elements a parameter has, for each.
CASES = {
    **{f.__name__: (f, (3, 7), ()) for f in (F.relu, F.gelu, gelu_tanh, F.silu, softplus)},
    **{f.__name__: (f, (3, 7), ()) for f in (torch.sigmoid, torch.tanh, torch.erf, F.mish)},
    "layer_norm": (layer_norm, (3, 4, 5), (20, 20)),
    "layer_norm weight": (layer_norm_with_weight_alone, (2, 3, 20), (20,)),
    "layer_norm bias": (layer_norm_with_bias_alone, (2, 3, 20), (20,)),
    "batch_norm": (batch_norm, (3, 4, 5), (4, 4)),
    "batch_norm images": (batch_norm, (3, 4, 6, 7), (4, 4)),
    "group_norm": (group_norm, (3, 4, 5), (4, 4)),
    "instance_norm": (F.instance_norm, (3, 4, 5), ()),
}
case = pytest.mark.parametrize("name", CASES)
KERNELS = [name for name in CASES if name not in ("tanh", "erf", "mish")]  # with a kernel in both directions


def inputs(name, dtype=torch.float64):
    """Return the function, its arguments, all of which want a gradient, and a gradient of the output."""
    function, shape, sizes = CASES[name]
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s) for s in (shape, *[(size,) for size in sizes], shape)]
    *arguments, grad_output = [torch.tensor(a, dtype=dtype) for a in arrays]
    return function, [x.requires_grad_() for x in arguments], grad_output


def run(name, dtype=torch.float64, create_graph=False):
    """Return the output and all gradients, as arrays."""
    function, arguments, grad_output = inputs(name, dtype)
    y = function(*arguments)
    gradients = torch.autograd.grad(y, arguments, grad_output, create_graph=create_graph)
    return [x.numpy(force=True) for x in (y, *gradients)]


def assert_same(actual, expected, rtol=1e-12):
    for a, b in zip(actual, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol, rtol)


@case
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_kernel_and_the_operators_give_the_same_gradient(name, dtype):
    """With create_graph=True, backward gets Tensors and computes in operators."""
    tolerance = 2e-6 if dtype == torch.float32 else 1e-12
    assert_same(run(name, dtype), run(name, dtype, create_graph=True), tolerance)


@case
def test_without_kernels_the_result_is_the_same(name, monkeypatch):
    expected = run(name)
    monkeypatch.setattr(kernel_table, "has_kernels", lambda array: False)
    assert_same(run(name), expected)


@case
def test_the_reference_gives_the_same(name):
    expected = run(name)
    with torch.use_kernels("reference"):
        assert_same(run(name), expected)


class Noting:
    """Notes the family of every kernel that is called."""

    def __init__(self):
        self.families = []

    def run_kernel(self, name, kernel, *args, **kwargs):
        self.families.append(name.split(".")[0])
        return kernel(*args, **kwargs)


@pytest.mark.parametrize("name", KERNELS)
def test_the_kernels_are_taken(name):
    """Were they not, the tests above would compare the operators with themselves."""
    taken = Noting()
    kernel_table.record_kernels(taken)
    try:
        run(name, torch.float32)
    finally:
        kernel_table.record_kernels(None)
    assert len(taken.families) == 2
    assert set(taken.families) == {"norm" if "norm" in name else "activation"}


@pytest.mark.gradcheck
@case
def test_second_derivatives(name):
    function, arguments, _ = inputs(name)
    assert torch.autograd.gradgradcheck(function, arguments)


@pytest.mark.parametrize("name", ["relu", "sigmoid", "silu", "tanh", "gelu"])
def test_half_precision_goes_by_operators(name):
    y, gradient = run(name, torch.float16)
    assert y.dtype == gradient.dtype == np.float16
    assert_same([y, gradient], run(name), 5e-3)


def test_parameters_of_another_dtype_are_refused():
    x, weight = torch.ones(2, 3), torch.ones(3, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="expected weight of the dtype of the input, float32, got float64"):
        F.layer_norm(x, (3,), weight)


def test_frozen_parameters_get_no_gradient():
    x = torch.randn(3, 4, requires_grad=True)
    weight, bias = torch.ones(4), torch.zeros(4, requires_grad=True)
    F.layer_norm(x, (4,), weight, bias).sum().backward()
    assert weight.grad is None
    assert bias.grad.tolist() == [3, 3, 3, 3]


def test_a_leaf_may_keep_what_backward_returns():
    """The gradients of two parameters lie side by side; a change of one must not show in the other."""
    x = torch.randn(3, 4, requires_grad=True)
    weight, bias = torch.ones(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    F.batch_norm(x, None, None, weight, bias, training=True).sum().backward()
    weight.grad.add_(100)
    assert bias.grad.tolist() == [3, 3, 3, 3]
