"""Compiled convolution against the plain loops, against numbers worked out by hand, and against PyTorch."""

from __future__ import annotations

import functools
import os
import subprocess
import sys

import numpy as np
import pytest

from tinygrad_edu_kernels import threads
from tinygrad_edu_kernels.convolution import cpu, direct, reference
from tinygrad_edu_kernels.threads import parallel

RUNGS = [reference, cpu]
rung = pytest.mark.parametrize("kernels", RUNGS, ids=lambda module: module.__name__.rpartition(".")[2])
precision = pytest.mark.parametrize("dtype", [np.float32, np.float64])

# x shape, out channels, kernel, stride, padding, dilation, groups
NAMED_CASES = {
    "3x3 same": ((2, 3, 6, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "3x3 valid": ((2, 3, 6, 5), 4, (3, 3), (1, 1), (0, 0), (1, 1), 1),
    "3x3 stride 2": ((2, 3, 7, 6), 4, (3, 3), (2, 2), (1, 1), (1, 1), 1),
    "5x5 same": ((2, 2, 5, 7), 3, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    "dilated same": ((2, 2, 7, 6), 3, (3, 3), (1, 1), (2, 2), (2, 2), 1),
    "dilated valid": ((2, 2, 7, 6), 3, (3, 2), (1, 1), (0, 0), (2, 3), 1),
    "1x1": ((3, 4, 3, 5), 2, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    "1x1 stride 2": ((3, 4, 3, 5), 2, (1, 1), (2, 2), (0, 0), (1, 1), 1),
    "1x1 padded": ((2, 4, 3, 5), 2, (1, 1), (1, 1), (1, 2), (1, 1), 1),
    "1x1 grouped": ((3, 4, 3, 5), 6, (1, 1), (1, 1), (0, 0), (1, 1), 2),
    "depthwise": ((2, 4, 6, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1), 4),
    "depthwise, two filters each": ((2, 3, 6, 5), 6, (3, 3), (2, 1), (1, 1), (1, 1), 3),
    "groups": ((2, 4, 6, 5), 6, (3, 3), (1, 1), (1, 1), (1, 1), 2),
    "one row": ((2, 3, 1, 9), 4, (1, 3), (1, 2), (0, 1), (1, 2), 1),
    "wider than it is high": ((2, 2, 4, 9), 3, (2, 4), (3, 1), (0, 2), (1, 1), 1),
    "kernel wider than the image": ((2, 2, 2, 2), 3, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    "padding wider than the kernel": ((2, 2, 3, 3), 3, (2, 2), (1, 1), (4, 3), (1, 1), 1),
    "same on one axis": ((2, 2, 5, 6), 3, (2, 3), (1, 1), (3, 1), (1, 1), 1),
    "many channels": ((2, 9, 4, 4), 40, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "more images than sums": ((17, 2, 4, 4), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "one image": ((1, 2, 5, 5), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no image": ((0, 2, 5, 5), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no channel": ((2, 0, 5, 5), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "no filter": ((2, 2, 5, 5), 0, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    "only padding": ((2, 2, 0, 3), 3, (3, 3), (1, 1), (2, 1), (1, 1), 1),
}


def random_cases(count):
    """Return cases with sizes at random, each with room for at least one window."""
    rng = np.random.default_rng(7)
    cases = {}
    while len(cases) < count:
        groups = int(rng.integers(1, 4))
        shape = (int(rng.integers(1, 4)), groups * int(rng.integers(1, 3)), *map(int, rng.integers(1, 8, 2)))
        out_channels = groups * int(rng.integers(1, 4))
        kernel, stride, dilation = (tuple(map(int, rng.integers(1, 4, 2))) for _ in range(3))
        padding = tuple(map(int, rng.integers(0, 4, 2)))
        sizes = [
            reference.output_size(shape[2 + a], kernel[a], stride[a], padding[a], dilation[a]) for a in (0, 1)
        ]
        if min(sizes) > 0:
            case = (shape, out_channels, kernel, stride, padding, dilation, groups)
            cases[f"random {len(cases)}"] = case
    return cases


CASES = NAMED_CASES | random_cases(25)
case_by_name = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def make_arrays(case, dtype, layout="contiguous"):
    """Return x, weight, bias and grad_output of a case."""
    shape, out_channels, kernel, stride, padding, dilation, groups = case
    sizes = [
        reference.output_size(shape[2 + a], kernel[a], stride[a], padding[a], dilation[a]) for a in (0, 1)
    ]
    rng = np.random.default_rng(1)
    shapes = shape, (out_channels, shape[1] // groups, *kernel), (shape[0], out_channels, *sizes)
    x, weight, grad_output = (make_layout(rng.standard_normal(s).astype(dtype), layout) for s in shapes)
    return x, weight, rng.standard_normal(out_channels).astype(dtype), grad_output


def make_layout(array, layout):
    """Return the same numbers in another place in memory."""
    if layout == "contiguous":
        return array
    if layout == "transposed":
        return np.ascontiguousarray(array.transpose(1, 3, 0, 2)).transpose(2, 0, 3, 1)
    wide = np.zeros((*array.shape[:3], 2 * array.shape[3]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def assert_equal(actual, expected):
    assert actual.dtype == expected.dtype
    assert actual.flags.c_contiguous
    rtol, atol = (1e-5, 2e-5) if expected.dtype == np.float32 else (1e-12, 1e-13)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


needs_vectors = pytest.mark.skipif(not direct.is_available(), reason="no micro-kernel for this processor")
WAYS = ["im2col", "small products", "direct"]


@pytest.fixture(
    params=[*WAYS, *[f"{way}, three threads" for way in WAYS], *[f"{way}, team of three" for way in WAYS]]
)
def way(request, monkeypatch):
    """Every way through the compiled kernels, whatever the processor and whichever would be the fastest."""
    if "three" in request.param:
        request.getfixturevalue(request.param.partition(", ")[2].replace(" ", "_"))
    if "direct" in request.param and not direct.is_available():
        pytest.skip("no micro-kernel for this processor")
    monkeypatch.setattr(direct, "suits", fits_at_all if "direct" in request.param else never)
    monkeypatch.setattr(threads, "small_product_limit", lambda: 3000 if "small" in request.param else 0)


def fits_at_all(dtype, taps, out_channels):
    return dtype == np.float32 and taps > 0 and out_channels > 0


def never(dtype, taps, out_channels):
    return False


@functools.cache
def expected_results(case, dtype):
    """Return output, grad_input and grad_weight of the plain loops."""
    options = case[3:]
    x, weight, bias, grad_output = make_arrays(case, dtype)
    return (
        reference.conv2d_forward(x, weight, bias, *options),
        reference.conv2d_grad_input(grad_output, weight, x.shape, *options),
        reference.conv2d_grad_weight(grad_output, x, weight.shape, *options),
    )


@case_by_name
@precision
@pytest.mark.usefixtures("way")
def test_rungs_are_equal(case, dtype):
    options = case[3:]
    x, weight, bias, grad_output = make_arrays(case, dtype)
    output, grad_input, grad_weight = expected_results(case, dtype)
    assert_equal(cpu.conv2d_forward(x, weight, bias, *options), output)
    assert_equal(cpu.conv2d_grad_input(grad_output, weight, x.shape, *options), grad_input)
    assert_equal(cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options), grad_weight)


@case_by_name
@precision
def test_rungs_are_equal_for_columns(case, dtype):
    shape, _, *options, _ = case
    x, *_ = make_arrays(case, dtype)
    columns = reference.im2col(x, *options)
    np.testing.assert_array_equal(cpu.im2col(x, *options), columns)
    before = columns.copy()
    assert_equal(cpu.col2im(columns, shape, *options), reference.col2im(columns, shape, *options))
    np.testing.assert_array_equal(columns, before)  # inputs stay as they are


@pytest.mark.parametrize("layout", ["transposed", "every second"])
@pytest.mark.parametrize("name", ["3x3 same", "3x3 stride 2", "1x1 grouped", "groups"])
def test_any_strides(name, layout):
    options = CASES[name][3:]
    x, weight, bias, grad_output = make_arrays(CASES[name], np.float64)
    x2, weight2, _, grad_output2 = make_arrays(CASES[name], np.float64, layout)
    two_apart = np.repeat(bias, 2)[::2]
    assert_equal(
        cpu.conv2d_forward(x2, weight2, two_apart, *options), cpu.conv2d_forward(x, weight, bias, *options)
    )
    assert_equal(
        cpu.conv2d_grad_input(grad_output2, weight2, x.shape, *options),
        cpu.conv2d_grad_input(grad_output, weight, x.shape, *options),
    )
    assert_equal(
        cpu.conv2d_grad_weight(grad_output2, x2, weight.shape, *options),
        cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options),
    )
    windows = CASES[name][2:-1]
    assert_equal(cpu.im2col(x2, *windows), cpu.im2col(x, *windows))


@rung
def test_by_hand(kernels):
    x = np.array([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    weight = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    valid = ((1, 1), (0, 0), (1, 1), 1)
    out = kernels.conv2d_forward(x, weight, np.array([0.5]), *valid)
    np.testing.assert_array_equal(out, [[[[5421.5, 6532.5], [8754.5, 9865.5]]]])
    strided = kernels.conv2d_forward(x, weight, None, (2, 2), (1, 1), (1, 1), 1)
    np.testing.assert_array_equal(strided, [[[[1000.0, 3200.0], [7040.0, 9865.0]]]])
    dilated = kernels.conv2d_forward(x, weight, None, (1, 1), (0, 0), (2, 2), 1)
    np.testing.assert_array_equal(dilated, [[[[9731.0]]]])
    grad_output = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    np.testing.assert_array_equal(
        kernels.conv2d_grad_input(grad_output, weight, x.shape, *valid),
        [[[[1.0, 12.0, 20.0], [103.0, 1234.0, 2040.0], [300.0, 3400.0, 4000.0]]]],
    )
    np.testing.assert_array_equal(
        kernels.conv2d_grad_weight(grad_output, x, weight.shape, *valid), [[[[37.0, 47.0], [67.0, 77.0]]]]
    )


@rung
def test_bias_may_be_left_out(kernels):
    x, weight, bias, _ = make_arrays(CASES["3x3 same"], np.float64)
    options = CASES["3x3 same"][3:]
    without = kernels.conv2d_forward(x, weight, None, *options)
    with_bias = kernels.conv2d_forward(x, weight, bias, *options)
    np.testing.assert_allclose(with_bias, without + bias[:, None, None], rtol=1e-12, atol=1e-13)


@case_by_name
def test_gradients_are_the_transposes(case):
    """<g, conv(x, w)> is linear in x and in w, so it is <grad_input, x> and <grad_weight, w> as well."""
    options = case[3:]
    x, weight, _, grad_output = make_arrays(case, np.float64)
    inner = np.vdot(grad_output, cpu.conv2d_forward(x, weight, None, *options))
    grad_input = cpu.conv2d_grad_input(grad_output, weight, x.shape, *options)
    grad_weight = cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options)
    np.testing.assert_allclose(np.vdot(grad_input, x), inner, rtol=1e-10, atol=1e-11)
    np.testing.assert_allclose(np.vdot(grad_weight, weight), inner, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", ["3x3 same", "3x3 valid", "3x3 stride 2", "1x1"])
def test_nan_reaches_no_further_than_its_windows(name):
    """Rows of a plane touch; what a tap reads from the neighbouring row must not count, even times zero."""
    options = CASES[name][3:]
    x, weight, bias, grad_output = make_arrays(CASES[name], np.float32)
    x[0, 1, 2, 4] = np.nan
    grad_output[1, 1, 0, 0] = np.nan
    assert_equal(
        cpu.conv2d_forward(x, weight, bias, *options), reference.conv2d_forward(x, weight, bias, *options)
    )
    assert_equal(
        cpu.conv2d_grad_input(grad_output, weight, x.shape, *options),
        reference.conv2d_grad_input(grad_output, weight, x.shape, *options),
    )
    x, weight, bias, grad_output = make_arrays(CASES[name], np.float32)
    x[0, 1, 0, 0] = np.nan
    assert_equal(
        cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options),
        reference.conv2d_grad_weight(grad_output, x, weight.shape, *options),
    )


@pytest.mark.usefixtures("way")
def test_every_run_gives_the_same_bits():
    case = ((40, 8, 16, 16), 16, (3, 3), (1, 1), (1, 1), (1, 1), 1)
    x, weight, _, grad_output = make_arrays(case, np.float32)
    options = case[3:]
    first = cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options)
    for _ in range(10):
        again = cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options)
        np.testing.assert_array_equal(first, again)


@pytest.mark.usefixtures("shared")
def test_chunks_leave_no_image_out(monkeypatch):
    """Three chunks of eight images; the numbers are new, lest the right ones lie in memory from before."""
    rng = np.random.default_rng(99)
    x, weight, grad_output = (rng.standard_normal(s) for s in [(8, 2, 5, 5), (3, 2, 3, 3), (8, 3, 3, 3)])
    options = ((1, 1), (0, 0), (1, 1), 1)
    results = []
    for chunks in (3, 1):
        monkeypatch.setattr(parallel.setting, "num_threads", chunks)
        forward = cpu.conv2d_forward(x, weight, None, *options)
        grad_input = cpu.conv2d_grad_input(grad_output, weight, x.shape, *options)
        grad_weight = cpu.conv2d_grad_weight(grad_output, x, weight.shape, *options)
        results.append((forward, grad_input, grad_weight))
    for in_chunks, at_once in zip(*results, strict=True):
        assert_equal(in_chunks, at_once)


@pytest.mark.torch_parity
@case_by_name
@precision
def test_as_pytorch(case, dtype):
    torch = pytest.importorskip("torch")
    shape, out_channels, kernel, *options, groups = case
    if 0 in shape or out_channels == 0:
        pytest.skip("PyTorch refuses some empty sizes")
    arrays = make_arrays(case, dtype)
    x, weight, bias, grad_output = (torch.from_numpy(array).requires_grad_() for array in arrays)
    out = torch.nn.functional.conv2d(x, weight, bias, *options, groups)
    out.backward(grad_output)
    for kernels in RUNGS:
        x_, weight_, bias_, grad_ = arrays
        assert_equal(kernels.conv2d_forward(x_, weight_, bias_, *options, groups), out.detach().numpy())
        grad_input = kernels.conv2d_grad_input(grad_, weight_, shape, *options, groups)
        assert_equal(grad_input, x.grad.numpy())
        grad_weight = kernels.conv2d_grad_weight(grad_, x_, weight_.shape, *options, groups)
        assert_equal(grad_weight, weight.grad.contiguous().numpy())


@pytest.mark.torch_parity
@case_by_name
def test_columns_as_pytorch(case):
    torch = pytest.importorskip("torch")
    shape, _, kernel, stride, padding, dilation, _ = case
    if 0 in shape:
        pytest.skip("PyTorch refuses some empty sizes")
    x, *_ = make_arrays(case, np.float64)
    options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    columns = torch.nn.functional.unfold(torch.from_numpy(x), **options)
    image = torch.nn.functional.fold(columns, shape[2:], **options)
    for kernels in RUNGS:
        np.testing.assert_array_equal(kernels.im2col(x, **options), columns.numpy())
        assert_equal(kernels.col2im(columns.numpy(), shape, **options), image.numpy())


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "dilation", "output_padding"),
    [
        ((3, 3), (2, 2), (1, 1), (1, 1), (1, 1)),
        ((2, 3), (3, 2), (0, 1), (1, 2), (2, 0)),
        ((2, 2), (1, 1), (2, 2), (3, 3), (1, 1)),  # as wide as the input, and yet not "same" padding
    ],
)
def test_grad_input_is_a_transposed_convolution(kernel, stride, padding, dilation, output_padding):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    x, weight = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((4, 3, *kernel))
    out = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x), torch.from_numpy(weight), None, stride, padding, output_padding, 1, dilation
    )
    for kernels in RUNGS:
        actual = kernels.conv2d_grad_input(x, weight, tuple(out.shape), stride, padding, dilation, 1)
        assert_equal(actual, out.numpy())


# ---- the micro-kernel --------------------------------------------------------------------------------------

ON_ANOTHER_PROCESSOR = """
import numpy as np
from tinygrad_edu_kernels import micro_kernel
from tinygrad_edu_kernels.convolution import cpu, reference
print(micro_kernel.LANES, micro_kernel.ROWS)
rng = np.random.default_rng(0)
x, weight, bias, grad = (rng.standard_normal(s).astype("f") for s in [(2, 4, 6, 7), (35, 4, 3, 3), 35, (2, 35, 6, 7)])
options = (1, 1), (1, 1), (1, 1), 1
for name, arguments in {
    "conv2d_forward": (x, weight, bias),
    "conv2d_grad_input": (grad, weight, x.shape),
    "conv2d_grad_weight": (grad, x, weight.shape),
}.items():
    expected = getattr(reference, name)(*arguments, *options)
    np.testing.assert_allclose(getattr(cpu, name)(*arguments, *options), expected, rtol=1e-4, atol=1e-4)
"""


def on_another_processor(tmp_path, features):
    """Run the program above with the code Numba makes for other features; return what it prints."""
    environment = {
        **os.environ,
        "NUMBA_CPU_NAME": "generic",
        "NUMBA_CPU_FEATURES": features,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    result = subprocess.run(
        [sys.executable, "-c", ON_ANOTHER_PROCESSOR],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@needs_vectors
def test_with_avx2(tmp_path):
    assert on_another_processor(tmp_path, "+avx,+avx2,+fma,+sse4.2") == ["8", "6"]


def test_on_a_processor_without_a_micro_kernel(tmp_path):
    """ARM, for instance: everything goes by im2col."""
    assert on_another_processor(tmp_path, "") == ["0", "0"]


@needs_vectors
def test_nan_and_infinity_come_through():
    """Where a NaN reaches an output by im2col it does so directly, and nowhere else."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 4, 9, 9)).astype(np.float32)
    weight = rng.standard_normal((32, 4, 3, 3)).astype(np.float32)
    x[0, 1, 4, 4], x[1, 0, 0, 0] = np.nan, np.inf
    output = direct.conv2d_forward(x, weight, None, cpu._geometry(9, 9, (3, 3), (1, 1), (1, 1), (1, 1)), 1)
    expected = reference.conv2d_forward(x, weight, None, (1, 1), (1, 1), (1, 1), 1)
    np.testing.assert_array_equal(np.isnan(output), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(output), np.isinf(expected))
