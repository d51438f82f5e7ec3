"""Compiled activation functions against the plain loops, against SciPy at all magnitudes, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special

from tinygrad_edu_kernels.activation import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
FORWARD = ["relu_forward", "sigmoid_forward", "silu_forward", "gelu_forward", "gelu_tanh_forward", "erf"]
BACKWARD = [
    "relu_backward",
    "sigmoid_backward",
    "tanh_backward",
    "silu_backward",
    "gelu_backward",
    "gelu_tanh_backward",
]
SPECIAL = [
    0.0,
    -0.0,
    math.inf,
    -math.inf,
    math.nan,
    1e-40,
    -1e-40,
    1e-30,
    1e30,
    -1e30,
    100.0,
    -100.0,
    20.0,
    -20.0,
]


def make(shape, dtype, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * 3).astype(dtype)


def assert_equal(actual, expected, scale=1.0):
    """Compare to a few units in the last place of the numbers that went into a sum, at least of ``scale``."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    assert actual.flags.c_contiguous
    rtol = {"float32": 2e-6, "float64": 1e-14}[expected.dtype.name]
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale * 0.1)


@precision
@pytest.mark.parametrize("shape", [(), (1,), (0,), (7, 5), (2, 3, 4, 5), (3, 0, 2), (131,)])
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(shape, dtype):
    x, grad_output = np.asarray(make(shape, dtype)), np.asarray(make(shape, dtype, seed=1))
    for name in FORWARD:
        assert_equal(getattr(cpu, name)(x), getattr(reference, name)(x))
    for name in BACKWARD:
        y = np.tanh(x) if name == "tanh_backward" else abs(np.tanh(x)) if name == "sigmoid_backward" else x
        assert_equal(getattr(cpu, name)(grad_output, y), getattr(reference, name)(grad_output, y), scale=10)
    for options in [(1.0, 20.0), (2.5, 1.0), (0.5, math.inf)]:
        assert_equal(cpu.softplus_forward(x, *options), reference.softplus_forward(x, *options))
        actual = cpu.softplus_backward(grad_output, x, *options)
        assert_equal(actual, reference.softplus_backward(grad_output, x, *options))


@precision
@pytest.mark.parametrize("name", [*FORWARD, *BACKWARD, "softplus_forward", "softplus_backward"])
def test_any_strides(name, dtype):
    x, grad_output = make((6, 8), dtype), make((6, 8), dtype, seed=1)
    options = (1.0, 20.0) if name.startswith("softplus") else ()
    function = getattr(cpu, name)
    if name.endswith("_backward"):
        expected = function(grad_output, x, *options)
        actual = function(np.asfortranarray(grad_output), np.repeat(x, 2, axis=1)[:, ::2], *options)
        repeated = function(np.broadcast_to(dtype(2), x.shape), x, *options)
        np.testing.assert_array_equal(repeated, function(np.full(x.shape, 2, dtype), x, *options))
    else:
        expected = function(x, *options)
        actual = function(np.asfortranarray(x), *options)
        np.testing.assert_array_equal(function(x[::-1, ::3], *options), expected[::-1, ::3])
    assert actual.flags.c_contiguous
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.usefixtures("shared")
def test_parts_leave_no_element_out(monkeypatch):
    """Three parts of 1000 elements; the numbers are new, lest the right ones lie in memory from before."""
    x = make(1000, np.float32, seed=99)
    results = []
    for threads in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", threads)
        forward = [getattr(cpu, name)(x) for name in FORWARD]
        backward = [getattr(cpu, name)(x[::-1], x) for name in BACKWARD]
        results.append(
            [*forward, *backward, cpu.softplus_forward(x, 1, 20), cpu.softplus_backward(x, -x, 1, 20)]
        )
    for in_parts, at_once in zip(*results, strict=True):
        np.testing.assert_array_equal(in_parts, at_once)


@rung
@precision
def test_by_hand(kernels, dtype):
    x = np.array([-2, 0, 1, math.nan], dtype)
    grad = np.array([10, 10, 10, 10], dtype)
    assert kernels.relu_forward(x).tolist()[:3] == [0, 0, 1]
    assert math.isnan(kernels.relu_forward(x)[3])
    assert kernels.relu_backward(grad, x * [0, 1, 1, 1]).tolist() == [0, 0, 10, 10]
    infinite = np.array([math.inf, math.nan], dtype)
    assert kernels.relu_backward(infinite, np.zeros(2, dtype)).tolist() == [0, 0]
    sigmoid = 1 / (1 + math.e**2)
    np.testing.assert_allclose(kernels.sigmoid_forward(x)[:2], [sigmoid, 0.5], rtol=1e-6)
    np.testing.assert_allclose(kernels.sigmoid_backward(grad, np.full(4, 0.25, dtype)), 1.875)
    np.testing.assert_allclose(kernels.tanh_backward(grad, np.full(4, 0.5, dtype)), 7.5)
    np.testing.assert_allclose(kernels.silu_forward(x)[:2], [-2 * sigmoid, 0], rtol=1e-6)
    np.testing.assert_allclose(kernels.silu_backward(grad, x)[1], 5)
    np.testing.assert_allclose(kernels.gelu_forward(x)[:3], [-0.0455002639, 0, 0.841344746], rtol=1e-6)
    np.testing.assert_allclose(kernels.gelu_backward(grad, x)[1:3], [5, 10.8331547], rtol=1e-6)
    np.testing.assert_allclose(kernels.gelu_tanh_forward(x)[:3], [-0.0454023059, 0, 0.841191991], rtol=1e-6)
    np.testing.assert_allclose(kernels.gelu_tanh_backward(grad, x)[1], 5)
    np.testing.assert_allclose(kernels.softplus_forward(x, 2, 1)[1:3], [math.log(2) / 2, 1], rtol=1e-6)
    np.testing.assert_allclose(kernels.softplus_backward(grad, x, 2, 1)[1:3], [5, 10])
    np.testing.assert_allclose(kernels.erf(x)[:3], [-0.995322265, 0, 0.842700793], rtol=1e-6)


@precision
@pytest.mark.parametrize("name", [*FORWARD, "softplus_forward"])
def test_special_values(name, dtype):
    x = np.array(SPECIAL, dtype)
    options = (1.0, 20.0) if name == "softplus_forward" else ()
    actual, expected = getattr(cpu, name)(x, *options), getattr(reference, name)(x, *options)
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-36 if dtype == np.float32 else 0)


@precision
@pytest.mark.parametrize("name", [*BACKWARD, "softplus_backward"])
def test_special_values_backward(name, dtype):
    values = [v for v in SPECIAL if abs(v) < 1e20] if "gelu" in name else SPECIAL  # infinity times zero
    x = np.array([*values, math.nan], dtype)
    grad_output = np.arange(1, len(x) + 1).astype(dtype)
    options = (1.0, 20.0) if name == "softplus_backward" else ()
    with np.errstate(all="ignore"):
        actual = getattr(cpu, name)(grad_output, x, *options)
        expected = getattr(reference, name)(grad_output, x, *options)
    np.testing.assert_allclose(actual, expected, rtol=2e-6, atol=1e-36 if dtype == np.float32 else 0)


# ---- how exact float32 is ------------------------------------------------------------------------------------


def float32_of_all_magnitudes():
    """Return numbers of both signs from the smallest denormal to the largest, and many of everyday size."""
    bits = np.arange(0, 2**32, 9973, dtype=np.uint64).astype(np.uint32)
    everything = bits.view(np.float32)
    usual = np.random.default_rng(0).uniform(-20, 20, 400_000)
    wide = np.random.default_rng(1).uniform(-110, 110, 100_000)
    return np.concatenate([everything[np.isfinite(everything)], usual.astype("f"), wide.astype("f")])


def errors_in_ulp(actual, exact):
    """Return the errors in units in the last place of float32; below 1e-36, where 0 may come out, none."""
    assert np.isfinite(actual).all()
    unit = np.spacing(np.maximum(abs(exact), 1e-36).astype(np.float32)).astype(np.float64)
    tiny = abs(exact) < 1e-36
    assert (abs(actual[tiny]) <= 1.1e-36).all()
    return np.where(tiny, 0, abs(actual.astype(np.float64) - exact) / unit)


def exact_gelu(x):
    return x * 0.5 * scipy.special.erfc(-x * math.sqrt(0.5))


def exact_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


@pytest.mark.parametrize(
    ("function", "exact", "ulp"),
    [
        (cpu.sigmoid_forward, scipy.special.expit, 2.6),
        (cpu.silu_forward, lambda x: x * scipy.special.expit(x), 2.6),
        (cpu.erf, scipy.special.erf, 1.6),
        (lambda x: cpu.softplus_forward(x, 1, math.inf), exact_softplus, 2.8),
    ],
    ids=["sigmoid", "silu", "erf", "softplus"],
)
def test_accuracy(function, exact, ulp):
    x = float32_of_all_magnitudes()
    with np.errstate(under="ignore"):
        assert errors_in_ulp(function(x), exact(x.astype(np.float64))).max() < ulp


def test_accuracy_of_gelu():
    """The rounding of x^2 in e^(-x^2 / 2) shows where x is negative and large."""
    x = float32_of_all_magnitudes()
    with np.errstate(under="ignore"):
        errors = errors_in_ulp(cpu.gelu_forward(x), exact_gelu(x.astype(np.float64)))
    allowed = 6 + np.where(x < 0, np.minimum(x, 0).astype(np.float64) ** 2 / 2, 0)
    assert (errors <= allowed).all()


@pytest.mark.parametrize(
    ("name", "error"), [("silu", 1.5e-6), ("gelu", 1e-6), ("gelu_tanh", 3e-6), ("softplus", 5e-7)]
)
def test_accuracy_of_gradients(name, error):
    """They are of size 1, so an absolute error says enough; the exact ones come from the float64 kernel."""
    x = np.concatenate([np.linspace(-100, 100, 200_001), np.linspace(-6, 6, 200_001)]).astype(np.float32)
    options = (1.0, 20.0) if name == "softplus" else ()
    function = getattr(cpu, f"{name}_backward")
    actual = function(np.ones_like(x), x, *options)
    exact = function(np.ones(x.size), x.astype(np.float64), *options)
    assert abs(actual - exact).max() < error


@pytest.mark.torch_parity
@precision
@pytest.mark.parametrize("name", ["relu", "sigmoid", "silu", "gelu", "gelu_tanh", "softplus", "tanh", "erf"])
def test_as_pytorch(name, dtype):
    torch = pytest.importorskip("torch")
    array, gradient = make((40, 30), dtype), make((40, 30), dtype, seed=1)
    x = torch.from_numpy(array).requires_grad_()
    functions = torch.nn.functional
    if name == "gelu_tanh":
        y = functions.gelu(x, approximate="tanh")
    else:
        y = getattr(torch if name in ("tanh", "erf") else functions, name)(x)
    y.backward(torch.from_numpy(gradient))
    options = (1.0, 20.0) if name == "softplus" else ()
    kept = y.detach().numpy() if name in ("relu", "sigmoid", "tanh") else array
    for kernels in RUNGS:
        if name != "tanh":
            forward = getattr(kernels, name if name == "erf" else f"{name}_forward")
            assert_equal(forward(array, *options), y.detach().numpy(), scale=10)
        if name != "erf":
            backward = getattr(kernels, f"{name}_backward")
            assert_equal(backward(gradient, kept, *options), x.grad.numpy(), scale=30)
