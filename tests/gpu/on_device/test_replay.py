"""``torch.compile`` on the GPU: the list of a step is the step, and the host waits for nothing in it."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tests.replay.programs import MODELS, Program, batches
from tinygrad_edu.replay.state import equal

TWO_CARDS = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two cards")


@pytest.mark.parametrize("name", MODELS)
def test_the_host_waits_for_the_comparison_only(name, standin):
    program = Program(name, optimizer="adamw", clip=True)
    waits = []
    for x, y in batches(name, 7):
        before = standin.syncs
        program.step(x, y)
        waits.append(standin.syncs - before)
    assert [r.checked for r in program.step.usable] == [True]
    assert waits[:2] + waits[4:] == [0] * 5  # a clipped step is written down twice
    assert max(waits[2:4]) > 0  # the stand-in counts


@pytest.mark.usefixtures("simulate_everything")
def test_every_kernel_simulated():
    results = []
    for replay in (False, True):
        program = Program("mlp", replay=replay)
        torch.manual_seed(1)
        results.append(
            [*[program.step(x, y).detach() for x, y in batches("mlp", 4, size=2)], *program.content()]
        )
    assert equal(*results)
    assert [r.checked for r in program.step.usable] == [True]


@TWO_CARDS
@pytest.mark.filterwarnings("ignore:torch.compile")
def test_the_second_card():
    compiled = torch.compile(lambda x: (x * 2).exp() + 1)
    for place in ("cuda:1", "cuda:0"):
        for n in range(5):
            y = compiled(torch.full((3,), float(n), device=place))
            assert y.device == torch.device(place)
            assert y.tolist() == ((torch.full((3,), float(n)) * 2).exp() + 1).tolist()
    assert len(compiled.usable) == 2
    moves = torch.compile(lambda x: x.to("cuda:1") * 2)
    for n in range(4):
        assert moves(torch.full((3,), float(n), device="cuda:0")).tolist() == [2.0 * n] * 3
    assert not moves.usable
