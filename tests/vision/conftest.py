"""torchvision, with which the tests of this folder compare."""

from __future__ import annotations

import importlib
import importlib.util

import pytest


@pytest.fixture(scope="session")
def torchvision():
    """Return torchvision; the test is skipped where it is not installed."""
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed (python -m pip install torchvision)")
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:  # its compiled part is for a CUDA build of PyTorch; nothing here needs it
        return _without_compiled_part()


def _without_compiled_part():
    """Import torchvision after telling PyTorch the names of the operators for which it asks."""
    pytorch = importlib.import_module("torch")
    library = pytorch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    module = importlib.import_module("torchvision")
    module.operators_of_the_tests = library  # they go when it goes
    return module
