"""Two networks play against each other: one draws handwritten digits, the other tells them from real ones.

    python demos/11_gan.py                 12 epochs on the 10,000 digits that come with the package
    python demos/11_gan.py --device gpu    on an NVIDIA card; --device auto: if there is one

The generator makes an image from noise and the digit it is to draw. The discriminator sees an image and the digit it is
said to be, and learns to tell drawn from real. The generator never sees a real digit: it learns from nothing but the
gradient of the discriminator's answer (I. Goodfellow et al., Generative adversarial nets, 2014; with convolutions: A.
Radford et al., 2016). Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

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

NOISE = 32
BATCH_SIZE = 64
LEARNING_RATE = 0.001
READER_EPOCHS = 5
QUICK_TRAIN, QUICK_TEST = 640, 500
TO_READ = 1_000  # drawn digits
ROWS = 6  # of drawings in the picture


class Generator(nn.Module):
    """Noise and a digit -> maps of 7 x 7 -> 14 x 14 -> an image of 28 x 28, from -1 (paper) to 1 (ink)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(NOISE + 10, 2 * channels * 7 * 7),
            nn.Unflatten(1, (2 * channels, 7, 7)),
            nn.BatchNorm2d(2 * channels),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * channels, channels, kernel_size=4, stride=2, padding=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.ConvTranspose2d(channels, 1, kernel_size=4, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, noise: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return (n, 1, 28, 28) images from (n, 32) noise and n digits."""
        return self.layers(torch.cat([noise, F.one_hot(labels, 10).to(noise.dtype)], dim=1))


class Discriminator(nn.Module):
    """An image -> maps of 14 x 14 -> 7 x 7 -> ten scores: how real it looks as a 0, as a 1, ..."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 2 * channels, kernel_size=4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(2 * channels * 7 * 7, 10),
        )

    def forward(self, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return n scores, each as the digit that the image is said to be: above 0 if it is taken for a real one."""
        return self.layers(images).gather(1, labels.unsqueeze(1)).squeeze(1)


class GAN(nn.Module):
    """The two networks."""

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.generator, self.discriminator = Generator(channels), Discriminator(channels)


def make_optimizer(model: GAN, lr: float) -> tuple[torch.optim.Optimizer, torch.optim.Optimizer]:
    """Return Adam for each of the two; with little momentum, because the other one changes what is right."""
    two = model.discriminator, model.generator
    return tuple(torch.optim.Adam(network.parameters(), lr=lr, betas=(0.5, 0.99)) for network in two)


def train_step(
    model: GAN,
    optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
    images: torch.Tensor,
    labels: torch.Tensor,
    noise: torch.Tensor,
) -> float:
    """Make one step of each network; return the loss of the discriminator, 1.39 if it can only guess."""
    drawn = model.generator(noise, labels)
    real_scores = model.discriminator(images, labels)
    drawn_scores = model.discriminator(drawn.detach(), labels)  # no gradient goes to the generator
    loss = F.softplus(-real_scores).mean() + F.softplus(drawn_scores).mean()  # -log p(right)
    optimizers[0].zero_grad()
    loss.backward()
    optimizers[0].step()

    generator_loss = F.softplus(-model.discriminator(drawn, labels)).mean()  # -log p(taken for real)
    optimizers[1].zero_grad()
    generator_loss.backward()
    optimizers[1].step()
    return loss.item()


@torch.no_grad()
def draw(model: GAN, noise: torch.Tensor, labels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return what the generator makes of noise, as it is: (n, 1, 28, 28)."""
    model.generator.eval()
    images = model.generator(noise.to(device), labels.to(device)).cpu()
    model.generator.train()
    return images


def load_digits(train: bool, count: int | None = None) -> TensorDataset:
    """Return the first ``count`` digits: (n, 1, 28, 28) images of numbers from -1 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    images = images.reshape(-1, 1, 28, 28) / 127.5 - 1
    return TensorDataset(torch.tensor(images, dtype=torch.float32), torch.tensor(labels))


def train_reader(train_set: TensorDataset) -> nn.Module:
    """Return a network that reads digits, which has seen real ones only: it judges the drawn ones."""
    reader = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    optimizer = torch.optim.Adam(reader.parameters(), lr=0.001)
    for _ in range(READER_EPOCHS):
        for images, labels in DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True):
            loss = F.cross_entropy(reader(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return reader


@torch.no_grad()
def readable(reader: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Return the share of images that are read as the digits they are meant to be."""
    return (reader(images).argmax(dim=1) == labels).float().mean().item()


def train(
    model: GAN, loader: DataLoader, epochs: int, reader: nn.Module, device: torch.device
) -> list[torch.Tensor]:
    """Let them play; return what was drawn of the same noise before, and after every epoch."""
    optimizers = make_optimizer(model, LEARNING_RATE)
    noise, wanted = torch.randn(TO_READ, NOISE), torch.arange(TO_READ) % 10
    drawn = [draw(model, noise, wanted, device)]
    for epoch in range(1, epochs + 1):
        losses = []
        with tqdm(loader, desc=f"epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True) as progress:
            for images, labels in progress:
                fresh = torch.randn(len(images), NOISE).to(device)
                losses.append(train_step(model, optimizers, images.to(device), labels.to(device), fresh))
                progress.set_postfix(loss=f"{losses[-1]:.2f}", refresh=False)
        drawn.append(draw(model, noise, wanted, device))
        share = readable(reader, drawn[-1], wanted)
        loss = f"the discriminator's loss {statistics.fmean(losses):.2f}"
        print(f"epoch {epoch}: {loss}; of the drawn digits {100 * share:.1f} % can be read")
    return drawn


def nearest(images: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return for each image the known one that is most like it, pixel by pixel."""
    return known[torch.cdist(images.flatten(1), known.flatten(1)).argmin(dim=1)]


def plot(drawn: list[torch.Tensor], known: torch.Tensor, path: Path) -> None:
    """Draw how the drawings of ten noises change, what else is drawn in the end, and the real digits most like that."""
    plt = find_pyplot()
    if plt is None:
        return
    epochs = sorted({0, 1, 2, len(drawn) // 3, len(drawn) - 1} & set(range(len(drawn))))
    last = drawn[-1]
    parts = [
        (
            "The same noise, after epochs " + ", ".join(map(str, epochs)),
            [drawn[epoch][:10] for epoch in epochs],
        ),
        ("Other noise, after the last epoch", [last[10 * row : 10 * row + 10] for row in range(1, ROWS)]),
        (
            "The real digits that are most like the last row",
            [nearest(last[10 * ROWS - 10 : 10 * ROWS], known)],
        ),
    ]
    heights = [len(rows) for _, rows in parts]
    figure, axes = plt.subplots(
        3, 1, figsize=(5.2, 0.5 * sum(heights) + 1), height_ratios=heights, layout="constrained"
    )
    for axis, (title, rows) in zip(axes, parts, strict=True):
        tiles = torch.stack(rows)[:, :, 0].transpose(1, 2).reshape(28 * len(rows), 280)
        axis.imshow(tiles.numpy(), cmap="gray_r", vmin=-1, vmax=1)
        axis.set(title=title, xticks=[], yticks=[])
    save_picture(figure, path)


def main() -> None:
    """Let two networks play against each other, and look at what is drawn in the end."""
    args = parse(command_line("Draw handwritten digits.", "drawn_digits.png", epochs=12))
    device = choose_device(torch, args.device)
    epochs = 1 if args.quick else args.epochs
    torch.manual_seed(args.seed)

    train_set = load_digits(train=True, count=QUICK_TRAIN if args.quick else None)
    test_set = load_digits(train=False, count=QUICK_TEST if args.quick else None)
    reader = train_reader(train_set)
    share = 100 * readable(reader, *test_set.tensors)
    print(f"data: {len(train_set):,} digits; who is to judge reads {share:.1f} % of {len(test_set):,} others")
    model = GAN().to(device)
    for name, network in (("generator", model.generator), ("discriminator", model.discriminator)):
        print(f"{name}: {sum(p.numel() for p in network.parameters()):,} parameters, on {device}")

    started = time.perf_counter()
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True, drop_last=True)
    drawn = train(model, loader, epochs, reader, device)
    print(f"trained for {time.perf_counter() - started:.1f} s")

    plot(drawn, train_set.tensors[0], args.plot)
    share = 100 * readable(reader, drawn[-1], torch.arange(TO_READ) % 10)
    print(f"{share:.1f} % of {TO_READ:,} drawn digits are read as what they should be")


if __name__ == "__main__":
    run(main)
