"""How time and memory grow: programs of a size, which is written in front of them as ``SIZE``."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Growth:
    """A program whose size is varied."""

    title: str
    unit: str
    text: str
    sizes: tuple[int, ...]
    steps: int


BATCH = """
model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters())
x = torch.randn(SIZE, 1, 28, 28)
y = torch.randint(0, 10, (SIZE,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""

# kaiming_normal_ keeps the size of the numbers over 1,000 layers: tiny ones would be slow for their own reason.
DEPTH = """
layers = []
for _ in range(SIZE):
    linear = nn.Linear(64, 64)
    nn.init.kaiming_normal_(linear.weight, nonlinearity="relu")
    nn.init.zeros_(linear.bias)
    layers += [linear, nn.ReLU()]
model = nn.Sequential(*layers, nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
x = torch.randn(64, 64)
y = torch.randint(0, 10, (64,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""

NODES = """
x = torch.ones(1, requires_grad=True)
one = torch.ones(1)

def step():
    y = x
    for _ in range(SIZE):
        y = y + one
    y.backward()
    x.grad = None
"""

GROWTH = {
    "batch": Growth(
        "the CNN's step against the batch size", "images", BATCH, tuple(2**i for i in range(11)), 5
    ),
    "depth": Growth(
        "a step of an MLP of width 64 against its depth", "layers", DEPTH, (1, 3, 10, 30, 100, 300, 1000), 5
    ),
    "nodes": Growth(
        "a chain of adds, forward and backward, against its length",
        "nodes",
        NODES,
        (10, 100, 1000, 10_000, 30_000, 100_000),
        5,
    ),
}

AT_LEAST_SECONDS = 0.5
"""A program of growth is timed for so long, however short its step."""


def slope(sizes: list[int], values: list[float]) -> float:
    """Return the slope of log(value) against log(size) by least squares: 1 is linear, 2 is quadratic."""
    x = [math.log(size) for size in sizes]
    y = [math.log(value) for value in values]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return covariance / sum((a - mean_x) ** 2 for a in x)


LINES = (("torch", "PyTorch", "tab:orange", "s"), ("tinygrad_edu", "tinygrad_edu", "tab:blue", "o"))


def picture(points: list[dict], path: Path) -> None:
    """Draw time against size on logarithmic axes, beside a line of what is linear; below it, memory on plain ones."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, len(GROWTH), figsize=(11, 6), layout="constrained")
    for (kind, growth), time_axis, memory_axis in zip(GROWTH.items(), *axes, strict=True):
        for engine, label, color, marker in LINES:
            of_engine = [p for p in points if (p["kind"], p["engine"]) == (kind, engine)]
            of_engine.sort(key=lambda p: p["size"])
            sizes = [p["size"] for p in of_engine]
            style = {"label": label, "color": color, "marker": marker, "markersize": 4}
            time_axis.plot(sizes, [p["ms"] for p in of_engine], **style)
            memory_axis.plot(sizes, [p["memory"] for p in of_engine], **style)
        linear = [of_engine[-1]["ms"] * size / sizes[-1] for size in sizes]
        time_axis.plot(sizes, linear, ":", color="gray", label="linear")
        time_axis.set(title=textwrap.fill(growth.title, 28), xscale="log", yscale="log", xlabel=growth.unit)
        memory_axis.set(xlabel=growth.unit, ylim=(0, None))
    axes[0, 0].set_ylabel("time of a step / ms")
    axes[1, 0].set_ylabel("memory above the import / MiB")
    axes[0, 0].legend()
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=120)
    plt.close(figure)
