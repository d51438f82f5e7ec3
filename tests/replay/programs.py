"""The programs that are replayed here: each makes a model, its step and its batches anew, from one seed."""

from __future__ import annotations

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class Block(nn.Module):
    """A small Transformer with its own positions and mask."""

    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = self.tokens(x) + self.places(torch.arange(x.shape[1]))
        return self.head(self.layer(x)[:, -1])


def mlp():
    return nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 5))


def cnn():
    layers = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(4 * 16, 5))


SHAPES = {"mlp": (20,), "cnn": (1, 8, 8), "lstm": (7, 6), "transformer": (6,)}
MODELS = {"mlp": mlp, "cnn": cnn, "lstm": Lstm, "transformer": Block}
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=1e-3),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, amsgrad=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
}


def batches(name, count, size=16, last=16):
    """Return batches; every fifth one has another size."""
    made = []
    for i in range(count):
        n = last if i % 5 == 4 else size
        shape = (n, *SHAPES[name])
        x = torch.randint(0, 11, shape) if name == "transformer" else torch.randn(*shape)
        made.append((x, torch.randint(0, 5, (n,))))
    return made


class Program:
    """A model, its optimizer and its training step."""

    def __init__(self, name, optimizer="adam", clip=False, replay=True):
        torch.manual_seed(0)
        model = self.model = MODELS[name]()
        optimizer = self.optimizer = OPTIMIZERS[optimizer](model.parameters())

        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            return loss

        self.step = torch.compile(step) if replay else step

    def content(self):
        """Return everything that a step changes."""
        state = [v for s in self.optimizer.state.values() for v in s.values()]
        grads = [p.grad for p in self.model.parameters()]
        return [*self.model.parameters(), *self.model.buffers(), *state, *grads]
