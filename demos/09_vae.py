"""A variational autoencoder puts handwritten digits on a map of two coordinates, and draws new ones from it.

    python demos/09_vae.py                 20 epochs on the 10,000 digits that come with the package
    python demos/09_vae.py --device gpu    on an NVIDIA card; --device auto: if there is one

The encoder says for each image not a point of the map but a small cloud; the decoder draws the image again from any
point of the cloud. So neighbours on the map must look alike, and every place between two digits is a digit as well.
Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
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

PIXELS, SIDE = 28 * 28, 28
BATCH_SIZE = 100
LEARNING_RATE = 0.003
QUICK_TRAIN, QUICK_TEST = 1_000, 500
TILES = 15  # of the map, in each direction


class VAE(nn.Module):
    """784 pixels -> the cloud's mean and spread in two dimensions -> a point of it -> 784 pixels."""

    def __init__(self, hidden_size: int = 256) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(PIXELS, hidden_size), nn.ReLU(), nn.Linear(hidden_size, 4))
        self.decoder = nn.Sequential(
            nn.Linear(2, hidden_size // 2),
            nn.ReLU(),
            nn.Linear(hidden_size // 2, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, PIXELS),
        )

    def encode(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the means and the logarithms of the variances, each (n, 2), of (n, 784) images."""
        mean, log_variance = self.encoder(images).chunk(2, dim=1)
        return mean, log_variance

    def forward(
        self, images: torch.Tensor, noise: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the scores of the pixels, (n, 784), and the clouds; (n, 2) standard normal noise picks the points.

        The point is mean + deviation * noise: so the gradient goes through mean and deviation, not through chance.
        """
        mean, log_variance = self.encode(images)
        points = mean + torch.exp(0.5 * log_variance) * noise
        return self.decoder(points), mean, log_variance


def loss_of(model: VAE, images: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Return the nats it takes, per image, to say where on the map it is, and what the drawing lacks.

    The first is the divergence of the cloud from the standard normal one, 1/2 sum (mean^2 + var - 1 - log var).
    """
    scores, mean, log_variance = model(images, noise)
    lacking = F.binary_cross_entropy_with_logits(scores, images, reduction="sum")
    divergence = 0.5 * torch.sum(mean**2 + log_variance.exp() - 1 - log_variance)
    return (lacking + divergence) / len(images)


def load_digits(train: bool, count: int | None = None) -> TensorDataset:
    """Return the first ``count`` digits: (n, 784) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    images = images.reshape(-1, PIXELS) / 255
    return TensorDataset(torch.tensor(images, dtype=torch.float32), torch.tensor(labels))


def train_step(model: VAE, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
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
    model: VAE, loader: DataLoader, epochs: int, test_images: torch.Tensor, device: torch.device
) -> None:
    """Train; test after every epoch."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    for epoch in range(1, epochs + 1):
        losses = []
        with tqdm(loader, desc=f"epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True) as progress:
            for images, _ in progress:  # nobody tells the network which digits they are
                noise = torch.randn(len(images), 2).to(device)
                losses.append(train_step(model, optimizer, images.to(device), noise))
                scheduler.step()
                progress.set_postfix(loss=f"{losses[-1]:.1f}", refresh=False)
        nats = f"train {statistics.fmean(losses):.1f}, test {test(model, test_images, device):.1f}"
        print(f"epoch {epoch}: {nats} nats per image")


@torch.no_grad()
def test(model: VAE, images: torch.Tensor, device: torch.device) -> float:
    """Return the loss on images that the network has not seen."""
    return loss_of(model, images.to(device), torch.randn(len(images), 2).to(device)).item()


@torch.no_grad()
def places(model: VAE, images: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return where on the map images are: (n, 2)."""
    return model.encode(images.to(device))[0].cpu()


def like_a_neighbour(known: torch.Tensor, labels: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    """Return for each new place the label of the nearest known one."""
    return labels[torch.cdist(new, known).argmin(dim=1)]


@torch.no_grad()
def draw_map(model: VAE, device: torch.device) -> torch.Tensor:
    """Return one picture of all drawings, of places at equal steps of the normal distribution's probability."""
    steps = (torch.arange(TILES) + 0.5) / TILES
    along = 2**0.5 * torch.erfinv(2 * steps - 1)
    down, right = torch.meshgrid(along.flip(0), along, indexing="ij")
    points = torch.stack([right, down], dim=-1).reshape(-1, 2)
    tiles = model.decoder(points.to(device)).sigmoid().cpu().reshape(TILES, TILES, SIDE, SIDE)
    return tiles.transpose(1, 2).reshape(TILES * SIDE, TILES * SIDE)


def plot_map(where: torch.Tensor, labels: torch.Tensor, drawings: torch.Tensor, path: Path) -> None:
    """Draw where the test digits are, and beside it what the decoder draws everywhere on the map."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5.4), layout="constrained")
    x, y = where.t().numpy()
    points = left.scatter(x, y, c=labels.numpy(), cmap="tab10", vmin=-0.5, vmax=9.5, s=8)
    left.set(title="Where the test digits are", xlim=(-3.5, 3.5), ylim=(-3.5, 3.5), aspect="equal")
    figure.colorbar(points, ax=left, ticks=range(10), label="digit", shrink=0.8)
    right.imshow(drawings.numpy(), cmap="gray_r", vmin=0, vmax=1)
    right.set(title="What is drawn there, from -1.8 to 1.8", xticks=[], yticks=[])
    save_picture(figure, path)


def main() -> None:
    """Train without labels, see whether the digits lie apart on the map, and draw it."""
    args = parse(command_line("Put handwritten digits on a map.", "map_of_digits.png", epochs=20))
    device = choose_device(torch, args.device)
    epochs = 1 if args.quick else args.epochs
    torch.manual_seed(args.seed)

    train_set = load_digits(train=True, count=QUICK_TRAIN if args.quick else None)
    test_set = load_digits(train=False, count=QUICK_TEST if args.quick else None)
    print(f"data: {len(train_set):,} digits to learn from, {len(test_set):,} to test on")
    model = VAE().to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")

    started = time.perf_counter()
    loader = DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True)
    train(model, loader, epochs, test_set.tensors[0], device)
    print(f"trained for {time.perf_counter() - started:.1f} s")

    (known, labels), (new, answers) = train_set.tensors, test_set.tensors
    where = places(model, new, device)
    plot_map(where, answers, draw_map(model, device), args.plot)
    right = like_a_neighbour(places(model, known, device), labels, where) == answers
    print(f"{100 * right.float().mean().item():.1f} % of the test digits lie nearest to one of their kind")


if __name__ == "__main__":
    run(main)
