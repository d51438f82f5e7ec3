"""Layers, losses and whole models of half precision: as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu
from tests.exchange import library_array, library_tensor
from tests.nn import (
    test_activation,
    test_batch_norm,
    test_conv,
    test_distance,
    test_linear,
    test_loss,
    test_normalization,
    test_pooling,
)
from tests.nn.parity import assert_same, copy_state, make_inputs, make_layer, run_layer
from tinygrad_edu.numpy_dtypes import BFLOAT16, FLOAT16, is_floating

pytestmark = pytest.mark.torch_parity

TABLES = test_batch_norm, test_conv, test_distance, test_linear, test_normalization, test_pooling
LAYERS = [
    *[layer for table in TABLES for layer in table.LAYERS if len(layer) == 4],
    *[(name, args, kwargs, [test_activation.X]) for name, args, kwargs in test_activation.LAYERS],
    *[(name, (), kwargs, shapes) for name, kwargs, shapes in test_loss.LOSSES],
]
# Steps of the dtype, and more of them for gradients that PyTorch rounds after each of its kernels.
CLOSE = {FLOAT16: 1e-2, BFLOAT16: 8e-2}
WITH_TIES = ("PairwiseDistance", (float("inf"),))
each_half = pytest.mark.parametrize(
    "half",
    [FLOAT16, pytest.param(BFLOAT16, marks=pytest.mark.host("a GPU has no bfloat16"))],
    ids=["float16", "bfloat16"],
)


def as_half(value, half):
    """Return half precision in place of any other floating-point numbers, within a dict, too."""
    if isinstance(value, dict):
        return {key: as_half(item, half) for key, item in value.items()}
    is_float = isinstance(value, np.ndarray) and is_floating(value.dtype)
    return value.astype(half) if is_float else value


@pytest.mark.filterwarnings("ignore:Using padding='same'", "ignore:reduction", "ignore:Using a target size")
@pytest.mark.parametrize(("name", "args", "kwargs", "shapes"), LAYERS)
@each_half
def test_layers_and_losses(reference, name, args, kwargs, shapes, half):
    if (name, args) == WITH_TIES and half == BFLOAT16:
        pytest.skip("of two numbers that differ in float32 alone, PyTorch takes both as the largest")
    single, kwargs, arrays = kwargs, as_half(kwargs, half), [as_half(x, half) for x in make_inputs(shapes)]
    found = run_layer(
        tinygrad_edu, make_layer(tinygrad_edu, name, args, kwargs).to(dtype_of(tinygrad_edu, half)), arrays
    )
    try:
        layer = make_layer(reference, name, args, kwargs).to(dtype_of(reference, half))
        expected = run_layer(reference, layer, arrays)
    except NotImplementedError:  # on the CPU; then ours is compared with its own float32
        ours = make_layer(tinygrad_edu, name, args, single)
        inputs = [x.astype(np.float32) if is_floating(x.dtype) else x for x in arrays]
        expected = as_half(run_layer(tinygrad_edu, ours, inputs), half)
    for values, other in zip(found.values(), expected.values(), strict=True):
        if other is not None and is_floating(other.dtype):
            values[np.isnan(other)] = np.nan  # 0 / 0 of what vanishes in PyTorch's numbers, and does not here
    assert_same(found, expected, rtol=CLOSE[half], atol=CLOSE[half])


def dtype_of(library, numpy_dtype):
    return getattr(library, numpy_dtype.name)


def perceptron(nn):
    return nn.Sequential(
        nn.Linear(8, 16),
        nn.LayerNorm(16),
        nn.GELU(),
        nn.Dropout(0.0),
        nn.Linear(16, 16),
        nn.ReLU(),
        nn.Linear(16, 4),
    )


def convolutional(nn):
    return nn.Sequential(
        nn.Unflatten(1, (2, 2, 2)),
        nn.ConvTranspose2d(2, 4, 2, stride=2),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.Conv2d(4, 8, 3, padding=1),
        nn.GroupNorm(2, 8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 4),
    )


# With a large eps: else a gradient near 0, which is rounding alone, makes a step as large as any other.
OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-3},
    "Adam": {"lr": 0.01, "eps": 0.1},
    "AdamW": {"lr": 0.01, "eps": 0.1, "amsgrad": True},
    "Adagrad": {"lr": 0.1, "eps": 0.1},
    "RMSprop": {"lr": 0.01, "eps": 0.1},
}


def train(library, model, optimizer, half, steps=3):
    """Return the losses of some steps, and parameters and buffers after them."""
    rng = np.random.default_rng(0)
    inputs = library_tensor(library, rng.standard_normal((32, 8)).astype(half))
    classes = library.tensor(rng.integers(0, 4, 32))
    optimizer = getattr(library.optim, optimizer)(model.parameters(), **OPTIMIZERS[optimizer])
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = library.nn.functional.cross_entropy(model(inputs), classes)
        loss.backward()
        library.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: library_array(x) for name, x in model.state_dict().items()}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("make", [perceptron, convolutional])
@each_half
def test_training(reference, make, optimizer, half):
    reference.manual_seed(0)
    theirs, ours = [make(lib.nn).to(dtype_of(lib, half)) for lib in (reference, tinygrad_edu)]
    copy_state(reference, ours, theirs)
    (losses, state), (expected, other) = (
        train(tinygrad_edu, ours, optimizer, half),
        train(reference, theirs, optimizer, half),
    )
    assert losses[-1] < losses[0]
    steps = CLOSE[half] / CLOSE[FLOAT16]
    np.testing.assert_allclose(losses, expected, rtol=5e-3 * steps)
    assert_same(state, other, rtol=2e-2 * steps, atol=1e-2 * steps)
