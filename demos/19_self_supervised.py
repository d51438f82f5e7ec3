"""Ten thousand digits without a label teach a network to see; ten labels of each kind then do for reading.

    python demos/19_self_supervised.py                 the digits that come with the package
    python demos/19_self_supervised.py --device gpu    on an NVIDIA card; --device auto: if there is one

Each digit is moved about twice. Of a batch of such views the network has to find out which two come from one digit:
nobody says which digit that is (Chen et al., A Simple Framework for Contrastive Learning of Visual Representations,
2020). Then the network is left as it is, and one linear layer learns to read from its features. It is compared with
the same layer on pixels and on a network that has learnt nothing, and with a network that learns from the labels alone.
Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from digits import choose_labeled, load_digits, moved
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

SIDE = 28
BATCH_SIZE = 128  # digits in a step: twice as many views
STEPS_PER_EPOCH, QUICK_STEPS = 50, 5
LEARNING_RATE = 0.003
TEMPERATURE = 0.2
LABELS_OF_EACH = (1, 3, 10, 30, 100)
PROBE_STEPS, SUPERVISED_STEPS = 200, 100
VIEW = {"turn": 25.0, "grow": 0.2, "lean": 0.3, "step": 3.5}
QUERIES, NEIGHBOURS = 6, 6  # in the picture


class SimCLR(nn.Module):
    """An image -> features -> a vector of length 1, which serves for training alone."""

    def __init__(self, channels: int = 8, features: int = 128) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * channels * (SIDE // 4) ** 2, features),
            nn.ReLU(),
        )
        self.projection = nn.Sequential(nn.Linear(features, features), nn.ReLU(), nn.Linear(features, 32))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the vectors of (n, 1, 28, 28) images."""
        return F.normalize(self.projection(self.encoder(images)), dim=1)


def loss_of(model: SimCLR, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return how hard it is to find the other view of the same image among all views of the batch (NT-Xent).

    Of each view v with its other view w it is -log(exp(v.w / T) / sum over all views u but v of exp(v.u / T)).
    """
    n = len(first)
    views = model(torch.cat([first, second]))
    alike = views @ views.t() / TEMPERATURE
    alike = alike.masked_fill(
        torch.eye(2 * n, dtype=torch.bool, device=views.device), -1e9
    )  # nobody is asked for itself
    other = torch.arange(2 * n, device=views.device).roll(n)
    return F.cross_entropy(alike, other)


def train_step(model: SimCLR, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(model: SimCLR, images: torch.Tensor, epochs: int, steps: int, device: torch.device) -> None:
    """Train without labels."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * steps)
    for epoch in range(1, epochs + 1):
        losses = 0.0
        with tqdm(range(steps), desc=f"epoch {epoch}/{epochs}", unit="step", dynamic_ncols=True) as progress:
            for _ in progress:
                some = images[torch.randint(0, len(images), (BATCH_SIZE,))]
                views = [moved(torch, some, **VIEW).to(device) for _ in range(2)]
                losses += train_step(model, optimizer, *views)
                scheduler.step()
        print(f"epoch {epoch}: loss {losses / steps:.3f}")


@torch.no_grad()
def features_of(encoder: nn.Module, images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return what an encoder makes of images, on the device: (n, features)."""
    return torch.cat([encoder(part.to(device)) for part in images.split(500)])


def probe(features: torch.Tensor, labels: torch.Tensor, test: torch.Tensor, answers: torch.Tensor) -> float:
    """Return the accuracy in per cent of a linear layer that is trained on some features, on others."""
    mean, spread = features.mean(dim=0), features.std(dim=0) + 0.1 * features.std()
    features, test = (features - mean) / spread, (test - mean) / spread
    layer = nn.Linear(features.shape[1], 10).to(features.device)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01, weight_decay=0.01)
    for _ in range(PROBE_STEPS):
        loss = F.cross_entropy(layer(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return 100 * (layer(test).argmax(dim=1) == answers).float().mean().item()


def supervised(
    images: torch.Tensor,
    labels: torch.Tensor,
    test: tuple[torch.Tensor, torch.Tensor],
    steps: int,
    device: torch.device,
) -> float:
    """Return the accuracy of the same network if it learns from some labels, moved like the views, and nothing else."""
    model = nn.Sequential(SimCLR().encoder, nn.Linear(128, 10)).to(device)
    optimizer = make_optimizer(model, LEARNING_RATE)
    for _ in range(steps):
        some = torch.randint(0, len(images), (min(len(images), 100),))
        loss = F.cross_entropy(model(moved(torch, images[some]).to(device)), labels[some].to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    found = features_of(model, test[0], device).argmax(dim=1).cpu()
    return 100 * (found == test[1]).float().mean().item()


def similar(
    known: dict[str, tuple[torch.Tensor, torch.Tensor]],
    images: torch.Tensor,
    labels: torch.Tensor,
    test: tuple[torch.Tensor, torch.Tensor],
) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Return test digits whose nearest in pixels is of another kind, and the nearest in pixels and in features."""
    near = {}
    for name in ("pixels", "features"):
        a, b = known[name]
        distances = (a * a).sum(dim=1) - 2 * b @ a.t()  # |a - b|^2, less |b|^2, which is the same for all a
        near[name] = distances.topk(NEIGHBOURS, dim=1, largest=False).indices.cpu()
    misread = torch.nonzero(labels[near["pixels"][:, 0]] != test[1])[:QUERIES, 0].tolist()
    return [(test[0][i : i + 1], images[near["pixels"][i]], images[near["features"][i]]) for i in misread]


def plot(
    curves: dict[str, list[float]], rows: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]], path: Path
) -> None:
    """Draw the accuracies, and some digits with those that are most like them, in pixels and in features."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.5])
    axis = left.subplots()
    for name, accuracies in curves.items():
        axis.semilogx(LABELS_OF_EACH, accuracies, marker="o", label=name)
    axis.set(
        title="Test digits that are read", xlabel="labels of each kind", ylabel="%", xticks=LABELS_OF_EACH
    )
    axis.set_xticklabels(LABELS_OF_EACH)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    right.suptitle("A test digit that pixels mistake; what is most like it in pixels; and in features")
    axes = right.subplots(len(rows), 1 + 2 * NEIGHBOURS)
    for line, parts in zip(axes, rows, strict=True):
        for axis, image in zip(line, torch.cat(parts), strict=True):
            axis.imshow(image[0].numpy(), cmap="gray_r")
            axis.set(xticks=[], yticks=[])
        line[0].spines[:].set(color="tab:blue", linewidth=3)
        line[NEIGHBOURS].spines["right"].set(color="black", linewidth=4)
    save_picture(figure, path)


def main() -> None:
    """Train without labels, then read with few; compare, and look at what is alike."""
    args = parse(command_line("Learn to see without labels.", "without_labels.png", epochs=10))
    device = choose_device(torch, args.device)
    epochs, steps = (1, QUICK_STEPS) if args.quick else (args.epochs, STEPS_PER_EPOCH)
    torch.manual_seed(args.seed)
    images, labels = load_digits(torch, train=True, count=1500 if args.quick else None)
    test = load_digits(torch, train=False, count=500 if args.quick else None)
    print(f"data: {len(images):,} digits without labels to learn from, {len(test[0]):,} to test on")
    model, untrained = SimCLR().to(device), SimCLR().to(device)
    train(model, images, epochs, steps, device)

    encoders = {
        "features": model.encoder,
        "of an untrained network": untrained.encoder,
        "pixels": nn.Flatten(),
    }
    known = {
        name: (features_of(encoder, images, device), features_of(encoder, test[0], device))
        for name, encoder in encoders.items()
    }
    curves: dict[str, list[float]] = {name: [] for name in (*encoders, "labels alone")}
    print("labels of each kind  " + "  ".join(curves))
    for of_each in LABELS_OF_EACH:
        places = choose_labeled(torch, labels, of_each)
        for name, (train_features, test_features) in known.items():
            answers = test[1].to(device)
            curves[name].append(
                probe(train_features[places.to(device)], labels[places].to(device), test_features, answers)
            )
        steps = QUICK_STEPS if args.quick else SUPERVISED_STEPS
        curves["labels alone"].append(supervised(images[places], labels[places], test, steps, device))
        print(f"{of_each:19}  " + "  ".join(f"{curve[-1]:{len(name)}.1f}" for name, curve in curves.items()))

    rows = similar(known, images, labels, test)
    plot(curves, rows, args.plot)
    own, pixels = curves["features"][2], curves["pixels"][2]
    print(f"with 100 labels: {own:.1f} % are read from features, {pixels:.1f} % from pixels")


if __name__ == "__main__":
    run(main)
