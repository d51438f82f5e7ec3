"""Products of matrices: all ways against the plain loops, and the micro-kernel's transposing."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu_kernels import micro_kernel, threads
from tinygrad_edu_kernels.matrix_product import cpu, cuda, panels, reference
from tinygrad_edu_kernels.threads import parallel, sharing, team

precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])
needs_vectors = pytest.mark.skipif(
    not micro_kernel.is_available(), reason="no micro-kernel for this processor"
)

SHAPES = [
    ((3, 4), (4, 5)),
    ((1, 1), (1, 1)),
    ((0, 4), (4, 5)),
    ((3, 0), (0, 5)),
    ((3, 4), (4, 0)),
    ((4,), (4, 5)),
    ((3, 4), (4,)),
    ((4,), (4,)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((3, 1, 3, 4), (3, 2, 4, 2)),
    ((1, 3, 4), (2, 4, 2)),
    ((4, 3, 4), (4,)),
]


def assert_equal(actual, expected):
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    rtol, atol = (1e-5, 1e-5) if expected.dtype == np.float32 else (1e-12, 1e-13)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("transposed", [False, True])
@precision
@pytest.mark.usefixtures("way")
def test_matmul(a_shape, b_shape, transposed, dtype):
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal(a_shape).astype(dtype), rng.standard_normal(b_shape).astype(dtype)
    if transposed and a.ndim > 1:
        a = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
    assert_equal(np.asarray(cpu.matmul(a, b)), np.asarray(reference.matmul(a, b)))


@pytest.fixture(params=["BLAS", "micro-kernel"])
def product(request, monkeypatch):
    """All ways of a product, whichever would be the fastest one."""
    if request.param == "BLAS":
        monkeypatch.setattr(panels, "suits", never)
        return
    if not micro_kernel.is_available():
        pytest.skip("no micro-kernel for this processor")
    monkeypatch.setattr(panels, "suits", fits_at_all)


def fits_at_all(a, columns):
    return a.dtype == np.float32 and a.size > 0 and columns > 0


def never(a, columns):
    return False


@pytest.mark.parametrize(
    ("m", "k", "n"), [(1, 1, 1), (8, 5, 32), (17, 33, 70), (64, 16, 100), (130, 7, 33), (9, 2100, 35)]
)
@pytest.mark.parametrize("layouts", ["CC", "FC", "CF", "FF", "AC", "CA", "AA"])
@precision
@pytest.mark.usefixtures("product")
def test_matmul_of_matrices(m, k, n, layouts, dtype):
    rng = np.random.default_rng(3)
    a, b = (
        laid_out(rng.standard_normal(shape).astype(dtype), layout)
        for shape, layout in zip([(m, k), (k, n)], layouts, strict=True)
    )
    expected = a.astype(np.float64) @ b
    size = np.abs(a) @ np.abs(b)
    y = cpu.matmul(a, b)
    assert y.dtype == dtype
    assert (np.abs(y - expected) <= 1e3 * np.finfo(dtype).eps / 16 * size).all()


@needs_vectors
@pytest.mark.usefixtures("product")
def test_long_sums_are_added_up_in_pieces():
    """Of 4096 numbers alike, added one after the other, four digits would remain."""
    a, b = np.full((16, 4096), 0.1, np.float32), np.ones((4096, 32), np.float32)
    np.testing.assert_allclose(cpu.matmul(a, b), 409.6, rtol=2e-5)
    bias = np.arange(32, dtype=np.float32)
    y = cpu.linear(a, np.ascontiguousarray(b.T), bias)
    np.testing.assert_allclose(y, np.broadcast_to(409.6 + bias, y.shape), rtol=2e-5)


def laid_out(matrix, layout):
    """Return the matrix row by row, column by column, or with gaps."""
    if layout == "A":
        return np.repeat(np.repeat(matrix, 2, axis=0), 3, axis=1)[::2, ::3]
    return np.array(matrix, order=layout)


@pytest.mark.parametrize("rows", [0, 1, 3, 8, 17, 64])
@pytest.mark.parametrize(
    ("in_features", "out_features"), [(1, 1), (5, 3), (33, 32), (16, 70), (0, 3), (3, 0)]
)
@pytest.mark.parametrize("with_bias", [False, True])
@precision
@pytest.mark.usefixtures("way", "product")
def test_linear(rows, in_features, out_features, with_bias, dtype):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((rows, in_features)).astype(dtype)
    weight = rng.standard_normal((out_features, in_features)).astype(dtype)
    bias = rng.standard_normal(out_features).astype(dtype) if with_bias else None
    y = cpu.linear(x, weight, bias)
    assert y.flags.c_contiguous
    assert_equal(y, reference.linear(x, weight, bias))


@pytest.mark.usefixtures("way", "product")
def test_linear_of_strided_arrays():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, 40)).astype(np.float32)[::2, 1::2]
    weight = rng.standard_normal((20, 24)).astype(np.float32).T[:, ::1]
    assert_equal(cpu.linear(x, weight[:, :20], None), reference.linear(x, weight[:, :20], None))


@needs_vectors
def test_a_batch_goes_through_the_micro_kernel(monkeypatch):
    """The sizes of a small network do; a few rows, float64 and large work do not."""
    x, weight = np.ones((64, 784), np.float32), np.ones((128, 784), np.float32)
    monkeypatch.setattr(np, "matmul", None)  # BLAS is not asked
    assert cpu.linear(x, weight, None).shape == (64, 128)
    assert panels.suits(x, len(weight))
    assert not panels.suits(x[:2], len(weight))
    assert not panels.suits(x.astype(np.float64), len(weight))
    assert not panels.suits(np.ones((64, 5000), np.float32), len(weight))


@needs_vectors
@pytest.mark.parametrize(("rows", "is_shared", "is_turned"), [(1, 0, 1), (2, 0, 1), (3, 0, 0), (2, 1, 0)])
def test_a_small_batch_is_transposed_instead_of_the_weight(rows, is_shared, is_turned, monkeypatch, request):
    """Of one panel or two, and on one thread; ``rows`` counts panels."""
    if is_shared:
        request.getfixturevalue("team_of_three")
    turned = []
    way = panels._turned_product
    monkeypatch.setattr(panels, "_turned_product", lambda *arrays: turned.append(1) or way(*arrays))
    rng = np.random.default_rng(3)
    x = rng.standard_normal((rows * micro_kernel.PANEL, 40)).astype(np.float32)
    weight = rng.standard_normal((100, 40)).astype(np.float32)
    assert_equal(cpu.linear(x, weight, weight[:, 0]), reference.linear(x, weight, weight[:, 0]))
    assert len(turned) == is_turned


def test_large_products_are_cut_into_parts(monkeypatch):
    calls = []
    monkeypatch.setattr(parallel.setting, "num_threads", 2)
    monkeypatch.setattr(threads, "run", lambda kernel, parts: calls.append(len(parts)))
    cpu.matmul(np.ones((512, 512)), np.ones((512, 512)))
    cpu.matmul(np.ones((8, 8)), np.ones((8, 8)))
    assert calls == [2]


@needs_vectors
@pytest.mark.skipif(not sharing.is_available(), reason="no team of threads here")
def test_products_of_a_small_network_are_shared(monkeypatch):
    """Those of 64 x 784 x 128 are, with more than one thread; smaller ones are not worth it."""
    shared = []
    monkeypatch.setattr(team, "post", lambda *arguments: shared.append(arguments))
    x, grad, weight = np.ones((64, 784), "f"), np.ones((64, 128), "f"), np.ones((128, 784), "f")
    for count in (1, 2):
        monkeypatch.setattr(parallel.setting, "num_threads", count)
        cpu.linear(x, weight, None)
        cpu.matmul(grad.T, x)
        cpu.matmul(grad, weight)
        cpu.matmul(grad[:, :10], weight[:10])
    assert len(shared) == 3


@pytest.mark.usefixtures("three_threads")
def test_no_warning_from_any_thread():
    a = np.full((9, 4), np.inf, np.float32)
    assert np.isnan(cpu.matmul(a, np.zeros((4, 2), np.float32))).all()


@needs_vectors
@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (17, 33), (64, 196), (5, 40), (40, 5)])
def test_transposing(shape):
    matrix = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    transposed = np.zeros(shape[::-1], np.float32)
    micro_kernel.transpose(matrix, transposed)
    np.testing.assert_array_equal(transposed, matrix.T)


@pytest.mark.parametrize("shape", [(3,), (5, 7), (2, 3, 4)])
def test_alignment(shape):
    for _ in range(20):
        zeros = micro_kernel.aligned_zeros(shape)
        assert zeros.ctypes.data % 64 == 0
        assert zeros.shape == shape
        assert not zeros.any()


@pytest.mark.parametrize(
    ("rows", "out_features", "in_features"), [(1, 1, 1), (0, 3, 4), (24, 20, 17), (64, 33, 70)]
)
@pytest.mark.parametrize("order", ["C", "F"])
@precision
@pytest.mark.usefixtures("product")
def test_weight_gradient(rows, out_features, in_features, order, dtype):
    rng = np.random.default_rng(0)
    grad_output = np.asarray(rng.standard_normal((rows, out_features)), dtype, order=order)
    x = np.asarray(rng.standard_normal((rows, in_features)), dtype, order=order)
    expected = reference.linear_weight_gradient(grad_output, x)
    assert_equal(cpu.linear_weight_gradient(grad_output, x), expected)
    assert_equal(cuda.linear_weight_gradient(grad_output, x), expected)  # of any arrays that know @


@precision
@pytest.mark.parametrize("columns", [33, 70])
@pytest.mark.usefixtures("product", "team_of_three")
def test_a_weight_gradient_that_is_shared_is_finished(columns, dtype):
    """Whatever was in the memory before, and the same numbers every time."""
    rng = np.random.default_rng(4)
    grad_output, x = (rng.standard_normal((64, n)).astype(dtype) for n in (40, columns))
    expected = cpu.linear_weight_gradient(grad_output, x).copy()
    assert_equal(expected, reference.linear_weight_gradient(grad_output, x))
    for _ in range(100):
        np.full(expected.shape, np.nan, dtype)  # most likely what the next result is written over
        np.testing.assert_array_equal(cpu.linear_weight_gradient(grad_output, x), expected)
