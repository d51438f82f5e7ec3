"""Lazy layers: shapes found at the first call, states before and after it, and what cannot be done before."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest

import tinygrad_edu
from tests.both import check
from tests.nn.parity import assert_same, copy_state, make_inputs, run_layer
from tinygrad_edu.nn.parameter import UninitializedParameter, is_lazy

LAYERS = [
    ("LazyLinear", (3,), {}, (2, 4)),
    ("LazyLinear", (3, False), {}, (2, 5, 4)),
    ("LazyConv1d", (4, 3), {"padding": 1}, (2, 3, 6)),
    ("LazyConv2d", (4, 3), {"groups": 2, "padding_mode": "reflect", "padding": 1}, (2, 2, 6, 6)),
    ("LazyConv2d", (4, 3), {"bias": False}, (3, 6, 6)),
    ("LazyConv3d", (2, 2), {"stride": 2}, (1, 3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {"output_padding": 1, "stride": 2}, (2, 3, 5)),
    ("LazyConvTranspose2d", (4, 3), {"groups": 2}, (2, 2, 4, 4)),
    ("LazyConvTranspose3d", (2, 2), {"bias": False}, (1, 3, 2, 2, 2)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (), {"bias": False, "momentum": None}, (2, 3, 4, 4)),
    ("LazyBatchNorm3d", (), {"affine": False}, (2, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 4)),
    ("LazyInstanceNorm2d", (), {"track_running_stats": False}, (2, 3, 4, 4)),
    ("LazyInstanceNorm3d", (), {"affine": False}, (2, 3, 2, 2, 2)),
]


@pytest.mark.torch_parity
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_parity(reference, name, args, kwargs, shape):
    arrays = make_inputs([shape])
    theirs = getattr(reference.nn, name)(*args, **kwargs)
    ours = getattr(tinygrad_edu.nn, name)(*args, **kwargs)
    assert repr(ours) == repr(theirs)
    kinds = [{k: type(v).__name__ for k, v in m.state_dict().items()} for m in (ours, theirs)]
    assert kinds[0] == kinds[1]
    ours.eval()(tinygrad_edu.tensor(arrays[0]))
    theirs.eval()(reference.tensor(arrays[0]))
    assert repr(ours.train()) == repr(theirs.train())
    assert type(ours) is getattr(tinygrad_edu.nn, name.removeprefix("Lazy"))
    copy_state(reference, ours, theirs)
    assert_same(run_layer(tinygrad_edu, ours, arrays), run_layer(reference, theirs, arrays), 1e-4, 1e-5)


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_first_values_are_those_of_the_plain_layer(name, args, kwargs, shape):
    lazy = getattr(tinygrad_edu.nn, name)(*args, **kwargs)
    tinygrad_edu.manual_seed(3)
    lazy.eval()(tinygrad_edu.ones(shape))
    tinygrad_edu.manual_seed(3)
    lazy.reset_parameters()
    for parameter in lazy.parameters():
        assert np.isfinite(parameter.numpy(force=True)).all()
    bounds = [abs(p.numpy(force=True)).max() for p in lazy.parameters()]
    assert all(bound <= 1 for bound in bounds)


EXPRESSIONS = [
    "torch.nn.LazyLinear(3).weight.shape",
    "torch.nn.LazyLinear(3).weight + 1",
    "torch.nn.LazyLinear(3).weight.numel()",
    "torch.nn.LazyLinear(3).weight.dtype",
    "torch.nn.LazyLinear(3).half().weight.dtype",
    "torch.nn.LazyLinear(3, dtype=torch.float64)(torch.ones(2, 2).double()).dtype",
    "torch.nn.LazyLinear(3).double()(torch.ones(2, 2).double()).dtype",
    "torch.nn.LazyLinear(3).weight.requires_grad",
    "torch.nn.LazyLinear(3).weight.data",
    "torch.nn.init.uniform_(torch.nn.LazyLinear(3).weight)",
    "torch.nn.Linear(2, 3).load_state_dict(torch.nn.LazyLinear(3).state_dict())",
    "torch.nn.LazyLinear(3).load_state_dict(torch.nn.LazyLinear(3).state_dict())",
    "torch.nn.LazyLinear(3).load_state_dict(torch.nn.Linear(2, 3).state_dict())",
    "torch.nn.LazyLinear(3).load_state_dict(torch.nn.Linear(2, 4).state_dict())",
    "torch.nn.LazyConv2d(3, 2)(torch.ones(3))",
    "torch.nn.LazyConv2d(4, 2, groups=2)(torch.ones(1, 3, 4, 4))",
    "torch.nn.LazyBatchNorm2d()(torch.ones(1, 3, 4))",
    "torch.nn.LazyInstanceNorm2d(affine=False)(torch.ones(1, 3, 4, 4))",
    "torch.nn.UninitializedBuffer().requires_grad",
    "torch.nn.Parameter(torch.nn.UninitializedParameter())",
    "list(torch.nn.Sequential(torch.nn.LazyLinear(2)).named_parameters())",
    "torch.nn.Buffer(torch.ones(2)) + 1",
    "torch.nn.Buffer()",
]


@pytest.mark.torch_parity
@pytest.mark.host("expressions make tensors in host memory")
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_like_pytorch(expression, reference):
    check(expression, reference)


def test_an_optimizer_may_hold_a_parameter_before_it_has_a_shape():
    layer = tinygrad_edu.nn.LazyLinear(1)
    optimizer = tinygrad_edu.optim.SGD(layer.parameters(), lr=0.5)
    optimizer.step()  # there is no gradient, so nothing is done
    layer(tinygrad_edu.ones(1, 2)).sum().backward()
    before = layer.weight.detach().clone()
    optimizer.step()
    np.testing.assert_allclose(layer.weight.numpy(force=True), (before - 0.5).numpy(force=True))


def test_a_state_gives_shapes_and_the_first_call_checks_them():
    plain, lazy = tinygrad_edu.nn.Linear(2, 3), tinygrad_edu.nn.LazyLinear(3)
    lazy.load_state_dict(plain.state_dict())
    assert repr(lazy) == "LazyLinear(in_features=0, out_features=3, bias=True)"
    with pytest.raises(AssertionError, match="inferred from input: 5 is not equal to in_features .*: 2"):
        lazy(tinygrad_edu.ones(1, 5))
    assert (lazy(tinygrad_edu.ones(1, 2)) == plain(tinygrad_edu.ones(1, 2))).all()
    assert repr(lazy) == repr(plain)


@pytest.mark.host("a file is written")
def test_copies_and_files():
    model = tinygrad_edu.nn.Sequential(tinygrad_edu.nn.LazyConv1d(2, 3), tinygrad_edu.nn.LazyBatchNorm1d())
    file = io.BytesIO()
    tinygrad_edu.save(model.state_dict(), file)
    file.seek(0)
    state = tinygrad_edu.load(file)
    assert repr(state) == repr(model.state_dict())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        twin.load_state_dict(state)
        assert twin(tinygrad_edu.ones(2, 4, 5)).shape == (2, 2, 3)
        assert not any(is_lazy(p) for p in twin.parameters())
    assert all(is_lazy(p) for p in model.parameters())


def test_a_layer_of_ones_own():
    class Scale(tinygrad_edu.nn.lazy.LazyModuleMixin):
        def __init__(self):
            super().__init__()
            self.weight = UninitializedParameter()

        def initialize_parameters(self, x):
            self.weight.materialize(x.shape[1:])
            self.weight.data.fill_(2.0)

        def forward(self, x):
            return x * self.weight

    class Forgetful(Scale):
        def initialize_parameters(self, x):
            pass

    scale = Scale()
    assert scale(tinygrad_edu.ones(2, 3)).sum().item() == 12.0
    assert type(scale) is Scale
    assert not scale._has_hooks()
    with pytest.raises(RuntimeError, match="module Forgetful has not been fully initialized"):
        Forgetful()(tinygrad_edu.ones(2, 3))
    with pytest.raises(NotImplementedError, match="initialize_parameters is not implemented for LazyModule"):
        tinygrad_edu.nn.lazy.LazyModuleMixin()(1)


def test_a_buffer_is_filed():
    layer = tinygrad_edu.nn.Linear(2, 1)
    layer.seen = tinygrad_edu.nn.Buffer(tinygrad_edu.zeros(2))
    layer.scratch = tinygrad_edu.nn.Buffer(tinygrad_edu.zeros(2), persistent=False)
    assert [name for name, _ in layer.named_buffers()] == ["seen", "scratch"]
    assert list(layer.state_dict()) == ["weight", "bias", "seen"]
    layer.bias = tinygrad_edu.nn.Buffer(tinygrad_edu.zeros(1))
    assert list(layer.state_dict()) == ["weight", "seen", "bias"]
