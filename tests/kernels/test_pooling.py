"""Compiled pooling against the plain loops, against numbers worked out by hand, and against PyTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tinygrad_edu_kernels.pooling import cpu, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def count_windows(size, kernel, stride, padding, dilation, ceil_mode):
    """Return how many windows PyTorch puts along one axis: with ceil_mode, each must start before the end."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    windows = -(-room // stride) + 1
    return windows - 1 if (windows - 1) * stride >= size + padding else windows


# x shape, kernel, stride, padding, dilation, ceil_mode
NAMED_CASES = {
    "2x2 halves": ((2, 3, 6, 8), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "2x2 halves of an odd size": ((2, 3, 7, 5), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "2x2 halves, ceil_mode": ((2, 3, 7, 5), (2, 2), (2, 2), (0, 0), (1, 1), True),
    "3x3 stride 2 padded": ((2, 3, 7, 8), (3, 3), (2, 2), (1, 1), (1, 1), False),
    "3x3 stride 2 padded, ceil_mode": ((2, 3, 8, 6), (3, 3), (2, 2), (1, 1), (1, 1), True),
    "overlapping": ((2, 2, 5, 6), (3, 2), (1, 1), (0, 0), (1, 1), False),
    "dilated": ((2, 2, 7, 9), (2, 3), (1, 2), (1, 1), (2, 3), False),
    "dilated, ceil_mode": ((2, 2, 8, 9), (3, 2), (2, 2), (1, 1), (2, 2), True),
    "gaps between windows": ((2, 2, 9, 9), (2, 2), (3, 4), (0, 0), (1, 1), False),
    "everything": ((2, 3, 4, 5), (4, 5), (1, 1), (0, 0), (1, 1), False),
    "a window of one pixel": ((2, 3, 4, 5), (1, 1), (1, 1), (0, 0), (1, 1), False),
    "no tap on the image": ((1, 2, 4, 4), (2, 2), (1, 1), (1, 1), (5, 5), False),
    "no image": ((0, 3, 4, 5), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "no channel": ((2, 0, 4, 5), (2, 2), (2, 2), (0, 0), (1, 1), False),
}


def random_cases(count):
    """Return cases with sizes at random: at least one window, and no more padding than PyTorch allows."""
    rng = np.random.default_rng(11)
    cases = {}
    while len(cases) < count:
        shape = tuple(map(int, (*rng.integers(1, 4, 2), *rng.integers(1, 10, 2))))
        kernel, stride, dilation = (tuple(map(int, rng.integers(1, 4, 2))) for _ in range(3))
        padding = tuple(int(rng.integers(0, size // 2 + 1)) for size in kernel)
        case = (shape, kernel, stride, padding, dilation, bool(rng.integers(2)))
        if min(output_size(case)) > 0:
            cases[f"random {len(cases)}"] = case
    return cases


def output_size(case):
    shape, *windows, ceil_mode = case
    axes = ([option[axis] for option in windows] for axis in (0, 1))
    return tuple(count_windows(shape[2 + a], *axis, ceil_mode) for a, axis in enumerate(axes))


CASES = NAMED_CASES | random_cases(25)
case_by_name = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
ADAPTIVE = [
    ((2, 3, 6, 8), (3, 4)),
    ((2, 3, 7, 5), (3, 2)),
    ((2, 3, 7, 5), (1, 1)),
    ((1, 2, 3, 4), (5, 7)),  # more windows than pixels
    ((2, 2, 10, 7), (4, 7)),
    ((0, 2, 4, 4), (2, 2)),
    ((2, 2, 4, 4), (0, 3)),
]
adaptive = pytest.mark.parametrize(("shape", "size"), ADAPTIVE)


def make_numbers(shape, dtype, seed=0):
    """Return whole numbers between -3 and 3, so that maxima are often tied and sums are exact."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)


def assert_equal(actual, expected, exact=False):
    assert actual.dtype == expected.dtype
    assert actual.flags.c_contiguous
    rtol = 0 if exact else {"float32": 1e-6, "float64": 1e-14}[expected.dtype.name]
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol)


@case_by_name
@precision
@pytest.mark.usefixtures("way")
def test_max_rungs_are_equal(case, dtype):
    shape, *windows, _ = case
    x = make_numbers(shape, dtype)
    output, indices = reference.max_pool2d_forward(x, *windows, output_size(case))
    actual_output, actual_indices = cpu.max_pool2d_forward(x, *windows, output_size(case))
    assert_equal(actual_output, output, exact=True)
    assert_equal(actual_indices, indices, exact=True)
    assert indices.dtype == np.int32
    grad_output = make_numbers(output.shape, dtype, seed=1)
    grad_input = reference.max_pool2d_backward(grad_output, indices, shape)
    assert_equal(cpu.max_pool2d_backward(grad_output, indices, shape), grad_input)


@case_by_name
@precision
@pytest.mark.parametrize(
    ("count_include_pad", "divisor_override"), [(True, 0), (False, 0), (True, 5), (False, -2)]
)
@pytest.mark.usefixtures("way")
def test_mean_rungs_are_equal(case, dtype, count_include_pad, divisor_override):
    shape, kernel, stride, padding, _, ceil_mode = case
    size = output_size((shape, kernel, stride, padding, (1, 1), ceil_mode))
    options = (count_include_pad, divisor_override)
    x = make_numbers(shape, dtype)
    output = reference.avg_pool2d_forward(x, kernel, stride, padding, size, *options)
    assert_equal(cpu.avg_pool2d_forward(x, kernel, stride, padding, size, *options), output)
    grad_output = make_numbers(output.shape, dtype, seed=1)
    grad_input = reference.avg_pool2d_backward(grad_output, shape, kernel, stride, padding, *options)
    assert_equal(cpu.avg_pool2d_backward(grad_output, shape, kernel, stride, padding, *options), grad_input)


@adaptive
@precision
@pytest.mark.usefixtures("way")
def test_adaptive_rungs_are_equal(shape, size, dtype):
    x = make_numbers(shape, dtype)
    output = reference.adaptive_avg_pool2d_forward(x, size)
    assert_equal(cpu.adaptive_avg_pool2d_forward(x, size), output)
    grad_output = make_numbers(output.shape, dtype, seed=1)
    grad_input = reference.adaptive_avg_pool2d_backward(grad_output, shape)
    assert_equal(cpu.adaptive_avg_pool2d_backward(grad_output, shape), grad_input)
    largest, indices = reference.adaptive_max_pool2d_forward(x, size)
    actual_largest, actual_indices = cpu.adaptive_max_pool2d_forward(x, size)
    assert_equal(actual_largest, largest, exact=True)
    assert_equal(actual_indices, indices, exact=True)


@pytest.mark.usefixtures("shared")
def test_chunks_leave_no_plane_out(monkeypatch):
    """Three chunks of eight planes; the numbers are new, lest the right ones lie in memory from before."""
    x = np.random.default_rng(99).standard_normal((4, 2, 6, 6))
    results = []
    for chunks in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", chunks)
        halves, indices = cpu.max_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), (3, 3))
        thirds = cpu.adaptive_max_pool2d_forward(x, (2, 2))
        means = cpu.adaptive_avg_pool2d_forward(x, (2, 2))
        grad_halves = cpu.max_pool2d_backward(halves, indices, x.shape)
        results.append(
            (halves, *thirds, means, grad_halves, cpu.adaptive_avg_pool2d_backward(means, x.shape))
        )
    for in_chunks, at_once in zip(*results, strict=True):
        assert_equal(in_chunks, at_once, exact=True)


def test_any_strides():
    x = make_numbers((4, 3, 6, 8), np.float32)
    turned = np.ascontiguousarray(x.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)
    halves = ((2, 2), (2, 2), (0, 0))
    output, indices = cpu.max_pool2d_forward(x, *halves, (1, 1), (3, 4))
    for actual, expected in zip(
        cpu.max_pool2d_forward(turned, *halves, (1, 1), (3, 4)), (output, indices), strict=True
    ):
        assert_equal(actual, expected, exact=True)
    grad_output, spread = make_numbers(output.shape, np.float32), np.repeat(indices, 2, axis=3)[..., ::2]
    assert_equal(
        cpu.max_pool2d_backward(np.repeat(grad_output, 2, axis=2)[:, :, ::2], spread, x.shape),
        cpu.max_pool2d_backward(grad_output, indices, x.shape),
        exact=True,
    )
    assert_equal(
        cpu.avg_pool2d_forward(turned, *halves, (3, 4), True, 0),
        cpu.avg_pool2d_forward(x, *halves, (3, 4), True, 0),
        exact=True,
    )


@rung
def test_max_by_hand(kernels):
    x = np.array([[[[1.0, 5.0, 2.0, 2.0], [3.0, 4.0, 2.0, 0.0]]]])
    output, indices = kernels.max_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (1, 1), (1, 2))
    assert output.tolist() == [[[[5.0, 2.0]]]]
    assert indices.tolist() == [[[[1, 2]]]]  # the first of the three twos
    overlapping, indices = kernels.max_pool2d_forward(x, (2, 2), (1, 1), (0, 0), (1, 1), (1, 3))
    assert overlapping.tolist() == [[[[5.0, 5.0, 2.0]]]]
    grad_input = kernels.max_pool2d_backward(np.array([[[[1.0, 10.0, 100.0]]]]), indices, x.shape)
    assert grad_input.tolist() == [[[[0.0, 11.0, 100.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]


@rung
def test_padding_is_minus_infinity(kernels):
    x = np.full((1, 1, 2, 2), -7.0)
    output, indices = kernels.max_pool2d_forward(x, (2, 2), (2, 2), (1, 1), (1, 1), (2, 2))
    assert output.tolist() == [[[[-7.0, -7.0], [-7.0, -7.0]]]]
    assert indices.tolist() == [[[[0, 1], [2, 3]]]]
    output, indices = kernels.max_pool2d_forward(
        np.full_like(x, -np.inf), (2, 2), (2, 2), (0, 0), (1, 1), (1, 1)
    )
    assert output.item() == -np.inf
    assert indices.item() == 0


@rung
def test_window_beside_the_image(kernels):
    x = np.ones((1, 1, 4, 4))
    output, indices = kernels.max_pool2d_forward(x, (2, 2), (1, 1), (1, 1), (5, 5), (1, 1))
    assert output.item() == -np.inf
    assert indices.item() == -1
    assert not kernels.max_pool2d_backward(np.ones((1, 1, 1, 1)), indices, x.shape).any()


@rung
@precision
@pytest.mark.parametrize("windows", [((2, 2), (2, 2), (0, 0), (1, 1)), ((2, 2), (2, 2), (0, 0), (2, 2))])
@pytest.mark.parametrize("place", range(4))
def test_nan_wins(kernels, dtype, windows, place):
    x = np.arange(9.0, dtype=dtype).reshape(1, 1, 3, 3)
    step = windows[3][0]
    position = (place // 2) * step * 3 + (place % 2) * step
    x.reshape(-1)[position] = np.nan
    output, indices = kernels.max_pool2d_forward(x, *windows, (1, 1))
    assert math.isnan(output.item())
    assert indices.item() == position
    # of several, the last
    x[0, 0, :, :] = np.nan
    assert kernels.max_pool2d_forward(x, *windows, (1, 1))[1].item() == 4 * step
    assert kernels.adaptive_max_pool2d_forward(x, (1, 1))[1].item() == 8


@rung
def test_mean_by_hand(kernels):
    x = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    window = ((2, 2), (2, 2), (1, 1), (2, 2))
    with_padding = kernels.avg_pool2d_forward(x, *window, True, 0)
    assert with_padding.tolist() == [[[[0.25, 1.25], [2.75, 7.0]]]]
    without = kernels.avg_pool2d_forward(x, *window, False, 0)
    assert without.tolist() == [[[[1.0, 2.5], [5.5, 7.0]]]]
    by_ten = kernels.avg_pool2d_forward(x, *window, False, 10)
    np.testing.assert_allclose(by_ten, [[[[0.1, 0.5], [1.1, 2.8]]]])
    # ceil_mode: of the cells of the last windows, those beyond the padding never count.
    ceil_mode = kernels.avg_pool2d_forward(x, (2, 2), (2, 2), (0, 0), (2, 2), True, 0)
    assert ceil_mode.tolist() == [[[[3.0, 4.5], [7.5, 9.0]]]]
    grad_input = kernels.avg_pool2d_backward(
        np.array([[[[4.0, 8.0], [12.0, 16.0]]]]), x.shape, (2, 2), (1, 1), (0, 0), True, 0
    )
    assert grad_input.tolist() == [[[[1.0, 3.0, 2.0], [4.0, 10.0, 6.0], [3.0, 7.0, 4.0]]]]


@rung
def test_adaptive_by_hand(kernels):
    x = np.array([[[[1.0, 2.0, 3.0, 4.0, 6.0]]]])
    assert kernels.adaptive_avg_pool2d_forward(x, (1, 2)).tolist() == [[[[2.0, 13 / 3]]]]
    output, indices = kernels.adaptive_max_pool2d_forward(x, (1, 2))
    assert output.tolist() == [[[[3.0, 6.0]]]]
    assert indices.tolist() == [[[[2, 4]]]]
    grad_input = kernels.adaptive_avg_pool2d_backward(np.array([[[[3.0, 6.0]]]]), x.shape)
    assert grad_input.tolist() == [[[[1.0, 1.0, 3.0, 2.0, 2.0]]]]


@pytest.mark.torch_parity
@case_by_name
@precision
def test_max_as_pytorch(case, dtype):
    torch = pytest.importorskip("torch")
    shape, *windows, ceil_mode = case
    if 0 in shape or case is NAMED_CASES["no tap on the image"]:
        pytest.skip(
            "PyTorch refuses some empty sizes, and writes beside the array for windows beside the image"
        )
    array = make_numbers(shape, dtype)
    x = torch.from_numpy(array).requires_grad_()
    output, indices = torch.nn.functional.max_pool2d(x, *windows, ceil_mode, True)
    grad_output = make_numbers(output.shape, dtype, seed=1)
    beside = ((indices < 0) | (indices >= shape[2] * shape[3])).numpy()
    if not beside.any():
        output.backward(torch.from_numpy(grad_output))
    for kernels in RUNGS:
        actual_output, actual_indices = kernels.max_pool2d_forward(array, *windows, output_size(case))
        assert_equal(actual_output, output.detach().numpy(), exact=True)
        np.testing.assert_array_equal(actual_indices, np.where(beside, -1, indices.numpy()))
        if not beside.any():
            grad_input = kernels.max_pool2d_backward(grad_output, actual_indices, shape)
            assert_equal(grad_input, x.grad.numpy())


@pytest.mark.torch_parity
@case_by_name
@pytest.mark.parametrize("divisor_override", [0, 3])
@pytest.mark.parametrize("count_include_pad", [True, False])
def test_mean_as_pytorch(case, count_include_pad, divisor_override):
    torch = pytest.importorskip("torch")
    shape, kernel, stride, padding, _, ceil_mode = case
    if 0 in shape:
        pytest.skip("PyTorch refuses some empty sizes")
    options = (count_include_pad, divisor_override)
    array = make_numbers(shape, np.float64)
    x = torch.from_numpy(array).requires_grad_()
    output = torch.nn.functional.avg_pool2d(
        x, kernel, stride, padding, ceil_mode, count_include_pad, divisor_override or None
    )
    grad_output = make_numbers(output.shape, np.float64, seed=1)
    output.backward(torch.from_numpy(grad_output))
    for kernels in RUNGS:
        actual = kernels.avg_pool2d_forward(array, kernel, stride, padding, tuple(output.shape[2:]), *options)
        assert_equal(actual, output.detach().numpy())
        grad_input = kernels.avg_pool2d_backward(grad_output, shape, kernel, stride, padding, *options)
        assert_equal(grad_input, x.grad.numpy())


@pytest.mark.torch_parity
@adaptive
def test_adaptive_as_pytorch(shape, size):
    torch = pytest.importorskip("torch")
    if 0 in size:
        pytest.skip("PyTorch refuses some empty sizes")
    array = make_numbers(shape, np.float64)
    x = torch.from_numpy(array).requires_grad_()
    mean = torch.nn.functional.adaptive_avg_pool2d(x, size)
    largest, indices = torch.nn.functional.adaptive_max_pool2d(x, size, return_indices=True)
    grad_output = make_numbers(mean.shape, np.float64, seed=1)
    mean.backward(torch.from_numpy(grad_output))
    for kernels in RUNGS:
        assert_equal(kernels.adaptive_avg_pool2d_forward(array, size), mean.detach().numpy())
        assert_equal(kernels.adaptive_avg_pool2d_backward(grad_output, shape), x.grad.numpy())
        actual_largest, actual_indices = kernels.adaptive_max_pool2d_forward(array, size)
        assert_equal(actual_largest, largest.detach().numpy(), exact=True)
        np.testing.assert_array_equal(actual_indices, indices.numpy())


@pytest.mark.torch_parity
def test_nan_as_pytorch():
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(5).standard_normal((3, 2, 8, 8)).astype(np.float32)
    x[np.random.default_rng(6).random(x.shape) < 0.2] = np.nan
    for windows, size in [
        (((2, 2), (2, 2), (0, 0), (1, 1)), (4, 4)),
        (((3, 3), (2, 2), (1, 1), (1, 1)), (4, 4)),
    ]:
        output, indices = torch.nn.functional.max_pool2d(torch.from_numpy(x), *windows, False, True)
        for kernels in RUNGS:
            actual_output, actual_indices = kernels.max_pool2d_forward(x, *windows, size)
            assert_equal(actual_output, output.numpy(), exact=True)
            np.testing.assert_array_equal(actual_indices, indices.numpy())


@pytest.mark.parametrize(
    ("h", "w"), [(2, 2), (4, 6), (6, 14), (28, 28), (7, 33), (9, 5), (2, 40), (40, 2), (32, 64)]
)
def test_windows_of_two_by_two_beyond_whole_vectors(h, w):
    """Rows are filled up to whole vectors; the parts of others are left alone, nothing beyond the arrays is read."""
    x = np.random.default_rng(0).standard_normal((5, h, w)).astype(np.float32)
    expected, places = reference.max_pool2d_forward(x[None], (2, 2), (2, 2), (0, 0), (1, 1), (h // 2, w // 2))
    compiled = cpu._max_2x2_planes
    for kernel in (
        getattr(compiled, "py_func", compiled),
        compiled,
    ):  # in Python first, where bounds are checked
        output, indices = np.zeros(expected.shape[1:], np.float32), np.zeros(expected.shape[1:], np.int32)
        for first, last in ((3, 5), (1, 3), (0, 1)):
            kernel(x, output, indices, first, last)
        np.testing.assert_array_equal(output, expected[0])
        np.testing.assert_array_equal(indices, places[0])
