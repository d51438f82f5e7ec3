"""The timed programs in which Python decides: many small operations, one picture at a time.

Where a model is compiled, it is so on this engine alone: PyTorch's compiler needs one of C++, and PyTorch runs as it
comes. (A whole step is compiled by the engine "tinygrad_edu-replayed".)
"""

from __future__ import annotations

from tests.benchmarks.program import TRAINING_STEP, Program

# An LSTM as one writes it to understand it.
LSTM_CELL = """
class Cell(nn.Module):
    def __init__(self, inputs, size):
        super().__init__()
        self.of_x, self.of_h = nn.Linear(inputs, 4 * size), nn.Linear(size, 4 * size)

    def forward(self, x, h, c):
        i, f, o, u = (self.of_x(x) + self.of_h(h)).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
        return torch.sigmoid(o) * torch.tanh(c), c

class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.out = Cell(28, 128), nn.Linear(128, 10)

    def forward(self, x):
        h = c = torch.zeros(len(x), 128)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], h, c)
        return self.out(h)

model = Reader()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
x, y = torch.randn(64, 28, 28), torch.randint(0, 10, (64,))
"""

MLP = """
model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
"""

CNN = """
class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3, padding=1), nn.Conv2d(32, 64, 3, padding=1)
        self.fc1, self.fc2 = nn.Linear(64 * 7 * 7, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.view(-1, 64 * 7 * 7)
        return self.fc2(F.relu(self.fc1(x)))

model = CNN()
"""

COMPILED_MODEL = """
if torch.__name__ == "tinygrad_edu":
    model = torch.compile(model)
"""

# A hundred in a step, for one of the MLP is too short for a clock.
ONE_BY_ONE = """
model.eval()
pictures = [torch.randn(1, 1, 28, 28) for _ in range(100)]

def step():
    with torch.no_grad():
        for picture in pictures:
            scores = model(picture)
    return scores
"""

SMALL_PROGRAMS = {
    "lstm-cell": Program(
        "LSTM cell written by hand, 28-128, 28 steps, batch 64, Adam: a training step",
        LSTM_CELL + TRAINING_STEP,
        30,
    ),
    "one-P1": Program(
        "MLP 784-128-10 without gradients, 100 pictures one by one", MLP + ONE_BY_ONE, 50, as_it_is=True
    ),
    "one-P1-compiled": Program(
        "the same, torch.compile here, PyTorch as it is", MLP + COMPILED_MODEL + ONE_BY_ONE, 50, as_it_is=True
    ),
    "one-P3": Program(
        "CNN of demos/train_mnist.py without gradients, 100 pictures one by one",
        CNN + ONE_BY_ONE,
        20,
        as_it_is=True,
    ),
    "one-P3-compiled": Program(
        "the same, torch.compile here, PyTorch as it is", CNN + COMPILED_MODEL + ONE_BY_ONE, 20, as_it_is=True
    ),
}
