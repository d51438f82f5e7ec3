"""How long a training step takes on the card: as it is, as a list, and as CUDA graphs.

    python -m tests.gpu.graph_speed             where there is a card

The step is that of docs/gpu.md: a CNN, batch of 64, with Adam; beside it a small MLP.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

WAYS: dict[str, Callable[[Any], Any]] = {
    "as it is": lambda step: step,
    "list": torch.compile,
    "CUDA graphs": torch.compile(mode="reduce-overhead"),
}
READY = 8  # calls until a compiled step runs as it will


def mlp() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    first = nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    second = nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))


def seconds(make: Callable[[], nn.Module], way: str, batch: int, steps: int) -> tuple[float, float, Any]:
    """Return how long a step takes, the last loss, and the step."""
    torch.manual_seed(0)
    model = make().to("cuda")
    optimizer = torch.optim.Adam(model.parameters())
    x, y = torch.randn(batch, 1, 28, 28).to("cuda"), torch.randint(0, 10, (batch,)).to("cuda")

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    run = WAYS[way](step)
    for _ in range(READY):
        run(x, y)
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        loss = run(x, y)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps, loss.item(), run


def report(batch: int = 64, steps: int = 200) -> list[str]:
    """Return a line for each network; raise if the ways do not lead to one loss."""
    lines = []
    for make in (mlp, cnn):
        found = {way: seconds(make, way, batch, steps) for way in WAYS}
        usual, loss, _ = found["as it is"]
        for way, (_, its_loss, _) in found.items():
            if abs(its_loss - loss) > 1e-3 * max(1.0, abs(loss)):
                raise AssertionError(f"{make.__name__}, {way}: expected the loss {loss}, got {its_loss}")
        graphs = found["CUDA graphs"][2]
        count = graphs.source.count(".launch()")
        times = ", ".join(
            [f"{way} {1000 * time:.3f} ms ({time / usual:.2f})" for way, (time, *_) in found.items()]
        )
        lines.append(f"{make.__name__}, batch of {batch}, a step: {times}; {count} graphs")
    return lines


if __name__ == "__main__":
    print("\n".join(report()))
