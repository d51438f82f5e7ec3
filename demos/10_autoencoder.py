"""Handwritten digits go through a bottleneck: what is left of 784 pixels that must pass as 32, 8 or 2 numbers.

    python demos/10_autoencoder.py                 three networks, 15 epochs each, on 10,000 digits
    python demos/10_autoencoder.py --hide 0.5      half of the pixels are hidden: a denoising autoencoder
    python demos/10_autoencoder.py --device gpu    on an NVIDIA card; --device auto: if there is one

The encoder makes a few numbers of an image, the decoder an image of the numbers, and both learn that it should be the
same one. Nobody says what the numbers mean. Beside each network stands the best that can be done by a linear one:
principal components. Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import time
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader
from tinygrad_edu.vision import datasets

PIXELS, SIDE = 28 * 28, 28
BOTTLENECKS = (2, 8, 32)
BATCH_SIZE = 100
LEARNING_RATE = 0.003
QUICK_TRAIN, QUICK_TEST, QUICK_EPOCHS = 1_000, 500, 4
SHOWN = 10


class Autoencoder(nn.Module):
    """784 pixels -> 256 -> 128 -> the bottleneck -> 128 -> 256 -> 784 pixels."""

    def __init__(self, bottleneck: int, hidden_size: int = 256) -> None:
        super().__init__()
        half = hidden_size // 2
        self.encoder = nn.Sequential(
            nn.Linear(PIXELS, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, half),
            nn.ReLU(),
            nn.Linear(half, bottleneck),
        )
        self.decoder = nn.Sequential(
            nn.Linear(bottleneck, half),
            nn.ReLU(),
            nn.Linear(half, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, PIXELS),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return what comes out at the other end: (n, 784), as it went in."""
        return self.decoder(self.encoder(images))


class PrincipalComponents:
    """The linear bottleneck that loses least: an image is the mean and a mixture of the directions of most variance."""

    def __init__(self, images: torch.Tensor, bottleneck: int) -> None:
        self.mean = images.mean(dim=0)
        _, directions = torch.linalg.eigh(torch.cov(images.t()))  # (784, 784), the least variance first
        self.directions = directions[:, -bottleneck:]

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return what comes out at the other end: (n, 784), as it went in."""
        return self.mean + (images - self.mean) @ self.directions @ self.directions.t()


def load_digits(train: bool, count: int | None = None) -> torch.Tensor:
    """Return the first ``count`` digits: (n, 784) images of numbers from 0 to 1."""
    images = datasets.MNISTSmall(train=train).data.numpy()[:count]
    return torch.tensor(images.reshape(-1, PIXELS) / 255, dtype=torch.float32)


def hide(images: torch.Tensor, share: float) -> torch.Tensor:
    """Return images in which a share of the pixels, drawn by chance, is empty."""
    return images * (torch.rand(images.shape) >= share).to(images.dtype)


def loss_of(model: nn.Module, seen: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Return by how much the images are missed: squares, their sum over the pixels, its mean over the images."""
    return ((model(seen) - images) ** 2).sum(dim=1).mean()


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(
    model: Autoencoder, images: torch.Tensor, epochs: int, hidden: float, device: torch.device, title: str
) -> None:
    """Train, with a learning rate that rises and then falls to nothing."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    loader = DataLoader(images, batch_size=BATCH_SIZE, shuffle=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    with tqdm(total=epochs * len(loader), desc=title, unit="batch", dynamic_ncols=True) as progress:
        for _ in range(epochs):
            for batch in loader:
                loss = train_step(model, optimizer, hide(batch, hidden).to(device), batch.to(device))
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.1f}", refresh=False)
                progress.update()


def kept(returned: torch.Tensor, images: torch.Tensor) -> float:
    """Return the share of the variance that is kept: 0 if always the mean came back, 1 if every image came back."""
    missed = ((returned - images) ** 2).sum()
    return 1 - (missed / ((images - images.mean(dim=0)) ** 2).sum()).item()


def plot(rows: dict[str, torch.Tensor], path: Path) -> None:
    """Draw rows of ten digits below each other."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, axis = plt.subplots(figsize=(8, 0.6 * len(rows)), layout="compressed")
    images = torch.stack([images[:SHOWN].reshape(SHOWN, SIDE, SIDE) for images in rows.values()])
    tiles = images.transpose(1, 2).reshape(len(rows) * SIDE, SHOWN * SIDE)
    axis.imshow(tiles.numpy(), cmap="gray_r", vmin=0, vmax=1)
    axis.set_xticks([])
    axis.set_yticks([SIDE * (row + 0.5) for row in range(len(rows))], list(rows))
    save_picture(figure, path)


def main() -> None:
    """Send digits through three bottlenecks, and look at what comes out at the other end."""
    parser = command_line("Send handwritten digits through a bottleneck.", "bottleneck.png", epochs=15)
    parser.add_argument("--hide", type=float, default=0.0, help="share of pixels to hide (default: 0)")
    args = parse(parser)
    if not 0 <= args.hide < 1:
        parser.error(f"--hide: expected a share from 0 to below 1, got {args.hide}")
    device = choose_device(torch, args.device)
    epochs = QUICK_EPOCHS if args.quick else args.epochs
    torch.manual_seed(args.seed)

    images = load_digits(train=True, count=QUICK_TRAIN if args.quick else None)
    test_images = load_digits(train=False, count=QUICK_TEST if args.quick else None)
    seen = hide(test_images, args.hide)
    print(f"data: {len(images):,} digits to learn from, {len(test_images):,} to test on")
    rows = {"digits": test_images} | ({"what is seen of them": seen} if args.hide else {})
    table = ["numbers  parameters  network  principal components"]
    started = time.perf_counter()
    for size in BOTTLENECKS:
        model = Autoencoder(size).to(device)
        train(model, images, epochs, args.hide, device, f"{size} numbers")
        with torch.no_grad():
            by_network = model(seen.to(device)).cpu()
        by_components = PrincipalComponents(images, size)(seen)
        rows |= {f"{size} numbers": by_network, f"{size} components": by_components}
        parameters = sum(p.numel() for p in model.parameters())
        shares = (
            f"{100 * kept(by_network, test_images):5.1f} %  {100 * kept(by_components, test_images):18.1f} %"
        )
        table.append(f"{size:7}  {parameters:10,}  {shares}")
    print(f"trained for {time.perf_counter() - started:.1f} s, on {device}")
    plot(rows, args.plot)
    print("What is kept of the variance of the test digits:", *table, sep="\n")


if __name__ == "__main__":
    run(main)
