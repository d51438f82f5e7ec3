"""Compiled attention against the plain loops, against the formula in NumPy, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_edu_kernels.attention import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
# n, heads, l, s, e, w
sizes = pytest.mark.parametrize(
    "size",
    [
        (1, 1, 1, 1, 1, 1), (2, 3, 4, 5, 2, 3), (1, 2, 7, 3, 4, 4), (2, 1, 3, 9, 1, 2), (1, 1, 40, 33, 3, 2),
        (0, 2, 3, 3, 2, 2), (1, 0, 3, 3, 2, 2), (1, 1, 0, 3, 2, 2), (1, 1, 3, 2, 0, 2), (1, 1, 3, 2, 2, 0),
        (1, 1, 3, 0, 2, 2),
    ],
)  # fmt: skip
MASKS = ["none", "causal", "numbers", "repeated", "nothing"]
masks = pytest.mark.parametrize("masking", MASKS)


def make(size, dtype, seed=0):
    n, heads, rows, keys, e, w = size
    rng = np.random.default_rng(seed)
    shapes = [(n, heads, rows, e), (n, heads, keys, e), (n, heads, keys, w), (n, heads, rows, w)]
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


def make_mask(masking, size, dtype):
    """Return what is added to the scores, or None, and whether there is a causal mask."""
    n, heads, rows, keys, *_ = size
    if masking in ("none", "causal"):
        return None, masking == "causal"
    numbers = np.random.default_rng(5).standard_normal((n, heads, rows, keys)).astype(dtype)
    if masking == "repeated":
        return np.broadcast_to(numbers[:1, :1, :1], numbers.shape), True
    if masking == "nothing":
        numbers[..., ::2, :] = -math.inf
    return numbers, False


def formula(query, key, value, mask, causal, scale):
    """Return the output, by whole matrices in float64."""
    query, key, value = (x.astype(np.float64) for x in (query, key, value))
    scores = np.einsum("nhie,nhje->nhij", query, key) * scale
    scores = scores if mask is None else scores + mask
    if causal:
        scores = np.where(np.tri(*scores.shape[2:], dtype=bool), scores, -math.inf)
    weights = np.exp(scores - np.maximum(scores.max(-1, keepdims=True, initial=-1e300), -1e300))
    totals = weights.sum(-1, keepdims=True)
    return np.einsum("nhij,nhjw->nhiw", weights / np.where(totals == 0, 1, totals), value)


def assert_equal(actual, expected, rtol=None):
    for a, b in zip(actual, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        tolerance = rtol or {"float32": 1e-5, "float64": 1e-12}[b.dtype.name]
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@sizes
@precision
@masks
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(size, dtype, masking):
    query, key, value, grad_output = make(size, dtype)
    mask, causal = make_mask(masking, size, dtype)
    arguments = query, key, value, mask
    output, logsumexp = reference.attention_forward(*arguments, causal, 0.7)
    assert_equal(cpu.attention_forward(*arguments, causal, 0.7), (output, logsumexp))
    assert_equal([output], [formula(*arguments, causal, 0.7).astype(dtype)])
    backward = grad_output, *arguments, output, logsumexp, causal, 0.7
    assert_equal(cpu.attention_backward(*backward), reference.attention_backward(*backward))


@masks
@pytest.mark.parametrize("size", [(2, 3, 300, 310, 8, 4), (1, 2, 260, 100, 4, 4)])
@pytest.mark.usefixtures("way")
def test_many_blocks(size, masking):
    """More rows than a block has; the gradients by differences along one direction."""
    query, key, value, grad_output = make(size, np.float64)
    mask, causal = make_mask(masking, size, np.float64)
    output, logsumexp = cpu.attention_forward(query, key, value, mask, causal, 0.3)
    assert_equal([output], [formula(query, key, value, mask, causal, 0.3)])
    grads = cpu.attention_backward(grad_output, query, key, value, mask, output, logsumexp, causal, 0.3)
    for number, grad in enumerate(grads):
        inputs = [query, key, value]
        direction = np.random.default_rng(number).standard_normal(grad.shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = [x + step * direction if i == number else x for i, x in enumerate(inputs)]
            ends.append((formula(*moved, mask, causal, 0.3) * grad_output).sum())
        np.testing.assert_allclose((grad * direction).sum(), (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-6)


@pytest.mark.usefixtures("shared")
def test_parts_leave_nothing_out(monkeypatch):
    size = (5, 3, 20, 30, 4, 4)
    query, key, value, grad_output = make(size, np.float64, seed=99)
    results = []
    for threads in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", threads)
        forward = cpu.attention_forward(query, key, value, None, True, 0.5)
        backward = cpu.attention_backward(grad_output, query, key, value, None, *forward, True, 0.5)
        results.append([*forward, *backward])
    for in_parts, at_once in zip(*results, strict=True):
        np.testing.assert_allclose(in_parts, at_once, rtol=1e-13)


@precision
def test_any_strides(dtype):
    """Heads lie side by side in memory where a layer has split its features."""
    size = (2, 3, 6, 6, 4, 4)
    arrays = make(size, dtype)
    spread = [np.ascontiguousarray(x.transpose(2, 0, 1, 3)).transpose(1, 2, 0, 3) for x in arrays]
    turned = [np.asfortranarray(x) for x in arrays]
    expected = cpu.attention_forward(*arrays[:3], None, False, 0.5)
    gradients = cpu.attention_backward(arrays[3], *arrays[:3], None, *expected, False, 0.5)
    for others in (spread, turned):
        assert_equal(cpu.attention_forward(*others[:3], None, False, 0.5), expected)
        found = cpu.attention_backward(others[3], *others[:3], None, *expected, False, 0.5)
        assert_equal(found, gradients)


@rung
def test_by_hand(kernels):
    """Scores 0 and ln 3: weights of a quarter and three quarters."""
    query = np.array([1.0]).reshape(1, 1, 1, 1)
    key = np.array([0.0, math.log(3)]).reshape(1, 1, 2, 1)
    value = np.array([4.0, 8.0]).reshape(1, 1, 2, 1)
    output, logsumexp = kernels.attention_forward(query, key, value, None, False, 1.0)
    np.testing.assert_allclose(output.item(), 7)
    np.testing.assert_allclose(logsumexp.item(), math.log(4))
    ones = np.ones((1, 1, 1, 1))
    grads = kernels.attention_backward(ones, query, key, value, None, output, logsumexp, False, 1.0)
    np.testing.assert_allclose(grads[2].ravel(), [0.25, 0.75])
    np.testing.assert_allclose(grads[1].ravel(), [0.25 * (4 - 7), 0.75 * (8 - 7)])
    np.testing.assert_allclose(grads[0].ravel(), [0.75 * math.log(3)])


@rung
@precision
def test_large_scores_do_not_overflow(kernels, dtype):
    query, key, value, _ = make((1, 1, 2, 3, 2, 2), dtype)
    output, logsumexp = kernels.attention_forward(query * 1000, key, value, None, False, 10.0)
    assert np.isfinite(output).all()
    assert np.isfinite(logsumexp).all()


@rung
@precision
def test_nan_stays_in_its_row(kernels, dtype):
    query, key, value, grad_output = make((1, 1, 3, 5, 2, 2), dtype)
    query[0, 0, 1, 0] = math.nan
    output, logsumexp = kernels.attention_forward(query, key, value, None, False, 1.0)
    assert np.isnan(output).all(-1).ravel().tolist() == [False, True, False]
    grads = kernels.attention_backward(grad_output, query, key, value, None, output, logsumexp, False, 1.0)
    assert np.isnan(grads[0]).any(-1).ravel().tolist() == [False, True, False]


@pytest.mark.torch_parity
@precision
@pytest.mark.parametrize("causal", [False, True])
def test_as_pytorch(dtype, causal):
    torch = pytest.importorskip("torch")
    arrays = make((2, 3, 20, 20, 8, 8), dtype)
    tensors = [torch.from_numpy(x).requires_grad_() for x in arrays[:3]]
    output = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=causal, scale=0.4)
    output.backward(torch.from_numpy(arrays[3]))
    found, logsumexp = cpu.attention_forward(*arrays[:3], None, causal, 0.4)
    grads = cpu.attention_backward(arrays[3], *arrays[:3], None, found, logsumexp, causal, 0.4)
    assert_equal([found, *grads], [output.detach().numpy(), *[x.grad.numpy() for x in tensors]])
