"""One network does four things at once: it reads a digit, and says if it is even, how thick it is and how it leans.

    python demos/15_multi_task.py                 the 10,000 digits that come with the package
    python demos/15_multi_task.py --device gpu    on an NVIDIA card; --device auto: if there is one

A trunk of convolutions is shared; each task has a head of its own on top of it, and the losses are added up. Beside
it, each task is learnt by a network of its own, of the same size, from the same digits. Read the file from the bottom:
``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from digits import load_digits
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset

SIDE = 28
BATCH_SIZE = 100
LEARNING_RATE = 0.003
QUICK_TRAIN, QUICK_TEST = 1_000, 500
TASKS = {"value": 10, "parity": 1, "thickness": 1, "slant": 1}  # and how many numbers the head gives
UNITS = {"value": "% wrong", "parity": "% wrong", "thickness": "pixels off", "slant": "degrees off"}
THUMBNAILS = 170  # digits in the picture


def thickness_of(images: np.ndarray) -> np.ndarray:
    """Return how thick the strokes of (n, 28, 28) images are, in pixels.

    A stroke of length L and thickness w has the area L w and an outline of 2 L: so w is twice the area by the outline,
    and the outline is the sum of how steep the image is everywhere.
    """
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    down, right = np.diff(padded, axis=1)[:, :, :-1], np.diff(padded, axis=2)[:, :-1]
    return 2 * images.sum(axis=(1, 2)) / np.sqrt(down**2 + right**2).sum(axis=(1, 2))


def slant_of(images: np.ndarray) -> np.ndarray:
    """Return by how many degrees (n, 28, 28) images lean to the right: by how much x grows while y goes up one row.

    That is the slope of the line that fits x to y best, the covariance of both by the variance of y.
    """
    y, x = np.mgrid[: images.shape[1], : images.shape[2]].astype(float)
    ink = images / images.sum(axis=(1, 2), keepdims=True)
    x = x - (ink * x).sum(axis=(1, 2), keepdims=True)
    y = y - (ink * y).sum(axis=(1, 2), keepdims=True)
    slope = (ink * x * y).sum(axis=(1, 2)) / (ink * y * y).sum(axis=(1, 2))
    return np.degrees(np.arctan(-slope))


def load(train: bool, count: int | None = None) -> TensorDataset:
    """Return images and the answers of the four tasks, a column for each: value, parity, pixels, degrees."""
    images, labels = load_digits(torch, train, count)
    pixels = images[:, 0].numpy().astype(float)
    values = labels.numpy()
    columns = [values, values % 2, thickness_of(pixels), slant_of(pixels)]
    return TensorDataset(images, torch.tensor(np.stack(columns, axis=1), dtype=torch.float32))


class Net(nn.Module):
    """A trunk of convolutions -> what all tasks need -> a head of two layers for each task.

    Thickness and slant are learnt in units of their spread, so that no loss is much larger than the others.
    """

    def __init__(self, tasks: list[str], channels: int = 8, hidden_size: int = 64) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        )
        flat = 2 * channels * (SIDE // 4) ** 2
        self.heads = nn.ModuleDict(
            {
                task: nn.Sequential(
                    nn.Linear(flat, hidden_size), nn.ReLU(), nn.Linear(hidden_size, TASKS[task])
                )
                for task in tasks
            }
        )
        self.register_buffer("typical", torch.tensor([0.0, 0.0, 2.5, 7.0]))
        self.register_buffer("spread", torch.tensor([1.0, 1.0, 0.6, 15.0]))

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return what each head says of (n, 1, 28, 28) images: scores of the value and of "odd", and two numbers."""
        features = self.trunk(images)
        return {task: head(features) for task, head in self.heads.items()}


def losses_of(model: Net, images: torch.Tensor, answers: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the loss of each task that the network has a head for."""
    scaled = (answers - model.typical) / model.spread
    losses = {}
    for task, output in model(images).items():
        if task == "value":
            losses[task] = F.cross_entropy(output, answers[:, 0].long())
        elif task == "parity":
            losses[task] = F.binary_cross_entropy_with_logits(output[:, 0], answers[:, 1])
        else:
            losses[task] = F.mse_loss(output[:, 0], scaled[:, list(TASKS).index(task)])
    return losses


def train_step(model: Net, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer for the sum of the losses; return it as it was before."""
    loss = torch.stack(list(losses_of(model, *batch).values())).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(model: Net, train_set: TensorDataset, epochs: int, name: str, device: torch.device) -> None:
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
    model.eval()


@torch.no_grad()
def answer(model: Net, images: torch.Tensor, device: torch.device) -> dict[str, torch.Tensor]:
    """Return the network's answers, in the units of the data."""
    outputs = {task: output.cpu() for task, output in model(images.to(device)).items()}
    found = {}
    for i, task in enumerate(TASKS):
        if task == "value" and task in outputs:
            found[task] = outputs[task].argmax(dim=1).float()
        elif task == "parity" and task in outputs:
            found[task] = (outputs[task][:, 0] > 0).float()
        elif task in outputs:
            found[task] = outputs[task][:, 0] * model.spread[i].cpu() + model.typical[i].cpu()
    return found


def mistakes(found: dict[str, torch.Tensor], answers: torch.Tensor) -> dict[str, float]:
    """Return how wrong the answers are: per cent of the digits, or the mean distance."""
    result = {}
    for i, task in enumerate(TASKS):
        if task in found:
            off = (found[task] - answers[:, i]).abs().mean().item()
            wrong = 100 * (found[task] != answers[:, i]).float().mean().item()
            result[task] = wrong if task in ("value", "parity") else off
    return result


def plot(
    images: torch.Tensor, found: dict[str, torch.Tensor], rows: dict[str, tuple[float, float]], path: Path
) -> None:
    """Draw test digits where thickness and slant put them, and the mistakes of both ways of learning."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 6), width_ratios=[2, 1], layout="constrained")
    for i in range(min(THUMBNAILS, len(images))):
        x, y = found["thickness"][i].item(), found["slant"][i].item()
        shades = plt.get_cmap("Reds" if found["parity"][i].item() else "Blues")(images[i, 0].numpy())
        shades[..., 3] = images[i, 0].numpy()  # where there is no ink, one sees through
        left.imshow(shades, extent=(x - 0.07, x + 0.07, y - 2.4, y + 2.4), aspect="auto")
    left.set(
        xlim=(1.2, 3.6), ylim=(-32, 50), xlabel="thickness, pixels", ylabel="leans to the right, degrees"
    )
    left.set_title("Where the network puts digits that it has not seen: red if it takes them for odd")
    names = [f"{task}\n{UNITS[task]}" for task in rows]
    for shift, color, label, k in ((-0.2, "tab:blue", "one for all", 0), (0.2, "tab:gray", "one each", 1)):
        largest = [max(pair) for pair in rows.values()]
        heights = [pair[k] / most for pair, most in zip(rows.values(), largest, strict=True)]
        bars = right.bar(np.arange(len(rows)) + shift, heights, 0.38, color=color, label=label)
        right.bar_label(bars, [f"{pair[k]:.2f}" for pair in rows.values()])
    right.set(
        title="Mistakes on test digits", xticks=range(len(rows)), xticklabels=names, yticks=[], ylim=(0, 1.25)
    )
    right.legend(loc="upper right", ncols=2)
    save_picture(figure, path)


def main() -> None:
    """Train one network for four tasks, and four networks for one task each; compare them."""
    args = parse(command_line("Do four things with one network.", "four_tasks.png", epochs=6))
    device = choose_device(torch, args.device)
    epochs = 1 if args.quick else args.epochs
    torch.manual_seed(args.seed)
    train_set = load(train=True, count=QUICK_TRAIN if args.quick else None)
    images, answers = load(train=False, count=QUICK_TEST if args.quick else None).tensors
    print(f"data: {len(train_set):,} digits to learn from, {len(images):,} to test on")

    together = Net(list(TASKS)).to(device)
    started = time.process_time()
    train(together, train_set, epochs, "all", device)
    seconds = [time.process_time() - started]
    found = answer(together, images, device)
    alone: dict[str, float] = {}
    started = time.process_time()
    for task in TASKS:
        model = Net([task]).to(device)
        train(model, train_set, epochs, task, device)
        alone |= mistakes(answer(model, images, device), answers)
    seconds.append(time.process_time() - started)

    shared = mistakes(found, answers)
    rows = {task: (shared[task], alone[task]) for task in TASKS}
    print("task       one for all  one each")
    for task, pair in rows.items():
        print(f"{task:9}  {pair[0]:11.2f}  {pair[1]:8.2f}  {UNITS[task]}")
    print(f"time       {seconds[0]:11.1f}  {seconds[1]:8.1f}  s of the processor, for the training")
    plot(images, found, rows, args.plot)
    agree = (found["value"] % 2 == found["parity"]).float().mean().item()
    print(f"{100 * agree:.1f} % of the digits are even or odd as their value says")


if __name__ == "__main__":
    run(main)
