"""A network that knows the digits 0 to 4 learns 5 to 9 from a handful of examples.

    python demos/21_fine_tuning.py                 1 to 50 examples of each new digit, four ways to learn from them
    python demos/21_fine_tuning.py --device gpu    on an NVIDIA card; --device auto: if there is one

What the first layers have learnt about strokes is of use for digits that they have never seen. So they are kept:
frozen, with new layers on top, or as the place where training starts. The other way is to start from nothing.
Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.

References
----------
J. Yosinski et al.: "How transferable are features in deep neural networks?", NIPS 2014, arXiv:1411.1792
"""

from __future__ import annotations

import copy
import statistics
import time
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.vision import datasets

EXAMPLES = [1, 2, 5, 10, 20, 50]  # of each new digit
REPEATS = 3  # other examples, other weights
STEPS = 60  # on them
BATCH_SIZE = 50
LEARNING_RATE = 0.003
TEST = 500
QUICK_TRAIN, QUICK_TEST, QUICK_EXAMPLES, QUICK_STEPS = 1_000, 100, [1, 10], 10
WAYS = ["from nothing", "all frozen but the last layer", "all layers trained further", "convolutions frozen"]


class CNN(nn.Module):
    """Two convolutions, each with a pooling that halves the image, a linear layer, and a last one: five scores."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (n, c, 14, 14)
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (n, 2c, 7, 7)
            nn.Flatten(),
        )
        self.linear = nn.Linear(2 * channels * 7 * 7, 64)
        self.last = nn.Linear(64, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores, (n, 5), of (n, 1, 28, 28) images."""
        return self.last(F.relu(self.linear(self.convolutions(images))))


def for_new_digits(trained: CNN, way: str) -> CNN:
    """Return a network for the other five digits, with what is to be kept of one that was trained."""
    if way == "from nothing":
        return CNN()
    model = copy.deepcopy(trained)
    model.last.reset_parameters()
    if way == "convolutions frozen":
        freeze(model.convolutions)
        model.linear.reset_parameters()
    if way == "all frozen but the last layer":
        freeze(model.convolutions)
        freeze(model.linear)
    return model


def freeze(module: nn.Module) -> None:
    """Let no optimizer change a module: its parameters get no gradient."""
    for parameter in module.parameters():
        parameter.requires_grad_(False)


def load_digits(train: bool, first: int, count: int | None = None) -> TensorDataset:
    """Return ``count`` of five kinds of digits: (n, 1, 28, 28) images of numbers from 0 to 1, and n labels 0 to 4."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy(), digits.targets.numpy()
    wanted = (labels >= first) & (labels < first + 5)
    images, labels = images[wanted][:count, None] / 255, labels[wanted][:count] - first
    return TensorDataset(torch.tensor(images, dtype=torch.float32), torch.tensor(labels))


def draw_examples(dataset: TensorDataset, count: int) -> TensorDataset:
    """Return ``count`` images of each of the five kinds, drawn by chance."""
    images, labels = dataset.tensors
    chosen = []
    for label in range(5):
        those = (labels == label).nonzero().squeeze(1)
        chosen.append(those[torch.randperm(len(those))[:count]])
    index = torch.cat(chosen)
    return TensorDataset(images[index], labels[index])


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam for the parameters that are not frozen."""
    return torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=lr)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: torch.Tensor, labels: torch.Tensor
) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_on_many(dataset: TensorDataset, epochs: int, device: torch.device) -> CNN:
    """Return a network that has been trained in the usual way."""
    model = CNN().to(device)
    optimizer = make_optimizer(model, LEARNING_RATE)
    loader = DataLoader(dataset, batch_size=BATCH_SIZE, shuffle=True)
    for epoch in range(1, epochs + 1):
        progress = tqdm(loader, desc=f"epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True)
        losses = [
            train_step(model, optimizer, images.to(device), labels.to(device)) for images, labels in progress
        ]
        print(f"epoch {epoch}: loss {statistics.fmean(losses):.3f}")
    return model


def train_on_few(model: nn.Module, examples: TensorDataset, steps: int, device: torch.device) -> None:
    """Train on batches that are drawn from some examples."""
    images, labels = (tensor.to(device) for tensor in examples.tensors)
    optimizer = make_optimizer(model, LEARNING_RATE)
    for _ in range(steps):
        batch = torch.randperm(len(images))[:BATCH_SIZE].to(device)
        train_step(model, optimizer, images[batch], labels[batch])


@torch.no_grad()
def guesses(model: nn.Module, images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return which of the five kinds the network takes images for."""
    return model(images.to(device)).argmax(dim=1).cpu()


def accuracy(model: nn.Module, dataset: TensorDataset, device: torch.device) -> float:
    """Return the percentage of the images that are read rightly."""
    images, labels = dataset.tensors
    return 100 * (guesses(model, images, device) == labels).float().mean().item()


def plot(curves: dict[str, list[list[float]]], counts: list[int], shown: list, path: Path) -> None:
    """Draw what is read rightly after how many examples; beside it one example of each, and what is made of it."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(11, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])
    axis = left.subplots()
    for way, columns in curves.items():
        axis.plot(counts, [statistics.fmean(column) for column in columns], marker="o", label=way)
        axis.fill_between(counts, [min(c) for c in columns], [max(c) for c in columns], alpha=0.2)
    axis.set_xscale("log")
    axis.set_xticks(counts, counts, minor=False)
    axis.set_xticks([], minor=True)
    axis.set(xlabel="examples of each new digit", ylabel="new digits read rightly, %", ylim=(20, 101))
    axis.legend()
    axis.set_title("Mean of three repetitions, from worst to best")
    axes = right.subplots(5, 8)
    for label, (row, (example, others)) in enumerate(zip(axes, shown, strict=True)):
        row[0].imshow(example[0].numpy(), cmap="gray_r")
        row[1].set_axis_off()
        row[1].text(0.5, 0.5, "→", ha="center", va="center", fontsize=14)
        for tile, (image, guess) in zip(row[2:], others, strict=True):
            tile.imshow(image[0].numpy(), cmap="gray_r" if guess == label else "Reds")
            tile.set_xlabel(guess + 5, fontsize=9, labelpad=1)
        for tile in row:
            tile.set(xticks=[], yticks=[])
    right.suptitle("All it has seen of a digit, and how it reads six others", fontsize=11)
    save_picture(figure, path)


def main() -> None:
    """Train on five digits, then learn the other five from few examples in four ways."""
    args = parse(command_line("Learn new digits from few examples.", "fine_tuning.png", epochs=3))
    device = choose_device(torch, args.device)
    epochs, steps = (1, QUICK_STEPS) if args.quick else (args.epochs, STEPS)
    counts, repeats = (QUICK_EXAMPLES, 1) if args.quick else (EXAMPLES, REPEATS)
    torch.manual_seed(args.seed)

    old = load_digits(train=True, first=0, count=QUICK_TRAIN if args.quick else None)
    new, new_test = load_digits(train=True, first=5), load_digits(train=False, first=5, count=TEST)
    old_test = load_digits(train=False, first=0, count=QUICK_TEST if args.quick else None)
    print(f"data: {len(old):,} digits from 0 to 4, some from 5 to 9, {len(new_test):,} of these to test on")
    started = time.perf_counter()
    trained = train_on_many(old, epochs, device)
    print(f"0 to 4 are read rightly: {accuracy(trained, old_test, device):.1f} %")

    curves: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    for count in counts:
        for way in WAYS:
            curves[way].append([])
        for _ in range(repeats):
            examples = draw_examples(new, count)
            for way in WAYS:
                model = for_new_digits(trained, way).to(device)
                train_on_few(model, examples, steps, device)
                curves[way][-1].append(accuracy(model, new_test, device))
            if count == counts[0]:
                first = model, examples
    print(f"trained for {time.perf_counter() - started:.1f} s")

    shown = []
    images, labels = new_test.tensors
    for label in range(5):
        others = images[labels == label][:6]
        shown.append(
            (
                first[1].tensors[0][label],
                list(zip(others, guesses(first[0], others, device).tolist(), strict=True)),
            )
        )
    plot(curves, counts, shown, args.plot)
    print("examples of each:                       " + "".join(f"{count:7d}" for count in counts))
    for way, columns in curves.items():
        print(f"{way:31s} right, %" + "".join(f"{statistics.fmean(column):7.1f}" for column in columns))


if __name__ == "__main__":
    run(main)
