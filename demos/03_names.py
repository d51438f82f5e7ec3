"""Names, letter by letter: five models from a table of counts to a Transformer learn to make up first names.

    python demos/03_names.py                  all five, one after the other
    python demos/03_names.py --model gru      one of them: bigram, mlp, rnn, gru or transformer
    python demos/03_names.py --data FILE      from a list of your own, one word a line

All have one task: given the letters so far, say how likely each letter is to come next. They differ in how much
of the past they see. The idea of this ladder is Andrej Karpathy's (makemore).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

from common import choose_device, run
from texts import find_text
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

END = "."  # begins and ends every name; number 0
NOTHING = -1  # a target that does not count: the name is over


class Bigram(nn.Module):
    """A table: after this letter, that one. It sees a single letter."""

    def __init__(self, letters: int, longest: int) -> None:
        super().__init__()
        self.table = nn.Embedding(letters, letters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, letters) scores of what follows each of the (n, t) letters."""
        return self.table(x)


class MLP(nn.Module):
    """Three letters as vectors, side by side, through a hidden layer (Bengio et al., 2003)."""

    seen = 3

    def __init__(self, letters: int, longest: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, 24)
        self.hidden = nn.Linear(self.seen * 24, 128)
        self.head = nn.Linear(128, letters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, letters) scores of what follows each of the (n, t) letters."""
        n, t = x.shape
        padded = F.pad(x, (self.seen - 1, 0))  # with 0, the end of the name before
        windows = torch.stack([padded[:, i : i + t] for i in range(self.seen)], dim=2)  # (n, t, 3)
        x = self.embedding(windows).flatten(2)  # (n, t, 72)
        return self.head(torch.tanh(self.hidden(x)))


class RNN(nn.Module):
    """A state that every letter changes: it may remember all of them."""

    layer = nn.RNN

    def __init__(self, letters: int, longest: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(letters, 32)
        self.memory = self.layer(32, 96, batch_first=True)
        self.head = nn.Linear(96, letters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, letters) scores of what follows each of the (n, t) letters."""
        states, _ = self.memory(self.embedding(x))  # (n, t, 96)
        return self.head(states)


class GRU(RNN):
    """The same with gates, which learn what to keep and what to forget (Cho et al., 2014)."""

    layer = nn.GRU


class Block(nn.Module):
    """One layer of a Transformer: letters look at those before them, then each thinks for itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.think = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def attention(self, x: torch.Tensor) -> torch.Tensor:
        """Let each of the t letters look at itself and at those before it."""
        n, t, width = x.shape
        three = self.queries_keys_values(x).view(n, t, 3, self.heads, width // self.heads)
        query, key, value = three.permute(2, 0, 3, 1, 4).unbind(0)  # (n, heads, t, width / heads) each
        found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.mix(found.transpose(1, 2).reshape(n, t, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        x = x + self.attention(self.norm1(x))
        return x + self.think(self.norm2(x))


class Transformer(nn.Module):
    """No state: each letter looks at all letters before it, and learns at which."""

    def __init__(self, letters: int, longest: int, width: int = 64, heads: int = 4, layers: int = 2) -> None:
        super().__init__()
        self.letter = nn.Embedding(letters, width)
        self.place = nn.Embedding(longest + 1, width)
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, letters) scores of what follows each of the (n, t) letters."""
        places = torch.arange(x.shape[1], device=x.device)
        x = self.letter(x) + self.place(places)  # (n, t, width)
        return self.head(self.norm(self.blocks(x)))


MODELS = {"bigram": Bigram, "mlp": MLP, "rnn": RNN, "gru": GRU, "transformer": Transformer}
STEPS = {"bigram": 1500, "mlp": 2500, "rnn": 2000, "gru": 2000, "transformer": 1500}
LEARNING_RATES = {"bigram": 0.05, "mlp": 0.005, "rnn": 0.003, "gru": 0.005, "transformer": 0.005}
BATCH = 64


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Five models learn to make up first names.")
    parser.add_argument("--model", choices=["all", *MODELS], default="all", help="which one (default: all)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="a list of your own, one word a line")
    parser.add_argument("--device", choices=["cpu", "gpu", "auto"], default="cpu", help="(default: cpu)")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same names (default: 0)")
    parser.add_argument("--quick", action="store_true", help="a few steps, to see that it runs")
    return parser.parse_args()


def numbered(
    names: list[str], alphabet: str, longest: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a model reads and what it should say, both (names, longest + 1).

    Of "eva" it reads . e v a and should say e v a . with nothing asked after that.
    """
    number = {letter: i for i, letter in enumerate(alphabet)}
    inputs = torch.zeros(len(names), longest + 1, dtype=torch.long)
    targets = torch.full((len(names), longest + 1), NOTHING)
    for row, name in enumerate(names):
        letters = torch.tensor([number[letter] for letter in name])
        inputs[row, 1 : len(name) + 1] = letters
        targets[row, : len(name)] = letters
        targets[row, len(name)] = 0
    return inputs.to(device), targets.to(device)


def loss_of(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy in nats: how surprised the model is by the next letter."""
    scores = model(inputs)
    return F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=NOTHING)


def train_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: torch.Tensor, targets: torch.Tensor
) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, inputs, targets)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return AdamW, which takes a step of its own length for every parameter."""
    return torch.optim.AdamW(model.parameters(), lr=lr)


def train(
    model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], steps: int, lr: float, title: str
) -> None:
    """Train on batches drawn at random, with a learning rate that falls to nearly nothing."""
    inputs, targets = data
    optimizer = make_optimizer(model, lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    for _ in tqdm(range(steps), desc=title, unit="step", leave=False, dynamic_ncols=True):
        rows = torch.randint(0, len(inputs), (BATCH,), device=inputs.device)
        train_step(model, optimizer, inputs[rows], targets[rows])
        schedule.step()


@torch.no_grad()
def test(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor]) -> float:
    """Return the loss on up to 5,000 names."""
    inputs, targets = data
    return loss_of(model, inputs[:5000], targets[:5000]).item()


@torch.no_grad()
def make_up(model: nn.Module, count: int, alphabet: str, longest: int, device: torch.device) -> list[str]:
    """Return names: letters drawn one by one, as likely as the model finds them."""
    numbers = torch.zeros(count, 1, dtype=torch.long, device=device)
    for _ in range(longest):
        likely = F.softmax(model(numbers)[:, -1], dim=1)  # (count, letters)
        numbers = torch.cat([numbers, torch.multinomial(likely, 1)], dim=1)
    drawn = ["".join([alphabet[i] for i in row[1:]]) for row in numbers.tolist()]
    return [name.split(END)[0] for name in drawn]


def load(args: argparse.Namespace) -> list[str]:
    """Return different names in random order, in lower case."""
    text, source = find_text("names.txt", args.data, args.quick)
    names = sorted(set(text.lower().replace(END, "").split()))
    if len(names) < 20:
        sys.exit(f"--data: expected at least 20 different names, got {len(names)}")
    print(f"data: {source}")
    random.Random(args.seed).shuffle(names)
    return names


def main() -> None:
    """Train, test and ask each model for a dozen names."""
    args = parse_arguments()
    device = choose_device(torch, args.device)
    names = load(args)
    alphabet, longest = END + "".join(sorted(set("".join(names)))), max(map(len, names))
    a_tenth = len(names) // 10
    test_data = numbered(names[:a_tenth], alphabet, longest, device)
    train_data = numbered(names[a_tenth:], alphabet, longest, device)
    print(f"{len(names):,} names of {len(alphabet) - 1} letters; a tenth of them to test on; on {device}\n")

    table, made_up = ["model        parameters  steps  train   test  (nats per letter)"], {}
    for name in MODELS if args.model == "all" else [args.model]:
        torch.manual_seed(args.seed)
        model = MODELS[name](len(alphabet), longest).to(device)
        steps = 30 if args.quick else STEPS[name]
        started = time.perf_counter()
        train(model, train_data, steps, LEARNING_RATES[name], name)
        print(f"{name}: trained for {time.perf_counter() - started:.1f} s")
        parameters = sum(p.numel() for p in model.parameters())
        losses = f"{test(model, train_data):5.3f}  {test(model, test_data):5.3f}"
        table.append(f"{name:11}  {parameters:10,}  {steps:5}  {losses}")
        made_up[name] = make_up(model, 12, alphabet, longest, device)

    print("", *table, "", sep="\n")
    for name, dozen in made_up.items():
        print(f"{name}: {', '.join(dozen)}")
    new = set().union(*made_up.values()) - set(names)
    print(f"\n{len(new)} of them are not in the list.")


if __name__ == "__main__":
    run(main)
