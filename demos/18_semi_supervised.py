"""A hundred digits with labels and ten thousand without: the network labels those itself, where it is sure.

    python demos/18_semi_supervised.py                 the digits that come with the package
    python demos/18_semi_supervised.py --device gpu    on an NVIDIA card; --device auto: if there is one

Two networks begin alike. The first learns from ten digits of each kind, which are moved about so that it does not know
them by heart. The second has also the others, without labels: what it says of one is, if it is sure, the label of the
same one moved a lot (after Sohn et al., FixMatch, 2020). Read the file from the bottom: ``main`` tells
the story, the functions above it are the steps.
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
LABELS_OF_EACH = 10
BATCH_SIZE, UNLABELED = 50, 100  # digits in a step, with labels and without
STEPS_PER_EPOCH, QUICK_STEPS = 50, 5
LEARNING_RATE = 0.003
SURE = 0.95  # the probability from which on an answer is a label
A_LOT = {"turn": 25.0, "grow": 0.25, "lean": 0.3, "step": 3.5}
SHOWN = 30  # digits in the picture


class CNN(nn.Module):
    """Half the resolution, two convolutions with a pooling each, and two linear layers."""

    def __init__(self, channels: int = 16, hidden_size: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.AvgPool2d(2),
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * channels * (SIDE // 8) ** 2, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores of (n, 1, 28, 28) images."""
        return self.layers(images)


@torch.no_grad()
def guesses(model: CNN, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return for each image the most probable digit, and how probable it is."""
    probability, digit = model(images).softmax(dim=1).max(dim=1)
    return digit, probability


def loss_of(
    model: CNN,
    images: torch.Tensor,
    labels: torch.Tensor,
    others: torch.Tensor | None = None,
    others_moved: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the loss on images with labels, and on others that are moved, where the network is sure of them."""
    loss = F.cross_entropy(model(images), labels)
    if others is not None:
        digits, probabilities = guesses(model, others)
        losses = F.cross_entropy(model(others_moved), digits, reduction="none")
        loss = loss + (losses * (probabilities > SURE).to(losses)).mean()
    return loss


def train_step(model: CNN, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def draw_batch(images: torch.Tensor, labels: torch.Tensor, others: torch.Tensor | None) -> list[torch.Tensor]:
    """Return digits with labels, moved; and, if there are others, some of them as they are, and moved a lot."""
    chosen = torch.randint(0, len(images), (BATCH_SIZE,))
    batch = [moved(torch, images[chosen]), labels[chosen]]
    if others is not None:
        some = others[torch.randint(0, len(others), (UNLABELED,))]
        batch += [some, moved(torch, some, **A_LOT)]
    return batch


@torch.no_grad()
def accuracy(model: CNN, images: torch.Tensor, labels: torch.Tensor, device: torch.device) -> float:
    """Return the percentage of images whose digit is found."""
    found = torch.cat([guesses(model, part.to(device))[0].cpu() for part in images.split(500)])
    return 100 * (found == labels).float().mean().item()


def train(
    model: CNN,
    data: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None],
    test_set: tuple[torch.Tensor, torch.Tensor],
    epochs: int,
    steps: int,
    name: str,
    device: torch.device,
) -> list[float]:
    """Train; return the accuracies on the test set after every so many steps."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs * steps)
    accuracies = []
    for epoch in range(1, epochs + 1):
        with tqdm(range(steps), desc=f"{name} {epoch}/{epochs}", unit="step", dynamic_ncols=True) as progress:
            for _ in progress:
                batch = draw_batch(*data)
                loss = train_step(model, optimizer, *[tensor.to(device) for tensor in batch])
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        accuracies.append(accuracy(model, *test_set, device))
    return accuracies


def look_at_labels(
    model: CNN, images: torch.Tensor, truth: torch.Tensor, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the network's labels of digits that had none, and which of them it was sure of; say how good they are."""
    parts = [guesses(model, part.to(device)) for part in images.split(500)]
    digits, probabilities = (torch.cat([part[i].cpu() for part in parts]) for i in (0, 1))
    sure = probabilities > SURE
    share = 100 * sure.float().mean().item()
    print(f"it is sure of {share:.1f} % of the digits without labels")
    if sure.any():
        print(f"{100 * (digits == truth)[sure].float().mean().item():.2f} % of these labels are right")
    return digits, sure


def plot(
    curves: dict[str, list[float]],
    every: int,
    wrong: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    path: Path,
) -> None:
    """Draw the accuracies, and labels that the network gave and that are wrong."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subfigures(1, 2)
    axis = left.subplots()
    for name, accuracies in curves.items():
        axis.plot([every * (i + 1) for i in range(len(accuracies))], accuracies, label=name)
    axis.set(title="Test digits that are read", xlabel="steps", ylabel="%", ylim=(None, 100))
    axis.grid(alpha=0.3)
    axis.legend(loc="lower right")
    right.suptitle("Labels it was sure of, and that are wrong (who gave the right ones?)")
    for axis, image, digit, label in zip(right.subplots(5, SHOWN // 5).flat, *wrong, strict=False):
        axis.imshow(image[0].numpy(), cmap="gray_r")
        axis.set_title(f"{digit}, not {label}", fontsize=9)
    for axis in right.axes:
        axis.axis("off")
    save_picture(figure, path)


def main() -> None:
    """Train with a hundred labels alone, and with all the digits that have none; compare."""
    args = parse(command_line("Learn from few labels and many digits.", "few_labels.png", epochs=24))
    device = choose_device(torch, args.device)
    epochs, steps = (2, QUICK_STEPS) if args.quick else (args.epochs, STEPS_PER_EPOCH)
    torch.manual_seed(args.seed)
    images, truth = load_digits(torch, train=True, count=1000 if args.quick else None)
    test_set = load_digits(torch, train=False, count=500 if args.quick else None)
    places = choose_labeled(torch, truth, LABELS_OF_EACH)
    others = torch.ones(len(truth), dtype=torch.bool)
    others[places] = False
    print(
        f"data: {len(places)} digits with labels, {int(others.sum()):,} without, {len(test_set[0]):,} to test on"
    )

    curves, first = {}, CNN()
    for name, unlabeled in (("labels alone", None), ("and its own labels", images[others])):
        model = CNN().to(device)
        model.load_state_dict(first.state_dict())
        data = images[places], truth[places], unlabeled
        curves[name] = train(model, data, test_set, epochs, steps, name, device)
        print(f"{name}: {curves[name][-1]:.2f} % of the test digits are read")

    digits, sure = look_at_labels(model, images[others], truth[others], device)
    wrong = sure & (digits != truth[others])
    plot(
        curves,
        steps,
        (images[others][wrong][:SHOWN], digits[wrong].tolist(), truth[others][wrong].tolist()),
        args.plot,
    )
    alone, both = (accuracies[-1] for accuracies in curves.values())
    print(f"mistakes: {100 - alone:.1f} % with labels alone, {100 - both:.1f} % with its own as well")


if __name__ == "__main__":
    run(main)
