"""``learn.memory``: what it says is freed with a graph is freed with it, and nothing is counted twice."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn, nn
from tinygrad_edu.utils.checkpoint import checkpoint

pytestmark = pytest.mark.host("tracemalloc knows the memory of the host")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demos"))
from train_mnist import CNN  # noqa: E402


def mlp():
    model = nn.Sequential(nn.Linear(100, 300), nn.ReLU(), nn.Linear(300, 300), nn.Tanh(), nn.Linear(300, 10))
    return F.cross_entropy(model(torch.randn(256, 100)), torch.zeros(256, dtype=torch.int64)), model


def cnn():
    model = CNN()
    return F.cross_entropy(model(torch.randn(16, 1, 28, 28)), torch.zeros(16, dtype=torch.int64)), model


def views():
    model = nn.Linear(50, 300)
    q, k, v = model(torch.randn(400, 50)).split(100, 1)
    return (torch.softmax(q @ k.T, 1) @ v).mean(), model


def recurrent():
    model = nn.LSTM(20, 60)
    return model(torch.randn(30, 10, 20))[0].mean(), model


@pytest.mark.parametrize("make", [mlp, cnn, views, recurrent])
def test_what_is_freed_with_the_graph(make):
    make()  # what is made once for all is there
    gc.collect()
    tracemalloc.start()
    loss, model = make()
    report = learn.memory(loss, model)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    del loss
    gc.collect()
    freed = before - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert report.total == pytest.approx(freed, rel=0.05)
    assert report.total + report.objects == pytest.approx(freed, rel=0.01)


def arrays(report, held_by="graph"):
    return [(a.operation, a.role, a.nbytes, a.shared_with) for a in report.arrays if a.held_by == held_by]


def test_an_array_that_two_keep_is_counted_once():
    w = torch.ones(10, 10, requires_grad=True)
    loss = (torch.relu(torch.ones(5, 10) @ w) @ w).sum()
    report = learn.memory(loss)
    assert arrays(report) == [("MatMul", "input 0", 200, []), ("Relu", "output 0", 200, ["MatMul"])]
    assert arrays(report, "parameter") == [("MatMul", "input 1", 400, [])]
    assert (report.total, report.parameters, report.program) == (400, 400, 0)


def test_what_the_program_holds_is_there_anyway():
    w = torch.ones(10, 10, requires_grad=True)
    x = torch.ones(5, 10)
    loss = (x @ w).sum()
    assert arrays(learn.memory(loss), "program") == [("MatMul", "input 0", 200, [])]
    view = x[1:]
    del x
    assert learn.memory(loss).program == 200  # a view of it is enough
    del view
    assert learn.memory(loss).total == 200


def test_a_view_keeps_all_of_its_memory():
    w = torch.ones(10, requires_grad=True)
    loss = (torch.ones(1000, 10)[0] * w).sum()
    assert arrays(learn.memory(loss)) == [("Mul", "input 0", 40_000, [])]


def test_what_is_kept_as_an_attribute():
    class Mask(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.masks = {"kept": [x > 0]}
            return x * ctx.masks["kept"][0]

        @staticmethod
        def backward(ctx, grad):
            return grad * ctx.masks["kept"][0]

    loss = Mask.apply(torch.ones(1000, requires_grad=True)).sum()
    assert ("Mask", "made for backward", 1000, []) in arrays(learn.memory(loss))
    x = torch.ones(10, 4, requires_grad=True)
    loss = x[torch.tensor([1, 2, 3])].sum()
    assert [array[:2] for array in arrays(learn.memory(loss))] == [("GetItems", "made for backward")]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(40, 160), nn.Linear(160, 40)

    def forward(self, x):
        return x + self.second(torch.tanh(self.first(x)))


class Deep(nn.Module):
    def __init__(self, checkpointed):
        super().__init__()
        self.checkpointed = checkpointed
        self.blocks = nn.ModuleList([Block() for _ in range(6)])

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointed else block(x)
        return x


def test_what_checkpointing_frees_is_what_it_frees():
    def run(checkpointed):
        model = Deep(checkpointed)
        with learn.record(max_bytes=0) as tape:
            loss = model(torch.randn(64, 40) * 1).mean()
        return loss, tape

    loss, tape = run(False)
    report = learn.memory(loss, tape)
    plan = report.checkpointing
    assert [name.rpartition(".")[2] for name in plan.parts] == [str(n) for n in range(6)]
    block = 64 * (40 + 160) * 4
    assert report.total == 6 * block
    assert plan.largest == 64 * 160 * 4
    actual = learn.memory(run(True)[0]).total
    assert plan.kept == pytest.approx(actual, rel=0.05)
    assert actual == 6 * 64 * 40 * 4


def test_in_place_frees_nothing():
    def kept(inplace):
        torch.manual_seed(0)
        w = torch.randn(50, 50, requires_grad=True)
        h = F.relu(torch.randn(20, 50) @ w, inplace=inplace)
        return learn.memory((h @ w).sum()).total

    assert kept(inplace=True) >= kept(inplace=False)


def test_nothing_is_kept_under_no_grad():
    model = nn.Linear(4, 4)
    with torch.no_grad(), pytest.raises(RuntimeError, match="so nothing is kept"):
        learn.memory(model(torch.ones(2, 4)).sum())


def test_by_layer():
    loss, model = mlp()
    with learn.record(max_bytes=0) as tape:
        taped = model(torch.randn(256, 100)).mean()
    names = list(learn.memory(loss, model).by_layer)
    assert set(names) == {"0", "(the model itself)", ""}  # what a Linear gets, those before it keep as well
    assert set(learn.memory(taped, tape).by_layer) == {"model.0", "model.1", "model.3"}


def test_asking_frees_and_holds_nothing():
    loss, model = mlp()
    report = learn.memory(loss, model)
    assert learn.memory(loss, model).total == report.total
    loss.backward()
    with pytest.raises(RuntimeError, match="ask for the report before"):
        learn.memory(loss)
    w = torch.ones(10, requires_grad=True)
    x = np.ones(10, np.float32)
    report = learn.memory((torch.from_numpy(x) * w).sum())
    assert sys.getrefcount(x) == 2


def test_as_text_and_html():
    loss, model = cnn()
    report = learn.memory(loss, model)
    text = str(report)
    assert text.startswith(f"This graph keeps {report.total / 2**20:.1f} MB in 11 arrays")
    assert "Relu" in text
    assert "fc1" in text
    assert "█" in text
    assert "16×32×28×28 float32" in text
    report.arrays[0].operation = "<b>"
    report.arrays[0].nbytes = 10**9
    page = report._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>" not in page.replace("<b>This", "")
    assert "frees nothing: 4 parts (conv1, conv2, fc1, fc2) keep no more" in page
    assert page.count("<table") == page.count("</table>") == 4


def test_wrong_arguments():
    with pytest.raises(TypeError, match="expected a Tensor, got int"):
        learn.memory(3)
