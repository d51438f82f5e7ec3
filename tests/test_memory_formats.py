"""Memory formats: taken where PyTorch takes them, refused as it refuses them; the elements lie row after row."""

from __future__ import annotations

import copy
import pickle

import pytest

import tinygrad_edu as torch
from tests.both import check

IMAGES = "torch.arange(120.).view(2, 3, 4, 5)"
LAST = "memory_format=torch.channels_last"

SAME_AS_PYTORCH = [
    *("torch.channels_last", "torch.channels_last_3d", "torch.contiguous_format", "torch.preserve_format"),
    "isinstance(torch.channels_last, torch.memory_format)",
    "torch.channels_last == torch.contiguous_format",
    f"{IMAGES}.to({LAST})",
    f"{IMAGES}.to(torch.float64, {LAST})",
    f"{IMAGES}.cpu({LAST})",
    f"{IMAGES}.clone({LAST})",
    f"{IMAGES}.clone(memory_format=torch.preserve_format)",
    f"{IMAGES}.contiguous({LAST})",
    f"{IMAGES}.contiguous(torch.channels_last)",
    f"{IMAGES}.contiguous(memory_format=torch.channels_last_3d)",
    f"{IMAGES}.is_contiguous({LAST})",
    f"{IMAGES}.is_contiguous(memory_format=torch.preserve_format)",
    f"{IMAGES}.is_contiguous(memory_format=torch.contiguous_format)",
    f"{IMAGES}.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2).is_contiguous({LAST})",
    "torch.ones(2, 4, 5, 6, 3).permute(0, 4, 1, 2, 3).is_contiguous(memory_format=torch.channels_last_3d)",
    f"torch.ones(2, 1, 4, 5).is_contiguous({LAST})",
    f"torch.ones(2, 3, 1, 1).is_contiguous({LAST})",
    f"torch.ones(0, 3, 4, 5).is_contiguous({LAST})",
    f"torch.ones(2, 3).is_contiguous({LAST})",
    f"torch.zeros_like({IMAGES}, {LAST})",
    f"torch.ones_like({IMAGES}, {LAST})",
    f"torch.full_like({IMAGES}, 3, {LAST})",
    f"torch.empty_like({IMAGES}, {LAST}).shape",
    f"torch.rand_like({IMAGES}, {LAST}).shape",
    f"torch.randn_like({IMAGES}, {LAST}).shape",
    f"torch.randint_like({IMAGES}, 3, {LAST}).shape",
    f"torch.empty(2, 3, 4, 5, {LAST}).shape",
    f"{IMAGES}.resize_(1, 3, 2, 2, {LAST}).shape",
    "torch.zeros_like(torch.ones(2, 3), memory_format=torch.preserve_format)",
    f"torch.zeros_like(torch.ones(2, 3), {LAST})",
    f"torch.ones(2, 3).to({LAST})",
    f"torch.ones(2, 3).clone({LAST})",
    f"torch.empty(2, 3, {LAST})",
    "torch.ones(2).clone(memory_format='channels_last')",
    "torch.ones(2).to(memory_format=1)",
    f"torch.nn.Linear(2, 3).to({LAST}).weight.shape",
    f"torch.nn.Conv2d(2, 3, 1).to(torch.float64, {LAST}).weight.dtype",
    "torch.nn.Linear(2, 3).to(memory_format=3)",
]

APART = "torch.arange(24.).view(2, 3, 4).permute(2, 0, 1)"
SAME_AS_PYTORCH += [  # so that view() can follow; the inputs lie apart, or in another order
    f"torch.cat([{APART}, {APART} * 2], 0).view(-1)",
    f"torch.cat([{APART}, {APART} * 2], -1).view(-1)",
    f"torch.cat([{APART}, torch.zeros(4, 2, 1)], 2).is_contiguous()",
    f"torch.stack([{APART}, {APART} * 2], 1).view(-1)",
    f"{APART}.roll(1, 0).view(-1)",
    f"{APART}.cumsum(0).view(-1)",
    f"torch.hstack([{APART}, {APART} * 2]).view(-1)",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


def test_elements_lie_row_after_row():
    images = torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert images.is_contiguous()
    assert not images.is_contiguous(memory_format=torch.channels_last)


def test_a_copy_is_the_format_itself():
    assert pickle.loads(pickle.dumps(torch.channels_last)) is torch.channels_last
    assert copy.deepcopy(torch.channels_last) is torch.channels_last
