"""Pictures and sentences meet in one space: a small CLIP finds the picture that a caption speaks of.

    python demos/16_multi_modal.py                 pictures of two coloured shapes, drawn anew for every step
    python demos/16_multi_modal.py --device gpu    on an NVIDIA card; --device auto: if there is one

One network makes a vector of a picture, another one of a caption. Nobody tells them what red or a circle is: of a
batch of pictures and captions they have to find out which belong together (Radford et al., Learning Transferable
Visual Models From Natural Language Supervision, 2021). Captions of the same words in another order mean other pictures.
Then they are asked for pairs of things that they have never seen together. Read the file from the bottom: ``main``
tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

SIDE = 24
COLORS = {
    "red": (220, 40, 40),
    "green": (40, 180, 60),
    "blue": (50, 80, 230),
    "yellow": (235, 215, 50),
    "white": (240,) * 3,
}
SHAPES = ("circle", "square", "triangle", "cross", "ring")
THINGS = [f"{color} {shape}" for color in COLORS for shape in SHAPES]
ARRANGEMENTS = {
    "above": "below",
    "left of": "right of",
}  # of the first thing to the second; and the other way round
WORDS = ["", "a", *COLORS, *SHAPES, "above", "below", "left", "right", "of"]  # "" fills up short captions
LONGEST = 8  # a red circle left of a blue square
Scene = tuple[str, str, str]  # first thing, arrangement, second thing

BATCH_SIZE = 64
STEPS_PER_EPOCH, QUICK_STEPS = 100, 10
LEARNING_RATE = 0.002
UNSEEN_PAIRS = 60  # of 300
EXAMPLES, SHOWN = 5, 6  # captions in the picture, and pictures for each


def make_scenes(seed: int) -> tuple[list[Scene], list[Scene]]:
    """Return scenes to learn from, and scenes of pairs of things that are never together in the first."""
    pairs = list(itertools.combinations(THINGS, 2))
    random.Random(seed).shuffle(pairs)

    def scenes(pairs: list[tuple[str, str]]) -> list[Scene]:
        return [(*order, how) for a, b in pairs for order in ((a, b), (b, a)) for how in ARRANGEMENTS]

    return [
        [(first, how, second) for first, second, how in scenes(part)]
        for part in (pairs[UNSEEN_PAIRS:], pairs[:UNSEEN_PAIRS])
    ]


def outline(shape: str, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return where a shape of size 1 is: True inside."""
    if shape == "circle":
        return y**2 + x**2 < 1
    if shape == "ring":
        return (y**2 + x**2 < 1.1) & (y**2 + x**2 > 0.3)
    if shape == "square":
        return np.maximum(abs(y), abs(x)) < 0.85
    if shape == "triangle":
        return (y < 0.8) & (abs(x) < 0.6 * (y + 1))
    return (np.minimum(abs(y), abs(x)) < 0.33) & (np.maximum(abs(y), abs(x)) < 1)


def draw(scene: Scene, rng: random.Random) -> np.ndarray:
    """Return a picture of a scene, (3, SIDE, SIDE) numbers from 0 to 1; places, sizes and shades are left to chance."""
    first, how, second = scene
    picture = np.full((3, SIDE, SIDE), rng.uniform(0.1, 0.3))
    for thing, along in ((first, rng.uniform(5, 7)), (second, rng.uniform(16.5, 18.5))):
        across = rng.uniform(8, 15.5)
        middle = (along, across) if how == "above" else (across, along)
        size = rng.uniform(3.4, 5)
        y, x = (np.mgrid[:SIDE, :SIDE] - np.reshape(middle, (2, 1, 1))) / size
        color, shape = thing.split()
        shade = np.array(COLORS[color]) / 255 * rng.uniform(0.8, 1.05)
        picture[:, outline(shape, y, x)] = shade[:, None]
    noise = np.random.default_rng(rng.getrandbits(32)).normal(0, 0.03, picture.shape)
    return np.clip(picture + noise, 0, 1)


def describe(scene: Scene, rng: random.Random | None = None) -> str:
    """Return a caption of a scene; with a generator, begun with either of the two things."""
    first, how, second = scene
    if rng is not None and rng.random() < 0.5:
        first, how, second = second, ARRANGEMENTS[how], first
    return f"a {first} {how} a {second}"


def numbered(captions: list[str]) -> torch.Tensor:
    """Return the numbers of the words, (n, LONGEST), what is missing at the beginning."""
    rows = [[WORDS.index(word) for word in caption.split()] for caption in captions]
    return torch.tensor([[0] * (LONGEST - len(row)) + row for row in rows])


def make_batch(scenes: list[Scene], rng: random.Random) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture and a caption of each scene."""
    pictures = np.stack([draw(scene, rng) for scene in scenes])
    return torch.tensor(pictures, dtype=torch.float32), numbered([describe(scene, rng) for scene in scenes])


class CLIP(nn.Module):
    """A picture -> a vector of length 1; a caption -> a vector of length 1; how alike two are: their product."""

    def __init__(self, size: int = 48, channels: int = 16, hidden_size: int = 64) -> None:
        super().__init__()
        self.see = nn.Sequential(
            nn.Conv2d(3, channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(2 * channels * (SIDE // 4) ** 2, 2 * hidden_size),
            nn.ReLU(),
            nn.Linear(2 * hidden_size, size),
        )
        self.words = nn.Embedding(len(WORDS), hidden_size // 2)
        self.read = nn.GRU(hidden_size // 2, hidden_size, batch_first=True)
        self.understand = nn.Linear(hidden_size, size)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    def of_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the vectors of (n, 3, SIDE, SIDE) pictures."""
        return F.normalize(self.see(pictures), dim=1)

    def of_captions(self, captions: torch.Tensor) -> torch.Tensor:
        """Return the vectors of (n, LONGEST) numbers of words: what the GRU knows after the last one."""
        _, state = self.read(self.words(captions))
        return F.normalize(self.understand(state[0]), dim=1)

    def forward(self, pictures: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        """Return how well each picture, a row, goes with each caption, a column."""
        return self.log_scale.exp() * self.of_pictures(pictures) @ self.of_captions(captions).t()


def loss_of(model: CLIP, pictures: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
    """Return how hard it is to find the caption of each picture, and the picture of each caption."""
    scores = model(pictures, captions)
    own = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.t(), own)) / 2


def train_step(model: CLIP, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


@torch.no_grad()
def compare(
    model: CLIP, pictures: torch.Tensor, captions: torch.Tensor, device: torch.device
) -> torch.Tensor:
    """Return how well each picture goes with each caption."""
    return model(pictures.to(device), captions.to(device)).cpu()


def accuracies(scores: torch.Tensor) -> tuple[float, float]:
    """Return the percentage of captions whose own picture comes first, and of pictures whose own caption does."""
    own = torch.arange(len(scores))
    return tuple(100 * (scores.argmax(dim=dim) == own).float().mean().item() for dim in (0, 1))


def plot(
    pictures: torch.Tensor, captions: list[str], scores: torch.Tensor, asked: list[int], path: Path
) -> None:
    """Draw for some captions the pictures that go with them best; the right one has a green frame."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, axes = plt.subplots(len(asked), SHOWN, figsize=(9, 1.75 * len(asked)), layout="constrained")
    for row, number in zip(axes, asked, strict=True):
        row[0].set_title(captions[number], loc="left", fontsize=11)
        for axis, found in zip(row, scores[:, number].topk(SHOWN).indices.tolist(), strict=True):
            axis.imshow(pictures[found].permute(1, 2, 0).numpy())
            axis.set(xticks=[], yticks=[])
            if found == number:
                axis.spines[:].set(color="limegreen", linewidth=5)
    save_picture(figure, path)


def main() -> None:
    """Train on most pairs of things, and look for pictures and captions of the others."""
    args = parse(command_line("Find pictures by their captions.", "captions.png", epochs=10))
    device = choose_device(torch, args.device)
    epochs, steps = (1, QUICK_STEPS) if args.quick else (args.epochs, STEPS_PER_EPOCH)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)
    seen, unseen = make_scenes(args.seed)
    print(f"data: {len(seen):,} scenes to learn from, {len(unseen)} of other pairs of things")
    tests = {"seen": make_batch(rng.sample(seen, len(unseen)), rng), "unseen": make_batch(unseen, rng)}

    model = CLIP().to(device)
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=epochs * steps)
    for epoch in range(1, epochs + 1):
        with tqdm(range(steps), desc=f"epoch {epoch}/{epochs}", unit="step", dynamic_ncols=True) as progress:
            for _ in progress:
                batch = make_batch(rng.sample(seen, BATCH_SIZE), rng)
                loss = train_step(model, optimizer, *[tensor.to(device) for tensor in batch])
                scheduler.step()
                progress.set_postfix(loss=f"{loss:.3f}", refresh=False)
        found = accuracies(compare(model, *tests["unseen"], device))
        print(f"epoch {epoch}: {found[0]:.1f} % of the captions find their picture")

    for name, batch in tests.items():
        found = accuracies(compare(model, *batch, device))
        print(f"{name} pairs: caption to picture {found[0]:.1f} %, picture to caption {found[1]:.1f} %")
    captions = [describe(scene) for scene in unseen]
    scores = compare(model, tests["unseen"][0], numbered(captions), device)
    plot(tests["unseen"][0], captions, scores, [0, 2, 1, 5, 11][:EXAMPLES], args.plot)
    right = int((scores.argmax(dim=0) == torch.arange(len(scores))).sum())
    print(
        f"pairs never seen together: {right} of {len(scores)} captions find their picture among all of them"
    )


if __name__ == "__main__":
    run(main)
