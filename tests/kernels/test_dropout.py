"""The compiled hash against plain integers, bit for bit, and both against what chance should look like."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tinygrad_edu_kernels.dropout import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
SEEDS = [0, 1, 2, 12345, 2**32, 2**53 + 1, 2**63 - 1]


def kept(seed, p=0.5, size=100_000):
    """Return which of so many elements a seed keeps."""
    return cpu.dropout(np.ones(size, np.float32), p, seed) != 0


@precision
@pytest.mark.parametrize("seed", [0, 12345, 2**63 - 1])
@pytest.mark.parametrize("p", [0.0, 0.1, 1 / 3, 0.999, 1.0])
@pytest.mark.parametrize("shape", [(), (1,), (0,), (7, 5), (2, 3, 4, 5), (3, 0, 2)])
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(shape, p, seed, dtype):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)[()]
    x = np.asarray(x)
    expected = reference.dropout(x, p, seed)
    actual = cpu.dropout(x, p, seed)
    assert actual.dtype == expected.dtype == dtype
    assert actual.shape == expected.shape == shape
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.usefixtures("shared")
def test_chunks_leave_no_element_out(monkeypatch):
    """Three chunks of 1000 elements; the numbers are new, lest the right ones lie in memory from before."""
    x = np.random.default_rng(99).standard_normal(1000)
    monkeypatch.setattr(parallel.setting, "num_threads", 3)
    in_chunks = cpu.dropout(x, 0.3, 99)
    monkeypatch.setattr(parallel.setting, "num_threads", 1)
    np.testing.assert_array_equal(in_chunks, cpu.dropout(x, 0.3, 99))


@rung
def test_the_finaliser_is_that_of_splitmix64(kernels):
    """Known outputs for the seed 1234567: rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    states = (1234567 + (i + 1) * reference.GOLDEN_GAMMA & reference.MASK_64 for i in range(4))
    assert [reference.mix(state) for state in states] == known
    # Elements with p = 0.5 are kept where the highest bit is set.
    bits = [
        reference.mix(reference.mix(9) + (i + 1) * reference.GOLDEN_GAMMA & reference.MASK_64)
        for i in range(40)
    ]
    assert (kernels.dropout(np.ones(40), 0.5, 9) != 0).tolist() == [number >> 63 == 1 for number in bits]


@rung
@precision
def test_kept_elements_are_scaled(kernels, dtype):
    x = np.arange(1, 51, dtype=dtype)
    y = kernels.dropout(x, 0.2, 3)
    ratio = y / x
    assert set(np.unique(ratio.round(5)).tolist()) == {0.0, 1.25}
    np.testing.assert_array_equal(kernels.dropout(x, 0.0, 3), x)
    np.testing.assert_array_equal(kernels.dropout(x, 1.0, 3), np.zeros(50, dtype))


@rung
def test_position_is_in_c_order_whatever_the_strides(kernels):
    x = np.random.default_rng(0).standard_normal((6, 8))
    expected = kernels.dropout(x, 0.4, 77)
    np.testing.assert_array_equal(kernels.dropout(np.asfortranarray(x), 0.4, 77), expected)
    np.testing.assert_array_equal(kernels.dropout(np.repeat(x, 2, axis=1)[:, ::2], 0.4, 77), expected)
    np.testing.assert_array_equal(kernels.dropout(x.reshape(3, 16), 0.4, 77), expected.reshape(3, 16))


@rung
def test_linear_so_backward_is_the_same_function(kernels):
    a, b = np.random.default_rng(0).standard_normal((2, 30))
    together = kernels.dropout(2 * a + b, 0.3, 5)
    np.testing.assert_allclose(
        together, 2 * kernels.dropout(a, 0.3, 5) + kernels.dropout(b, 0.3, 5), rtol=1e-12
    )


@rung
def test_nan_is_not_hidden(kernels):
    assert np.isnan(kernels.dropout(np.full(20, np.nan), 0.5, 1)).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_as_many_are_kept_as_should_be(p, seed):
    """The count is binomial; six standard deviations would be bad luck of one in five hundred million."""
    size = 100_000
    assert abs(kept(seed, p, size).sum() - size * (1 - p)) < 6 * np.sqrt(size * p * (1 - p))


def correlation_in_deviations(a, b):
    """Return the correlation of two masks in its standard deviations: within 6 for independent ones."""
    return np.corrcoef(a, b)[0, 1] * np.sqrt(a.size)


def test_neighbouring_seeds_are_independent():
    masks = [kept(seed) for seed in (0, 1, 2, 3, 4, 2**32, 2**32 + 1, 2**62, 2**63 - 1)]
    for a, b in itertools.combinations(masks, 2):
        assert abs(correlation_in_deviations(a, b)) < 6


def test_seeds_one_step_of_the_counter_apart_are_independent():
    """Without mixing the seed first, the sequence of one would be that of the other, moved by one element."""
    a, b = kept(10), kept((10 + reference.GOLDEN_GAMMA) % 2**63)
    for moved in (-1, 0, 1):
        assert abs(correlation_in_deviations(a, np.roll(b, moved))) < 6


@pytest.mark.parametrize("distance", [1, 2, 3, 4, 7, 8, 16, 28, 64, 128, 784, 1024])
@pytest.mark.parametrize("seed", [0, 1, 42])
def test_neighbouring_elements_are_independent(seed, distance):
    mask = kept(seed)
    assert abs(correlation_in_deviations(mask[:-distance], mask[distance:])) < 6


def test_the_first_element_is_not_the_same_for_all_seeds():
    """The same position over consecutive seeds, which is what one neuron sees step after step."""
    first = np.array([kept(seed, size=4) for seed in range(4000)])
    assert np.all(abs(first.mean(axis=0) - 0.5) < 6 * 0.5 / np.sqrt(4000))
    for position in range(4):
        column = first[:, position]
        assert abs(correlation_in_deviations(column[:-1], column[1:])) < 6


def test_runs_of_dropped_elements_have_the_right_lengths():
    """Runs of equal bits in a fair sequence: half of them have length 1, a quarter 2, ..."""
    mask = kept(7)
    changes = np.flatnonzero(mask[1:] != mask[:-1])
    lengths = np.diff(changes)
    for length in range(1, 8):
        expected = lengths.size / 2**length
        assert abs((lengths == length).sum() - expected) < 6 * np.sqrt(expected)


@pytest.mark.torch_parity
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_values_as_pytorch(p):
    """Which elements are kept differs from PyTorch, but not what becomes of them."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    x = np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    theirs = torch.nn.functional.dropout(torch.from_numpy(x), p).numpy()
    ours = cpu.dropout(x, p, 0)
    both = (theirs != 0) & (ours != 0)
    np.testing.assert_allclose(ours[both], theirs[both], rtol=1e-6)
    assert both.any() == (p < 1)
