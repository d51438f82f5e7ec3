"""``autocast``: which functions compute in half precision, which in float32, and training with it, as in PyTorch."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.both import check
from tests.nn.parity import copy_state

SAME_AS_PYTORCH = """
torch.autocast('cpu', enabled=False)(len) is not None
torch.autocast('cpu', enabled=False)(3)
torch.autocast(device_type='foo')
torch.autocast(3)
torch.autocast('cpu', torch.float16, enabled=False).fast_dtype
torch.autocast('cpu').fast_dtype
torch.autocast('cpu', enabled=None).fast_dtype
torch.amp.autocast('cpu', torch.float32).fast_dtype
torch.amp.is_autocast_available('cpu')
torch.amp.is_autocast_available(3)
torch.is_autocast_enabled()
torch.is_autocast_enabled('cpu')
torch.is_autocast_enabled(3)
torch.get_autocast_dtype('cpu'), torch.get_autocast_dtype('cuda')
torch.get_autocast_dtype(3)
torch.get_autocast_dtype('foo')
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


# Calls in which x(...) makes a tensor of the dtype that is tried.
CALLS = """
torch.linalg.inv(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.cholesky(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.svdvals(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.eigvalsh(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.cond(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.matrix_rank(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.inv_ex(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))[0]
torch.linalg.cholesky_ex(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))[0]
torch.linalg.qr(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))[1].abs()
torch.linalg.svd(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))[1].abs()
torch.linalg.eigh(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype)).eigenvalues
torch.linalg.eigvals(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype)).abs().sum()
torch.linalg.solve(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype), x(3))
torch.linalg.lstsq(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype), x(3, 1)).solution
torch.inverse(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.pinverse(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.cholesky_solve(x(3, 1), x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))
torch.linalg.tensorsolve(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype), x(3))
torch.lu(x(3, 3) + 4 * torch.eye(3).to(x(1).dtype))[0]
F.linear(x(2, 3), x(4, 3), x(4))
F.linear(x(2, 3), x(4, 3))
x(2, 3) @ x(3, 2)
torch.matmul(x(2, 3), x(3))
torch.mm(x(2, 3), x(3, 2))
torch.bmm(x(2, 3, 3), x(2, 3, 3))
torch.mv(x(3, 3), x(3))
torch.dot(x(3), x(3))
torch.outer(x(3), x(3))
torch.addmm(x(2, 2), x(2, 3), x(3, 2))
torch.addmv(x(3), x(3, 3), x(3))
torch.addbmm(x(3, 3), x(2, 3, 3), x(2, 3, 3))
torch.baddbmm(x(2, 3, 3), x(2, 3, 3), x(2, 3, 3))
torch.einsum('ij,jk->ik', x(2, 3), x(3, 2))
torch.tensordot(x(3, 3), x(3, 3), 1)
torch.chain_matmul(x(2, 3), x(3, 2))
F.bilinear(x(2, 3), x(2, 3), x(2, 3, 3))
F.conv1d(x(1, 2, 4), x(1, 2, 2))
F.conv2d(x(1, 2, 4, 4), x(1, 2, 2, 2), x(1))
F.conv3d(x(1, 2, 3, 3, 3), x(1, 2, 2, 2, 2))
F.conv_transpose1d(x(1, 2, 4), x(2, 1, 2))
F.conv_transpose2d(x(1, 2, 4, 4), x(2, 1, 2, 2))
F.conv_transpose3d(x(1, 2, 3, 3, 3), x(2, 1, 2, 2, 2))
F.prelu(x(2, 3), x(3))
F.scaled_dot_product_attention(x(2, 3, 4), x(2, 3, 4), x(2, 3, 4))
F.embedding(torch.tensor([0]), x(2, 3))
F.layer_norm(x(2, 3), (3,))
F.group_norm(x(1, 2, 4), 1)
F.softmax(x(2, 3), 0)
F.log_softmax(x(2, 3), 0)
F.gelu(x(3))
F.relu(x(3))
torch.exp(x(3))
x(2, 3).sum()
x(2, 3).mean()
x(2, 3).norm()
x(2, 3).prod()
x(2, 3).prod(0)
x(2, 3).cumsum(0)
torch.trace(x(3, 3))
torch.cdist(x(2, 3), x(2, 3))
x(3) ** 2
F.mse_loss(x(2, 3), x(2, 3))
F.l1_loss(x(2, 3), x(2, 3))
F.smooth_l1_loss(x(2, 3), x(2, 3))
F.huber_loss(x(2, 3), x(2, 3))
F.cross_entropy(x(2, 3), torch.tensor([0, 1]))
F.nll_loss(x(2, 3), torch.tensor([0, 1]))
F.kl_div(x(2, 3), x(2, 3))
F.binary_cross_entropy(x(2, 3) * 0.25, x(2, 3) * 0.25)
F.binary_cross_entropy_with_logits(x(2, 3), x(2, 3))
F.cosine_embedding_loss(x(2, 3), x(2, 3), torch.ones(2))
F.hinge_embedding_loss(x(2, 3), x(2, 3))
F.poisson_nll_loss(x(2, 3), x(2, 3))
F.gaussian_nll_loss(x(2, 3), x(2, 3), x(2, 3))
F.margin_ranking_loss(x(3), x(3), torch.ones(3))
F.soft_margin_loss(x(2, 3), x(2, 3))
F.triplet_margin_loss(x(2, 3), x(2, 3), x(2, 3))
F.multi_margin_loss(x(2, 3), torch.tensor([0, 1]))
F.multilabel_margin_loss(x(2, 3), torch.zeros(2, 3, dtype=torch.int64))
F.multilabel_soft_margin_loss(x(2, 3), x(2, 3))
F.ctc_loss(x(4, 1, 3), torch.tensor([[1]]), torch.tensor([4]), torch.tensor([1]))
F.pairwise_distance(x(2, 3), x(2, 3))
F.cosine_similarity(x(2, 3), x(2, 3))
torch.cat([x(2), torch.ones(2)])
torch.stack([x(2), torch.ones(2)])
F.pad(x(1, 2, 4, 4), (1, 1))
F.avg_pool2d(x(1, 2, 4, 4), 2)
F.avg_pool3d(x(1, 2, 4, 4, 4), 2)
F.max_pool2d(x(1, 2, 4, 4), 2)
F.max_pool3d(x(1, 2, 4, 4, 4), 2)
F.adaptive_avg_pool3d(x(1, 2, 4, 4, 4), 2)
F.adaptive_max_pool3d(x(1, 2, 4, 4, 4), 2)
F.interpolate(x(1, 2, 4, 4), scale_factor=2, mode='bilinear')
F.grid_sample(x(1, 2, 4, 4), x(1, 2, 2, 2), align_corners=False)
torch.quantile(x(3), 0.5)
torch.fft.rfft(x(4)).abs()
torch.fft.fft2(x(4, 2)).real
torch.fft.irfftn(x(4, 3))
torch.fft.hfft(x(3))
x(3) + torch.ones(3)
torch.nn.MultiheadAttention(4, 2)(x(3, 2, 4), x(3, 2, 4), x(3, 2, 4))[0].detach() * 0
"""


def outcome(library, call, dtype, fast_dtype):
    """Return the dtype and the numbers of a result under autocast, or the error's class."""

    def x(*shape):
        numbers = np.random.default_rng(len(shape)).uniform(0.5, 1.5, shape)
        return library.tensor(numbers.tolist(), dtype=getattr(library, dtype))

    with warnings.catch_warnings(), library.autocast("cpu", getattr(library, fast_dtype)):
        warnings.simplefilter("ignore")
        result = eval(call, {"torch": library, "F": library.nn.functional, "x": x})
    return str(result.dtype), np.array(result.float().tolist())


@pytest.mark.torch_parity
@pytest.mark.host("autocast of the CPU")
@pytest.mark.parametrize("fast_dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
@pytest.mark.parametrize("call", CALLS.strip().splitlines())
def test_dtypes_and_values(call, dtype, fast_dtype):
    reference = pytest.importorskip("torch")
    if "MultiheadAttention" in call and dtype != "float32":
        pytest.skip("its parameters are of float32")
    try:
        expected = outcome(reference, call, dtype, fast_dtype)
    except (RuntimeError, NotImplementedError):
        pytest.skip("PyTorch's CPU cannot")
    found = outcome(torch, call, dtype, fast_dtype)
    assert found[0] == expected[0]
    np.testing.assert_allclose(found[1], expected[1], rtol=3e-2, atol=3e-2)


@pytest.mark.host("autocast of the CPU")
def test_on_and_off_and_on_again():
    a = torch.ones(2, 2)

    def now():
        return torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), (a @ a).dtype

    off = (False, torch.bfloat16, torch.float32)
    assert now() == off
    with torch.autocast("cpu"):
        assert now() == (True, torch.bfloat16, torch.bfloat16)
        with torch.autocast("cpu", torch.float16):
            assert now() == (True, torch.float16, torch.float16)
            with torch.autocast("cpu", enabled=False):
                assert now()[::2] == off[::2]
        assert now() == (True, torch.bfloat16, torch.bfloat16)
        with pytest.raises(RuntimeError):
            a @ torch.ones(3)
        assert torch.is_autocast_enabled("cpu")
    assert now() == off


@pytest.mark.host("autocast of the CPU")
def test_as_a_decorator():
    @torch.autocast("cpu")
    def square(x):
        return x @ x

    assert square(torch.ones(2, 2)).dtype is torch.bfloat16
    assert square.__name__ == "square"
    assert not torch.is_autocast_enabled("cpu")


def test_where_pytorch_turns_it_off(monkeypatch):
    with pytest.warns(UserWarning, match=r"got torch\.float32\. Disabling"):
        torch.autocast("cpu", torch.float32)
    monkeypatch.setattr(torch.cuda_availability, "is_cuda_available", bool)
    for make in (lambda: torch.autocast("cuda"), lambda: torch.autocast("cuda", torch.bfloat16)):
        with pytest.warns(UserWarning, match="CUDA is not available"), make():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype is torch.float32


def test_a_card_has_no_bfloat16(monkeypatch):
    monkeypatch.setattr(torch.cuda_availability, "is_cuda_available", lambda: True)
    with pytest.raises(NotImplementedError, match="expected float16 on cuda"):
        torch.autocast("cuda", torch.bfloat16)
    with pytest.warns(FutureWarning, match=r"`torch\.cuda\.amp\.autocast\(args\.\.\.\)` is deprecated"):
        assert torch.cuda.amp.autocast().fast_dtype is torch.float16


@pytest.mark.host("autocast of the CPU")
@pytest.mark.parametrize("cast_inputs", [None, torch.float32])
def test_functions_that_are_made_for_it(cast_inputs):
    seen = []

    class Product(torch.autograd.Function):
        @staticmethod
        @torch.amp.custom_fwd(device_type="cpu", cast_inputs=cast_inputs)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            seen.append(("forward", torch.is_autocast_enabled("cpu"), x.dtype))
            return x @ x

        @staticmethod
        @torch.amp.custom_bwd(device_type="cpu")
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            seen.append(("backward", torch.is_autocast_enabled("cpu"), grad.dtype))
            return (grad @ x.T + x.T @ grad).to(x.dtype)

    x = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        y = Product.apply(x)
    y.sum().backward()
    on, dtype = (True, torch.bfloat16) if cast_inputs is None else (False, torch.float32)
    assert seen == [("forward", on, torch.float32), ("backward", on, dtype)]
    assert x.grad.dtype is torch.float32
    assert x.grad.tolist() == [[4, 4], [4, 4]]


@pytest.mark.host("autocast of the CPU")
@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"])
def test_recurrent_layers_take_what_a_linear_layer_gives(name):
    first, layer = torch.nn.Linear(3, 3), getattr(torch.nn, name)(3, 3)
    x = torch.ones(2, 3, requires_grad=True)
    with torch.autocast("cpu"):
        result = layer(first(x))
    while isinstance(result, tuple):
        result = result[0]
    assert result.dtype is torch.bfloat16
    result.sum().backward()
    assert {p.grad.dtype for p in (x, *first.parameters(), *layer.parameters())} == {torch.float32}


@pytest.mark.host("autocast of the CPU")
def test_what_is_computed_again_is_computed_the_same_way():
    seen, layer = [], torch.nn.Linear(2, 2)

    def part(x):
        y = layer(x)
        seen.append(y.dtype)
        return y

    x = torch.ones(2, 2, requires_grad=True)
    with torch.autocast("cpu"):
        y = torch.utils.checkpoint.checkpoint(part, x, use_reentrant=False)
    y.sum().backward()
    assert seen == [torch.bfloat16] * 2
    assert not torch.is_autocast_enabled("cpu")


def network(nn):
    return nn.Sequential(
        nn.Unflatten(1, (1, 4, 4)),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64, 16),
        nn.GELU(),
        nn.LayerNorm(16),
        nn.Linear(16, 4),
    )


def train(library, model, fast_dtype, steps=8):
    """Return the losses of some steps with float32 parameters, and the dtypes of gradients."""
    rng = np.random.default_rng(0)
    inputs = library.tensor(rng.standard_normal((32, 16)).astype(np.float32))
    classes = library.tensor(rng.integers(0, 4, 32))
    optimizer = library.optim.AdamW(model.parameters(), lr=0.01)
    scaler = library.amp.GradScaler("cpu", enabled=fast_dtype == "float16")
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        with library.autocast("cpu", getattr(library, fast_dtype)):
            loss = library.nn.functional.cross_entropy(model(inputs), classes)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    return losses, {str(p.grad.dtype) for p in model.parameters()}


@pytest.mark.torch_parity
@pytest.mark.host("autocast of the CPU")
@pytest.mark.parametrize("fast_dtype", ["bfloat16", "float16"])
def test_training_with_float32_parameters(fast_dtype):
    reference = pytest.importorskip("torch")
    reference.manual_seed(0)
    theirs, ours = network(reference.nn), network(torch.nn)
    copy_state(reference, ours, theirs)
    found, dtypes = train(torch, ours, fast_dtype)
    expected, _ = train(reference, theirs, fast_dtype)
    assert dtypes == {"torch.float32"}
    assert found[-1] < found[0] / 2
    np.testing.assert_allclose(found, expected, rtol=0.1, atol=0.03)
