"""A sequence-to-sequence network with attention translates dates, however they are written, into ISO form.

    python demos/06_translate_dates.py                 "Tue, March 3rd, 98" -> "1998-03-03"
    python demos/06_translate_dates.py --device gpu    on an NVIDIA card; --device auto: if there is one

An encoder reads the letters in both directions. A decoder writes the translation letter by letter; before each one it
looks back at the letters that matter, and the picture at the end shows at which. Read the file from the bottom:
``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import datetime
import math
import random
import time
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader

LETTERS = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,/"
PADDING = len(LETTERS)
OUTPUTS = "0123456789-"
START = len(OUTPUTS)
ISO_LENGTH = 10  # 1998-03-03
MONTHS = [
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
]
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
FIRST_DAY, DAYS = datetime.date(1930, 1, 1), 36_525  # a century, so that two digits of the year are enough

BATCH_SIZE = 100
LEARNING_RATE = 0.004
TRAIN, TEST = 20_000, 2_000
QUICK_TRAIN, QUICK_TEST = 1_000, 200
EXAMPLES = (
    "3rd of March 1998",
    "Mar 3, 98",
    "Tuesday 03.03.1998",
    "3/3/98",
    "wed, 29 feb 12",
    "THU, 2026/12/31",
    "Sunday the 1st of October 1944",
)


class Encoder(nn.Module):
    """Letters -> a vector for each letter, which knows what stands before and behind it, and a summary of all."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(LETTERS) + 1, 32, padding_idx=PADDING)
        self.gru = nn.GRU(32, hidden_size, batch_first=True, bidirectional=True)

    def forward(self, letters: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the memory (n, s, 2 hidden) and the summary (1, n, 2 hidden) of (n, s) letters."""
        embedded = self.embedding(letters)
        packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        states, last = self.gru(packed)  # last: (2, n, hidden), one for each direction
        memory, _ = nn.utils.rnn.pad_packed_sequence(states, batch_first=True)
        return memory, torch.cat([last[0], last[1]], dim=1).unsqueeze(0)


class Decoder(nn.Module):
    """The letter before -> a state -> attention to the memory -> scores of the next letter."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(OUTPUTS) + 1, 32)
        self.gru = nn.GRU(32, hidden_size, batch_first=True)
        self.query = nn.Linear(hidden_size, hidden_size, bias=False)
        self.mix = nn.Linear(2 * hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, len(OUTPUTS))

    def forward(
        self, before: torch.Tensor, state: torch.Tensor, memory: torch.Tensor, padding: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return (n, t, 11) scores of what follows (n, t) letters, the last state, and (n, t, s) attention weights."""
        states, state = self.gru(self.embedding(before), state)  # (n, t, hidden)
        match = self.query(states) @ memory.transpose(1, 2)  # (n, t, s)
        weights = match.masked_fill(padding.unsqueeze(1), -math.inf).softmax(dim=2)
        found = weights @ memory  # (n, t, hidden)
        mixed = torch.tanh(self.mix(torch.cat([states, found], dim=2)))
        return self.out(mixed), state, weights


class Translator(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, hidden_size: int = 64) -> None:
        super().__init__()
        self.encoder = Encoder(hidden_size)
        self.decoder = Decoder(2 * hidden_size)

    def forward(self, letters: torch.Tensor, lengths: torch.Tensor, answers: torch.Tensor) -> torch.Tensor:
        """Return the (n, 10, 11) scores of each letter of the answers, given the right ones before it."""
        memory, state = self.encoder(letters, lengths)
        start = torch.full_like(answers[:, :1], START)
        scores, _, _ = self.decoder(
            torch.cat([start, answers[:, :-1]], dim=1), state, memory, letters == PADDING
        )
        return scores

    @torch.no_grad()
    def translate(self, letters: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write letter by letter, always the likeliest; return (n, 10) letters and (n, 10, s) attention weights."""
        memory, state = self.encoder(letters, lengths)
        letter = torch.full_like(letters[:, :1], START)
        written, looked_at = [], []
        for _ in range(ISO_LENGTH):
            scores, state, weights = self.decoder(letter, state, memory, letters == PADDING)
            letter = scores.argmax(dim=2)
            written.append(letter)
            looked_at.append(weights)
        return torch.cat(written, dim=1), torch.cat(looked_at, dim=1)


def loss_of(
    model: nn.Module, letters: torch.Tensor, lengths: torch.Tensor, answers: torch.Tensor
) -> torch.Tensor:
    """Return the cross-entropy of all letters of the answers."""
    return F.cross_entropy(model(letters, lengths, answers).flatten(0, 1), answers.flatten())


# ---- dates -----------------------------------------------------------------------------------------------


def write_down(day: datetime.date, rng: random.Random) -> str:
    """Write a date as somebody might write it."""
    ending = "th" if 11 <= day.day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    month = rng.choice([MONTHS[day.month - 1], MONTHS[day.month - 1][:3]])
    d, m = rng.choice([(f"{day.day}", f"{day.month}"), (f"{day.day:02d}", f"{day.month:02d}")])
    year = rng.choice([f"{day.year}", f"{day.year % 100:02d}"])
    date = rng.choice(
        [
            f"{day.day}{ending} of {month} {year}",
            f"the {day.day}{ending} of {month} {year}",
            f"{month} {day.day}{ending}, {year}",
            f"{month} {d}, {year}",
            f"{d} {month} {year}",
            f"{d}.{m}.{year}",
            f"{m}/{d}/{year}",
            f"{day.year}/{m}/{d}",
        ]
    )
    weekday = WEEKDAYS[day.weekday()]
    before = rng.choice(["", "", f"{weekday} ", f"{weekday[:3]}, "])
    return rng.choice([str, str, str.lower, str.upper])(before + date)


def make_pairs(train_count: int, test_count: int, seed: int) -> tuple[list, list]:
    """Return pairs of a written date and its ISO form, to learn from and to test on; they share no day."""
    rng = random.Random(seed)
    days = [FIRST_DAY + datetime.timedelta(n) for n in range(DAYS)]
    rng.shuffle(days)
    for_test, for_train = days[:TEST], days[TEST:]
    train = [(write_down(day, rng), day.isoformat()) for day in rng.choices(for_train, k=train_count)]
    return train, [(write_down(day, rng), day.isoformat()) for day in for_test[:test_count]]


def encode(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the numbers of the letters, filled up to the longest text, and the lengths."""
    lengths = [len(text) for text in texts]
    rows = [[LETTERS.index(c) for c in text] + [PADDING] * (max(lengths) - len(text)) for text in texts]
    return torch.tensor(rows), torch.tensor(lengths)


def collate(pairs: list[tuple[str, str]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Make a batch of pairs."""
    letters, lengths = encode([text for text, _ in pairs])
    return letters, lengths, torch.tensor([[OUTPUTS.index(c) for c in iso] for _, iso in pairs])


def decode(answers: torch.Tensor) -> list[str]:
    """Return numbers of letters as texts."""
    return ["".join(OUTPUTS[n] for n in row) for row in answers.tolist()]


# ---- the program -----------------------------------------------------------------------------------------


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


def train(model: Translator, pairs: list, test_pairs: list, epochs: int, device: torch.device) -> None:
    """Train; test after every epoch."""
    loader = DataLoader(pairs, batch_size=BATCH_SIZE, shuffle=True, collate_fn=collate)
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    for epoch in range(1, epochs + 1):
        with tqdm(loader, desc=f"epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True) as progress:
            for letters, lengths, answers in progress:
                loss = train_step(model, optimizer, letters.to(device), lengths, answers.to(device))
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        print(f"epoch {epoch}: {100 * accuracy(model, test_pairs, device):.2f} % of the test dates are right")


def accuracy(model: Translator, pairs: list, device: torch.device) -> float:
    """Return the share of dates of which every letter is right."""
    right = 0
    for letters, lengths, answers in DataLoader(pairs, batch_size=500, collate_fn=collate):
        written, _ = model.translate(letters.to(device), lengths)
        right += (written == answers.to(device)).all(dim=1).sum().item()
    return right / len(pairs)


def plot_attention(model: Translator, texts: list[str], device: torch.device, path: Path) -> None:
    """Draw at which letters (across) the decoder looks while it writes each letter (down)."""
    plt = find_pyplot()
    if plt is None:
        return

    widths = [len(text) for text in texts]
    figure, axes = plt.subplots(1, len(texts), figsize=(11, 3.6), width_ratios=widths, layout="constrained")
    for axis, text in zip(axes, texts, strict=True):
        letters, lengths = encode([text])
        written, weights = model.translate(letters.to(device), lengths)
        picture = axis.imshow(weights[0].cpu().numpy(), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axis.set_xticks(range(len(text)), text)
        axis.set_yticks(range(ISO_LENGTH), decode(written)[0])
        axis.set(xlabel="read", title=text)
    axes[0].set_ylabel("written")
    figure.colorbar(picture, ax=axes, label="attention")
    save_picture(figure, path)


def main() -> None:
    """Train, test, and look at some translations."""
    args = parse(
        command_line("Translate dates into ISO form, with attention.", "translate_dates.png", epochs=4)
    )
    args.epochs = 1 if args.quick else args.epochs
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    counts = (QUICK_TRAIN, QUICK_TEST) if args.quick else (TRAIN, TEST)
    pairs, test_pairs = make_pairs(*counts, args.seed)
    print(f"data: {len(pairs):,} dates to learn from, {len(test_pairs):,} other days to test on")
    model = Translator().to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")

    started = time.perf_counter()
    train(model, pairs, test_pairs, args.epochs, device)
    print(f"trained for {time.perf_counter() - started:.1f} s")

    letters, lengths = encode(list(EXAMPLES))
    written, _ = model.translate(letters.to(device), lengths)
    for text, iso in zip(EXAMPLES, decode(written), strict=True):
        print(f"{text:>30} -> {iso}")
    plot_attention(model, ["Tuesday 03.03.1998", "Oct 27th, 44"], device, args.plot)
    print(f"exact matches: {100 * accuracy(model, test_pairs, device):.2f} %")


if __name__ == "__main__":
    run(main)
