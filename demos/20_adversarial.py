"""A network that reads digits is fooled by noise that nobody would notice, and learns not to be.

    python demos/20_adversarial.py                 attack, train against the attack, attack again
    python demos/20_adversarial.py --device gpu    on an NVIDIA card; --device auto: if there is one

The gradient of the loss with respect to the *image* says which pixels to change. No pixel is changed by more than
EPSILON, and still the network takes a 4 for an 8; as much noise without a plan does it no harm. Read the file from
the bottom: ``main`` tells the story, the functions above it are the steps.

References
----------
I. Goodfellow, J. Shlens and C. Szegedy: "Explaining and Harnessing Adversarial Examples", ICLR 2015, arXiv:1412.6572
A. Madry et al.: "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018, arXiv:1706.06083
E. Wong, L. Rice and J. Z. Kolter: "Fast is better than free", ICLR 2020, arXiv:2001.03994
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.vision import datasets

EPSILON = 0.15  # no pixel, from 0 to 1, is changed by more
EPSILONS = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]  # for the curves
STEPS = 10  # of the stronger attack
BATCH_SIZE = 100
LEARNING_RATE = 0.003
QUICK_TRAIN, QUICK_TEST = 1_000, 50
TEST = 500
EXAMPLES = 4

Attack = Callable[[nn.Module, torch.Tensor, torch.Tensor, float], torch.Tensor]


class CNN(nn.Module):
    """Two convolutions, each with a pooling that halves the image, and two linear layers."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(2 * channels * 7 * 7, 64)
        self.fc2 = nn.Linear(64, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores, (n, 10), of (n, 1, 28, 28) images."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)  # (n, c, 14, 14)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)  # (n, 2c, 7, 7)
        return self.fc2(F.relu(self.fc1(torch.flatten(x, 1))))


# ---- attacks: each returns images that differ from the given ones by at most epsilon in every pixel ---------------


def uphill(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return for every pixel whether the loss grows when it becomes brighter, 1, or darker, -1."""
    images = images.detach().requires_grad_()
    loss = F.cross_entropy(model(images), labels)
    (gradient,) = torch.autograd.grad(loss, images)
    return gradient.sign()


def noise(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Change every pixel by epsilon, up or down by chance: no attack, but what to compare one with."""
    return (images + epsilon * torch.randn(images.shape).sign().to(images.device)).clamp(0, 1)


def fgsm(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Change every pixel by epsilon, uphill: the fast gradient sign method."""
    return (images + epsilon * uphill(model, images, labels)).clamp(0, 1)


def pgd(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Make small steps uphill, from a place nearby: projected gradient descent, on the loss with a minus sign."""
    start = 2 * torch.rand(images.shape).to(images.device) - 1
    attacked = (images + epsilon * start).clamp(0, 1)
    for _ in range(STEPS):
        attacked = attacked + 2.5 * epsilon / STEPS * uphill(model, attacked, labels)
        attacked = images + (attacked - images).clamp(-epsilon, epsilon)  # back to what is allowed
        attacked = attacked.clamp(0, 1)
    return attacked


def one_step(
    model: nn.Module, images: torch.Tensor, labels: torch.Tensor, epsilon: float, start: torch.Tensor
) -> torch.Tensor:
    """Make one large step uphill from a place nearby: enough to train against, and five times cheaper (Wong et al.)."""
    attacked = (images + epsilon * start).clamp(0, 1)
    attacked = attacked + 1.25 * epsilon * uphill(model, attacked, labels)
    return (images + (attacked - images).clamp(-epsilon, epsilon)).clamp(0, 1)


# ---- training ----------------------------------------------------------------------------------------------


def load_digits(train: bool, count: int | None = None) -> TensorDataset:
    """Return the first ``count`` digits: (n, 1, 28, 28) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    return TensorDataset(torch.tensor(images[:, None] / 255, dtype=torch.float32), torch.tensor(labels))


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    start: torch.Tensor | None = None,
) -> float:
    """Make one step of the optimizer, on attacked images if there is a place to start from; return the loss."""
    if start is not None:
        images = one_step(model, images, labels, EPSILON, start)
    loss = F.cross_entropy(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train(train_set: TensorDataset, epochs: int, device: torch.device, attacked: bool) -> CNN:
    """Return a network that has been trained on the digits, or on attacked ones."""
    model = CNN().to(device)
    optimizer = make_optimizer(model, LEARNING_RATE)
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    started, title = time.perf_counter(), "against the attack" if attacked else "usual"
    for epoch in range(1, epochs + 1):
        losses = []
        with tqdm(
            loader, desc=f"{title}, epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True
        ) as progress:
            for images, labels in progress:
                start = (2 * torch.rand(images.shape) - 1).to(device) if attacked else None
                losses.append(train_step(model, optimizer, images.to(device), labels.to(device), start))
                scheduler.step()
        print(f"{title}, epoch {epoch}: loss {statistics.fmean(losses):.3f}")
    print(f"trained for {time.perf_counter() - started:.1f} s")
    return model


def accuracy(
    model: nn.Module, test_set: TensorDataset, device: torch.device, attack: Attack, epsilon: float
) -> float:
    """Return the percentage of the test digits that are read rightly after an attack."""
    right = 0
    for images, labels in DataLoader(test_set, batch_size=500):
        images, labels = images.to(device), labels.to(device)
        guesses = model(attack(model, images, labels, epsilon)).argmax(dim=1)
        right += (guesses == labels).sum().item()
    return 100 * right / len(test_set)


# ---- what comes out ----------------------------------------------------------------------------------------


def fooled(model: nn.Module, test_set: TensorDataset, device: torch.device) -> list[tuple]:
    """Return some digits before and after the attack, and what the network says of each with which probability."""
    images, labels = (tensor[:200].to(device) for tensor in test_set.tensors)
    attacked = fgsm(model, images, labels, EPSILON)
    before, after = model(images).softmax(dim=1), model(attacked).softmax(dim=1)
    chosen: dict[int, int] = {}  # one of a kind, of those that were read rightly and are not any more
    for i, label in enumerate(labels.tolist()):
        if before[i].argmax() == label and after[i].argmax() != label:
            chosen.setdefault(label, i)
    rows = []
    for i in list(chosen.values())[:EXAMPLES]:
        said = [(p[i].argmax().item(), p[i].max().item()) for p in (before, after)]
        rows.append((images[i, 0].cpu(), attacked[i, 0].cpu(), said))
    return rows


def plot(rows: list[tuple], curves: dict[str, list[float]], path: Path) -> None:
    """Draw image, noise and image of some digits, and beside them what is read rightly after attacks of each size."""
    plt = find_pyplot()
    if plt is None:
        return
    figure = plt.figure(figsize=(11, 5.6), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.35])
    axes = left.subplots(max(len(rows), 1), 3, squeeze=False)
    for row, (image, attacked, said) in zip(axes, rows, strict=False):
        pictures = (image, attacked - image, attacked)
        titles = (said[0], None, said[1])
        for axis, picture, title in zip(row, pictures, titles, strict=True):
            low, high = (-0.3, 0.3) if title is None else (0, 1)
            axis.imshow(
                picture.detach().numpy(), cmap="gray" if title is None else "gray_r", vmin=low, vmax=high
            )
            text = f"+ noise of {EPSILON}" if title is None else f"a {title[0]} ({100 * title[1]:.0f} %)"
            axis.set(xticks=[], yticks=[])
            axis.set_title(text, fontsize=10)
    axis = right.subplots()
    for name, percentages in curves.items():
        style = {"linestyle": ":" if "noise" in name else "--" if "FGSM" in name else "-"}
        axis.plot(
            EPSILONS, percentages, color="tab:blue" if "usual" in name else "tab:orange", label=name, **style
        )
    axis.axvline(EPSILON, color="gray", linewidth=0.8)
    axis.set(xlabel="largest change of a pixel", ylabel="digits read rightly, %", ylim=(0, 101))
    axis.legend(title="training, attack")
    save_picture(figure, path)


def main() -> None:
    """Train, attack; train against the attack, and attack again."""
    args = parse(command_line("Fool a network, and teach it.", "adversarial.png", epochs=3))
    device = choose_device(torch, args.device)
    epochs = 1 if args.quick else args.epochs
    torch.manual_seed(args.seed)

    train_set = load_digits(train=True, count=QUICK_TRAIN if args.quick else None)
    test_set = load_digits(train=False, count=QUICK_TEST if args.quick else TEST)
    print(f"data: {len(train_set):,} digits to learn from, {len(test_set):,} to test on")
    usual = train(train_set, epochs, device, attacked=False)
    hardened = train(train_set, 2 * epochs, device, attacked=True)

    attacks: dict[str, Attack] = {"noise": noise, "FGSM": fgsm, "PGD": pgd}
    curves = {
        f"{title}, {name}": [accuracy(model, test_set, device, attack, epsilon) for epsilon in EPSILONS]
        for title, model in (("usual", usual), ("against attacks", hardened))
        for name, attack in attacks.items()
    }
    plot(fooled(usual, test_set, device), curves, args.plot)
    print("digits read rightly, % " + "".join(f"{epsilon:8.2f}" for epsilon in EPSILONS))
    for name, percentages in curves.items():
        print(f"{name:23s}" + "".join(f"{percentage:8.1f}" for percentage in percentages))


if __name__ == "__main__":
    run(main)
