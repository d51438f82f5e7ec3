"""Upsampling, power pooling and unpooling, against PyTorch and by their gradients; pooling in three dimensions."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.nn.parity import assert_gradcheck, assert_layer_parity, make_inputs, make_layer
from tinygrad_edu import nn

POSITIVE = np.random.default_rng(3).uniform(0.2, 2.0, (2, 3, 6, 5, 4)).astype(np.float32)

LAYERS = [
    ("Upsample", (), {"scale_factor": 2}, [(2, 3, 4)]),
    ("Upsample", ((3, 7),), {"mode": "bilinear"}, [(2, 3, 4, 5)]),
    ("Upsample", (), {"scale_factor": (1.5, 2.5), "mode": "bicubic"}, [(2, 3, 4, 5)]),
    ("Upsample", (), {"scale_factor": 2, "mode": "trilinear", "align_corners": True}, [(1, 2, 3, 2, 3)]),
    ("UpsamplingNearest2d", (), {"scale_factor": 3}, [(2, 3, 4, 5)]),
    ("UpsamplingBilinear2d", ((7, 9),), {}, [(2, 3, 4, 5)]),
    ("LPPool1d", (2, 3), {"stride": 2}, [POSITIVE[:, :, :, 0, 0]]),
    ("LPPool2d", (1.5, (2, 3)), {"ceil_mode": True}, [POSITIVE[..., 0]]),
    ("LPPool2d", (float("inf"), 2), {}, [(2, 3, 4, 5)]),
    ("LPPool3d", (3, 2), {}, [POSITIVE]),
    ("MaxPool3d", (2,), {"padding": 1, "ceil_mode": True}, [(2, 3, 5, 4, 6)]),
    ("AvgPool3d", (3,), {"stride": 2, "padding": 1, "count_include_pad": False}, [(2, 3, 5, 4, 6)]),
    ("AdaptiveAvgPool3d", ((3, None, 2),), {}, [(2, 3, 5, 4, 6)]),
    ("AdaptiveMaxPool3d", (2,), {}, [(2, 3, 5, 4, 6)]),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "arrays"), LAYERS)
def test_parity(reference, name, args, kwargs, arrays):
    assert_layer_parity(reference, name, args, kwargs, arrays, rtol=1e-4, atol=1e-5)


@pytest.mark.gradcheck
@pytest.mark.parametrize(
    ("name", "args", "kwargs", "shape"),
    [
        ("Upsample", ((3, 5),), {"mode": "bicubic"}, (1, 2, 2, 3)),
        ("Upsample", (), {"scale_factor": 2.0}, (1, 1, 2, 3)),
        ("AvgPool3d", (2,), {"stride": 1}, (1, 1, 3, 2, 3)),
        ("MaxPool3d", (2,), {"stride": 1}, (1, 1, 3, 2, 3)),
    ],
)
def test_gradcheck(name, args, kwargs, shape):
    assert_gradcheck(make_layer(torch, name, args, kwargs), *make_inputs([shape], np.float64))


@pytest.mark.parametrize(("dims", "size"), [(1, (6,)), (2, (6, 4)), (3, (4, 6, 4))])
def test_unpooling_puts_maxima_where_they_were(dims, size):
    x = torch.randn(2, 3, *size, dtype=torch.float64)
    pool, unpool = getattr(nn, f"MaxPool{dims}d")(2, return_indices=True), getattr(nn, f"MaxUnpool{dims}d")(2)
    largest, places = pool(x)
    back = unpool(largest, places)
    assert torch.equal(back, torch.where(back != 0, x, 0.0))
    assert (back != 0).sum() == largest.numel()
    assert torch.equal(pool(back + x.min() * (back == 0))[0], largest)
    assert torch.autograd.gradcheck(lambda y: unpool(y, places), (largest.requires_grad_(),))


@pytest.mark.torch_parity
def test_unpooling_to_another_size(reference):
    x = np.random.default_rng(0).standard_normal((1, 2, 5, 7)).astype(np.float32)
    results = []
    for library in (torch, reference):
        largest, places = library.nn.MaxPool2d(2, return_indices=True)(library.from_numpy(x))
        results.append(library.nn.MaxUnpool2d(2)(largest, places, output_size=(1, 2, 5, 7)).numpy())
    np.testing.assert_array_equal(*results)


def test_a_constant_stays_one_and_a_slope_stays_straight():
    for mode in ("linear", "nearest", "nearest-exact", "area"):
        assert torch.equal(
            F.interpolate(torch.full((1, 1, 5), 2.5), 12, mode=mode), torch.full((1, 1, 12), 2.5)
        )
    slope = F.interpolate(torch.arange(5.0).reshape(1, 1, 5), 9, mode="linear", align_corners=True)
    np.testing.assert_allclose(slope.numpy(force=True).ravel(), np.arange(9) / 2, rtol=1e-6)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_antialiasing_makes_fine_stripes_grey(mode):
    stripes = (torch.arange(24) % 2).expand(1, 1, 24, 24).double()
    grey = F.interpolate(stripes, 8, mode=mode, antialias=True)[..., 1:-1]
    np.testing.assert_allclose(grey.numpy(force=True), 0.5, atol=0.1)
    false_stripes = F.interpolate(stripes, 8, mode="bilinear")
    assert false_stripes[0, 0, 0].tolist() == [1, 0] * 4


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.interpolate(torch.ones(1, 1, 3)), ValueError, ["either size or scale_factor"]),
        (lambda: F.interpolate(torch.ones(1, 1, 3), 2, 2.0), ValueError, ["both"]),
        (
            lambda: F.interpolate(torch.ones(1, 1, 3), 2, mode="bilinear"),
            NotImplementedError,
            ["3D", "bilinear"],
        ),
        (lambda: F.interpolate(torch.ones(1, 1, 3), (2, 2)), ValueError, ["(2, 2)", "[1, 1, 3]"]),
        (lambda: F.interpolate(torch.ones(1, 1, 3), 2, align_corners=True), ValueError, ["nearest"]),
        (lambda: F.interpolate(torch.ones(1, 1, 3), 0), RuntimeError, ["greater than 0"]),
        (
            lambda: F.interpolate(torch.ones(1, 1, 3), 2, mode="linear", antialias=True),
            ValueError,
            ["bilinear, bicubic, and lanczos", "linear and 3D"],
        ),
        (
            lambda: F.interpolate(torch.ones(1, 1, 3, 3), 2, mode="lanczos"),
            ValueError,
            ["requires antialias=True", "False"],
        ),
        (
            lambda: F.interpolate(
                torch.ones(1, 1, 3, 3), 2, mode="lanczos", align_corners=True, antialias=True
            ),
            ValueError,
            ["align_corners=True"],
        ),
        (
            lambda: F.max_unpool1d(torch.ones(1, 3), torch.zeros(1, 2, dtype=torch.int64), 2),
            RuntimeError,
            ["[1, 3]", "[1, 2]"],
        ),
        (
            lambda: F.max_unpool1d(
                torch.ones(1, 3), torch.zeros(1, 3, dtype=torch.int64), 2, output_size=(9,)
            ),
            ValueError,
            ["9", "6"],
        ),
        (lambda: F.max_pool3d(torch.ones(2, 3, 3), 2), RuntimeError, ["4D or 5D", "3D"]),
        (lambda: F.avg_pool3d(torch.ones(2, 3, 3, 3), 4), RuntimeError, ["too small"]),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)
