"""What the program changes between calls, where the compiled function does not see it."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("when", [range(1, 4), range(4, 6), range(8, 11)], ids=str)
def test_a_parameter_that_the_step_does_not_use_gets_a_gradient_outside(optimizer, when):
    """The optimizer has it as well, and updates it in those calls."""
    results = []
    for replay in (False, True):
        torch.manual_seed(0)
        used, other = nn.Linear(8, 4), nn.Linear(8, 4)
        its = OPTIMIZERS[optimizer]([*used.parameters(), *other.parameters()])

        def step(x, y, used=used, its=its):
            used.zero_grad()
            loss = F.cross_entropy(used(x), y)
            loss.backward()
            its.step()
            return loss

        step = torch.compile(step, fullgraph=True) if replay else step
        results.append([])
        for i in range(14):
            x, y = torch.randn(6, 8), torch.randint(0, 4, (6,))
            other.zero_grad()
            if i in when:
                other(x).sum().backward()
            results[-1] += [step(x, y), *[p.detach().clone() for p in its.param_groups[0]["params"]]]
    assert equal(*results)
