"""``torch.compile(mode="reduce-overhead")``: the list of a step as CUDA graphs is the step, bit by bit."""

from __future__ import annotations

import contextlib
import warnings

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tests.gpu.graph_speed import report
from tests.replay.programs import MODELS, Program, batches
from tinygrad_edu import nn
from tinygrad_edu.replay.graphs import cuda_graph, plan
from tinygrad_edu.replay.graphs.cuda_graph import apart, into
from tinygrad_edu.replay.lines.functions import accumulate, keep
from tinygrad_edu.replay.state import equal

READY = 7
"""Calls until the graphs are there and compared: warm, written, compared, tried out, captured, compared."""


@pytest.fixture(autouse=True)
def one_rung(monkeypatch, request):
    """Bit by bit: on the stand-in, all calls of a kernel run on one rung."""
    with contextlib.suppress(pytest.skip.Exception):
        request.getfixturevalue("standin")
        from tests.gpu.standin.install import Simulation

        monkeypatch.setattr(Simulation, "most_repetitions", 0)


class Run:
    """A program's steps, eager or with graphs, and all that somebody may have kept of them."""

    def __init__(
        self, name="cnn", graphs=True, count=14, last=16, between=lambda program, i: None, **options
    ):
        self.program = Program(name, replay=False, **options)
        step = self.program.step
        self.step = torch.compile(step, fullgraph=True, mode="reduce-overhead") if graphs else step
        self.kept, self.waits = [], []
        torch.manual_seed(1)
        for i, (x, y) in enumerate(batches(name, count, last=last)):
            before = waits()
            self.kept.append(self.step(x, y).detach())
            self.waits.append(waits() - before)
            self.kept.append([p.grad for p in self.program.model.parameters()])
            between(self.program, i)
        self.kept += self.program.content()


def waits():
    try:
        from tests.gpu.standin.cards import Counter
    except ImportError:
        return 0
    return Counter.syncs


def same_as_eager(**options):
    """Return a run with graphs, after it has been compared: also losses and gradients of all steps before."""
    eager, run = Run(graphs=False, **options), Run(**options)
    assert equal(eager.kept, run.kept)
    return run


def graphs_of(step):
    return [recording.graphs for recording in step.recordings if recording.graphs and recording.checked]


@pytest.mark.parametrize("name", MODELS)
def test_models(name):
    run = same_as_eager(name=name)
    assert len(graphs_of(run.step)) == 1
    assert "graph0.launch()" in run.step.source


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
def test_optimizers_and_clipping(optimizer):
    assert graphs_of(same_as_eager(optimizer=optimizer, clip=True, count=16).step)


def test_the_host_waits_for_comparisons_only(standin):
    run = Run(count=12)
    assert sum(count > 0 for count in run.waits[:READY]) >= 2  # of the list, and of the graphs
    assert not any(run.waits[READY:])


def test_a_scheduler_evaluation_and_a_short_last_batch():
    def between(program, i):
        for group in program.optimizer.param_groups:
            group["lr"] *= 0.9
        program.model.train(i % 8 < 5)

    assert len(graphs_of(same_as_eager(count=60, last=7, between=between).step)) >= 3


def test_gradients_add_up_where_nobody_forgets_them():
    results = []
    for graphs in (False, True):
        torch.manual_seed(0)
        layer = nn.LayerNorm(6)

        def step(x, layer=layer):
            loss = F.gelu(layer(x)).exp().sum()
            loss.backward()
            return loss

        step = torch.compile(step, mode="reduce-overhead") if graphs else step
        results += [
            [step(torch.randn(4, 6)).detach() for _ in range(10)] + [layer.weight.grad, layer.bias.grad]
        ]
    assert equal(*results)
    assert graphs_of(step)


def test_what_is_overwritten_in_place_was_saved_before():
    def function(x):
        h = x * 2 + 1
        h.sin_()
        h.add_(1)
        return h.cos() + 1

    with torch.no_grad():
        compiled = torch.compile(function, mode="reduce-overhead")
        for _ in range(10):
            x = torch.randn(3)
            assert equal(compiled(x), function(x))
    assert graphs_of(compiled)
    weight = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD([weight], lr=0.0)

    def step(x):
        optimizer.zero_grad()
        loss = function(x * weight).sum()
        loss.backward()
        return loss

    compiled = torch.compile(step, mode="reduce-overhead")
    for _ in range(10):
        x = torch.randn(3)
        loss, grad = compiled(x).detach(), weight.grad
        assert equal([step(x).detach(), weight.grad], [loss, grad])
    assert graphs_of(compiled)


def test_versions_are_counted():
    norm = nn.BatchNorm1d(3)
    step = torch.compile(torch.no_grad()(lambda x: norm(x).relu()), mode="reduce-overhead")
    versions = []
    for _ in range(10):
        step(torch.randn(5, 3))
        versions.append(norm.running_mean._version)
    steps = {b - a for a, b in zip(versions[READY:-1], versions[READY + 1 :], strict=True)}
    assert steps == {versions[1] - versions[0]}
    assert graphs_of(step)


# ---- what is said where there are no graphs ------------------------------------------------------------


def warned(function, *inputs, count=9):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compiled = torch.compile(function, mode="reduce-overhead")
        for _ in range(count):
            assert equal(compiled(*inputs), function(*inputs))
    assert len(caught) == 1
    assert compiled.usable
    assert not graphs_of(compiled)
    return str(caught[0].message)


def test_one_warning_names_the_reason(standin):
    x = torch.randn(3, 3)
    with torch.no_grad():
        said = warned(lambda x: x @ x @ x, x)
        assert said.endswith(
            "NotImplementedError: calling cuBLAS API during stream capture is currently unsupported"
        )
        assert "is replayed without CUDA graphs" in said
        assert "shares its memory" in warned(lambda x: (x.exp() + 1, x[0]), x)
    weight = nn.Parameter(torch.randn(3, 3))
    assert "compile the whole step" in warned(
        lambda x: (x * weight).exp().sum().detach() + (x * weight).sum(), x
    )


def test_a_capture_that_fails_in_the_middle_of_a_step(monkeypatch):
    """The step goes on as it is; from then on it is a list."""
    graph_of = cuda_graph.CudaGraphs._graph_of

    def fails(self, lines, values):
        if len(lines) > 1 and len(self._text) > 10:
            raise RuntimeError("cudaErrorStreamCaptureWrongThread")
        return graph_of(self, lines, values)

    monkeypatch.setattr(cuda_graph.CudaGraphs, "_graph_of", fails)
    with pytest.warns(
        UserWarning, match="without CUDA graphs: RuntimeError: cudaErrorStreamCaptureWrongThread"
    ):
        run = same_as_eager(count=10)
    assert not graphs_of(run.step)
    assert run.step.usable[0].checked


# ---- planted mistakes --------------------------------------------------------------------------------------


def test_a_result_that_is_not_copied_out_is_found(monkeypatch):
    monkeypatch.setattr(plan.Planned, "text_between", lambda planned, of_graphs: str(planned.line))
    eager, run = Run(graphs=False), Run()
    assert graphs_of(run.step)  # the comparison of one step cannot see it
    assert not equal(eager.kept[:-8], run.kept[:-8])


MISTAKES = {
    "a frozen seed": [
        (plan, "is_on_gpu", lambda value: True),
        (plan, "OF_PYTHON", (accumulate, keep)),
        (cuda_graph, "apart", lambda value: value if isinstance(value, int) else apart(value)),
        (cuda_graph, "into", lambda place, value: value if isinstance(value, int) else into(place, value)),
    ],
    "an argument that is not copied in": [
        (cuda_graph.CudaGraphs, "_give_places", lambda self, names, of_graphs: None)
    ],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_by_the_comparison(name, monkeypatch):
    for owner, attribute, wrong in MISTAKES[name]:
        monkeypatch.setattr(owner, attribute, wrong)
    with pytest.warns(UserWarning, match="without CUDA graphs: they do not do what the program does"):
        Run("transformer")


def test_memory_that_others_get_is_refused(monkeypatch, standin):
    from tests.gpu.standin.modules import CUDA

    monkeypatch.setattr(CUDA, "using_allocator", lambda allocator: contextlib.nullcontext())
    with pytest.warns(UserWarning, match="without CUDA graphs: no two lines.*common pool"):
        Run()


def test_the_report_for_a_card():
    for line in report(batch=2, steps=1):
        assert "CUDA graphs" in line
        assert not line.endswith("; 0 graphs")
