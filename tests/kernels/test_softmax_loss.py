"""Compiled softmax and cross-entropy against the plain loops, by hand, and against PyTorch."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest

from tinygrad_edu_kernels.softmax_loss import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# Rows of less and of more than 128 entries, and of lengths that four does and does not divide; several blocks of short
# rows, two rows to a block, and rows that are blocks by themselves.
SIZES = [(1, 1), (3, 2), (5, 10), (4, 33), (3, 128), (3, 131), (2, 514), (0, 4), (4, 0), (0, 0)]
sizes = pytest.mark.parametrize(("n", "c"), [*SIZES, (230, 10), (5, cpu.BLOCK // 2), (3, cpu.BLOCK // 2 + 1)])
IGNORED = -100


def assert_equal(actual, expected, scale=1.0):
    """Compare to a few units in the last place of the largest number that went into the sums."""
    assert actual.dtype == expected.dtype
    assert actual.flags.c_contiguous
    rtol = {"float32": 1e-6, "float64": 4e-15}[expected.dtype.name]
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)


def make_logits(n, c, dtype, spread=5.0):
    return (np.random.default_rng(n * 1000 + c).standard_normal((n, c)) * spread).astype(dtype)


def make_labels(n, c, dtype):
    """Return targets, every third of them ignored, and weights."""
    rng = np.random.default_rng(2)
    target = rng.integers(0, max(c, 1), n)
    target[::3] = IGNORED
    return target, rng.random(c).astype(dtype)


@sizes
@precision
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(n, c, dtype):
    x = make_logits(n, c, dtype)
    grad_output = make_logits(n, c, dtype, spread=1.0)[::-1]
    y = reference.softmax_forward(x)
    assert_equal(cpu.softmax_forward(x), y)
    assert_equal(cpu.softmax_backward(grad_output, y), reference.softmax_backward(grad_output, y))
    log_y = reference.log_softmax_forward(x)
    assert_equal(cpu.log_softmax_forward(x), log_y, scale=20)
    actual = cpu.log_softmax_backward(grad_output, log_y)
    assert_equal(actual, reference.log_softmax_backward(grad_output, log_y), scale=math.sqrt(c))


@sizes
@precision
@pytest.mark.usefixtures("way")
def test_loss_rungs_are_equal(n, c, dtype):
    if c == 0 and n > 0:
        pytest.skip("no class that a target could be")
    logits = make_logits(n, c, dtype)
    labels = make_labels(n, c, dtype)
    losses, totals, probabilities = reference.softmax_cross_entropy_forward(logits, *labels, IGNORED)
    actual_losses, actual_totals, actual_probabilities = cpu.softmax_cross_entropy_forward(
        logits, *labels, IGNORED
    )
    assert_equal(actual_losses, losses, scale=20)
    assert_equal(actual_totals, totals, scale=20 * n)
    assert_equal(actual_probabilities, probabilities)
    grad_losses = make_logits(n, 1, dtype)[:, 0]
    grad_logits = reference.softmax_cross_entropy_backward(grad_losses, probabilities, *labels, IGNORED)
    actual = cpu.softmax_cross_entropy_backward(grad_losses, probabilities, *labels, IGNORED)
    assert_equal(actual, grad_logits)
    assert not grad_logits[::3].any()


@rung
@precision
def test_loss_without_weights_is_that_with_ones(kernels, dtype):
    logits, target = make_logits(5, 4, dtype), np.array([0, 3, IGNORED, 1, 1])
    ones = np.ones(4, dtype)
    results = [
        (
            *kernels.softmax_cross_entropy_forward(logits, target, weight, IGNORED),
            kernels.softmax_cross_entropy_backward(logits[:, 0], abs(logits), target, weight, IGNORED),
        )
        for weight in (None, ones)
    ]
    for actual, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, expected)
    losses, totals = results[0][:2]
    np.testing.assert_allclose(totals, [losses.sum(), 4, 0], rtol=1e-6)


@rung
@precision
def test_one_gradient_for_all_rows_and_a_divisor(kernels, dtype):
    """What a mean asks for."""
    probabilities = kernels.softmax_forward(make_logits(6, 4, dtype))
    labels = np.array([0, 3, IGNORED, 1, 1, 2]), np.array([1, 2, 3, 4], dtype), IGNORED
    actual = kernels.softmax_cross_entropy_backward(np.array(3, dtype), probabilities, *labels, 12.0)
    expected = kernels.softmax_cross_entropy_backward(np.full(6, 0.25, dtype), probabilities, *labels)
    assert_equal(actual, expected)


@rung
@precision
def test_a_divisor_of_nothing(kernels, dtype):
    """The mean of rows that weigh nothing: no gradient for ignored rows, 0 times infinity for the others."""
    probabilities = np.full((2, 2), 0.5, dtype)
    labels = np.array([IGNORED, 1]), np.zeros(2, dtype), IGNORED
    for divisor in (0.0, dtype(0)):
        grad_logits = kernels.softmax_cross_entropy_backward(
            np.array(1, dtype), probabilities, *labels, divisor
        )
        np.testing.assert_array_equal(grad_logits, [[0, 0], [math.nan, math.nan]])


def test_nothing_is_compiled_again_for_read_only_arrays():
    arrays = np.array([0, 1]), np.ones(2, np.float32), np.ones((2, 2), np.float32), np.ones(2, np.float32)
    found = []
    for _ in range(2):
        target, weight, logits, grad_losses = arrays
        _, _, y = cpu.softmax_cross_entropy_forward(logits, target, weight, np.int32(IGNORED))
        cpu.softmax_cross_entropy_backward(grad_losses, y, target, weight, IGNORED, np.float32(2))
        found.append([len(k.signatures) for k in (cpu._loss_rows, cpu._loss_backward_rows)])
        for array in (target, weight, grad_losses):
            array.flags.writeable = False
    assert found[0] == found[1]


@rung
@precision
@pytest.mark.parametrize("outside", [-1, 3, 2**40])
def test_a_class_that_there_is_not(kernels, dtype, outside):
    """NaN, and no read beyond the arrays; the sums say how many there are."""
    logits, target = make_logits(4, 3, dtype), np.array([0, outside, IGNORED, outside])
    for weight in (None, np.array([2, 1, 1], dtype)):
        labels = target, weight, IGNORED
        losses, totals, probabilities = kernels.softmax_cross_entropy_forward(logits, *labels)
        assert np.isnan(losses).tolist() == [False, True, False, True]
        np.testing.assert_array_equal(totals, [math.nan, 1 if weight is None else 2, 2])
        grad_logits = kernels.softmax_cross_entropy_backward(np.ones(4, dtype), probabilities, *labels)
        assert np.isnan(grad_logits).all(axis=1).tolist() == [False, True, False, True]
        assert not grad_logits[2].any()


@pytest.mark.usefixtures("shared")
def test_chunks_leave_no_row_out(monkeypatch):
    """Three chunks of eight rows; the numbers are new, lest the right ones lie in memory from before."""
    x = np.random.default_rng(99).standard_normal((8, 7))
    target, weight = np.arange(8) % 7, x[0] ** 2
    results = []
    for chunks in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", chunks)
        losses, totals, y = cpu.softmax_cross_entropy_forward(x, target, weight, IGNORED)
        grad_logits = cpu.softmax_cross_entropy_backward(losses, y, target, weight, IGNORED)
        log_y = cpu.log_softmax_forward(2 * x)
        gradients = cpu.softmax_backward(x, y), cpu.log_softmax_backward(x, log_y)
        results.append((losses, totals, y, grad_logits, log_y, *gradients, cpu.softmax_forward(3 * x)))
    for in_chunks, at_once in zip(*results, strict=True):
        np.testing.assert_allclose(in_chunks, at_once, rtol=1e-15)  # sums of parts round otherwise


@precision
@pytest.mark.parametrize("other", [IGNORED, 2])
def test_any_strides_and_any_ignored_class(dtype, other):
    x = make_logits(6, 5, dtype)
    target, weight = make_labels(6, 5, dtype)
    target[target == IGNORED] = other
    turned = np.asfortranarray(x)
    two_apart = np.repeat(target, 2)[::2], np.repeat(weight, 2)[::2]
    for actual, expected in zip(
        cpu.softmax_cross_entropy_forward(turned, *two_apart, other),
        reference.softmax_cross_entropy_forward(x, target, weight, other),
        strict=True,
    ):
        assert_equal(actual, expected, scale=20)
    assert_equal(
        cpu.softmax_cross_entropy_backward(np.repeat(x[:, 0], 2)[::2], turned, *two_apart, other),
        reference.softmax_cross_entropy_backward(x[:, 0], x, target, weight, other),
    )
    assert_equal(cpu.softmax_forward(turned), reference.softmax_forward(x))
    assert_equal(cpu.log_softmax_forward(turned), reference.log_softmax_forward(x), scale=20)
    assert_equal(cpu.softmax_backward(turned, turned), reference.softmax_backward(x, x), scale=2000)
    small = np.asfortranarray(-abs(x))
    actual = cpu.log_softmax_backward(small, small)
    assert_equal(actual, reference.log_softmax_backward(small, small), scale=20)


@rung
@precision
def test_by_hand(kernels, dtype):
    logits = np.log(np.array([[1, 2, 5], [3, 1, 4]], dtype))
    weight = np.array([1, 10, 100], dtype)
    losses, _, probabilities = kernels.softmax_cross_entropy_forward(
        logits, np.array([1, 0]), weight, IGNORED
    )
    np.testing.assert_allclose(probabilities, [[0.125, 0.25, 0.625], [0.375, 0.125, 0.5]], rtol=1e-6)
    np.testing.assert_allclose(losses, [10 * math.log(4), math.log(8 / 3)], rtol=1e-6)
    grad_logits = kernels.softmax_cross_entropy_backward(
        np.array([1, 2], dtype), probabilities, np.array([1, 0]), weight, IGNORED
    )
    np.testing.assert_allclose(grad_logits, [[1.25, -7.5, 6.25], [-1.25, 0.25, 1.0]], rtol=1e-6)
    np.testing.assert_allclose(
        kernels.softmax_backward(np.array([[1, 0, 0]], dtype), probabilities[:1]),
        [[0.125 * 0.875, -0.25 * 0.125, -0.625 * 0.125]],
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        kernels.log_softmax_backward(np.array([[1, 2, 1]], dtype), np.log(probabilities[:1])),
        [[0.5, 1.0, -1.5]],
        rtol=1e-6,
    )


@rung
@precision
def test_large_scores_do_not_overflow(kernels, dtype):
    x = np.array([[1e4, 0.0, 1e4], [-1e30, -1e30, -2e30], [0.0, -200.0, -90.0]], dtype)
    np.testing.assert_array_equal(
        kernels.softmax_forward(x).round(30), [[0.5, 0, 0.5], [0.5, 0.5, 0], [1, 0, 0]]
    )
    log_y = kernels.log_softmax_forward(x)
    np.testing.assert_allclose(log_y[2], [0, -200, -90], rtol=1e-6)
    labels = np.array([1, 2, 1]), np.ones(3, dtype)
    losses, _, _ = kernels.softmax_cross_entropy_forward(x, *labels, IGNORED)
    np.testing.assert_allclose(losses, [1e4 + math.log(2), 1e30, 200], rtol=1e-6)


@precision
@pytest.mark.parametrize("c", [7, 128, 131])
def test_the_largest_entry_is_found_wherever_it_is(c, dtype):
    """What is a thousand above the rest takes all; were another taken for the largest, it would overflow."""
    one_hot = np.eye(c, dtype=dtype)
    np.testing.assert_array_equal(cpu.softmax_forward(1000 * one_hot), one_hot)
    np.testing.assert_array_equal(cpu.log_softmax_forward(1000 * one_hot), 1000 * one_hot - 1000)


ODD_ROWS = [
    [1.0, math.nan, 2.0],
    [math.nan, 1.0, 2.0],
    [1.0, math.inf, 2.0],
    [math.inf, math.inf, 0.0],
    [-math.inf, -math.inf, -math.inf],
    [1.0, -math.inf, 2.0],
    [math.inf, -math.inf, math.nan],
]


@precision
@pytest.mark.parametrize("length", [3, 200])
def test_rows_that_are_not_finite(dtype, length):
    x = np.zeros((len(ODD_ROWS), length), dtype)
    x[:, -3:] = ODD_ROWS
    x[4] = -math.inf
    for name in ("softmax_forward", "log_softmax_forward"):
        expected = getattr(reference, name)(x)
        assert_equal(getattr(cpu, name)(x), expected, scale=20)
        assert np.isnan(expected).all(axis=1).tolist() == [True, True, True, True, True, False, True]
    target = np.array([1, 0, 1, 2, 0, length - 2, 0])
    for actual, expected in zip(
        cpu.softmax_cross_entropy_forward(x, target, np.ones(length, dtype), IGNORED),
        reference.softmax_cross_entropy_forward(x, target, np.ones(length, dtype), IGNORED),
        strict=True,
    ):
        assert_equal(actual, expected, scale=20)


def test_exponential_is_good_to_a_few_units_in_the_last_place():
    values = np.concatenate([np.linspace(-86.9, 0, 100_001), -np.logspace(-30, 1.9, 10_001)]).astype(
        np.float32
    )
    pairs = cpu.softmax_forward(np.stack([np.zeros_like(values), values], axis=1)).astype(np.float64)
    np.testing.assert_allclose(pairs[:, 1] / pairs[:, 0], np.exp(values.astype(np.float64)), rtol=3e-7)


@pytest.mark.torch_parity
@precision
@pytest.mark.parametrize(("n", "c"), [(7, 5), (3, 200)])
def test_as_pytorch(n, c, dtype):
    torch = pytest.importorskip("torch")
    array, gradient = make_logits(n, c, dtype), make_logits(n, c, dtype, spread=1.0)[::-1].copy()
    for name in ("softmax", "log_softmax"):
        x = torch.from_numpy(array).requires_grad_()
        y = getattr(torch, name)(x, 1)
        y.backward(torch.from_numpy(gradient))
        for kernels in RUNGS:
            assert_equal(getattr(kernels, name + "_forward")(array), y.detach().numpy(), scale=20)
            actual = getattr(kernels, name + "_backward")(gradient, y.detach().numpy())
            assert_equal(actual, x.grad.numpy(), scale=20)


@pytest.mark.torch_parity
@precision
@pytest.mark.parametrize("odd", [False, True])
def test_loss_as_pytorch(dtype, odd):
    torch = pytest.importorskip("torch")
    array = np.array(ODD_ROWS, dtype) if odd else make_logits(7, 3, dtype)
    target, weight = make_labels(7, 3, dtype)
    grad_losses = make_logits(7, 1, dtype)[:, 0].copy()
    logits = torch.from_numpy(array).requires_grad_()
    losses = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(target), torch.from_numpy(weight), ignore_index=IGNORED, reduction="none"
    )
    losses.backward(torch.from_numpy(grad_losses))
    for kernels in RUNGS:
        actual, _, probabilities = kernels.softmax_cross_entropy_forward(array, target, weight, IGNORED)
        assert_equal(actual, losses.detach().numpy(), scale=20)
        gradient = kernels.softmax_cross_entropy_backward(grad_losses, probabilities, target, weight, IGNORED)
        counted = target != IGNORED  # PyTorch's gradient of an ignored row of NaN is NaN
        assert_equal(gradient[counted], logits.grad.numpy()[counted], scale=20)


WITHOUT_NUMBA = """
import numpy as np
from tinygrad_edu_kernels.softmax_loss import cpu, reference
x = np.random.default_rng(0).standard_normal((3, 4))
for dtype in ("float32", "float64"):
    logits, labels = x.astype(dtype), (np.array([0, 3, -100]), np.ones(4, dtype), -100)
    for name in ("softmax_forward", "log_softmax_forward"):
        np.testing.assert_allclose(getattr(cpu, name)(logits), getattr(reference, name)(logits), rtol=1e-5)
    for ours, theirs in zip(
        cpu.softmax_cross_entropy_forward(logits, *labels), reference.softmax_cross_entropy_forward(logits, *labels)
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    for kernels in (cpu, reference):
        rows = logits[:2, 0], logits[:2], np.full(2, -100), None, -100
        assert not kernels.softmax_cross_entropy_backward(*rows, 0.0).any()
"""


def test_with_numba_switched_off():
    """The kernels are plain Python then, which a debugger can step through."""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_NUMBA], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
