"""Questions about tensors."""

from __future__ import annotations

import pytest

from tests.both import check

SAME_AS_PYTORCH = [
    "torch.is_tensor(torch.ones(1))",
    "torch.is_tensor(1)",
    "torch.is_floating_point(torch.ones(1))",
    "torch.is_complex(torch.ones(1))",
    "torch.numel(torch.ones(2, 3))",
    "torch.is_nonzero(torch.tensor(1))",
    "torch.detach(torch.ones(2, requires_grad=True))",
]


@pytest.mark.torch_parity
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH)
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))
