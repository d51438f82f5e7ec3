"""A network that has never seen a Pegasus knows one when it sees it: a horse with wings, it was told.

    python demos/17_zero_shot.py                 a zoo of 4,200 beasts, drawn by the program
    python demos/17_zero_shot.py --device gpu    on an NVIDIA card; --device auto: if there is one

Twenty-eight kinds of beasts are shown to a network, which learns what they have: stripes, horns, a long neck. A beast
of another kind it then finds in a list of descriptions (Lampert et al., Learning to Detect Unseen Object Classes by
Between-Class Attribute Transfer, 2009). Beside it learns a network that has one output for every kind, as usual. Read
the file from the bottom: ``main`` tells the story, the functions above it are the steps; ``zoo.py`` draws the beasts.
"""

from __future__ import annotations

import random
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm
from zoo import ATTRIBUTES, KINDS, SEEN, SIDE, UNSEEN, draw_many

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset

BATCH_SIZE = 64
OF_EACH, TEST_OF_EACH = 150, 60  # pictures of each kind
QUICK_OF_EACH = 10
LEARNING_RATE = 0.003


def load(kinds: list[str], of_each: int, rng: random.Random) -> TensorDataset:
    """Return (n, 1, SIDE, SIDE) pictures of beasts of some kinds, and their numbers."""
    numbers = [KINDS.index(kind) for kind in kinds] * of_each
    pictures = draw_many(numbers, rng)[:, None]
    return TensorDataset(torch.tensor(pictures, dtype=torch.float32), torch.tensor(numbers))


def descriptions() -> torch.Tensor:
    """Return what each kind has: (kinds, attributes) of 0 and 1."""
    texts = [*SEEN.values(), *UNSEEN.values()]
    return torch.tensor([[float(name in text.split(", ")) for name in ATTRIBUTES] for text in texts])


class Net(nn.Module):
    """A picture -> one score for each output: kinds or attributes."""

    def __init__(self, outputs: int, channels: int = 12) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * channels * (SIDE // 8) ** 2, outputs),
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the scores of (n, 1, SIDE, SIDE) pictures."""
        return self.layers(pictures)


class ByKind(Net):
    """One output for every kind: the scores are the kinds', as usual."""

    def __init__(self, channels: int = 12) -> None:
        super().__init__(len(KINDS), channels)

    def loss(self, pictures: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of the kinds."""
        return F.cross_entropy(self(pictures), kinds)

    def scores_of_kinds(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return how well pictures go with kinds: (n, kinds)."""
        return self(pictures)


class ByDescription(Net):
    """One output for every attribute: a kind is as likely as what it has, and as the lack of what it has not."""

    def __init__(self, channels: int = 12) -> None:
        super().__init__(len(ATTRIBUTES), channels)
        self.register_buffer("has", descriptions())

    def loss(self, pictures: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
        """Return the cross-entropy of the attributes, each by itself."""
        return F.binary_cross_entropy_with_logits(self(pictures), self.has[kinds])

    def scores_of_kinds(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the logarithms of the probabilities: sum of log p of what a kind has, and log (1 - p) of the rest."""
        scores = self(pictures)
        return F.logsigmoid(scores) @ self.has.t() + F.logsigmoid(-scores) @ (1 - self.has).t()


def train_step(
    model: ByKind | ByDescription, optimizer: torch.optim.Optimizer, *batch: torch.Tensor
) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = model.loss(*batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(
    model: ByKind | ByDescription, train_set: TensorDataset, epochs: int, name: str, device: torch.device
) -> None:
    """Train, with steps that become smaller and smaller."""
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    for epoch in range(1, epochs + 1):
        with tqdm(loader, desc=f"{name} {epoch}/{epochs}", unit="batch", dynamic_ncols=True) as progress:
            for batch in progress:
                loss = train_step(model, optimizer, *[tensor.to(device) for tensor in batch])
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)


@torch.no_grad()
def answers(
    model: ByKind | ByDescription, pictures: torch.Tensor, among: list[str], device: torch.device
) -> torch.Tensor:
    """Return the best of some kinds for each picture."""
    numbers = torch.tensor([KINDS.index(kind) for kind in among])
    scores = model.scores_of_kinds(pictures.to(device)).cpu()
    return numbers[scores[:, numbers].argmax(dim=1)]


def report(
    name: str, model: ByKind | ByDescription, tests: dict[str, TensorDataset], device: torch.device
) -> float:
    """Print how many beasts are named rightly; return the percentage of unseen kinds, with all kinds to choose from."""
    percent = []
    for test_set, among in (("seen", KINDS), ("unseen", KINDS), ("unseen", list(UNSEEN))):
        pictures, kinds = tests[test_set].tensors
        right = answers(model, pictures, among, device) == kinds
        percent.append(100 * right.float().mean().item())
    print(f"{name:14}  {percent[0]:5.1f} %  {percent[1]:7.1f} %  {percent[2]:22.1f} %")
    return percent[1]


@torch.no_grad()
def plot(model: ByDescription, tests: TensorDataset, device: torch.device, path: Path) -> None:
    """Draw a beast of each unseen kind, with what the network sees in it and what it takes it for."""
    plt = find_pyplot()
    if plt is None:
        return
    pictures, kinds = (tensor[: len(UNSEEN)] for tensor in tests.tensors)
    probabilities = model(pictures.to(device)).sigmoid().cpu()
    found = answers(model, pictures, KINDS, device)
    figure, axes = plt.subplots(
        2, len(UNSEEN), figsize=(13, 5.2), height_ratios=[1.2, 1], layout="constrained"
    )
    for i, (above, below) in enumerate(axes.T):
        above.imshow(pictures[i, 0].numpy(), cmap="gray", vmin=0, vmax=1)
        above.set(xticks=[], yticks=[])
        above.set_title(f"{KINDS[found[i]]}?", color="black" if found[i] == kinds[i] else "red")
        has = model.has[kinds[i]].tolist()
        below.barh(
            ATTRIBUTES, probabilities[i].tolist(), color=["tab:green" if yes else "tab:gray" for yes in has]
        )
        below.set(xlim=(0, 1), ylim=(len(ATTRIBUTES) - 0.5, -0.5), xticks=[0, 1])
        below.tick_params(labelleft=i == 0)
    figure.supxlabel(
        "what the network sees in the beast: green what belongs to it by its description", fontsize=10
    )
    save_picture(figure, path)


def main() -> None:
    """Train both networks on the same kinds, and ask them for others."""
    args = parse(command_line("Name beasts of kinds that were never shown.", "beasts.png", epochs=10))
    device = choose_device(torch, args.device)
    epochs, of_each = (1, QUICK_OF_EACH) if args.quick else (args.epochs, OF_EACH)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    train_set = load(list(SEEN), of_each, rng)
    tests = {
        name: load(list(kinds), TEST_OF_EACH, rng) for name, kinds in (("seen", SEEN), ("unseen", UNSEEN))
    }
    print(f"data: {len(train_set):,} beasts of {len(SEEN)} kinds to learn from")
    print(f"never shown, but described: {', '.join(UNSEEN)}")

    models = {"by kind": ByKind().to(device), "by description": ByDescription().to(device)}
    for name, model in models.items():
        train(model, train_set, epochs, name, device)
    print("named rightly    seen     unseen   among the unseen alone")
    percent = [report(name, model, tests, device) for name, model in models.items()]
    plot(models["by description"], tests["unseen"], device, args.plot)
    print(f"{percent[1]:.1f} % of the beasts that were never shown are named, of {len(KINDS)} kinds")


if __name__ == "__main__":
    run(main)
