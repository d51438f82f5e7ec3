"""The names of PyTorch for devices, cards, queues of work and memory."""

from __future__ import annotations

import copy
import io
import pickle

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset

TWO_CARDS = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")


@pytest.fixture
def cpu_default():
    with torch.device("cpu"):
        yield


# ---- tensors move --------------------------------------------------------------------------------


def test_there_and_back(cpu_default):
    x = torch.arange(6.0).reshape(2, 3)
    for there in (
        x.to("cuda"),
        x.cuda(),
        x.to(torch.device("cuda:0"), non_blocking=True),
        x.cuda(0, non_blocking=True),
    ):
        assert there.device == torch.device("cuda:0")
        assert there.is_cuda
        assert there.to("cuda") is there
        assert there.cpu().tolist() == there.to("cpu").tolist() == x.tolist()
    assert x.to("cuda", torch.float64).dtype is torch.float64
    assert torch.ones(1).to(x.cuda()).is_cuda


def test_the_gradient_comes_back(cpu_default):
    x = torch.ones(3, requires_grad=True)
    (x.cuda() * torch.arange(3.0).cuda()).sum().backward()
    assert x.grad.device == torch.device("cpu")
    assert x.grad.tolist() == [0, 1, 2]


def test_a_module_moves_with_its_buffers_and_gradients(cpu_default):
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    net(torch.ones(4, 2)).sum().backward()
    weight = net[0].weight
    assert net.cuda() is net
    assert net[0].weight is weight
    assert {t.device.type for t in net.state_dict().values()} == {"cuda"}
    assert weight.grad.is_cuda
    assert not net.cpu()[0].weight.grad.is_cuda


def test_a_number_of_the_cpu_beside_a_tensor_of_the_gpu(cpu_default):
    """As in PyTorch, a 0-d tensor may stay where it is."""
    factor = torch.tensor(2.0, requires_grad=True)
    result = torch.ones(3, device="cuda") * factor
    assert result.is_cuda
    result.sum().backward()
    assert factor.grad.item() == 3
    assert factor.grad.device == torch.device("cpu")
    assert (factor + torch.ones(2, device="cuda")).is_cuda


@pytest.mark.parametrize("operation", [torch.add, torch.matmul, torch.maximum, torch.sub])
def test_mixing_names_both_operands_and_devices(operation, cpu_default):
    near, far = torch.ones(2, 2), torch.ones(2, 2, device="cuda")
    with pytest.raises(RuntimeError, match=r"same device, got \[2, 2\] on cpu, \[2, 2\] on cuda:0"):
        operation(near, far)
    with pytest.raises(RuntimeError, match=r"\[2, 2\] on cuda:0, \[2, 2\] on cpu. Hint: move one with"):
        operation(far, near)


def test_indices_of_the_cpu_serve_tensors_of_the_gpu(cpu_default):
    x = torch.arange(4.0, device="cuda")
    for index in ([3, 0], torch.tensor([3, 0]), np.array([3, 0]), torch.tensor([3, 0], device="cuda")):
        assert x[index].tolist() == [3, 0]
        assert x[index].is_cuda
    with pytest.raises(RuntimeError, match="indices should be either on cpu or on the same device"):
        torch.ones(2)[torch.tensor([0], device="cuda")]
    x[0], x[1:3] = torch.tensor(7.0), np.array([8, 9])
    assert x.tolist() == [7, 8, 9, 3]


def test_numpy_asks_for_the_cpu_first():
    x = torch.ones(2, device="cuda")
    with pytest.raises(
        TypeError, match=r"can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu\(\)"
    ):
        x.numpy()
    with pytest.raises(TypeError, match="can't convert"):
        np.asarray(x)
    assert x.numpy(force=True).tolist() == [1, 1]


def test_printing_names_the_device():
    x = torch.tensor([1.0, 2.5], device="cuda", requires_grad=True)
    assert repr(x) == "tensor([1.0000, 2.5000], device='cuda:0', requires_grad=True)"
    assert f"{x[1].detach():.1f}" == "2.5"


def test_copies_and_pickles_stay_there():
    x = torch.ones(2, device="cuda")
    assert copy.deepcopy(x).is_cuda
    assert pickle.loads(pickle.dumps(x)).device == x.device


# ---- where new tensors are put ---------------------------------------------------------------------


def test_the_default_device():
    assert torch.get_default_device() == torch.device("cuda:0")
    made = [
        torch.zeros(1), torch.ones(1), torch.empty(1), torch.full((1,), 2.0), torch.arange(3), torch.linspace(0, 1, 3),
        torch.eye(2), torch.rand(1), torch.randn(1), torch.randint(3, (1,)), torch.randperm(3), torch.tensor([1.0]),
        torch.tensor(np.ones(2)), torch.as_tensor(np.ones(2)), torch.as_tensor([1.0]), nn.Linear(1, 1).weight,
    ]  # fmt: skip
    assert {x.device for x in made} == {torch.device("cuda:0")}
    stay = [torch.from_numpy(np.ones(2)), torch.Tensor(2), torch.zeros(1, device="cpu"), torch.Tensor([1.0])]
    assert {x.device for x in stay} == {torch.device("cpu")}
    assert torch.zeros_like(stay[0]).device == torch.device("cpu")


def test_blocks_of_another_device():
    with torch.device("cpu"):
        assert torch.zeros(1).device == torch.get_default_device() == torch.device("cpu")
        with torch.device("cuda"):
            assert torch.zeros(1).is_cuda
        assert not torch.zeros(1).is_cuda
    assert torch.zeros(1).is_cuda


# ---- optimizers and checkpoints ----------------------------------------------------------------------


def test_a_checkpoint_goes_where_it_is_wanted(cpu_default):
    net = nn.Linear(2, 2).cuda()
    optimizer = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2).cuda()).sum().backward()
    optimizer.step()
    assert optimizer.state[net.weight]["exp_avg"].is_cuda
    assert not optimizer.state[net.weight]["step"].is_cuda
    buffer = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, buffer)

    def load(map_location):
        buffer.seek(0)
        return torch.load(buffer, map_location=map_location)

    assert load(None)["net"]["weight"].device == torch.device("cuda:0")
    for wanted in ("cpu", torch.device("cpu"), {"cuda:0": "cpu"}, lambda tensor, name: tensor.cpu()):
        assert load(wanted)["net"]["weight"].device == torch.device("cpu")
    other = nn.Linear(2, 2)
    resumed = torch.optim.Adam(other.parameters())
    state = load("cpu")
    other.load_state_dict(load(None)["net"])
    resumed.load_state_dict(state["optimizer"])
    other.cuda()
    resumed.load_state_dict(state["optimizer"])
    assert resumed.state[other.weight]["exp_avg"].is_cuda
    assert resumed.state[other.weight]["exp_avg"].tolist() == optimizer.state[net.weight]["exp_avg"].tolist()


# ---- pinned memory -------------------------------------------------------------------------------------


def test_pinned_memory(cpu_default):
    x = torch.arange(3.0)
    assert not x.is_pinned()
    fixed = x.pin_memory()
    assert fixed.is_pinned()
    assert fixed.pin_memory() is fixed
    assert fixed.tolist() == fixed.to("cuda", non_blocking=True).tolist() == [0, 1, 2]
    with pytest.raises(RuntimeError, match="only dense CPU tensors can be pinned"):
        x.cuda().pin_memory()
    loader = DataLoader(TensorDataset(torch.ones(4, 2), torch.zeros(4)), batch_size=2, pin_memory=True)
    assert [part.is_pinned() for batch in loader for part in batch] == [True] * 4


# ---- cards, queues, memory -------------------------------------------------------------------------------


def test_questions():
    assert torch.cuda.is_available()
    assert torch.cuda.device_count() >= 1
    assert torch.cuda.current_device() == 0
    assert isinstance(torch.cuda.get_device_name(), str)
    assert torch.cuda.get_device_capability("cuda:0") >= (5, 0)
    free, total = torch.cuda.mem_get_info()
    assert 0 < free <= total
    torch.cuda.synchronize()
    torch.cuda.synchronize("cuda:0")
    assert torch.accelerator.current_accelerator() == torch.device("cuda")
    assert torch.accelerator.current_device_index() == 0
    with pytest.raises(ValueError, match="Expected a cuda device, but got: cpu"):
        torch.cuda.synchronize("cpu")
    with pytest.raises(RuntimeError, match=r"device: expected cuda:0 to cuda:\d+, got cuda:99"):
        torch.zeros(1, device="cuda:99")


def test_memory():
    x = torch.ones(1000)
    assert torch.cuda.memory_allocated() <= torch.cuda.memory_reserved()
    torch.cuda.reset_peak_memory_stats()
    assert torch.cuda.max_memory_allocated() >= torch.cuda.memory_allocated()
    del x
    torch.cuda.empty_cache()


def test_queues_and_marks():
    queue, start, end = torch.cuda.Stream(), *(torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    queue.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(queue):
        assert torch.cuda.current_stream() == queue
        total = (torch.ones(10) * 2).sum()
        end.record(queue)
    torch.cuda.current_stream().wait_event(end)
    end.synchronize()
    assert end.query()
    assert queue.query()
    assert start.elapsed_time(end) >= 0
    assert total.item() == 20
    assert torch.cuda.current_stream() == torch.cuda.default_stream() != queue


def test_the_same_seed_gives_the_numbers_of_the_cpu():
    torch.cuda.manual_seed(5)
    here = torch.rand(3)
    torch.manual_seed(5)
    assert torch.rand(3, device="cpu").tolist() == here.tolist()


def test_tf32():
    assert torch.get_float32_matmul_precision() == "highest"
    assert not torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cuda.matmul.allow_tf32 = True
        assert torch.get_float32_matmul_precision() == "high"
        torch.set_float32_matmul_precision("medium")
        assert torch.backends.cuda.matmul.allow_tf32
    finally:
        torch.set_float32_matmul_precision("highest")
    with pytest.raises(ValueError, match="expected one of highest, high, medium, got 'low'"):
        torch.set_float32_matmul_precision("low")


# ---- two cards ---------------------------------------------------------------------------------------------


@TWO_CARDS
def test_work_runs_where_its_tensors_are():
    x = torch.arange(4.0, device="cuda:1", requires_grad=True)
    y = torch.ones(4, device="cuda:1")
    loss = (torch.exp(x) * y + 1 - 2 * x).sum()
    loss.backward()
    assert {loss.device, x.grad.device} == {torch.device("cuda:1")}
    np.testing.assert_allclose(x.grad.numpy(force=True), np.exp(np.arange(4)) - 2, rtol=1e-5)
    assert torch.cuda.current_device() == 0


@TWO_CARDS
def test_training_on_the_second_card():
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).to("cuda:1")
    x, t = torch.rand(5, 3, device="cuda:1"), torch.tensor([0, 1, 1, 0, 1], device="cuda:1")
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert optimizer.state[net[0].weight]["exp_avg"].device == torch.device("cuda:1")


@TWO_CARDS
def test_between_cards():
    x = torch.ones(3, device="cuda:0", requires_grad=True)
    y = (x * 2).to("cuda:1") * torch.arange(3.0, device="cuda:1")
    y.sum().backward()
    assert y.device == torch.device("cuda:1")
    assert x.grad.device == torch.device("cuda:0")
    assert x.grad.tolist() == [0, 2, 4]
    with pytest.raises(RuntimeError, match=r"got \[3\] on cuda:0, \[3\] on cuda:1"):
        x + y


@TWO_CARDS
def test_the_card_that_cuda_means():
    with torch.cuda.device(1):
        assert torch.cuda.current_device() == 1
        assert torch.zeros(1, device="cuda").device == torch.device("cuda:1")
    torch.cuda.set_device("cuda:1")
    try:
        assert torch.zeros(1, device="cuda").device == torch.device("cuda:1")
    finally:
        torch.cuda.set_device(0)
    assert torch.zeros(1, device="cuda").device == torch.device("cuda:0")
