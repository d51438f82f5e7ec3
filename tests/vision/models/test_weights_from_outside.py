"""The way from a file that PyTorch has written to a running network, in three lines."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu.safetensors import load_file
from tinygrad_edu.vision import models

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("files of the CPU")]

IMAGES = np.random.default_rng(0).normal(size=(2, 3, 40, 33))


@pytest.fixture
def theirs(torchvision):
    """A ResNet-18 of torchvision in float64, with weights and statistics as after a training."""
    pytorch = importlib.import_module("torch")
    pytorch.manual_seed(0)
    model = torchvision.models.resnet18(num_classes=10).double()
    for name, value in model.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(std=0.1)
        elif name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return model.eval()


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_resnet18(kind, theirs, tmp_path):
    pytorch = importlib.import_module("torch")
    path = tmp_path / f"resnet18.{kind}"
    if kind == "pth":
        pytorch.save(theirs.state_dict(), path)
    else:
        importlib.import_module("safetensors.torch").save_file(theirs.state_dict(), path)
    expected = theirs(pytorch.from_numpy(IMAGES)).detach().numpy()
    assert expected.std() > 0.1

    model = models.resnet18(num_classes=10).double()
    model.load_state_dict(torch.load(path) if kind == "pth" else load_file(path))
    scores = model.eval()(torch.tensor(IMAGES)).detach().numpy()
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-6)


def test_by_its_address(theirs, tmp_path):
    path = tmp_path / "resnet18 (1).pth"
    importlib.import_module("torch").save(theirs.state_dict(), path)
    model = models.resnet18(num_classes=10).double()
    model.load_state_dict(torch.hub.load_state_dict_from_url(path.as_uri()))
    np.testing.assert_array_equal(model.fc.bias.detach().numpy(), theirs.fc.bias.detach().numpy())
