"""The timed programs in which other processes read: how soon the first batch comes, and how long an epoch takes."""

from __future__ import annotations

from tests.benchmarks.program import Program

PICTURES = """
import numpy as np
from tests.benchmarks.data import load_digits
from torch.utils.data import DataLoader, Dataset

labels = load_digits()[1][:20_000]

class Pictures(Dataset):
    def __init__(self):
        self.images, self.labels = torch.randn(len(labels), 3, 32, 32), torch.from_numpy(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.images[index] * 2 - 1, self.labels[index]

class Arrays(Dataset):
    def __init__(self):
        self.images = np.random.randint(0, 256, (len(labels), 3, 32, 32), np.uint8)

    def __len__(self):
        return len(labels)

    def __getitem__(self, index):
        image = self.images[index].astype(np.float32) / 255
        return np.ascontiguousarray(image[:, :, ::-1]), labels[index]

loader = DataLoader({dataset}(), batch_size=64, shuffle=True, num_workers=2)
"""

EPOCH = """
def step():
    for x, y in loader:
        pass
"""

FIRST_BATCH = """
def step():
    return next(iter(loader))
"""

WORKER_PROGRAMS = {
    "workers": Program(
        "two workers, 20,000 tensors of 3 x 32 x 32, scaled one by one, batch 64: an epoch",
        PICTURES.replace("{dataset}", "Pictures") + EPOCH,
        4,
        as_it_is=True,
    ),
    "workers-arrays": Program(
        "the same with images of bytes in NumPy, scaled and turned",
        PICTURES.replace("{dataset}", "Arrays") + EPOCH,
        4,
        as_it_is=True,
    ),
    "workers-first": Program(
        "two workers are started, read the first batch, and are ended",
        PICTURES.replace("{dataset}", "Pictures") + FIRST_BATCH,
        10,
        as_it_is=True,
    ),
}
