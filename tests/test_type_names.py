"""Tensors, modules and the like of another library: the error says whose they are, and which import was forgotten.

Tried with a class that calls itself torch's Tensor, and with the real one.
"""

from __future__ import annotations

import importlib
import inspect
import re

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array
from tests.names import listed
from tests.ops.op_table import TABLE
from tests.ops.samples import Call
from tinygrad_edu import nn, ops
from tinygrad_edu.nn import functional as F
from tinygrad_edu.type_names import other_library, type_name
from tinygrad_edu.utils import data
from tinygrad_edu.vision import transforms

HINT = re.escape("is there still an `import torch` or `from torch import ...` in this program?")


class Pretended:
    """An array that looks like a Tensor of another library."""

    def __init__(self, array):
        self.values = np.asarray(array)
        self.shape, self.ndim = self.values.shape, self.values.ndim
        self.dtype = type("dtype", (), {"__module__": "torch"})()
        self.requires_grad, self.is_leaf, self.grad, self.grad_fn = True, True, None, None

    def __array__(self, dtype=None, copy=None):
        return self.values

    def __len__(self):
        return len(self.values)

    def __getitem__(self, index):
        return type(self)(self.values[index])

    def is_floating_point(self):
        return True

    def numel(self):
        return self.values.size


class LikeTorch:
    """The part of PyTorch that the tests here use."""

    Tensor = type("Tensor", (Pretended,), {"__module__": "torch"})
    Parameter = type("Parameter", (Tensor,), {"__module__": "torch.nn.parameter"})
    Module = type("Module", (), {"__module__": "torch.nn.modules.module"})
    Linear = type("Linear", (Module,), {"__module__": "torch.nn.modules.linear"})
    Optimizer = type("Optimizer", (), {"__module__": "torch.optim.optimizer"})
    Generator = type("Generator", (), {"__module__": "torch._C"})
    device = type("device", (), {"__module__": "torch"})

    tensor = Tensor
    parameter = Parameter

    def linear(self):
        return self.Linear()

    def optimizer(self):
        return self.Optimizer()

    def cpu(self):
        return self.device()


class RealTorch:
    """The same of the real one."""

    def __init__(self):
        self.torch = importlib.import_module("torch")
        self.Generator = self.torch.Generator

    def tensor(self, array):
        return self.torch.tensor(array)

    def parameter(self, array):
        return self.torch.nn.Parameter(self.torch.tensor(array))

    def linear(self):
        return self.torch.nn.Linear(3, 2)

    def optimizer(self):
        return self.torch.optim.SGD(self.linear().parameters(), lr=0.1)

    def cpu(self):
        return self.torch.device("cpu")


@pytest.fixture(params=["pretended", pytest.param("real", marks=pytest.mark.torch_parity)])
def other(request):
    return LikeTorch() if request.param == "pretended" else RealTorch()


ONES = np.ones((2, 3), np.float32)
WHOLE = np.ones((2, 3), np.int64)


def x():
    return torch.ones(2, 3)


def w():
    return torch.ones(2, 3, requires_grad=True)


def set_attribute(target, name, value):
    setattr(target, name, value)


class Samples(data.Dataset):
    def __init__(self, sample):
        self.sample = sample

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return self.sample


# What is done with t, a tensor of another library; x() and w() are ours.
WITH_TENSOR = {
    "x + t": lambda t: x() + t,
    "x * t": lambda t: x() * t,
    "x / t": lambda t: x() / t,
    "x ** t": lambda t: x() ** t,
    "x == t": lambda t: x() == t,
    "x < t": lambda t: x() < t,
    "x @ t": lambda t: x() @ t,
    "x += t": lambda t: x().__iadd__(t),
    "t + x": lambda t: x().__radd__(t),
    "t @ x": lambda t: x().__rmatmul__(t),
    "x[t]": lambda t: x()[t],
    "x[0] = t": lambda t: x().__setitem__(0, t),
    "x.copy_": lambda t: x().copy_(t),
    "x.to": lambda t: x().to(t),
    "tensor": torch.tensor,
    "tensor of a list": lambda t: torch.tensor([t, t]),
    "as_tensor": torch.as_tensor,
    "from_numpy": torch.from_numpy,
    "Tensor": torch.Tensor,
    "full": lambda t: torch.full((2,), t),
    "zeros_like": torch.zeros_like,
    "randn_like": torch.randn_like,
    "meshgrid": lambda t: torch.meshgrid(t, t),
    "result_type": lambda t: torch.result_type(x(), t),
    "bernoulli": torch.bernoulli,
    "multinomial": lambda t: torch.multinomial(t, 1),
    "normal": lambda t: torch.normal(t, t),
    "Linear": lambda t: nn.Linear(3, 2)(t),
    "BatchNorm1d": lambda t: nn.BatchNorm1d(3)(t),
    "Sequential": lambda t: nn.Sequential(nn.Flatten(), nn.ReLU())(t),
    "MSELoss input": lambda t: nn.MSELoss()(t, x()),
    "MSELoss target": lambda t: nn.MSELoss()(x(), t),
    "CrossEntropyLoss": lambda t: nn.CrossEntropyLoss()(x(), t),
    "init": nn.init.normal_,
    "init.kaiming": nn.init.kaiming_uniform_,
    "init.eye": nn.init.eye_,
    "Parameter": nn.Parameter,
    "ParameterList": lambda t: nn.ParameterList([t]),
    "register_buffer": lambda t: nn.Identity().register_buffer("b", t),
    "load_state_dict": lambda t: nn.Linear(3, 2).load_state_dict({"weight": t, "bias": t}),
    "weight of a layer": lambda t: set_attribute(nn.Linear(3, 2), "weight", t),
    "grad": lambda t: set_attribute(w(), "grad", t),
    "data": lambda t: set_attribute(w(), "data", t),
    "backward": lambda t: (w() * 2).backward(t),
    "autograd.grad": lambda t: torch.autograd.grad((w() * 2).sum(), t),
    "gradcheck": lambda t: torch.autograd.gradcheck(torch.relu, t),
    "default_collate": lambda t: data.default_collate([t, t]),
    "DataLoader": lambda t: next(iter(data.DataLoader(Samples((t, 1)), batch_size=2))),
    "TensorDataset": data.TensorDataset,
    "ToTensor": transforms.ToTensor(),
    "Normalize": transforms.Normalize((0.1,), (0.1,)),
}

WITH_PARAMETER = {
    "SGD": lambda p: torch.optim.SGD([p], lr=0.1),
    "Adam with names": lambda p: torch.optim.Adam([("weight", p)], lr=0.1),
    "a group": lambda p: torch.optim.SGD([{"params": [p]}], lr=0.1),
    "clip_grad_norm_": lambda p: nn.utils.clip_grad_norm_([p], 1.0),
    "clip_grad_value_": lambda p: nn.utils.clip_grad_value_([p], 1.0),
    "parameters_to_vector": lambda p: nn.utils.parameters_to_vector([p]),
    "register_parameter": lambda p: nn.Identity().register_parameter("p", p),
}

WITH_MODULE = {
    "Sequential": nn.Sequential,
    "ModuleList": lambda m: nn.ModuleList([m]),
    "ModuleDict": lambda m: nn.ModuleDict({"m": m}),
    "add_module": lambda m: nn.Identity().add_module("m", m),
}


@pytest.mark.parametrize("name", WITH_TENSOR)
def test_tensors(other, name):
    with pytest.raises(RuntimeError if name == "load_state_dict" else TypeError, match=HINT):
        WITH_TENSOR[name](other.tensor(WHOLE if "[t]" in name else ONES))


@pytest.mark.parametrize("name", WITH_PARAMETER)
def test_parameters(other, name):
    with pytest.raises(TypeError, match=HINT):
        WITH_PARAMETER[name](other.parameter(ONES))


@pytest.mark.parametrize("name", WITH_MODULE)
def test_modules(other, name):
    with pytest.raises(TypeError, match=HINT):
        WITH_MODULE[name](other.linear())


def test_what_else_there_is(other):
    with pytest.raises(TypeError, match=HINT):
        torch.rand(2, generator=other.Generator())
    with pytest.raises(TypeError, match=HINT):
        torch.zeros(2, device=other.cpu())
    with pytest.raises(TypeError, match=HINT):
        torch.optim.lr_scheduler.StepLR(other.optimizer(), 1)


def arrays_made(sample):
    """Return how many arrays a call takes."""
    made = []
    Call(sample, lambda array, grad: made.append(array))
    return len(made)


# What the methods of Tensor call, with Tensors alone.
INTERNAL = ["SetItem", "cast", "copy_of", "full_of", "move"]
# Their rows make a matrix of the kind that they want from any other, before they are called.
PREPARED = ["logdet", "cholesky", "linalg.cholesky", "linalg.cholesky_ex", "linalg.eigh", "linalg.eigvalsh"]
PREPARED += ["linalg.ldl_solve"]
PUBLIC = [entry for entry in TABLE if entry.name not in [*INTERNAL, *PREPARED]]


@pytest.mark.parametrize("entry", PUBLIC, ids=lambda entry: entry.name)
def test_every_operand_of_every_operation(other, entry):
    """The operations of the table, with one operand after the other from the other library."""
    sample = entry.samples[0]
    function = entry.call or getattr(ops, entry.name)
    for place in range(arrays_made(sample)):
        made = []

        def make(array, grad, made=made, place=place):
            made.append(array)
            return other.tensor(array) if len(made) == place + 1 else tensor_from_array(array)

        with pytest.raises(TypeError, match=HINT):
            Call(sample, make).run(function)


@pytest.mark.torch_parity
def test_our_tensors_beside_real_ones():
    """PyTorch leaves the operators to us."""
    t = RealTorch().tensor(ONES)
    for program in (lambda: t + x(), lambda: t * x(), lambda: t @ x(), lambda: t == x()):
        with pytest.raises(TypeError, match=HINT):
            program()


def test_whose_it_is():
    for kind, library in (
        ("tinygrad.tensor.Tensor", "tinygrad"),
        ("jaxlib._jax.Array", "jax"),
        ("tensorflow.python.framework.ops.Tensor", "tensorflow"),
        ("torch.nn.modules.module.Module", "torch"),
    ):
        module, _, name = kind.rpartition(".")
        stranger = type(name, (), {"__module__": module})
        assert other_library(stranger()) == library
        # A class of the user's own that was derived from it.
        assert other_library(type("Net", (stranger,), {"__module__": "__main__"})()) == library
        with pytest.raises(TypeError, match=f"is there still an `import {library}`"):
            F.relu(stranger())
    for value in (
        1,
        "text",
        [x()],
        np.ones(3),
        np.float32(1),
        x(),
        nn.Linear(1, 1),
        torch.float32,
        np.dtype("f4"),
    ):
        assert other_library(value) is None


def test_a_numpy_array_is_told_from_a_tensor():
    assert type_name(ONES) == "numpy.ndarray (torch.from_numpy makes a Tensor of it)"
    with pytest.raises(
        TypeError, match=re.escape("must be Tensor, not numpy.ndarray (torch.from_numpy makes a Tensor")
    ):
        torch.relu(ONES)


@pytest.mark.parametrize("module", [torch, F], ids=["torch", "functional"])
def test_signatures_speak_of_tensors(module):
    """What help() shows: an operation takes and gives Tensors, whatever it computes with."""
    functions = [(name, getattr(module, name)) for name in listed(module)]
    shown = {name: str(inspect.signature(f)) for name, f in functions if inspect.isfunction(f)}
    assert [f"{name}{text}" for name, text in shown.items() if re.search(r"\bArray\b", text)] == []
    assert len(shown) > 50
