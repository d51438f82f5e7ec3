"""``autocast`` is off, and says so where a program wants it on."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tests.both import check

SAME_AS_PYTORCH = """
torch.autocast('cpu', enabled=False)(len) is not None
torch.autocast('cpu', enabled=False)(3)
torch.autocast(device_type='foo')
torch.autocast(3)
torch.autocast('cpu', enabled=False).__enter__() is not None
torch.autocast('cpu', torch.float16, enabled=False).fast_dtype
torch.autocast('cpu', enabled=False).fast_dtype
torch.autocast('cpu', enabled=None).fast_dtype
torch.amp.autocast('cpu', torch.float32).fast_dtype
torch.amp.is_autocast_available('cpu')
torch.amp.is_autocast_available(3)
torch.is_autocast_enabled()
torch.is_autocast_enabled('cpu')
torch.is_autocast_enabled(3)
torch.amp.custom_fwd(len, device_type='cpu') is not None
torch.amp.custom_bwd(device_type='cpu')(len) is not None
torch.amp.custom_fwd(len)
torch.amp.custom_fwd(len, device_type=3)
"""


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:autocast")
@pytest.mark.parametrize("expression", SAME_AS_PYTORCH.strip().splitlines())
def test_same_as_pytorch(expression):
    check(expression, pytest.importorskip("torch"))


@pytest.mark.parametrize("dtype", [None, torch.float16, torch.bfloat16])
def test_it_cannot_be_on(dtype):
    with pytest.raises(NotImplementedError, match=r"autocast: expected enabled=False, .* on cpu"):
        torch.autocast("cpu", dtype)


def test_where_pytorch_turns_it_off_it_may_be_written(monkeypatch):
    with pytest.warns(UserWarning, match=r"got torch\.float32\. Disabling"):
        torch.autocast("cpu", torch.float32)
    monkeypatch.setattr(torch.backend, "is_cuda_available", bool)
    for make in (torch.cuda.amp.autocast, lambda: torch.autocast("cuda", torch.bfloat16)):
        with pytest.warns(UserWarning, match="CUDA is not available"), make():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_on_a_card_it_cannot_be_on(monkeypatch):
    monkeypatch.setattr(torch.backend, "is_cuda_available", lambda: True)
    with pytest.raises(NotImplementedError, match="on cuda"):
        torch.cuda.amp.autocast()
    torch.cuda.amp.autocast(dtype=torch.float32)


def test_as_a_decorator():
    @torch.autocast("cpu", enabled=False)
    def double(x):
        return 2 * x

    assert double(torch.ones(1)).item() == 2


def test_functions_that_are_made_for_it():
    class Square(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cuda")
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @torch.cuda.amp.custom_bwd
        def backward(ctx, grad):
            return 2 * ctx.saved_tensors[0] * grad

    x = torch.tensor([3.0], requires_grad=True)
    Square.apply(x).backward()
    assert x.grad.item() == 6
