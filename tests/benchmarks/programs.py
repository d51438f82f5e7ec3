"""The programs that are timed: text that runs on either engine, for only the first lines differ.

Each program sets up what it needs and defines ``step()``, the thing that is timed.
"""

from __future__ import annotations

from tests.benchmarks import floor
from tests.benchmarks.growth import GROWTH
from tests.benchmarks.peer_programs import PEER_PROGRAMS
from tests.benchmarks.program import TRAINING_STEP, Program
from tests.benchmarks.sequence_programs import SEQUENCE_PROGRAMS
from tests.benchmarks.small_programs import SMALL_PROGRAMS
from tests.benchmarks.worker_programs import WORKER_PROGRAMS

MLP_128 = """
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
"""

P1 = (
    MLP_128
    + """
from tests.benchmarks.data import mlp_start

x, y, values = mlp_start()
x, y = torch.from_numpy(x), torch.from_numpy(y)
with torch.no_grad():
    for p, value in zip(model.parameters(), values):
        p.copy_(torch.from_numpy(value))
"""
    + TRAINING_STEP
)

P2 = (
    """
model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters())
x = torch.randn(64, 784)
y = torch.randint(0, 10, (64,))
"""
    + TRAINING_STEP
)

CNN = """
model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters())
"""

P3 = (
    CNN
    + """
x = torch.randn(64, 1, 28, 28)
y = torch.randint(0, 10, (64,))
"""
    + TRAINING_STEP
)

# The data as bytes, a transform of a whole batch in the loop, as those write it who have found that it is fast.
BATCH_EPOCH = """
from tests.benchmarks.data import load_digits
from torch.utils.data import DataLoader, TensorDataset

images, labels = load_digits()
dataset = TensorDataset(torch.from_numpy(images), torch.from_numpy(labels))
loader = DataLoader(dataset, batch_size=64, shuffle=True)

def normalize(images):
    return (images.float() / 255 - 0.1307) / 0.3081

def step():
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(normalize(images){flatten}), labels)
        loss.backward()
        optimizer.step()
    return loss
"""

# A dataset and a transform of one sample at a time, as courses write it.
SAMPLE_EPOCH = """
from tests.benchmarks.data import load_digits
from torch.utils.data import DataLoader, Dataset

class Digits(Dataset):
    def __init__(self, transform):
        self.images, self.labels = load_digits()
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index]), self.labels[index]

def normalize(image):
    return (torch.from_numpy(image).float() / 255 - 0.1307) / 0.3081

loader = DataLoader(Digits(normalize), batch_size=64, shuffle=True)
"""

# The same, with the images in a tensor.
TENSOR_SAMPLE_EPOCH = """
from tests.benchmarks.data import load_digits
from torch.utils.data import DataLoader, Dataset

class Digits(Dataset):
    def __init__(self):
        images, labels = load_digits()
        self.images, self.labels = torch.from_numpy(images[:, 0]), torch.from_numpy(labels)

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        x = self.images[index]
        x = x.unsqueeze(0)
        x = x.float() / 255
        return (x - 0.1307) / 0.3081, self.labels[index]

loader = DataLoader(Digits(), batch_size=64, shuffle=True)
"""

SAMPLE_STEP = """
def step():
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images.flatten(1)), labels)
        loss.backward()
        optimizer.step()
    return loss
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
    return y.detach()
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

P1_EPOCH = MLP_128 + BATCH_EPOCH.replace("{flatten}", ".flatten(1)")
P3_EPOCH = CNN + BATCH_EPOCH.replace("{flatten}", "")

PROGRAMS = {
    "P1": Program("MLP 784-128-10, SGD with momentum: a training step", P1, 600, floor.p1(64)),
    "P2": Program("MLP 784-128-64-10, Adam: a training step", P2, 400, floor.p2(64)),
    "P3": Program("CNN 32-64 with pools and two linear layers, Adam: a training step", P3, 40, floor.p3(64)),
    **SEQUENCE_PROGRAMS,
    **SMALL_PROGRAMS,
    "adam": Program("Adam on 421,642 parameters in 8 tensors: a step", ADAM, 300, floor.adam(421_642)),
    "adam-fused": Program(
        "the same with fused=True",
        ADAM.replace("Adam(parameters)", "Adam(parameters, fused=True)"),
        300,
        floor.adam(421_642),
    ),
    "tape": Program("1,000 adds of one element, forward and backward", TAPE, 60),
    "loader": Program(
        "shuffled TensorDataset 60,000 x 784, batch 64: an epoch of 938 batches",
        LOADER,
        4,
        floor.copy(60_000 * (784 * 4 + 8)),
        as_it_is=True,
    ),
    **WORKER_PROGRAMS,
    "first": Program(
        "from the start of Python to the end of the first step of P3, kernels cached", P3, 1, whole=True
    ),
    "epoch-P1": Program(
        "MLP 784-128-10: an epoch of 60,000 digits, transform of whole batches",
        P1_EPOCH,
        1,
        floor.epoch(floor.p1, samples=60_000, batch=64),
        whole=True,
    ),
    "epoch-P1-samples": Program(
        "the same, transform of single samples",
        MLP_128 + SAMPLE_EPOCH + SAMPLE_STEP,
        1,
        floor.epoch(floor.p1, samples=60_000, batch=64),
        whole=True,
    ),
    "epoch-P1-tensor-samples": Program(
        "the same, images in a tensor",
        MLP_128 + TENSOR_SAMPLE_EPOCH + SAMPLE_STEP,
        1,
        floor.epoch(floor.p1, samples=60_000, batch=64),
        whole=True,
    ),
    "epoch-P3": Program(
        "CNN 32-64: an epoch of 60,000 digits, transform of whole batches",
        P3_EPOCH,
        1,
        floor.epoch(floor.p3, samples=60_000, batch=64),
        whole=True,
    ),
}
EPOCHS = tuple(name for name in PROGRAMS if name.startswith("epoch"))

HEADER = """
import {package} as torch
import {package}.nn as nn
import {package}.nn.functional as F
torch.manual_seed(0)
"""


def find(name: str) -> Program:
    """Return a program of ``PROGRAMS``, or one of growth, such as ``batch:64``."""
    kind, _, size = name.partition(":")
    if size:
        growth = GROWTH[kind]
        return Program(f"{growth.title}: {size}", f"SIZE = {int(size)}\n{growth.text}", growth.steps)
    return PROGRAMS[name]


def header(package: str) -> str:
    """Return the first lines of a program as it runs on a package; peers have none."""
    return "" if package in PEER_PROGRAMS else HEADER.format(package=package)


def body(name: str, package: str) -> str:
    """Return the rest of a program as it runs on a package."""
    if package in PEER_PROGRAMS:
        return PEER_PROGRAMS[package][name]
    return find(name).text.replace("from torch.", f"from {package}.")
