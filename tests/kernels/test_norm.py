"""Compiled normalisation against the plain loops, against float64, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_edu_kernels.norm import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
affine = pytest.mark.parametrize("with_parameters", [True, False])
# More rows than a block of 64 of them, and rows longer than a block of 1024 numbers.
matrices = pytest.mark.parametrize(
    "shape", [(1, 1), (3, 2), (5, 33), (70, 9), (2, 1500), (131, 4), (0, 4), (4, 0), (0, 0)]
)
# Fewer than 32 positions, and more; more than a block of 1024 numbers.
images = pytest.mark.parametrize(
    "shape",
    [(2, 1, 1), (3, 5, 1), (4, 3, 7), (3, 4, 40), (2, 2, 1100), (300, 2, 4), (0, 2, 3), (2, 0, 3), (2, 3, 0)],
)


def make(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def make_parameters(count, dtype, with_parameters=True):
    return tuple(make((2, count), dtype, seed=7)) if with_parameters else (None, None)


def assert_all_equal(actual, expected, scale=1.0):
    """Compare to a few units in the last place of the largest number that went into the sums."""
    assert len(actual) == len(expected)
    for a, b in zip(actual, expected, strict=True):
        if b is None:
            assert a is None
            continue
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.flags.c_contiguous
        rtol = {"float32": 4e-6, "float64": 1e-13}[b.dtype.name]
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)


@matrices
@precision
@affine
@pytest.mark.usefixtures("way")
def test_layer_norm_rungs_are_equal(shape, dtype, with_parameters):
    x, grad_output = make(shape, dtype), make(shape, dtype, seed=1)
    weight, bias = make_parameters(shape[1], dtype, with_parameters)
    y, mean, rstd = reference.layer_norm_forward(x, weight, bias, 0.1)
    assert_all_equal(cpu.layer_norm_forward(x, weight, bias, 0.1), (y, mean, rstd))
    arguments = grad_output, x, mean, rstd, weight, with_parameters
    actual = cpu.layer_norm_backward(*arguments)
    assert_all_equal(actual, reference.layer_norm_backward(*arguments), scale=5)


@images
@precision
@affine
@pytest.mark.usefixtures("way")
def test_batch_norm_rungs_are_equal(shape, dtype, with_parameters):
    x, grad_output = make(shape, dtype), make(shape, dtype, seed=1)
    weight, bias = make_parameters(shape[1], dtype, with_parameters)
    y, mean, variance, rstd = reference.batch_norm_forward(x, weight, bias, 0.1)
    assert_all_equal(cpu.batch_norm_forward(x, weight, bias, 0.1), (y, mean, variance, rstd))
    arguments = grad_output, x, mean, rstd, weight
    actual = cpu.batch_norm_backward(*arguments)
    assert_all_equal(actual, reference.batch_norm_backward(*arguments), scale=20)


@precision
def test_any_strides(dtype):
    x, grad_output = make((6, 5), dtype), make((6, 5), dtype, seed=1)
    weight, bias = make_parameters(5, dtype)
    two_apart = np.repeat(weight, 2)[::2], np.repeat(bias, 2)[::2]
    y, mean, rstd = cpu.layer_norm_forward(x, weight, bias, 1e-5)
    assert_all_equal(cpu.layer_norm_forward(np.asfortranarray(x), *two_apart, 1e-5), (y, mean, rstd))
    turned = np.asfortranarray(grad_output), np.asfortranarray(x), mean, rstd, two_apart[0], True
    assert_all_equal(
        cpu.layer_norm_backward(*turned), cpu.layer_norm_backward(grad_output, x, mean, rstd, weight, True)
    )
    for positions in (6, 60):
        x, grad_output = make((4, 5, positions), dtype), make((4, 5, positions), dtype, seed=1)
        expected = cpu.batch_norm_forward(x, weight, bias, 1e-5)
        assert_all_equal(cpu.batch_norm_forward(np.asfortranarray(x), *two_apart, 1e-5), expected)
        actual = cpu.batch_norm_backward(
            np.asfortranarray(grad_output), np.repeat(x, 2, axis=2)[:, :, ::2], *expected[1::2], two_apart[0]
        )
        assert_all_equal(actual, cpu.batch_norm_backward(grad_output, x, *expected[1::2], weight))


@pytest.mark.usefixtures("shared")
def test_parts_leave_nothing_out(monkeypatch):
    """Three parts of eight rows or channels; the numbers are new, lest the right ones lie in memory from before."""
    x, image = make((8, 9), np.float64, seed=99), make((4, 8, 50), np.float64, seed=99)
    weight, bias = make((2, 9), np.float64, seed=98)
    results = []
    for threads in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", threads)
        forward = cpu.layer_norm_forward(x, weight, bias, 1e-5)
        image_forward = cpu.batch_norm_forward(image, weight[:8], bias[:8], 1e-5)
        backward = cpu.layer_norm_backward(x[::-1], x, *forward[1:], weight, True)
        image_backward = cpu.batch_norm_backward(image[::-1], image, *image_forward[1::2], weight[:8])
        results.append([*forward, *image_forward, *backward, *image_backward])
    for in_parts, at_once in zip(*results, strict=True):
        np.testing.assert_allclose(in_parts, at_once, rtol=1e-13)


@rung
@precision
def test_by_hand(kernels, dtype):
    x = np.array([[1, 3], [5, 5]], dtype)
    weight, bias = np.array([10, 20], dtype), np.array([1, 2], dtype)
    y, mean, rstd = kernels.layer_norm_forward(x, weight, bias, 0.0625)
    r = 1 / math.sqrt(1.0625)
    np.testing.assert_allclose(y, [[1 - 10 * r, 2 + 20 * r], [1, 2]], rtol=1e-6)
    np.testing.assert_allclose(mean, [2, 5])
    np.testing.assert_allclose(rstd, [r, 4], rtol=1e-6)
    grad_output = np.array([[1, 0], [0, 1]], dtype)
    grad_x, grad_weight, grad_bias = kernels.layer_norm_backward(grad_output, x, mean, rstd, weight, True)
    first = r * (10 - 5 + r * 10 * -r / 2)  # r (h - avg(h) - x_hat avg(h x_hat)) with x_hat = -r
    np.testing.assert_allclose(grad_x, [[first, -first], [-40, 40]], rtol=1e-6)
    np.testing.assert_allclose(grad_weight, [-r, 0], rtol=1e-6)
    np.testing.assert_allclose(grad_bias, [1, 1])
    y, mean, variance, rstd = kernels.batch_norm_forward(x.T[:, :, None].copy(), weight, bias, 0.0625)
    np.testing.assert_allclose(y[:, :, 0], [[1 - 10 * r, 2], [1 + 10 * r, 2]], rtol=1e-6)
    np.testing.assert_allclose([mean, variance, rstd], [[2, 5], [1, 0], [r, 4]], rtol=1e-6)


@rung
@precision
def test_nan_stays_in_its_row(kernels, dtype):
    x = make((3, 40), dtype)
    x[0, 5], x[1, 7] = math.nan, math.inf
    y, mean, rstd = kernels.layer_norm_forward(x, None, None, 1e-5)
    assert np.isnan(y).all(axis=1).tolist() == [True, True, False]
    assert np.isfinite(y[2]).all()
    grad_x, _, _ = kernels.layer_norm_backward(np.ones_like(x), x, mean, rstd, None, True)
    assert np.isnan(grad_x).any(axis=1).tolist() == [True, True, False]
    y, *_ = kernels.batch_norm_forward(x[None], None, None, 1e-5)
    assert np.isnan(y).all(axis=2).tolist() == [[True, True, False]]


@rung
def test_rows_that_do_not_vary(kernels):
    """Without eps, 0 times infinity; with it, the bias."""
    x = np.full((2, 3), 4.0)
    assert np.isnan(kernels.layer_norm_forward(x, None, None, 0.0)[0]).all()
    assert kernels.layer_norm_forward(x, None, np.ones(3), 1e-5)[0].tolist() == [[1, 1, 1]] * 2


# ---- how exact float32 is ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0, 1, 1000])
@pytest.mark.parametrize("cols", [128, 5000, 300_000])
def test_accuracy_of_layer_norm(cols, mean):
    """y is exact to what rounding x did: 6e-8 of the mean. A one-pass variance would be nonsense at 1000."""
    x = make((4, cols), np.float32) + np.float32(mean)
    grad_output = make((4, cols), np.float32, seed=1)
    forward = cpu.layer_norm_forward(x, None, None, 1e-5)
    exact = cpu.layer_norm_forward(x.astype(np.float64), None, None, 1e-5)
    for actual, expected in zip(forward, exact, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=6e-7 + 1e-7 * mean)
    backward = cpu.layer_norm_backward(grad_output, x, *forward[1:], None, True)
    exact = cpu.layer_norm_backward(
        grad_output.astype(np.float64), x.astype(np.float64), *exact[1:], None, True
    )
    for actual, expected in zip(backward, exact, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=2e-6 + 1e-6 * mean)


def test_accuracy_of_sums_over_many_rows():
    """Gradients of 100,000 rows: float32 alone would drift."""
    x, grad_output = make((100_000, 3), np.float32), make((100_000, 3), np.float32, seed=1) + np.float32(1)
    _, mean, rstd = cpu.layer_norm_forward(x, None, None, 1e-5)
    _, grad_weight, grad_bias = cpu.layer_norm_backward(grad_output, x, mean, rstd, None, True)
    x_hat = (x - mean[:, None]).astype(np.float64) * rstd[:, None]
    np.testing.assert_allclose(grad_bias, grad_output.sum(axis=0, dtype=np.float64), rtol=3e-7)
    np.testing.assert_allclose(grad_weight, (grad_output * x_hat).sum(axis=0), rtol=2e-6)


def test_accuracy_of_batch_norm():
    x, grad_output = make((64, 3, 784), np.float32) + np.float32(100), make((64, 3, 784), np.float32, seed=1)
    forward = cpu.batch_norm_forward(x, None, None, 1e-5)
    exact = cpu.batch_norm_forward(x.astype(np.float64), None, None, 1e-5)
    for actual, expected in zip(forward, exact, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-5)
    backward = cpu.batch_norm_backward(grad_output, x, *forward[1::2], None)
    exact = cpu.batch_norm_backward(grad_output.astype(np.float64), x.astype(np.float64), *exact[1::2], None)
    for actual, expected in zip(backward, exact, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=2e-4)


@pytest.mark.torch_parity
@precision
@affine
def test_as_pytorch(dtype, with_parameters):
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional
    array, gradient = make((6, 5, 40), dtype), make((6, 5, 40), dtype, seed=1)
    for name, count in (("layer_norm", 40), ("batch_norm", 5)):
        parameters = make_parameters(count, dtype, with_parameters)
        tensors = [None if p is None else torch.from_numpy(p.copy()).requires_grad_() for p in parameters]
        x = torch.from_numpy(array).requires_grad_()
        if name == "layer_norm":
            y = functions.layer_norm(x, (count,), *tensors, eps=0.01)
        else:
            y = functions.batch_norm(x, None, None, *tensors, training=True, eps=0.01)
        y.backward(torch.from_numpy(gradient))
        for kernels in RUNGS:
            if name == "layer_norm":
                rows, grad_rows = array.reshape(30, 40), gradient.reshape(30, 40)
                actual_y, *moments = kernels.layer_norm_forward(rows, *parameters, 0.01)
                found = kernels.layer_norm_backward(grad_rows, rows, *moments, parameters[0], with_parameters)
            else:
                actual_y, mean, _, rstd = kernels.batch_norm_forward(array, *parameters, 0.01)
                found = kernels.batch_norm_backward(gradient, array, mean, rstd, parameters[0])
            results = [actual_y.reshape(array.shape), found[0].reshape(array.shape)]
            assert_all_equal(results, [y.detach().numpy(), x.grad.numpy()], scale=3)
            if with_parameters:
                assert_all_equal(found[1:], [t.grad.numpy() for t in tensors], scale=20)
