"""Small modules that programs import: torch.hub, torch.version, torch.types."""

from __future__ import annotations

import hashlib

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


def test_hub_loads_files(tmp_path):
    path = tmp_path / "a model-0123.pth"
    torch.save({"weight": torch.arange(3)}, path)
    state = torch.hub.load_state_dict_from_url(path.as_uri(), map_location="cpu", progress=False)
    assert state["weight"].tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match='invalid hash value .expected "0123", got "[0-9a-f]{64}"'):
        torch.hub.load_state_dict_from_url(path.as_uri(), check_hash=True)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path = path.rename(tmp_path / f"model-{digest[:8]}.pth")
    assert torch.hub.load_state_dict_from_url(path.as_uri(), check_hash=True)["weight"].tolist() == [0, 1, 2]
    with pytest.raises(FileNotFoundError):
        torch.hub.load_state_dict_from_url((tmp_path / "nothing.pth").as_uri())


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
