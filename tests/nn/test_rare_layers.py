"""Fractional pooling, adaptive softmax, batch norm of several processes, distances of pairs: PyTorch's numbers."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu
from tests.both import check
from tests.nn.parity import assert_same, backward, make_inputs, make_layer, numbers, run_layer
from tinygrad_edu.autograd.gradcheck import gradcheck, gradgradcheck

POOLS = [
    ("FractionalMaxPool2d", (2, 3, 7, 9), ((2, 3),), {"output_size": (3, 4)}),
    ("FractionalMaxPool2d", (3, 6, 6), (2,), {"output_ratio": (0.5, 0.7)}),
    ("FractionalMaxPool2d", (1, 3, 6, 6), (3,), {"output_size": 1}),
    ("FractionalMaxPool3d", (2, 3, 5, 6, 7), ((2, 1, 3),), {"output_size": (3, 5, 2)}),
    ("FractionalMaxPool3d", (3, 5, 5, 5), (2,), {"output_ratio": 0.6}),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("with_indices", [False, True])
@pytest.mark.parametrize(("name", "shape", "args", "options"), POOLS)
def test_fractional_pooling(reference, name, shape, args, options, with_indices):
    dims = int(name[-2])
    batch = shape[0] if len(shape) == dims + 2 else 1
    samples = np.random.default_rng(3).uniform(size=(batch, 3, dims)).astype(np.float32)
    found, (values,) = [], make_inputs([shape])
    for library in (tinygrad_edu, reference):
        x = library.tensor(values).requires_grad_()
        options = {**options, "return_indices": with_indices, "_random_samples": library.tensor(samples)}
        output = getattr(library.nn, name)(*args, **options)(x)
        output, indices = output if with_indices else (output, library.zeros(1))
        backward(library, output)
        found.append({"output": numbers(output), "indices": numbers(indices), "gradient": numbers(x.grad)})
    assert_same(*found)


@pytest.mark.gradcheck
def test_gradient_of_fractional_pooling():
    x = tinygrad_edu.randn(1, 2, 5, 6, dtype=tinygrad_edu.float64).requires_grad_()
    samples = tinygrad_edu.rand(1, 2, 2, dtype=tinygrad_edu.float64)

    def pool(x):
        return tinygrad_edu.nn.functional.fractional_max_pool2d(x, 2, (3, 3), _random_samples=samples)

    assert gradcheck(pool, (x,))
    assert gradgradcheck(pool, (x,))


def test_windows_are_drawn():
    pool = tinygrad_edu.nn.FractionalMaxPool2d(2, output_ratio=0.6)
    x = tinygrad_edu.randn(1, 1, 30, 30)
    assert not (pool(x) == pool(x)).all()


ADAPTIVE = [((32, 20, [4, 12]), {}), ((8, 9, [1]), {"div_value": 2.0, "head_bias": True})]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("args", "options"), ADAPTIVE)
def test_adaptive_softmax(reference, args, options):
    rng, found = np.random.default_rng(0), []
    x = rng.standard_normal((7, args[0])).astype(np.float32)
    target = rng.integers(0, args[1], 7)
    for library in (tinygrad_edu, reference):
        layer = make_layer(library, "AdaptiveLogSoftmaxWithLoss", args, options)
        rows = library.tensor(x).requires_grad_()
        output, loss = layer(rows, library.tensor(target))
        (loss + (output * output).sum()).backward()
        steps = {"output": numbers(output), "loss": numbers(loss), "gradient": numbers(rows.grad)}
        steps |= {name: numbers(p.grad) for name, p in layer.named_parameters()}
        steps["all"] = numbers(layer.log_prob(rows))
        steps["predicted"] = numbers(layer.predict(rows))
        steps["predicted first"] = numbers(layer.predict(rows[:1]))
        one = layer(rows[0], library.tensor(target[0]))
        steps |= {"one": numbers(one.output), "loss of one": numbers(one.loss)}
        found.append(steps)
    assert_same(*found, rtol=1e-4, atol=1e-5)


@pytest.mark.torch_parity
@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 3, 2, 2), (2, 3, 2, 2, 2)])
def test_sync_batch_norm(reference, shape):
    arrays, found = make_inputs([shape]), []
    for library in (tinygrad_edu, reference):
        layer = make_layer(library, "SyncBatchNorm", (3,))
        found.append(run_layer(library, layer, arrays))
    assert_same(*found, rtol=1e-4, atol=1e-5)


def test_batch_norms_are_converted():
    model = tinygrad_edu.nn.Sequential(
        tinygrad_edu.nn.Linear(2, 3), tinygrad_edu.nn.BatchNorm1d(3, bias=False)
    )
    weight = model[1].weight
    converted = tinygrad_edu.nn.SyncBatchNorm.convert_sync_batchnorm(model.eval())
    assert converted is model
    assert type(model[1]) is tinygrad_edu.nn.SyncBatchNorm
    assert model[1].weight is weight
    assert model[1].bias is None
    assert not model[1].training


@pytest.mark.torch_parity
@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, float("inf")])
def test_pdist(reference, p):
    values, found = np.random.default_rng(1).standard_normal((5, 3)).astype(np.float32), []
    values[4] = values[1]  # at a distance of 0
    for library in (tinygrad_edu, reference):
        x = library.tensor(values).requires_grad_()
        output = library.nn.functional.pdist(x, p)
        backward(library, output)
        found.append({"output": numbers(output), "gradient": numbers(x.grad)})
    assert_same(*found)


EXPRESSIONS = [
    "torch.nn.FractionalMaxPool2d(2)",
    "torch.nn.FractionalMaxPool2d(2, 2, 0.5)",
    "torch.nn.FractionalMaxPool2d(2, output_ratio=1.5)",
    "torch.nn.FractionalMaxPool3d(0, 2)",
    "torch.nn.functional.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 2)",
    "torch.nn.functional.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 3, 3)",
    "torch.nn.functional.fractional_max_pool2d(torch.ones(1, 1, 4, 4), 2, 3)",
    "torch.nn.functional.fractional_max_pool3d(torch.ones(1, 1, 4, 4, 4), 2, 3)",
    "torch.nn.functional.fractional_max_pool2d(torch.ones(1, 1, 4, 4).long(), 2, 2)",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [])",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [5])",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [3, 2])",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(2, 4), torch.tensor([1, 5]))",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(2, 4), torch.tensor([1]))",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(2, 4), torch.tensor([[1]]))",
    "torch.nn.AdaptiveLogSoftmaxWithLoss(4, 5, [2])(torch.ones(2, 4), torch.tensor(1))",
    "torch.nn.SyncBatchNorm(3)(torch.ones(3))",
    "torch.nn.SyncBatchNorm(3)(torch.ones(2, 0, 3))",
    "torch.pdist(torch.ones(3))",
    "torch.pdist(torch.ones(3, 2).long())",
    "torch.pdist(torch.ones(1, 2))",
    "torch.pdist(torch.ones(3, 0))",
    "torch.pdist(torch.ones(3, 2), -1.0)",
]


@pytest.mark.torch_parity
@pytest.mark.host("expressions make tensors in host memory")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_like_pytorch(expression, reference):
    check(expression, reference)
