"""The training steps of the demos: replayed, with equal losses and parameters, or a reason why not."""

from __future__ import annotations

import importlib.util
import re
import sys

import pytest

import tinygrad_edu as torch
from tests.demos.conftest import DEMOS
from tinygrad_edu.replay.state import equal

pytestmark = [
    pytest.mark.host("the demos choose the CPU"),
    pytest.mark.filterwarnings("ignore:torch.compile"),
]

REPLAYED = ["03_names", "04_gpt", "05_lstm_rows", "07_sort", "09_vae", "10_autoencoder", "11_gan", "12_dqn"]
REPLAYED += ["15_multi_task", "16_multi_modal", "17_zero_shot", "18_semi_supervised"]
REPLAYED += ["19_self_supervised", "20_adversarial", "21_fine_tuning", "24_early_stopping"]
STEPS = 5  # the last runs from the list
MORE_STEPS = {
    "17_zero_shot": 9
}  # the first of its two models has four batches of one size, which are too few
LONG = ["17_zero_shot", "19_self_supervised"]

AS_IT_IS = {
    "06_translate_dates": "by numpy",  # a packed sequence has the shape that the lengths give it
}
OTHER_SHAPES = {
    "13_policy_gradient": "the games of a round are never twice of one length",
    "14_text_classification": "the letters of a batch are never twice as many",
}
NO_STEP = {
    "01_step_through": "a single step, for a debugger",
    "02_profile": "a profiler looks on",
    "08_graphs": "a graph layer looks at the numbers of the edges",
    "23_validation": "scikit-learn trains",
    "25_link_prediction": "a graph layer looks at the numbers of the edges",
    "26_graph_autoencoder": "a graph layer looks at the numbers of the edges",
    "27_graph_attack": "a graph layer looks at the numbers of the edges",
    "28_whole_graphs": "a graph layer looks at the numbers of the edges",
}


class EnoughSteps(Exception):
    """Ends a demo."""


def first_steps(name, monkeypatch, replay):
    """Run a demo as a user does; return its compiled step, its first losses and the parameters after them."""
    spec = importlib.util.spec_from_file_location("demo", DEMOS / f"{name}.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    step = torch.compile(demo.train_step) if replay else demo.train_step
    seen = []

    def train_step(model, optimizer, *batch):
        seen.append(step(model, optimizer, *batch))
        if len(seen) == MORE_STEPS.get(name, STEPS):
            seen.extend([p.detach() for p in model.parameters()])
            raise EnoughSteps
        return seen[-1]

    monkeypatch.setattr(demo, "train_step", train_step)
    monkeypatch.setattr(sys, "argv", [name, "--quick"])
    with pytest.raises(EnoughSteps):
        demo.main()
    return step, seen


def both(name, monkeypatch, tmp_path):
    """Return the compiled step, after everything has been compared."""
    monkeypatch.syspath_prepend(str(DEMOS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    _, expected = first_steps(name, monkeypatch, False)
    step, seen = first_steps(name, monkeypatch, True)
    assert len(seen) > STEPS
    assert equal(expected, seen)
    return step


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in REPLAYED]
)
def test_replayed(name, monkeypatch, tmp_path):
    step = both(name, monkeypatch, tmp_path)
    assert not step.refused
    assert any(recording.checked for recording in step.recordings)
    assert not any(recording.kernels_failed for recording in step.recordings)


@pytest.mark.parametrize("name", AS_IT_IS)
def test_as_it_is(name, monkeypatch, tmp_path):
    assert re.search(AS_IT_IS[name], both(name, monkeypatch, tmp_path).refused)


@pytest.mark.parametrize("name", OTHER_SHAPES)
def test_a_list_for_each_shape(name, monkeypatch, tmp_path):
    step = both(name, monkeypatch, tmp_path)
    assert not step.refused
    assert len(step.usable) > 1


def test_no_demo_is_missing():
    named = {*REPLAYED, *AS_IT_IS, *OTHER_SHAPES, *NO_STEP}
    assert named == {path.stem for path in DEMOS.glob("[0-9]*.py")}
    for name in named:
        assert ("def train_step(" in (DEMOS / f"{name}.py").read_text(encoding="utf-8")) == (
            name not in NO_STEP
        )


def test_a_graph_layer():
    layer = torch.compile(torch.nn.graph.GCNConv(3, 2), fullgraph=True)
    arguments = torch.ones(2, 3), torch.tensor([[0, 1], [1, 0]])
    layer(*arguments)
    with pytest.raises(RuntimeError, match="nn/graph"):
        layer(*arguments)
