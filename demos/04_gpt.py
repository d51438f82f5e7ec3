"""A small GPT learns to write plays, letter by letter, from Shakespeare's.

    python demos/04_gpt.py                  one million letters; about two minutes on two cores
    python demos/04_gpt.py --data FILE      from a text of your own
    python demos/04_gpt.py --steps 5000     longer: it gets better

It prints what it would write before, during and after the training, and draws gpt_curve.png.
Read it from the bottom: ``main`` tells the story, the functions and classes above it are the steps.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from texts import find_text
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

CONTEXT = 64  # letters that the model sees
BATCH = 16
STEPS = 1250
LEARNING_RATE = 0.003  # at its highest: it rises for a tenth of the steps, and then falls
TEMPERATURE = 0.8  # below 1, likely letters become likelier still when it writes


class CausalSelfAttention(nn.Module):
    """Each letter asks those before it (query), each says what it is (key) and has something to tell (value)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        n, t, width = x.shape
        three = self.queries_keys_values(x).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = three.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, t, width / heads) each
        found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.mix(found.transpose(1, 2).reshape(n, t, width))


class Block(nn.Module):
    """One layer: letters exchange what they know, then each thinks for itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        x = x + self.attention(self.norm1(x))
        return x + self.think(self.norm2(x))


class GPT(nn.Module):
    """Letters and their places as vectors, some blocks, and a score for each letter that may come next."""

    def __init__(self, letters: int, width: int = 96, heads: int = 4, layers: int = 3) -> None:
        super().__init__()
        self.letter = nn.Embedding(letters, width)
        self.place = nn.Embedding(CONTEXT, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters)
        for embedding in (self.letter, self.place):
            nn.init.normal_(embedding.weight, std=0.02)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, letters) scores of what follows each of the (n, t) letters."""
        places = torch.arange(x.shape[1], device=x.device)
        x = self.letter(x) + self.place(places)  # (n, t, width)
        return self.head(self.norm(self.blocks(x)))


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = command_line("A small GPT learns to write plays.", "gpt_curve.png")
    parser.add_argument("--data", type=Path, metavar="FILE", help="a text of your own")
    parser.add_argument("--steps", type=int, help=f"of the optimizer (default: {STEPS:,})")
    args = parse(parser)
    if args.steps is None:
        args.steps = 30 if args.quick else STEPS
    if args.steps < 2:
        parser.error(f"--steps: expected at least 2, got {args.steps}")
    return args


def draw_batch(data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pieces from anywhere in the text, and the same one letter further: what is to be said."""
    starts = torch.randint(0, len(data) - CONTEXT, (BATCH, 1), device=data.device)
    places = starts + torch.arange(CONTEXT, device=data.device)  # (batch, context)
    return data[places], data[places + 1]


def loss_of(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy in nats: how surprised the model is by the next letter."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return AdamW with the settings that are usual for a GPT."""
    return torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0.1)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: torch.Tensor, targets: torch.Tensor
) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, inputs, targets)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


@torch.no_grad()
def test(model: nn.Module, data: torch.Tensor) -> float:
    """Return the loss on 64 pieces of the text, at equal distances."""
    starts = torch.linspace(0, len(data) - CONTEXT - 1, 64, device=data.device).long().unsqueeze(1)
    places = starts + torch.arange(CONTEXT, device=data.device)
    return loss_of(model, data[places], data[places + 1]).item()


@torch.no_grad()
def write(model: nn.Module, alphabet: str, count: int, device: torch.device) -> str:
    """Return a text: letters drawn one by one, nearly as likely as the model finds them."""
    empty_line = max(alphabet.find("\n"), 0)  # as before each speaker
    numbers = torch.full((1, 2), empty_line, device=device)
    for _ in range(count):
        likely = F.softmax(model(numbers[:, -CONTEXT:])[:, -1] / TEMPERATURE, dim=1)  # (1, letters)
        numbers = torch.cat([numbers, torch.multinomial(likely, 1)], dim=1)
    return "".join([alphabet[i] for i in numbers[0, 2:].tolist()])


def train(
    args: argparse.Namespace, model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], alphabet: str
) -> tuple[list[float], dict[int, float]]:
    """Train, and show what the model writes at some points; return the losses, and the test losses by step."""
    train_data, test_data = data
    optimizer = make_optimizer(model, LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=LEARNING_RATE, total_steps=args.steps, pct_start=0.1, cycle_momentum=False
    )
    count = 60 if args.quick else 400
    losses, tested = [], {0: test(model, test_data)}
    look_at = {0, args.steps // 8, args.steps // 2, args.steps}
    test_at = {args.steps * i // 10 for i in range(1, 11)}
    with tqdm(total=args.steps, unit="step", dynamic_ncols=True) as progress:
        for step in range(args.steps + 1):
            if step in test_at:
                tested[step] = test(model, test_data)
            if step in look_at:
                text = write(model, alphabet, count, train_data.device)
                progress.write(f"\n---- after {step} steps, it writes ----\n{text}", file=sys.stdout)
            if step == args.steps:
                break
            losses.append(train_step(model, optimizer, *draw_batch(train_data)))
            schedule.step()
            progress.set_postfix(loss=f"{losses[-1]:.3f}", refresh=False)
            progress.update()
    return losses, tested


def bits_by_frequency(text: str) -> float:
    """Return the bits per character of a model that knows only how often each letter occurs."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def plot_curve(losses: list[float], tested: dict[int, float], by_frequency: float, path: Path) -> None:
    """Draw the losses in bits per character, with nats on the right."""
    plt = find_pyplot()
    if plt is None:
        return

    bits, tested_bits = [to_bits(loss) for loss in losses], [to_bits(loss) for loss in tested.values()]
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    axis.plot(range(len(bits)), bits, color="tab:blue", alpha=0.4, linewidth=0.8, label="training, each step")
    axis.plot(list(tested), tested_bits, "o-", color="tab:orange", label="test")
    axis.axhline(by_frequency, color="gray", linestyle="--", linewidth=1)
    note = f"if it knew only how often each letter occurs: {by_frequency:.2f}"
    place = {"textcoords": "offset points", "ha": "right"}
    axis.annotate(note, (len(bits), by_frequency), (0, 4), color="dimgray", **place)
    axis.annotate(f"{tested_bits[-1]:.2f}", (len(bits), tested_bits[-1]), (4, -18), **place)
    axis.set(xlabel="step", ylabel="bits per character", ylim=(0, None), title="A small GPT learns to write")
    axis.secondary_yaxis("right", functions=(to_nats, to_bits)).set_ylabel("loss in nats")
    axis.legend()
    save_picture(figure, path, kind="loss curve")


def to_nats(bits: float) -> float:
    """Return bits in nats: natural logarithms instead of those to base 2."""
    return bits * math.log(2)


def to_bits(nats: float) -> float:
    """Return nats in bits."""
    return nats / math.log(2)


def main() -> None:
    """Train, write, and draw."""
    args = parse_arguments()
    device = choose_device(torch, args.device)
    text, source = find_text("shakespeare.txt", args.data, args.quick)
    if len(text) < 20 * CONTEXT:
        sys.exit(f"--data: expected a text of at least {20 * CONTEXT} letters, got {len(text)}")
    torch.manual_seed(args.seed)
    alphabet = "".join(sorted(set(text)))
    number = {letter: i for i, letter in enumerate(alphabet)}
    data = torch.tensor([number[letter] for letter in text], device=device)
    nine_tenths = len(text) * 9 // 10
    print(f"data: {source}")
    print(f"{len(text):,} letters, {len(alphabet)} different ones; the last tenth to test on")

    model = GPT(len(alphabet)).to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")
    losses, tested = train(args, model, (data[:nine_tenths], data[nine_tenths:]), alphabet)

    by_frequency = bits_by_frequency(text)
    plot_curve(losses, tested, by_frequency, args.plot)
    last = tested[args.steps]
    print(f"bits per character: {math.log2(len(alphabet)):.2f} by guessing, {by_frequency:.2f} by frequency,")
    print(f"test: {last:.3f} nats = {to_bits(last):.2f} bits per character after {args.steps} steps")


if __name__ == "__main__":
    run(main)
