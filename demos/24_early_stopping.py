"""Five ways to train a network on too few digits: without care, and with four remedies against learning by heart.

    python demos/24_early_stopping.py                 each way three times, 60 epochs on 400 digits
    python demos/24_early_stopping.py --device gpu    on an NVIDIA card; --device auto: if there is one

400 digits are soon known by heart, and from then on the network only becomes surer of itself, also where it is wrong:
the loss on other digits grows. Weight decay, dropout and moved images make it harder to learn by heart; early stopping
looks at digits that are set aside, and stops in time. Read the file from the bottom: ``main`` tells the story, the
functions above it are the steps.

References
----------
L. Prechelt: "Early Stopping - But When?", in: Neural Networks: Tricks of the Trade, 1998
I. Loshchilov and F. Hutter: "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101
N. Srivastava et al.: "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 15, 2014
"""

from __future__ import annotations

import copy
import statistics
import time
from pathlib import Path
from typing import NamedTuple

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.vision import datasets

PIXELS = 28 * 28
TRAIN, VALIDATION, TEST = 400, 200, 2_000
BATCH_SIZE = 50
LEARNING_RATE = 0.002
REPEATS = 3  # other weights, other digits
SHIFT = 2  # pixels, in each direction


class Way(NamedTuple):
    """How to train: what is changed against training without care."""

    weight_decay: float = 0.0
    dropout: float = 0.0
    patience: int | None = None  # epochs without a better loss on the digits that are set aside
    moves: bool = False


WAYS = {
    "no care": Way(),
    "weight decay": Way(weight_decay=1.0),
    "dropout": Way(dropout=0.5),
    "early stopping": Way(patience=5),
    "moved images": Way(moves=True),
}


class Course:
    """What came of one training."""

    def __init__(self) -> None:
        self.train_losses: list[float] = []  # one an epoch
        self.test_losses: list[float] = []
        self.epoch = 0  # whose weights were taken
        self.loss = self.accuracy = 0.0  # of these, on the test digits


class MLP(nn.Module):
    """784 pixels -> two hidden layers -> 10 scores."""

    def __init__(self, hidden_size: int = 256, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Dropout(0.4 * dropout),  # fewer of the pixels than of the hidden units, as in the paper
            nn.Linear(PIXELS, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, hidden_size),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_size, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores, (n, 10), of (n, 28, 28) images."""
        return self.layers(images.flatten(1))


class EarlyStopping:
    """Keep the weights that were best on other data, and say when there have been none better for some epochs."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.best = float("inf")
        self.epochs_since = 0

    def is_over(self, model: nn.Module, loss: float) -> bool:
        """Look at the loss after an epoch."""
        self.epochs_since += 1
        if loss < self.best:
            self.best, self.weights, self.epochs_since = loss, copy.deepcopy(model.state_dict()), 0
        return self.epochs_since >= self.patience


def load_digits(train: bool) -> TensorDataset:
    """Return all digits: (n, 28, 28) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy() / 255, digits.targets.numpy()
    return TensorDataset(torch.tensor(images, dtype=torch.float32), torch.tensor(labels))


def moved(images: torch.Tensor) -> torch.Tensor:
    """Move a batch by up to two pixels in each direction: the network sees hardly an image twice."""
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
    return F.pad(images, (SHIFT,) * 4)[:, down : down + 28, right : right + 28]


def make_optimizer(model: nn.Module, lr: float, weight_decay: float = 0.0) -> torch.optim.Optimizer:
    """Return Adam that also makes every parameter smaller by lr * weight_decay a step."""
    return torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@torch.no_grad()
def test(model: nn.Module, dataset: TensorDataset, device: torch.device) -> tuple[float, float]:
    """Return loss and accuracy, without dropout."""
    images, labels = (tensor.to(device) for tensor in dataset.tensors)
    scores = model.eval()(images)
    right = (scores.argmax(dim=1) == labels).float().mean().item()
    return F.cross_entropy(scores, labels).item(), right


def train(way: Way, parts: list[TensorDataset], epochs: int, device: torch.device) -> Course:
    """Train a network in one of the ways, and look at it after every epoch."""
    train_set, validation_set, test_set = parts
    model, course = MLP(dropout=way.dropout).to(device), Course()
    optimizer = make_optimizer(model, LEARNING_RATE, way.weight_decay)
    stopping = EarlyStopping(way.patience) if way.patience is not None else None
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)
    for epoch in range(1, epochs + 1):
        model.train()
        for images, labels in loader:
            images = moved(images) if way.moves else images
            train_step(model, optimizer, images.to(device), labels.to(device))
        course.train_losses.append(test(model, train_set, device)[0])
        course.test_losses.append(test(model, test_set, device)[0])  # for the picture: no way may know of it
        course.epoch = epoch
        if stopping is not None and stopping.is_over(model, test(model, validation_set, device)[0]):
            break
    if stopping is not None:
        model.load_state_dict(stopping.weights)
        course.epoch -= stopping.epochs_since
    course.loss, course.accuracy = test(model, test_set, device)
    return course


def draw_parts(digits: TensorDataset, test_set: TensorDataset) -> list[TensorDataset]:
    """Return digits to learn from and digits that are set aside, drawn by chance, and those to test on."""
    images, labels = digits.tensors
    chosen = torch.randperm(len(images))[: TRAIN + VALIDATION].split([TRAIN, VALIDATION])
    return [*(TensorDataset(images[index], labels[index]) for index in chosen), test_set]


def plot(courses: dict[str, list[Course]], path: Path) -> None:
    """Draw the losses over the epochs, of the first training of each way, and below how all of them end."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(11, 6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=[1.3, 1])
    for axis, (name, those) in zip(
        above.subplots(1, len(courses), sharey=True), courses.items(), strict=True
    ):
        course = those[0]
        numbers = range(1, len(course.train_losses) + 1)
        axis.plot(numbers, course.train_losses, label="400 digits that it learns")
        axis.plot(numbers, course.test_losses, label="2,000 others")
        if course.epoch < len(numbers):
            axis.axvline(course.epoch, color="gray", linestyle=":", label="weights taken")
        axis.set(title=name, yscale="log", xlabel="epoch", xlim=(0, len(courses["no care"][0].train_losses)))
    above.axes[0].set_ylabel("loss")
    above.axes[0].legend(fontsize=8)
    for axis, what in zip(below.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for row, those in enumerate(courses.values()):
            values = [getattr(course, what) * (100 if what == "accuracy" else 1) for course in those]
            axis.plot(values, [row] * len(values), "o", color=f"C{row}", alpha=0.7)
            axis.plot(statistics.fmean(values), row, "|", color=f"C{row}", markersize=18)
        axis.set_yticks(range(len(courses)), list(courses))
        axis.set_xlabel(f"{what} on 2,000 other digits" + (", %" if what == "accuracy" else ""))
        axis.invert_yaxis()
    save_picture(figure, path)


def main() -> None:
    """Train in each of the ways, several times, and compare."""
    args = parse(command_line("Compare remedies against learning by heart.", "early_stopping.png", epochs=60))
    device = choose_device(torch, args.device)
    epochs, repeats = (2, 1) if args.quick else (args.epochs, REPEATS)
    torch.manual_seed(args.seed)

    digits, test_set = load_digits(train=True), load_digits(train=False)
    print(f"data: {TRAIN} digits to learn from, {VALIDATION} set aside, {len(test_set):,} to test on")
    courses: dict[str, list[Course]] = {name: [] for name in WAYS}
    started = time.perf_counter()
    for _ in tqdm(range(repeats), desc="repetitions", dynamic_ncols=True):
        parts = draw_parts(digits, test_set)
        for name, way in WAYS.items():
            courses[name].append(train(way, parts, epochs, device))
    print(f"trained for {time.perf_counter() - started:.1f} s")

    plot(courses, args.plot)
    print("means of the repetitions    epochs  train loss  test loss  test accuracy")
    for name, those in courses.items():
        epoch = statistics.fmean(course.epoch for course in those)
        trained = statistics.fmean(course.train_losses[course.epoch - 1] for course in those)
        loss = statistics.fmean(course.loss for course in those)
        right = 100 * statistics.fmean(course.accuracy for course in those)
        print(f"{name:27s} {epoch:6.1f} {trained:11.4f} {loss:10.3f} {right:12.2f} %")


if __name__ == "__main__":
    run(main)
