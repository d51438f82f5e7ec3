"""A bag of letters says which of sixteen languages a sentence is in, and which of its words decided.

    python demos/14_text_classification.py                 the Declaration of Human Rights, in sixteen languages
    python demos/14_text_classification.py --device gpu    on an NVIDIA card; --device auto: if there is one

Each word falls into pieces of one to four letters, and each piece has a vector. The mean of the vectors of a sentence
goes through one linear layer: that is all, and it is the classifier of Joulin et al. (Bag of Tricks for Efficient Text
Classification, 2016). Because it is linear, what each word adds to the answer is known to the last digit. Beside it the
same network learns with whole words for pieces, to see what the letters are good for. Read the file from the bottom:
``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from texts import small_text
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

TEXT = "human_rights.txt"
BATCH_SIZE = 64
STEPS_PER_EPOCH, QUICK_STEPS, LEARNING_RATE = 100, 20, 0.01
LONGEST = 8  # words in a piece of text to learn from
LENGTHS = (1, 2, 3, 5, 8, 12)  # words in a piece of text to test on
SENTENCES = {  # none of them is from the Declaration; all say the same
    "Catalan": "No sé per què el gat dorm sota la taula",
    "Czech": "Nevím, proč kočka spí pod stolem",
    "Danish": "Jeg ved ikke, hvorfor katten sover under bordet",
    "Dutch": "Ik weet niet waarom de kat onder de tafel slaapt",
    "English": "I do not know why the cat sleeps under the table",
    "Finnish": "En tiedä, miksi kissa nukkuu pöydän alla",
    "French": "Je ne sais pas pourquoi le chat dort sous la table",
    "German": "Ich weiß nicht, warum die Katze unter dem Tisch schläft",
    "Hungarian": "Nem tudom, miért alszik a macska az asztal alatt",
    "Italian": "Non so perché il gatto dorme sotto il tavolo",
    "Norwegian": "Jeg vet ikke hvorfor katten sover under bordet",
    "Polish": "Nie wiem, dlaczego kot śpi pod stołem",
    "Portuguese": "Não sei por que o gato dorme debaixo da mesa",
    "Spanish": "No sé por qué el gato duerme debajo de la mesa",
    "Swedish": "Jag vet inte varför katten sover under bordet",
    "Turkish": "Kedinin neden masanın altında uyuduğunu bilmiyorum",
}
LANGUAGES = list(SENTENCES)
Paragraphs = list[tuple[list[str], int]]  # words, and the number of the language
Line = tuple[list[str], list[float], str, bool]  # words, what each says, the answer, and if it is right


def words_of(text: str) -> list[str]:
    """Return the words in small letters, without anything between them."""
    return re.findall(r"[^\W\d_]+", text.replace("İ", "i").lower())  # lower() makes two characters of it


def load_paragraphs() -> tuple[Paragraphs, Paragraphs]:
    """Return paragraphs to learn from, and those of every fifth article to test on: the same in every language."""
    train: Paragraphs = []
    test: Paragraphs = []
    for line in small_text(TEXT).splitlines():
        if line.startswith("## "):
            language = LANGUAGES.index(line[3:])
        elif not line.startswith("#"):
            article, _, text = line.partition(" ")
            part = test if article != "0" and int(article) % 5 == 0 else train
            part.append((words_of(text), language))
    return train, test


def letters(word: str) -> list[str]:
    """Return the runs of one to four letters of a word; its borders count as letters: ``_word_``."""
    word = f"_{word}_"
    return [word[i : i + n] for n in range(1, 5) for i in range(len(word) - n + 1) if word[i : i + n] != "_"]


def whole(word: str) -> list[str]:
    """Return the word as its only piece."""
    return [word]


class Pieces:
    """Numbers the pieces of words that the training texts have; others are left out."""

    def __init__(self, split: Callable[[str], list[str]], paragraphs: Paragraphs) -> None:
        self.split = split
        counts = Counter(piece for words, _ in paragraphs for word in words for piece in split(word))
        self.names = sorted(counts)
        self.numbers = {name: i for i, name in enumerate(self.names)}

    def of(self, words: list[str]) -> list[int]:
        """Return the numbers of all pieces of some words."""
        return [self.numbers[piece] for word in words for piece in self.split(word) if piece in self.numbers]

    def batch(self, texts: list[list[str]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pieces of all texts, one after the other, and where each text begins."""
        bags = [self.of(words) for words in texts]
        starts = [sum(len(bag) for bag in bags[:i]) for i in range(len(bags))]
        return torch.tensor([piece for bag in bags for piece in bag], dtype=torch.int64), torch.tensor(starts)


class Classifier(nn.Module):
    """The mean of the vectors of all pieces -> a score for each language."""

    def __init__(self, pieces: int, languages: int = len(LANGUAGES), size: int = 16) -> None:
        super().__init__()
        self.vectors = nn.EmbeddingBag(pieces, size, mode="mean")
        self.out = nn.Linear(size, languages)

    def forward(self, pieces: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Return the scores of texts, (n, languages); pieces and starts are those of ``Pieces.batch``."""
        return self.out(self.vectors(pieces, starts))


def cut(paragraphs: Paragraphs, count: int, length: int | None, rng: random.Random) -> Paragraphs:
    """Return pieces of text of ``length`` words, or of 1 to ``LONGEST``, each language as often as any other."""
    by_language = [[words for words, number in paragraphs if number == i] for i in range(len(LANGUAGES))]
    pieces = []
    for i in range(count):
        wanted = length or rng.randint(1, LONGEST)
        words = rng.choice(by_language[i % len(LANGUAGES)])
        start = rng.randint(0, max(len(words) - wanted, 0))
        pieces.append((words[start : start + wanted], i % len(LANGUAGES)))
    return pieces


def train_step(model: Classifier, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it. A batch is pieces, starts and languages."""
    pieces, starts, languages = batch
    loss = F.cross_entropy(model(pieces, starts), languages)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(
    model: Classifier, pieces: Pieces, paragraphs: Paragraphs, steps: int, seed: int, device: torch.device
) -> None:
    """Learn from pieces of the paragraphs, cut anew for every step."""
    optimizer, rng = make_optimizer(model, LEARNING_RATE), random.Random(seed)
    with trange(steps, desc=pieces.split.__name__, unit="step", dynamic_ncols=True) as progress:
        for _ in progress:
            texts, languages = zip(*cut(paragraphs, BATCH_SIZE, None, rng), strict=True)
            batch = (*pieces.batch(list(texts)), torch.tensor(languages))
            loss = train_step(model, optimizer, *[tensor.to(device) for tensor in batch])
            progress.set_postfix(loss=f"{loss:.3f}", refresh=False)


@torch.no_grad()
def answers(model: Classifier, pieces: Pieces, texts: list[list[str]], device: torch.device) -> torch.Tensor:
    """Return the scores of the languages for some texts: (n, languages)."""
    batch = [tensor.to(device) for tensor in pieces.batch(texts)]
    return model(*batch).cpu()


def accuracy(model: Classifier, pieces: Pieces, texts: Paragraphs, device: torch.device) -> float:
    """Return the percentage of texts whose language is found."""
    words, languages = zip(*texts, strict=True)
    found = answers(model, pieces, list(words), device).argmax(dim=1)
    return 100 * (found == torch.tensor(languages)).float().mean().item()


@torch.no_grad()
def shares(model: Classifier, pieces: Pieces, words: list[str], language: int) -> list[float]:
    """Return what each word adds to the score of a language, above the mean of all languages.

    The score is bias + weight . mean of all vectors, a sum over pieces: so each word has its part of it.
    """
    direction = model.out.weight[language] - model.out.weight.mean(dim=0)
    total = max(len(pieces.of(words)), 1)
    found = [pieces.of([word]) for word in words]
    return [float((model.vectors.weight[numbers] @ direction).sum()) / total for numbers in found]


def plot(lines: list[Line], curves: dict[str, list[float]], path: Path) -> None:
    """Draw the sentences, with what each word says, and the accuracy for lengths of text."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 5.6), width_ratios=[2, 1], layout="constrained")
    colors, darkest = plt.get_cmap("RdBu"), max(abs(part) for line in lines for part in line[1])
    for row, (words, parts, answer, right_one) in enumerate(lines):
        left.text(0, row, answer, va="center", color="black" if right_one else "red", fontsize=10)
        x = 18.0
        for word, part in zip(words, parts, strict=True):
            box = {"facecolor": colors(0.5 + 0.4 * part / darkest), "edgecolor": "none", "pad": 2.5}
            left.text(x, row, word, va="center", family="monospace", fontsize=10, bbox=box)
            x += len(word) + 1.6
    left.set(
        xlim=(0, 82),
        ylim=(len(lines) - 0.5, -0.7),
        title="Blue words speak for the answer, red ones against it",
    )
    left.axis("off")
    for name, percent in curves.items():
        right.plot(LENGTHS, percent, marker="o", label=name)
    right.set(
        title="Articles that were not learnt", xlabel="words", ylabel="language found, %", ylim=(0, 102)
    )
    right.grid(alpha=0.3)
    right.legend(loc="lower right")
    save_picture(figure, path)


def main() -> None:
    """Train with letters and with whole words, test on other articles, and explain sentences from elsewhere."""
    args = parse(command_line("Find the language of a sentence.", "languages.png", epochs=15))
    device = choose_device(torch, args.device)
    steps = QUICK_STEPS if args.quick else args.epochs * STEPS_PER_EPOCH
    torch.manual_seed(args.seed)
    train_set, test_set = load_paragraphs()
    print(
        f"data: {len(train_set):,} paragraphs to learn from, {len(test_set):,} of other articles to test on"
    )

    curves, count = {}, 160 if args.quick else 3200
    for split in (whole, letters):
        pieces = Pieces(split, train_set)
        model = Classifier(len(pieces.names)).to(device)
        train(model, pieces, train_set, steps, args.seed, device)
        rng = random.Random(args.seed + 1)
        tests = [cut(test_set, count, length, rng) for length in LENGTHS]
        found = curves[split.__name__] = [accuracy(model, pieces, texts, device) for texts in tests]
        percents = ", ".join(f"{n}: {p:.1f} %" for n, p in zip(LENGTHS, found, strict=True))
        print(f"{split.__name__}: {len(pieces.names):,} pieces; languages found, by words: {percents}")

    lines = []
    for language, sentence in SENTENCES.items():
        words = words_of(sentence)
        answer = int(answers(model, pieces, [words], device).argmax())
        parts = shares(model, pieces, words, answer)
        lines.append((words, parts, LANGUAGES[answer], LANGUAGES[answer] == language))
        print(f"{LANGUAGES[answer]:10}  {' '.join(words)}  (most of all: {words[parts.index(max(parts))]})")
    plot(lines, curves, args.plot)
    print(f"sentences from elsewhere: {sum(right for *_, right in lines)} of {len(lines)} are right")


if __name__ == "__main__":
    run(main)
