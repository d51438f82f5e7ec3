"""Parametrisations, weight and spectral norm, fusion, and calls with other parameters: as in PyTorch."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_edu
from tests.nn.parity import assert_same, copy_state, make_inputs, make_layer, numbers, run_layer
from tinygrad_edu.nn.utils.weight_norm import norm_except_dim

LAYERS = [
    ("Linear", (4, 3), (2, 4)),
    ("Conv2d", (2, 3, 2), (1, 2, 4, 4)),
    ("ConvTranspose2d", (2, 3, 2), (1, 2, 4, 4)),
]


def norms(library, kind):
    """Return PyTorch's names for the two kinds: parametrisations, and hooks."""
    return library.nn.utils.parametrizations if kind == "parametrization" else library.nn.utils


def same_buffers(library, layer):
    """Give singular vectors that do not depend on chance."""
    for name, buffer in layer.named_buffers():
        rng = np.random.default_rng(len(name))
        vector = rng.standard_normal(tuple(buffer.shape)).astype(np.float32)
        buffer.data = library.tensor(vector / np.linalg.norm(vector))


CASES = [
    *[("weight_norm", layer, {"dim": dim}) for layer in LAYERS for dim in (0, 1, None)],
    *[("spectral_norm", layer, {}) for layer in LAYERS],
    ("spectral_norm", LAYERS[1], {"dim": 1, "n_power_iterations": 3}),
    ("weight_norm", LAYERS[0], {"name": "bias"}),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("kind", ["parametrization", "hook"])
@pytest.mark.parametrize(("norm", "case", "options"), CASES)
def test_norms(reference, kind, norm, case, options):
    name, args, shape = case
    arrays, found = make_inputs([shape]), []
    for library in (tinygrad_edu, reference):
        layer = make_layer(library, name, args)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            assert getattr(norms(library, kind), norm)(layer, **options) is layer
        same_buffers(library, layer)
        first = run_layer(library, layer, arrays)
        second = run_layer(library, layer.eval(), arrays)
        found.append({**first, **{f"second {k}": v for k, v in second.items()}})
        found[-1] |= {f"state {k}": numbers(v) for k, v in layer.state_dict().items()}
        found[-1] |= {f"class {type(layer).__name__}": None, repr(layer): None}
        weight = options.get("name", "weight")
        if kind == "parametrization":
            library.nn.utils.parametrize.remove_parametrizations(layer, weight)
        else:
            getattr(library.nn.utils, f"remove_{norm}")(layer, weight)
        found[-1] |= {f"after {k}": numbers(v) for k, v in layer.named_parameters()}
        found[-1] |= {f"after: {type(layer).__name__}": None}
    assert_same(*found, rtol=1e-4, atol=1e-5)


def symmetric(library):
    class Symmetric(library.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).transpose(-1, -2)

        def right_inverse(self, a):
            return a.triu()

    return Symmetric()


def changes(library, what):
    """A parametrisation that does one thing wrong."""

    class Wrong(library.nn.Module):
        def forward(self, x):
            return {"shape": x[0], "dtype": x.double(), "list": [x]}.get(what, x)

        def right_inverse(self, x):
            return {"inverse dtype": x.double(), "inverse number": 3, "inverse list": [3]}.get(what, x)

    return Wrong()


@pytest.mark.torch_parity
def test_a_parametrisation_of_ones_own(reference):
    found = []
    for library in (tinygrad_edu, reference):
        P = library.nn.utils.parametrize
        layer = make_layer(library, "Linear", (3, 3))
        P.register_parametrization(layer, "weight", symmetric(library))
        steps = {"registered": numbers(layer.weight)}
        assert P.is_parametrized(layer)
        assert P.is_parametrized(layer, "weight")
        assert not P.is_parametrized(layer, "bias")
        assert P.type_before_parametrizations(layer) is library.nn.Linear

        layer.weight = library.tensor(np.arange(9.0, dtype=np.float32).reshape(3, 3))
        steps["assigned"] = numbers(layer.weight)
        P.register_parametrization(layer, "weight", library.nn.Tanh())
        steps["two"] = numbers(layer.weight)
        twin = copy.deepcopy(layer)
        assert twin.parametrizations.weight.original is not layer.parametrizations.weight.original
        steps["copy"] = numbers(twin.weight)
        with P.cached():
            assert layer.weight is layer.weight
        assert layer.weight is not layer.weight
        other = library.nn.Linear(3, 3)
        P.transfer_parametrizations_and_params(layer, other)
        steps["transferred"] = numbers(other.weight)
        with pytest.raises(RuntimeError, match="only supported through state_dict"):
            pickle.dumps(layer)
        P.remove_parametrizations(layer, "weight", leave_parametrized=False)
        steps["removed"] = numbers(layer.weight)
        assert type(layer) is library.nn.Linear
        steps |= dict.fromkeys(other.state_dict())
        found.append(steps)
    assert_same(*found)


REFUSED = ["shape", "dtype", "list", "inverse dtype", "inverse number", "inverse list"]


@pytest.mark.torch_parity
@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("first", [True, False])
def test_what_a_parametrisation_must_not_do(reference, what, first):
    for library in (tinygrad_edu, reference):
        P, layer = library.nn.utils.parametrize, library.nn.Linear(2, 2)
        if not first:
            P.register_parametrization(layer, "weight", library.nn.Identity())
        with pytest.raises(ValueError, match="change|must|[Rr]egistering|returned"):
            P.register_parametrization(layer, "weight", changes(library, what))


@pytest.mark.torch_parity
def test_errors(reference):
    for library in (tinygrad_edu, reference):
        P, layer = library.nn.utils.parametrize, library.nn.Linear(2, 2)
        with pytest.raises(ValueError, match="does not have a parameter, a buffer"):
            P.register_parametrization(layer, "wait", library.nn.Tanh())
        with pytest.raises(ValueError, match="does not have a parametrization on weight"):
            P.remove_parametrizations(layer, "weight")
        P.register_parametrization(layer, "weight", library.nn.Tanh())
        with pytest.raises(RuntimeError, match="parametrization Tanh does not implement right_inverse"):
            layer.weight = library.ones(2, 2)
        library.nn.utils.parametrizations.weight_norm(layer, "bias", dim=None)
        with pytest.raises(ValueError, match="in terms of a sequence of tensors"):
            P.remove_parametrizations(layer, "bias", leave_parametrized=False)
        with pytest.raises(ValueError, match="Expected n_power_iterations to be positive"):
            library.nn.utils.parametrizations.spectral_norm(library.nn.Linear(2, 2), n_power_iterations=0)
        with pytest.raises(ValueError, match="spectral_norm of 'weight' not found"):
            library.nn.utils.remove_spectral_norm(layer)
        with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
            library.nn.utils.remove_weight_norm(layer)
        old = library.nn.utils.spectral_norm(library.nn.Linear(2, 2))
        with pytest.raises(RuntimeError, match="Cannot register two spectral_norm hooks"):
            library.nn.utils.spectral_norm(old)


def test_two_forwards_of_spectral_norm_have_a_backward():
    """The singular vectors change in place with every forward; the graphs keep those of theirs."""
    for norm in (tinygrad_edu.nn.utils.spectral_norm, tinygrad_edu.nn.utils.parametrizations.spectral_norm):
        layer = norm(tinygrad_edu.nn.Linear(3, 2))
        x = tinygrad_edu.randn(4, 3)
        (layer(x).sum() - layer(-x).sum()).backward()
        assert all(p.grad is not None for p in layer.parameters())


FUSED = [
    ("fuse_conv_bn_eval", ("Conv2d", (2, 3, 2)), "BatchNorm2d", {}, (1, 2, 4, 4), {}),
    ("fuse_conv_bn_eval", ("Conv1d", (2, 3, 2), {"bias": False}), "BatchNorm1d", {}, (1, 2, 4), {}),
    (
        "fuse_conv_bn_eval",
        ("ConvTranspose2d", (2, 3, 2)),
        "BatchNorm2d",
        {"affine": False},
        (1, 2, 4, 4),
        {"transpose": True},
    ),
    ("fuse_linear_bn_eval", ("Linear", (4, 3)), "BatchNorm1d", {}, (2, 4), {}),
    ("fuse_linear_bn_eval", ("Linear", (4, 3), {"bias": False}), "BatchNorm1d", {}, (2, 4), {}),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("fuse", "layer", "norm", "norm_options", "shape", "options"), FUSED)
def test_fusion(reference, fuse, layer, norm, norm_options, shape, options):
    found, arrays = [], make_inputs([shape])
    for library in (tinygrad_edu, reference):
        first = make_layer(library, *layer).eval()
        second = make_layer(library, norm, (3,), norm_options).eval()
        second.running_mean.data = library.tensor([0.5, -1.0, 2.0])
        second.running_var.data = library.tensor([0.5, 1.0, 2.0])
        fused = getattr(library.nn.utils, fuse)(first, second, **options)
        found.append(run_layer(library, fused, arrays))
        x = library.tensor(arrays[0])
        np.testing.assert_allclose(found[-1]["output"], numbers(second(first(x))), rtol=1e-4, atol=1e-5)
        with pytest.raises(AssertionError, match="Fusion only for eval"):
            getattr(library.nn.utils, fuse)(first.train(), second, **options)
    assert_same(*found)


@pytest.mark.torch_parity
def test_functional_call(reference):
    found = []
    for library in (tinygrad_edu, reference):
        call = library.nn.utils.stateless.functional_call
        model = library.nn.Sequential(make_layer(library, "Linear", (2, 3)), library.nn.BatchNorm1d(3))
        tied = library.nn.Sequential(library.nn.Linear(2, 2, bias=False), library.nn.Linear(2, 2, bias=False))
        tied[1].weight = tied[0].weight
        weight = (library.arange(6.0).reshape(3, 2) / 4).requires_grad_()
        x = library.tensor([[1.0, 2.0], [3.0, 5.0]])
        own = model[0].weight
        counted = {"0.weight": weight * 2, "1.num_batches_tracked": library.tensor(5)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            output = call(model, counted, (x,))
            (output * output * x[:, :1]).sum().backward()
            steps = {"output": numbers(output), "weight": numbers(weight.grad)}
            assert model[0].weight is own
            assert own.grad is None
            steps["counted"] = numbers(counted["1.num_batches_tracked"])
            steps["count"] = numbers(model[1].num_batches_tracked)
            steps["tied"] = numbers(call(tied, {"0.weight": weight[:2]}, x))
            steps["not tied"] = numbers(call(tied, {"1.weight": weight[:2] * 0}, x, tie_weights=False))
            for given, options, error, message in (
                ({"5.weight": weight}, {}, AttributeError, "5|attribute"),
                ({"0.weight": weight}, {"strict": True}, RuntimeError, "Missing key"),
                ({"0.wait": weight}, {"strict": True}, RuntimeError, "Unexpected key"),
            ):
                with pytest.raises(error, match=message):
                    call(model, given, x, **options)
            with pytest.raises(ValueError, match="multiple values"):
                call(tied, {"0.weight": weight[:2], "1.weight": weight[:2] * 2}, x)
            assert model[0].weight is own
            steps["others"] = numbers(call(model.eval(), {"0.wait": weight}, x))
            assert not hasattr(model[0], "wait")
        found.append(steps)
    assert_same(*found)


def test_skip_init():
    state = tinygrad_edu.get_rng_state()
    layer = tinygrad_edu.nn.utils.skip_init(tinygrad_edu.nn.Linear, 3, out_features=2)
    assert repr(layer) == "Linear(in_features=3, out_features=2, bias=True)"
    assert repr(tinygrad_edu.get_rng_state()) == repr(state)
    with pytest.raises(RuntimeError, match="must support a 'device' arg"):
        tinygrad_edu.nn.utils.skip_init(tinygrad_edu.nn.ReLU)


@pytest.mark.torch_parity
def test_norm_except_dim(reference):
    values = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    for dim in (0, 1, 2, -1):
        ours = norm_except_dim(tinygrad_edu.tensor(values), 2, dim)
        theirs = reference.norm_except_dim(reference.tensor(values), 2, dim)
        np.testing.assert_allclose(numbers(ours), numbers(theirs), rtol=1e-6)


MAPS = [
    *[
        ((n, k), name, True)
        for n, k in ((3, 3), (4, 2), (2, 4))
        for name in ("matrix_exp", "cayley", "householder")
    ],
    *[((n, k), "householder", False) for n, k in ((3, 3), (4, 2), (2, 4))],
    ((3, 5), None, True),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("sizes", "name", "trivial"), MAPS)
def test_orthogonal(reference, sizes, name, trivial):
    layers, found = [], []
    for library in (reference, tinygrad_edu):
        layer = make_layer(library, "Linear", sizes)
        library.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=name, use_trivialization=trivial)
        layers.append(layer)
    theirs, ours = layers
    weight = numbers(ours.weight)
    small = weight.T @ weight if weight.shape[0] >= weight.shape[1] else weight @ weight.T
    np.testing.assert_allclose(small, np.eye(len(small)), atol=1e-5)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    if not trivial:  # nothing of it is drawn
        np.testing.assert_allclose(weight, numbers(theirs.weight), atol=1e-5)
    moved = np.random.default_rng(2).standard_normal(weight.shape).astype(np.float32)
    moved = np.tril(moved, -1) + np.triu(moved, 1)  # the diagonal is signs for householder
    copy_state(reference, ours, theirs)
    for library, layer in ((reference, theirs), (tinygrad_edu, ours)):
        with library.no_grad():
            layer.parametrizations.weight.original.add_(library.tensor(moved * 0.3))
        found.append(run_layer(library, layer, make_inputs([(2, sizes[0])])))
        found[-1]["weight"] = numbers(layer.weight)
    assert_same(*found[::-1], rtol=1e-3, atol=1e-5)


@pytest.mark.torch_parity
def test_orthogonal_is_assigned_and_refused(reference):
    for library in (tinygrad_edu, reference):
        orthogonal = library.nn.utils.parametrizations.orthogonal
        layer = orthogonal(library.nn.Linear(3, 3))
        turned = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]], np.float32)
        layer.weight = library.tensor(turned)
        np.testing.assert_allclose(numbers(layer.weight), turned, atol=1e-6)
        with pytest.raises(ValueError, match="Expected a matrix or batch of matrices of shape"):
            layer.weight = library.ones(2, 3)
        with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
            orthogonal(library.nn.Linear(2, 2), orthogonal_map="x")
        with pytest.raises(ValueError, match="Got a tensor of 1 dimensions"):
            orthogonal(library.nn.Linear(2, 2), "bias")
        fixed = orthogonal(library.nn.Linear(2, 2), orthogonal_map="cayley", use_trivialization=False)
        with pytest.raises(NotImplementedError, match="not possible to assign"):
            fixed.weight = library.eye(2)
