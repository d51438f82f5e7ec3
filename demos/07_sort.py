"""A Transformer learns to sort digits, and its attention shows how it does it.

    python demos/07_sort.py                 3141592653 -> 1123345569
    python demos/07_sort.py --device gpu    on an NVIDIA card; --device auto: if there is one

Nobody tells it how to sort: it sees sequences and their sorted forms. All ten places answer at once, so each one has to
find out by itself which digit belongs there. Read the file from the bottom: ``main`` tells the story, the functions
above it are the steps.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

LENGTH = 10
DIGITS = 10
HEADS = 2
BATCH_SIZE = 100
BATCHES, QUICK_BATCHES = 200, 10  # in an epoch
LEARNING_RATE = 0.004
TEST = 2_000
EXAMPLE = "3141592653"


class Sorter(nn.Module):
    """Digits and their places -> two layers of a Transformer -> ten scores at every place."""

    def __init__(self, features: int = 32, layers: int = 2) -> None:
        super().__init__()
        self.digit = nn.Embedding(DIGITS, features)
        self.place = nn.Embedding(LENGTH, features)
        layer = nn.TransformerEncoderLayer(features, HEADS, 2 * features, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.out = nn.Linear(features, DIGITS)

    def embed(self, digits: torch.Tensor) -> torch.Tensor:
        """Return a vector for each of (n, 10) digits: what it is, and where it stands."""
        return self.digit(digits) + self.place(torch.arange(LENGTH, device=digits.device))

    def forward(self, digits: torch.Tensor) -> torch.Tensor:
        """Return (n, 10, 10) scores: which digit stands at each place when (n, 10) digits are sorted."""
        return self.out(self.encoder(self.embed(digits)))

    @torch.no_grad()
    def attention(self, digits: torch.Tensor) -> list[torch.Tensor]:
        """Return the (n, heads, 10, 10) attention weights of each layer: one row for each place that looks."""
        x, weights = self.embed(digits), []
        for layer in self.encoder.layers:
            _, seen = layer.self_attn(x, x, x, need_weights=True, average_attn_weights=False)
            weights.append(seen)
            x = layer(x)
        return weights


def loss_of(model: nn.Module, digits: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of all places."""
    return F.cross_entropy(model(digits).flatten(0, 1), digits.sort(dim=1).values.flatten())


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


def train(model: Sorter, args: argparse.Namespace, test_digits: torch.Tensor, device: torch.device) -> None:
    """Train on sequences that are drawn anew for every step; test after every epoch."""
    batches = QUICK_BATCHES if args.quick else BATCHES
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=args.epochs * batches
    )
    for epoch in range(1, args.epochs + 1):
        with trange(
            batches, desc=f"epoch {epoch}/{args.epochs}", unit="batch", dynamic_ncols=True
        ) as progress:
            for _ in progress:
                digits = torch.randint(0, DIGITS, (BATCH_SIZE, LENGTH)).to(device)
                loss = train_step(model, optimizer, digits)
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        print(f"epoch {epoch}: {100 * accuracy(model, test_digits):.2f} % of the test sequences are sorted")


@torch.no_grad()
def accuracy(model: Sorter, digits: torch.Tensor) -> float:
    """Return the share of sequences of which every place is right."""
    right = model(digits).argmax(dim=2) == digits.sort(dim=1).values
    return right.all(dim=1).float().mean().item()


def as_text(digits: torch.Tensor) -> str:
    """Return a sequence of digits as text."""
    return "".join(str(digit) for digit in digits.tolist())


def plot_attention(model: Sorter, digits: torch.Tensor, answer: str, path: Path) -> None:
    """Draw, for each head of each layer, at which digits (across) each place (down) looks.

    The columns are put in the order of their digits, so that what belongs together stands together.
    """
    plt = find_pyplot()
    if plt is None:
        return

    order = digits[0].argsort(stable=True)
    weights = (
        torch.cat(model.attention(digits), dim=1)[0, :, :, order].cpu().numpy()
    )  # (layers * heads, 10, 10)
    figure, axes = plt.subplots(1, len(weights), figsize=(11, 3.4), layout="constrained")
    for i, axis in enumerate(axes):
        picture = axis.imshow(weights[i], cmap="Blues", vmin=0, vmax=0.5)
        axis.set_xticks(range(LENGTH), as_text(digits[0, order]))
        axis.set_yticks(range(LENGTH), answer)
        axis.set(title=f"layer {i // HEADS + 1}, head {i % HEADS + 1}", xlabel="looks at the digits")
    axes[0].set_ylabel("place that gets the digit")
    figure.suptitle(f"How {as_text(digits[0])} is sorted")
    figure.colorbar(picture, ax=axes, label="attention", extend="max", shrink=0.8)
    save_picture(figure, path)


def main() -> None:
    """Train, test on sequences that it has not seen, and look at the attention."""
    args = parse(command_line("Teach a Transformer to sort digits.", "sort_attention.png", epochs=6))
    args.epochs = 1 if args.quick else args.epochs
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    test_digits = torch.randint(0, DIGITS, (TEST, LENGTH)).to(device)
    model = Sorter().to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")

    started = time.perf_counter()
    train(model, args, test_digits, device)
    print(f"trained for {time.perf_counter() - started:.1f} s")

    example = torch.tensor([[int(digit) for digit in EXAMPLE]]).to(device)
    answer = as_text(model(example).argmax(dim=2)[0])
    print(f"{EXAMPLE} -> {answer}")
    plot_attention(model, example, answer, args.plot)
    print(f"sorted without a mistake: {100 * accuracy(model, test_digits):.2f} % of {TEST:,} sequences")


if __name__ == "__main__":
    run(main)
