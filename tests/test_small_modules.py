"""Small modules that programs import: torch.hub, torch.version, torch.types."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("load", ("pytorch/vision", "resnet18")),
        ("load_state_dict_from_url", ("https://example.org/weights.pth",)),
        ("download_url_to_file", ("https://example.org/weights.pth", "weights.pth")),
    ],
)
def test_hub_says_that_it_is_not_there(name, arguments):
    with pytest.raises(NotImplementedError, match=f"torch.hub.{name}: nothing is loaded from the network"):
        getattr(torch.hub, name)(*arguments)


def test_version():
    assert torch.version.__version__ == torch.__version__
    assert torch.version.cuda is None
    assert torch.version.hip is None


def test_types():
    from tinygrad_edu.types import Device, FileLike, Number

    assert isinstance(3, Number)
    assert isinstance(torch.device("cpu"), Device)
    assert FileLike
    assert torch.types.Tensor is torch.Tensor
