"""What a timed program is, and the training step that most of them define."""

from __future__ import annotations

from dataclasses import dataclass

from tests.benchmarks.floor import Work


@dataclass(frozen=True)
class Program:
    """A program, and how it is measured."""

    title: str
    text: str
    steps: int
    """How many calls of ``step()`` are timed in one process; a tenth of them run before as a warm-up."""
    work: Work | None = None
    """What one call must compute and move, where that says something."""
    whole: bool = False
    """Time the very first call, with nothing to warm up before it: an epoch is run once."""
    as_it_is: bool = False
    """Is not replayed as a whole: it reads data, or compiles a part of itself."""

    @property
    def can_be_replayed(self) -> bool:
        """Tell whether a step does the same to arrays in each call."""
        return not (self.whole or self.as_it_is)


TRAINING_STEP = """
def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
"""
