"""The programs that are timed: text that runs on either engine, for only the first line differs.

Each program sets up what it needs and defines ``step()``, the thing that is timed. The number beside it says
how many calls are measured in one process; a tenth of them, and at least three, run before as a warm-up.
"""

from __future__ import annotations

MLP_STEP = """
x = torch.randn(64, 784)
y = torch.randint(0, 10, (64,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""

P1 = (
    """
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
"""
    + MLP_STEP
)

P2 = (
    """
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters())
"""
    + MLP_STEP
)

P3 = """
model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters())
x = torch.randn(64, 1, 28, 28)
y = torch.randint(0, 10, (64,))

def step():
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
"""

LOADER = """
from torch.utils.data import DataLoader, TensorDataset

dataset = TensorDataset(torch.randn(60000, 784), torch.randint(0, 10, (60000,)))
loader = DataLoader(dataset, batch_size=64, shuffle=True)

def step():
    for x, y in loader:
        pass
"""

TAPE = """
x = torch.ones(1, requires_grad=True)
one = torch.ones(1)

def step():
    y = x
    for _ in range(1000):
        y = y + one
    y.backward()
    x.grad = None
"""

ADAM = """
shapes = [(32, 1, 3, 3), (32,), (64, 32, 3, 3), (64,), (128, 3136), (128,), (10, 128), (10,)]
parameters = [nn.Parameter(torch.randn(*shape)) for shape in shapes]
for p in parameters:
    p.grad = torch.randn(*p.shape)
optimizer = torch.optim.Adam(parameters)

def step():
    optimizer.step()
"""

FIRST_STEP = P3

PROGRAMS = {
    "P1": ("MLP 784-128-10, SGD with momentum: a training step", P1, 600),
    "P2": ("MLP 784-128-64-10, Adam: a training step", P2, 400),
    "P3": ("CNN 32-64 with pools and two linear layers, Adam: a training step", P3, 40),
    "loader": ("shuffled TensorDataset 60000 x 784, batch 64: an epoch of 938 batches", LOADER, 4),
    "tape": ("1,000 adds of one element, forward and backward", TAPE, 60),
    "adam": ("Adam on 421,642 parameters in 8 tensors: a step", ADAM, 300),
    "first": ("from the start of Python to the end of the first step of P3, kernels cached", FIRST_STEP, 1),
}
"""Name: (what it is, the program, how many steps are measured)."""

HEADER = """
import {engine} as torch
import {engine}.nn as nn
import {engine}.nn.functional as F
torch.manual_seed(0)
"""


def source(name: str, engine: str) -> str:
    """Return a program as it runs on an engine, ``torch`` or ``tinygrad_edu``."""
    return HEADER.format(engine=engine) + PROGRAMS[name][1].replace("from torch.", f"from {engine}.")
