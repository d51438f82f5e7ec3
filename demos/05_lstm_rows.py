"""An LSTM reads handwritten digits as we read a page, row by row. When does it know which digit it is.

    python demos/05_lstm_rows.py                 14 epochs on the 10,000 digits that come with the package
    python demos/05_lstm_rows.py --device gpu    on an NVIDIA card; --device auto: if there is one

An image is a sequence of 28 rows, and each row a vector of 28 numbers. Read the file from the bottom: ``main`` tells
the story, the functions above it are the steps.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, TensorDataset
from tinygrad_edu.vision import datasets

ROWS = COLUMNS = 28
BATCH_SIZE = 100
LEARNING_RATE = 0.006
SHIFT = 2  # pixels
QUICK_TRAIN, QUICK_TEST = 1_000, 500


class RowReader(nn.Module):
    """28 rows -> an LSTM -> ten scores after every row."""

    def __init__(self, hidden_size: int = 128) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size=COLUMNS, hidden_size=hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (n, 28, 10) scores of (n, 28, 28) images: what the network thinks after each row."""
        states, _ = self.lstm(images)  # (n, 28, hidden)
        return self.out(states)


def loss_of(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the loss of the last row's answer, and a little of the answers on the way, so that it dares to guess."""
    scores = model(images)
    on_the_way = F.cross_entropy(scores.flatten(0, 1), labels.repeat_interleave(ROWS))
    return F.cross_entropy(scores[:, -1], labels) + 0.3 * on_the_way


def load_digits(train: bool, count: int | None = None) -> TensorDataset:
    """Return the first ``count`` digits: (n, 28, 28) images of numbers from 0 to 1, and n labels."""
    digits = datasets.MNISTSmall(train=train)
    images, labels = digits.data.numpy()[:count], digits.targets.numpy()[:count]
    return TensorDataset(torch.tensor(images / 255, dtype=torch.float32), torch.tensor(labels))


def shifted(images: torch.Tensor) -> torch.Tensor:
    """Move a batch by up to two pixels in each direction: the network sees no image twice."""
    down, right = torch.randint(0, 2 * SHIFT + 1, (2,)).tolist()
    return F.pad(images, (SHIFT,) * 4)[:, down : down + ROWS, right : right + COLUMNS]


def train_step(model: nn.Module, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(
    model: nn.Module,
    loader: DataLoader,
    args: argparse.Namespace,
    test_set: TensorDataset,
    device: torch.device,
) -> None:
    """Train; test after every epoch."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    steps = args.epochs * len(loader)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.2
    )
    for epoch in range(1, args.epochs + 1):
        with tqdm(loader, desc=f"epoch {epoch}/{args.epochs}", unit="batch", dynamic_ncols=True) as progress:
            for images, labels in progress:
                loss = train_step(model, optimizer, shifted(images.to(device)), labels.to(device))
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        _, labels = test_set.tensors
        right = answers(model, test_set, device).argmax(dim=2)[:, -1] == labels
        print(f"epoch {epoch}: test accuracy {100 * right.float().mean().item():.2f} %")


@torch.no_grad()
def answers(model: nn.Module, test_set: TensorDataset, device: torch.device) -> torch.Tensor:
    """Return the (n, 28, 10) probabilities of the ten digits after every row."""
    batches = [
        model(images.to(device)).softmax(dim=2).cpu() for images, _ in DataLoader(test_set, batch_size=500)
    ]
    return torch.cat(batches)


def rows_needed(guesses: torch.Tensor, labels: torch.Tensor) -> list[int]:
    """Return for every digit the row from which on the guess is right; 29 if it is wrong in the end."""
    needed = []
    for guessed, label in zip(guesses.tolist(), labels.tolist(), strict=True):
        wrong = [row for row, guess in enumerate(guessed, start=1) if guess != label]
        needed.append(max(wrong, default=0) + 1)
    return needed


def choose_examples(needed: list[int], labels: torch.Tensor) -> list[int]:
    """Return eight digits: one of each kind from 0 to 6 that takes a usual time, and one that is misread."""
    chosen = []
    for digit in range(7):
        those = sorted((needed[i], i) for i, label in enumerate(labels.tolist()) if label == digit)
        chosen.append(those[len(those) // 2][1])
    hardest = max(range(len(needed)), key=lambda i: needed[i])
    return [*chosen, hardest]


def plot_examples(
    chosen: list[int], test_set: TensorDataset, probabilities: torch.Tensor, path: Path
) -> None:
    """Draw each digit beside its probabilities, row by row at the same height."""
    plt = find_pyplot()
    if plt is None:
        return

    images, labels = test_set.tensors
    figure, axes = plt.subplots(2, 8, figsize=(11, 4.6), sharey=True, layout="constrained")
    for (left, right), i in zip(axes.reshape(8, 2), chosen, strict=True):
        left.imshow(images[i].numpy(), cmap="gray_r", aspect="auto")
        picture = right.imshow(probabilities[i].numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        left.set(xticks=[], title=f"a {labels[i].item()}")
        right.set_xticks(range(10), range(10), fontsize=8)
        right.set(title=f"read: {probabilities[i, -1].argmax().item()}")
    for axis in axes[:, 0]:
        axis.set(ylabel="row", yticks=[0, 6, 13, 20, 27], yticklabels=[1, 7, 14, 21, 28])
    figure.colorbar(picture, ax=axes, label="probability of the digit", shrink=0.7)
    figure.suptitle("What the LSTM thinks after each row")
    save_picture(figure, path)


def main() -> None:
    """Train, test, and look when the answer comes."""
    args = parse(command_line("Let an LSTM read handwritten digits row by row.", "lstm_rows.png", epochs=14))
    args.epochs = 1 if args.quick else args.epochs
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    train_set = load_digits(train=True, count=QUICK_TRAIN if args.quick else None)
    test_set = load_digits(train=False, count=QUICK_TEST if args.quick else None)
    print(f"data: {len(train_set):,} digits to learn from, {len(test_set):,} to test on")
    model = RowReader().to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")

    started = time.perf_counter()
    train(model, DataLoader(train_set, batch_size=BATCH_SIZE, shuffle=True), args, test_set, device)
    print(f"trained for {time.perf_counter() - started:.1f} s")

    probabilities = answers(model, test_set, device)
    guesses, labels = probabilities.argmax(dim=2), test_set.tensors[1]
    needed = rows_needed(guesses, labels)
    for digit in range(10):
        rows = [n for n, label in zip(needed, labels.tolist(), strict=True) if label == digit]
        known = [n for n in rows if n <= ROWS]
        middle = f", half of them after {sorted(known)[len(known) // 2]} rows" if known else ""
        print(f"a {digit}: {len(known)} of {len(rows)} are known in the end{middle}")
    plot_examples(choose_examples(needed, labels), test_set, probabilities, args.plot)
    for row in (7, 14, 21, 28):
        share = (guesses[:, row - 1] == labels).float().mean().item()
        print(f"accuracy after {row} rows: {100 * share:.2f} %")


if __name__ == "__main__":
    run(main)
