"""Recurrent layers: the compiled rung against the plain loops, and both against derivatives by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu_kernels.recurrent import cpu, products, reference, rows
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
direction = pytest.mark.parametrize("reverse", [False, True])
# (hidden units, of a projection or None, sequences in each step): one, less than a tile, tiles and what is left over.
CASES = {
    "one": (1, None, [1]),
    "small": (3, None, [5, 5, 3, 1]),
    "wide": (19, None, [9, 4, 4]),
    "tiles": (16, None, [12, 12]),
    "many": (5, None, [40, 33, 2, 2]),
    "projected": (7, 3, [8, 5, 1]),
    "projected tiles": (20, 17, [13, 13, 2]),
    "nothing": (3, None, [0, 0]),
}
every_case = pytest.mark.parametrize("case", CASES)
every_kind = pytest.mark.parametrize("kind", ["tanh", "relu", "lstm", "gru", "gru without bias"])


def numbers(rng, *shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


def run(kernels, kind, case, reverse, dtype, arrange=lambda array: array):
    """Return all results of forward and backward of a layer."""
    size, projection, sizes = CASES[case]
    if projection is not None and kind != "lstm":
        size, projection = projection, None
    state, batch, total = projection or size, sizes[0], sum(sizes)
    rng = np.random.default_rng(len(kind))
    count = GATES.get(kind.split()[0], 1)
    gates, weight_hh = (
        numbers(rng, total, count * size, dtype=dtype),
        numbers(rng, count * size, state, dtype=dtype),
    )
    h0, c0 = numbers(rng, batch, state, dtype=dtype), numbers(rng, batch, size, dtype=dtype)
    grad_output, grad_h_n = numbers(rng, total, state, dtype=dtype), numbers(rng, batch, state, dtype=dtype)
    grad_c_n = numbers(rng, batch, size, dtype=dtype)
    weight_hr = (
        None if projection is None else arrange(numbers(rng, projection, size, dtype=dtype) / size**0.5)
    )
    bias = numbers(rng, count * size, dtype=dtype)
    gates, weight_hh = arrange(gates), arrange(weight_hh / state**0.5)
    h0, c0, grad_output, grad_h_n, grad_c_n = map(arrange, (h0, c0, grad_output, grad_h_n, grad_c_n))
    steps = tuple(sizes), reverse
    if kind == "lstm":
        forward = kernels.lstm_forward(gates, weight_hh, weight_hr, h0, c0, *steps)
        saved = forward[2:5]
        back = kernels.lstm_backward(grad_output, grad_h_n, grad_c_n, *saved, weight_hh, weight_hr, *steps)
    elif kind.startswith("gru"):
        forward = kernels.gru_forward(gates, weight_hh, None if "without" in kind else bias, h0, *steps)
        _, previous, activated, hidden_new, _ = forward
        back = kernels.gru_backward(grad_output, grad_h_n, activated, hidden_new, previous, weight_hh, *steps)
    else:
        forward = kernels.rnn_forward(gates, weight_hh, h0, *steps, kind == "relu")
        back = kernels.rnn_backward(grad_output, grad_h_n, forward[0], weight_hh, *steps, kind == "relu")
    return [*forward, *back]


def assert_all_equal(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.flags.c_contiguous
        rtol = {"float32": 2e-5, "float64": 1e-12}[b.dtype.name]
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@every_case
@every_kind
@precision
@direction
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(kind, case, reverse, dtype):
    expected = run(reference, kind, case, reverse, dtype)
    assert_all_equal(run(cpu, kind, case, reverse, dtype), expected)


def two_apart(array):
    return np.repeat(array, 2, axis=-1)[..., ::2]


@every_kind
@precision
def test_any_strides(kind, dtype):
    expected = run(cpu, kind, "small", False, dtype)
    assert_all_equal(run(cpu, kind, "small", False, dtype, np.asfortranarray), expected)
    assert_all_equal(run(cpu, kind, "small", False, dtype, two_apart), expected)
    assert_all_equal(run(reference, kind, "small", False, dtype, two_apart), expected)


@every_kind
@precision
@pytest.mark.usefixtures("shared")
def test_the_number_of_threads_does_not_matter(kind, dtype, monkeypatch):
    """Every sequence is worked on by one thread, in one order: the results are the same bit for bit."""
    in_parts = run(cpu, kind, "many", True, dtype)
    monkeypatch.setattr(parallel.setting, "num_threads", 1)
    for a, b in zip(in_parts, run(cpu, kind, "many", True, dtype), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kernels", RUNGS)
def test_inputs_stay_as_they_are(kernels):
    ones = np.ones((2, 2))
    steps = (2,), False
    output, _, h_n = kernels.rnn_forward(ones, ones, ones, *steps, True)
    kernels.rnn_backward(ones, ones, output, ones, *steps, True)
    assert (ones == 1).all()
    assert not np.shares_memory(h_n, output)


@pytest.mark.parametrize("kernels", RUNGS)
@precision
def test_by_hand(kernels, dtype):
    """Two sequences, of two steps and of one: h = relu(a + 2 h)."""
    gates, weight = np.array([[1], [5], [-3]], dtype), np.array([[2]], dtype)
    h0, steps = np.array([[10], [0]], dtype), ((2, 1), False)
    output, previous, h_n = kernels.rnn_forward(gates, weight, h0, *steps, True)
    assert output.tolist() == [[21], [5], [39]]
    assert previous.tolist() == [[10], [0], [21]]
    assert h_n.tolist() == [[39], [5]]
    grad_output, grad_h_n = np.array([[1], [10], [100]], dtype), np.array([[1000], [7]], dtype)
    grad_gates, grad_h0 = kernels.rnn_backward(grad_output, grad_h_n, output, weight, *steps, True)
    assert grad_gates.tolist() == [[1 + 2 * 1100], [17], [1100]]
    assert grad_h0.tolist() == [[2 * 2201], [34]]


@every_kind
@pytest.mark.parametrize("kernels", RUNGS)
def test_nan_stays_in_its_sequence(kernels, kind):
    def spoil(array):
        if array.shape[0] == sum(CASES["small"][2]):
            array = array.copy()
            array[1] = np.nan  # of the second sequence
        return array

    output = run(kernels, kind, "small", False, np.float32, spoil)[0]
    assert np.isnan(output[[1, 6, 11]]).all()
    assert np.isfinite(np.delete(output, [1, 6, 11], axis=0)).all()


def test_tanh_to_the_last_places():
    x = np.concatenate([np.geomspace(1e-30, 100, 100_001), np.linspace(-2, 2, 100_001)]).astype(np.float32)
    y = np.empty_like(x)
    rows.tanh_of_sum(x, np.zeros_like(x), y)
    exact = np.tanh(x.astype(np.float64))
    error = np.abs(y - exact) / np.spacing(np.abs(exact).astype(np.float32))
    assert error.max() <= 2
    rows.tanh_of_sum(np.array([np.inf, -np.inf, np.nan, 0], np.float32), np.zeros(4, np.float32), y[:4])
    np.testing.assert_array_equal(y[:4], np.array([1, -1, np.nan, 0], np.float32))


@precision
@pytest.mark.parametrize("shape", [(1, 1), (5, 16), (7, 33), (40, 3)])
def test_packing_a_matrix(dtype, shape):
    matrix = np.arange(np.prod(shape), dtype=dtype).reshape(shape)
    packed = products.packed(matrix)
    flat = packed.swapaxes(0, 1).reshape(shape[0], -1)
    np.testing.assert_array_equal(flat[:, : shape[1]], matrix)
    assert (flat[:, shape[1] :] == 0).all()
    assert products.padded(np.ones(shape[1], dtype), packed).sum() == shape[1]
