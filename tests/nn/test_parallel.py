from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn


@pytest.mark.parametrize(
    "options", [{}, {"device_ids": [0]}, {"device_ids": [0, 1], "output_device": 0, "dim": 1}]
)
def test_it_calls_the_module(options):
    model = nn.Linear(2, 3)
    parallel = nn.DataParallel(model, **options)
    assert parallel.module is model
    assert torch.equal(parallel(torch.ones(4, 2)), model(input=torch.ones(4, 2)))
    assert torch.equal(parallel(input=torch.ones(4, 2)), model(torch.ones(4, 2)))
    assert list(parallel.state_dict()) == ["module.weight", "module.bias"]


def test_what_cannot_be_called_is_named():
    with pytest.raises(TypeError, match="argument 'module' must be Module, not list"):
        nn.DataParallel([])


@pytest.mark.torch_parity
def test_its_text_is_pytorchs():
    import torch as pytorch

    ours, theirs = (p.nn.DataParallel(p.nn.Linear(2, 3)) for p in (torch, pytorch))
    assert repr(ours) == repr(theirs)
