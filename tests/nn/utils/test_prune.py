"""Pruning: masks, values, gradients and names as in PyTorch."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_edu
from tests.nn.parity import assert_same, make_inputs, make_layer, numbers, run_layer


def room(library):
    return importlib.import_module(f"{library.__name__}.nn.utils.prune")


def mask(library, *shape):
    return library.tensor((np.arange(int(np.prod(shape))) % 3 > 0).astype(np.float32).reshape(shape))


def scores(library):
    return {"importance_scores": library.tensor(np.random.default_rng(5).random((3, 4)).astype(np.float32))}


# What is called one after the other on a layer's weight (3, 4).
STEPS = {
    "identity": [("identity", (), None)],
    "smallest": [("l1_unstructured", (0.3,), None)],
    "smallest five": [("l1_unstructured", (5,), None)],
    "none": [("l1_unstructured", (0,), None), ("ln_structured", (0, 2, 0), None)],
    "by scores": [("l1_unstructured", (0.5,), scores)],
    "slices": [("ln_structured", (0.5, 2, 1), None)],
    "slices by scores": [("ln_structured", (1, 1, 0), scores)],
    "infinity": [("ln_structured", (2, float("inf"), -1), None)],
    "a mask": [("custom_from_mask", (lambda library: mask(library, 3, 4),), None)],
    "twice": [("l1_unstructured", (0.3,), None), ("l1_unstructured", (0.5,), None)],
    "slices of the rest": [
        ("ln_structured", (1, 2, 0), None),
        ("ln_structured", (1, 2, 1), None),
        ("ln_structured", (1, 2, 0), None),
    ],
    "a mask of the rest": [
        ("l1_unstructured", (4,), None),
        ("custom_from_mask", (lambda library: mask(library, 3, 4),), None),
        ("identity", (), None),
    ],
    "all random": [("random_unstructured", (1.0,), None)],
    "no random slice": [("random_structured", (0, 1), None)],
}


@pytest.mark.torch_parity
@pytest.mark.parametrize("name", STEPS)
def test_parity(reference, name):
    arrays, found = make_inputs([(2, 4)]), []
    for library in (tinygrad_edu, reference):
        prune = room(library)
        layer = make_layer(library, "Linear", (4, 3))
        for function, args, options in STEPS[name]:
            args = [a(library) if callable(a) else a for a in args]
            kwargs = {} if options is None else options(library)
            assert getattr(prune, function)(layer, "weight", *args, **kwargs) is layer
        assert prune.is_pruned(library.nn.Sequential(layer))
        steps = run_layer(library, layer, arrays)
        steps["weight"] = numbers(layer.weight)
        steps |= {f"state {k}": numbers(v) for k, v in layer.state_dict().items()}
        prune.remove(layer, "weight")
        assert not prune.is_pruned(layer)
        steps |= {f"removed {k}": numbers(v) for k, v in sorted(layer.state_dict().items())}
        found.append(steps)
    assert_same(*found)


@pytest.mark.torch_parity
def test_global(reference):
    found = []
    for library in (tinygrad_edu, reference):
        prune = room(library)
        layers = [make_layer(library, "Linear", (4, 3), seed=seed) for seed in (1, 2)]
        pairs = [(layers[0], "weight"), (layers[1], "weight"), (layers[1], "bias")]
        for amount in (0.4, 5):
            prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=amount)
        found.append({f"{i}": numbers(getattr(layer, name)) for i, (layer, name) in enumerate(pairs)})
        with pytest.raises(TypeError, match='Only "unstructured" PRUNING_TYPE'):
            prune.global_unstructured(pairs, prune.RandomStructured, amount=1)
    assert_same(*found)


def test_random_amounts():
    prune = tinygrad_edu.nn.utils.prune
    layer = prune.random_unstructured(tinygrad_edu.nn.Linear(10, 10), "weight", amount=0.3)
    assert (layer.weight_mask == 0).sum().item() == 30
    layer = prune.random_structured(tinygrad_edu.nn.Linear(10, 10), "weight", amount=4, dim=0)
    assert sorted(layer.weight_mask.sum(1).tolist()) == [0.0] * 4 + [10.0] * 6
    x = tinygrad_edu.tensor([3.0, -1.0, 2.0])
    assert prune.L1Unstructured(amount=1).prune(x).tolist() == [3.0, 0.0, 2.0]


REFUSED = [
    ("l1_unstructured", (-1,), ValueError),
    ("l1_unstructured", (1.5,), ValueError),
    ("l1_unstructured", (13,), ValueError),
    ("l1_unstructured", ("a",), TypeError),
    ("ln_structured", (1, 2, 2), IndexError),
    ("custom_from_mask", (lambda library: mask(library, 4, 3),), AssertionError),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("function", "args", "error"), REFUSED)
def test_refused(reference, function, args, error):
    for library in (tinygrad_edu, reference):
        layer = library.nn.Linear(4, 3)
        with pytest.raises(error):
            getattr(room(library), function)(
                layer, "weight", *[a(library) if callable(a) else a for a in args]
            )
        assert sorted(layer.state_dict()) == ["bias", "weight"]
        with pytest.raises(ValueError, match="has to be pruned before"):
            room(library).remove(layer, "weight")
        with pytest.raises(ValueError, match="multidimensional"):
            room(library).ln_structured(layer, "bias", 1, 2, 0)
