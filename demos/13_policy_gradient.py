"""A pole on a cart stays up: a network learns by trying how to push the cart, and only from how long it went well.

    python demos/13_policy_gradient.py                 60 rounds of 16 games
    python demos/13_policy_gradient.py --device gpu    on an NVIDIA card; --device auto: if there is one

The network says how likely each push should be, and pushes are drawn accordingly. Afterwards each push is made likelier
the longer the pole stayed up after it, and less likely if it stayed up for less long than in other games: REINFORCE
(R. J. Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning, Machine
Learning 8, 1992). Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from cart_pole import CartPoles, draw_film, film, play
from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

GAMES = 16  # in a round, all at once
QUICK_ROUNDS = 5
LEARNING_RATE = 0.02
DISCOUNT = 0.99  # what comes a hundred pushes later counts about a third
TEST_GAMES = 100


class Policy(nn.Module):
    """The four numbers of a state -> scores of a push to the left and of one to the right."""

    def __init__(self, hidden_size: int = 64) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, hidden_size), nn.Tanh(), nn.Linear(hidden_size, 2))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return (n, 2) scores of (n, 4) states."""
        return self.layers(states)


@torch.no_grad()
def chances(model: Policy, states: np.ndarray, device: torch.device) -> np.ndarray:
    """Return how likely each push should be: (n, 2)."""
    return model(torch.from_numpy(states).to(device)).softmax(dim=1).cpu().numpy()


def play_round(
    model: Policy, poles: CartPoles, rng: np.random.Generator, device: torch.device
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Play all games to their ends; return (t, n, 4) states, (t, n) pushes and (t, n) whether it still went on."""
    states, playing = poles.reset(np.ones(GAMES, dtype=bool)), np.ones(GAMES, dtype=bool)
    seen = []
    while playing.any():
        pushes = (rng.random(GAMES) < chances(model, states, device)[:, 1]).astype(np.int64)
        seen.append((states, pushes, playing))
        states, _, over = poles.step(pushes)
        playing = playing & ~over
    all_states, all_pushes, went_on = zip(*seen, strict=True)
    return np.stack(all_states), np.stack(all_pushes), np.stack(went_on)


def advantages_of(went_on: np.ndarray) -> np.ndarray:
    """Return how much better than in the other games at the same time it went after each push: (t, n).

    What came after a push is a reward of 1 for it, and the discounted rewards of the later ones.
    """
    returns, after = np.zeros(went_on.shape), np.zeros(went_on.shape[1])
    for t in reversed(range(len(went_on))):
        after = went_on[t] * (1 + DISCOUNT * after)
        returns[t] = after
    usual = returns.sum(axis=1, keepdims=True) / went_on.sum(axis=1, keepdims=True)
    better = np.where(went_on, returns - usual, 0)
    return (better / max(better[went_on].std(), 0.001)).astype(np.float32)  # 0 if all games are won


def loss_of(
    model: Policy, states: torch.Tensor, pushes: torch.Tensor, advantages: torch.Tensor
) -> torch.Tensor:
    """Return -log p(push) * advantage, as a mean: its gradient makes pushes likelier by as much as they were good."""
    surprise = F.cross_entropy(model(states), pushes, reduction="none")  # -log p(push)
    return (surprise * advantages).mean()


def train_step(model: Policy, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def make_optimizer(model: nn.Module, lr: float) -> torch.optim.Optimizer:
    """Return Adam, which takes a step of its own length for every parameter."""
    return torch.optim.Adam(model.parameters(), lr=lr)


def train(model: Policy, rounds: int, seed: int, device: torch.device) -> np.ndarray:
    """Play and learn; return how long the poles stayed up in each round: (rounds, games)."""
    optimizer = make_optimizer(model, LEARNING_RATE)
    poles, rng = CartPoles(GAMES, seed), np.random.default_rng(seed)
    lengths = []
    with trange(rounds, unit="round", dynamic_ncols=True) as progress:
        for _ in progress:
            states, pushes, went_on = play_round(model, poles, rng, device)
            batch = states[went_on], pushes[went_on], advantages_of(went_on)[went_on]
            train_step(model, optimizer, *[torch.from_numpy(array).to(device) for array in batch])
            lengths.append(went_on.sum(axis=0))
            progress.set_postfix(length=f"{lengths[-1].mean():.0f}", refresh=False)
    return np.stack(lengths)


def plot(lengths: np.ndarray, before: np.ndarray, after: np.ndarray, path: Path) -> None:
    """Draw how long the poles stayed up, round by round, and two films: before and after learning."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, axes = plt.subplots(3, 1, figsize=(9, 6.4), height_ratios=[3, 1, 1], layout="constrained")
    rounds = np.arange(1, len(lengths) + 1)
    axes[0].plot(rounds, lengths, ".", color="tab:blue", alpha=0.25, markersize=4)
    axes[0].plot(rounds, lengths.mean(axis=1), color="tab:orange", label=f"mean of {GAMES} games")
    axes[0].set(xlabel="round", ylabel="pushes until it fell, or 500", ylim=(0, 510))
    axes[0].set_title("How long the pole stays up while it is learnt")
    axes[0].legend(loc="lower right")
    draw_film(axes[1], before, every=1)
    axes[1].set_title("Before learning")
    draw_film(axes[2], after, every=50)
    axes[2].set_title("Afterwards")
    save_picture(figure, path)


def main() -> None:
    """Learn by playing, then play a hundred games without chance, and draw one."""
    parser = command_line("Learn by trying how to keep a pole up.", "policy_gradient.png")
    parser.add_argument("--rounds", type=int, default=60, help=f"of {GAMES} games (default: 60)")
    args = parse(parser)
    if args.rounds < 1:
        parser.error(f"--rounds: expected at least 1, got {args.rounds}")
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    def likeliest(states: np.ndarray) -> np.ndarray:
        return chances(model, states, device).argmax(axis=1)

    model = Policy().to(device)
    print(f"model: {sum(p.numel() for p in model.parameters()):,} parameters, on {device}")
    before = film(likeliest, args.seed)
    print(f"before: the pole stays up for {play(likeliest, TEST_GAMES, args.seed + 1).mean():.1f} pushes")

    started = time.perf_counter()
    lengths = train(model, QUICK_ROUNDS if args.quick else args.rounds, args.seed, device)
    print(f"trained for {time.perf_counter() - started:.1f} s, on {lengths.sum():,} pushes")

    plot(lengths, before, film(likeliest, args.seed), args.plot)
    tested = play(likeliest, TEST_GAMES, args.seed + 1)
    print(
        f"afterwards: {tested.mean():.1f} pushes of 500; {(tested == 500).sum()} of {TEST_GAMES} poles stay up"
    )


if __name__ == "__main__":
    run(main)
