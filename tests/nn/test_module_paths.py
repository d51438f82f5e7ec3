"""PyTorch's paths of the layers' classes, and who is a subclass of whom: what ``isinstance`` in a program asks."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tinygrad_edu
from tinygrad_edu.nn import modules

pytestmark = pytest.mark.host("classes are the same on every device")

LAYERS = [
    name
    for name, found in vars(tinygrad_edu.nn).items()
    if isinstance(found, type) and issubclass(found, tinygrad_edu.nn.Module) and name != "GraphConv"
]
BASES = [
    "conv._ConvNd",
    "conv._ConvTransposeNd",
    "batchnorm._NormBase",
    "batchnorm._BatchNorm",
    "instancenorm._InstanceNorm",
    "pooling._MaxPoolNd",
    "pooling._MaxUnpoolNd",
    "pooling._AvgPoolNd",
    "pooling._LPPoolNd",
    "pooling._AdaptiveAvgPoolNd",
    "pooling._AdaptiveMaxPoolNd",
    "dropout._DropoutNd",
    "padding._ConstantPadNd",
    "padding._ReflectionPadNd",
    "padding._ReplicationPadNd",
    "padding._CircularPadNd",
    "loss._Loss",
    "rnn.RNNBase",
    "rnn.RNNCellBase",
    "lazy.LazyModuleMixin",
]


def class_of(library, path):
    module, name = path.split(".")
    return getattr(getattr(library.nn.modules, module), name)


@pytest.mark.torch_parity
@pytest.mark.parametrize("path", [*BASES, *LAYERS])
def test_subclasses_are_those_of_pytorch(reference, path):
    def base(library):
        return class_of(library, path) if "." in path else getattr(library.nn, path)

    for name in LAYERS:
        ours, theirs = [getattr(library.nn, name) for library in (tinygrad_edu, reference)]
        assert issubclass(ours, base(tinygrad_edu)) == issubclass(theirs, base(reference)), name


@pytest.mark.torch_parity
def test_every_layer_has_pytorchs_path(reference):
    for name in LAYERS:
        path = getattr(reference.nn, name).__module__
        if path.startswith("torch.nn.modules."):
            ours = importlib.import_module("tinygrad_edu" + path.removeprefix("torch"))
            assert getattr(ours, name) is getattr(tinygrad_edu.nn, name) is getattr(modules, name)


def test_the_room_holds_nothing_else():
    for info in pkgutil.iter_modules(modules.__path__):
        module = importlib.import_module(f"tinygrad_edu.nn.modules.{info.name}")
        for name, found in vars(module).items():
            if isinstance(found, type):
                assert found.__module__.startswith("tinygrad_edu.nn."), name
                assert ".modules." not in found.__module__, name
