"""Names, arguments and defaults of ``nn.functional`` and ``nn``, compared with PyTorch's."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.nn import functional as F

LEFT_OUT = {
    "size_average": "deprecated; use reduction",
    "reduce": "deprecated; use reduction",
    "min_value": "deprecated; use min_val",
    "max_value": "deprecated; use max_val",
    "out": "results are new tensors",
    "foreach": "a choice of PyTorch's implementation",
    "assign": "load_state_dict copies",
    "scale_grad_by_freq": "not supported",
    "sparse": "not supported",
    "always_call": "not supported",
}
"""Arguments of PyTorch that are missing here."""

DIFFERENT = {
    "nn.Embedding": "the arguments that are missing stand in the middle",
    "F.mse_loss": "no weight",
    "F.l1_loss": "no weight",
    "F.huber_loss": "no weight",
}


def arguments(function):
    """Return names and defaults; None if Python does not know them."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        return None
    parameters = [p for p in signature.parameters.values() if p.name not in LEFT_OUT]
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None  # *args, **kwargs: it says nothing
    return [(p.name, p.default, p.kind) for p in parameters]


def documented_arguments(function):
    """Return names and defaults as the first line of a docstring tells them: for functions written in C++."""
    first = inspect.getdoc(function).strip().split("\n")[0]
    words = first[first.index("(") + 1 : first.rindex(")")].replace("*, ", "").split(", ")
    pairs = [[part.strip() for part in word.split("=")] for word in words]
    return [(pair[0], eval(pair[1]) if len(pair) == 2 else inspect.Parameter.empty) for pair in pairs]


def pairs_to_compare(reference):
    for where, ours, theirs in [
        ("F", F, reference.nn.functional),
        ("nn", nn, reference.nn),
        ("init", nn.init, reference.nn.init),
        ("utils", nn.utils, reference.nn.utils),
        ("Module", nn.Module, reference.nn.Module),
    ]:
        for name in getattr(ours, "__all__", dir(ours)):
            if not name.startswith("_") and callable(getattr(theirs, name, None)):
                yield f"{where}.{name}", getattr(ours, name), getattr(theirs, name)


@pytest.mark.torch_parity
def test_every_name_is_one_of_pytorch(reference):
    assert [name for name in F.__all__ if not hasattr(reference.nn.functional, name)] == []
    assert [name for name in nn.__all__ if not hasattr(reference.nn, name)] == []
    assert [name for name in nn.utils.__all__ if not hasattr(reference.nn.utils, name)] == []


@pytest.mark.torch_parity
def test_arguments_and_defaults_are_those_of_pytorch(reference):
    compared, wrong = 0, []
    for name, ours, theirs in pairs_to_compare(reference):
        found, expected = arguments(ours), arguments(theirs)
        if found is None or expected is None or name in DIFFERENT:
            continue
        compared += 1
        if found != expected:
            wrong.append(f"{name}: {found} but {expected}")
    assert wrong == []
    assert compared > 150


@pytest.mark.torch_parity
def test_documented_arguments_are_those_of_pytorch(reference):
    names = [
        "adaptive_avg_pool1d", "avg_pool1d", "avg_pool2d", "bilinear", "conv1d", "conv2d", "conv_transpose1d",
        "conv_transpose2d", "cosine_similarity", "gelu", "hardshrink", "linear", "logsigmoid", "one_hot",
        "pairwise_distance", "pixel_shuffle", "pixel_unshuffle", "prelu", "relu_", "softplus", "softshrink",
    ]  # fmt: skip
    for name in names:
        found = [(argument, default) for argument, default, _ in arguments(getattr(F, name))]
        assert found == documented_arguments(getattr(reference.nn.functional, name)), name


@pytest.mark.torch_parity
def test_what_is_said_to_differ_does(reference):
    different = {
        name for name, ours, theirs in pairs_to_compare(reference) if arguments(ours) != arguments(theirs)
    }
    assert set(DIFFERENT) <= different
    known = {name for _, _, theirs in pairs_to_compare(reference) for name in parameter_names(theirs)}
    assert set(LEFT_OUT) <= known


def parameter_names(function):
    try:
        return set(inspect.signature(function).parameters)
    except ValueError:
        return set()


def test_all_is_complete():
    for module in (F, nn, nn.utils):
        public = {name for name in vars(module) if not name.startswith("_")}
        functions = {name for name in public if not inspect.ismodule(getattr(module, name))}
        assert functions - {"annotations", "TYPE_CHECKING"} <= set(module.__all__)
        assert sorted(set(module.__all__)) == sorted(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


def test_functions_do_what_the_layers_do():
    x = torch.randn(2, 4, 6, 6)
    conv = nn.Conv2d(4, 3, 3, padding=1)
    assert F.conv2d(x, conv.weight, conv.bias, padding=1).tolist() == conv(x).tolist()
    assert F.max_pool2d(x, 2).tolist() == nn.MaxPool2d(2)(x).tolist()
    assert F.layer_norm(x, (6, 6)).tolist() == nn.LayerNorm((6, 6))(x).tolist()
    assert F.relu(x).tolist() == torch.relu(x).tolist()
    linear = nn.Linear(6, 2)
    assert F.linear(x, linear.weight, linear.bias).tolist() == linear(x).tolist()


def test_dropout_is_on_unless_told():
    x = torch.ones(1000)
    assert (F.dropout(x).numpy(force=True) == 0).mean() == pytest.approx(0.5, abs=0.1)
    assert F.dropout(x, training=False) is x
    assert F.alpha_dropout(x) is x  # as in PyTorch, off by default


def test_relu_in_place():
    x = torch.tensor([-1.0, 2.0])
    assert F.relu_(x) is x
    assert x.tolist() == [0.0, 2.0]


@pytest.mark.torch_parity
def test_instance_norm_without_input_statistics(reference):
    rng = np.random.default_rng(0)
    x, mean = rng.standard_normal((2, 3, 4)).astype(np.float32), rng.standard_normal(3).astype(np.float32)
    var = rng.uniform(0.5, 2, 3).astype(np.float32)
    found, expected = (
        lib.nn.functional.instance_norm(
            lib.tensor(x), lib.tensor(mean), lib.tensor(var), use_input_stats=False
        )
        for lib in (torch, reference)
    )
    np.testing.assert_allclose(found.numpy(force=True), expected.numpy(force=True), rtol=1e-4, atol=1e-6)


def test_a_softmax_of_another_dtype():
    assert F.softmax(torch.zeros(2), 0, dtype=torch.float64).dtype == torch.float64
    assert F.log_softmax(torch.zeros(2), dim=0, dtype=torch.float64).dtype == torch.float64
    assert F.softmin(torch.zeros(2), dim=0, dtype=torch.float64).dtype == torch.float64
