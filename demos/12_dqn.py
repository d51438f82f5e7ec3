"""A pole on a cart stays up: a network learns what each push is worth, from a memory of pushes and what followed.

    python demos/12_dqn.py                 until twenty poles stay up, at most 10,000 steps
    python demos/12_dqn.py --device gpu    on an NVIDIA card; --device auto: if there is one

A push is worth what it brings at once and what the best push after it is worth: so the network is trained towards its
own answers for the next state (Q-learning, with a memory and a slow copy of the network: V. Mnih et al., Human-level
control through deep reinforcement learning, Nature 518, 2015). Read the file from the bottom: ``main`` tells the story,
the functions above it are the steps.
"""

from __future__ import annotations

import copy
import time
from pathlib import Path

import numpy as np
from cart_pole import FALLEN, CartPoles, draw_film, film, play
from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

POLES = 8  # are played at once
STEPS, QUICK_STEPS = 10_000, 100  # of all poles and of the optimizer
BATCH_SIZE = 128
REMEMBERED = 20_000  # pushes
LEARNING_RATE = 0.001
DISCOUNT = 0.99  # what comes a hundred pushes later counts about a third
FOLLOW = 0.02  # how much of the way the slow copy goes after the network in each step
CURIOUS, LEAST_CURIOUS = (
    0.2,
    0.02,
)  # pushes by chance: all at first, after a fifth of the steps two in a hundred
TEST_EVERY, TEST_GAMES, LAST_GAMES = 500, 20, 100


def value_network(hidden_size: int) -> nn.Module:
    """Return a network: the four numbers of a state -> what a push to the left and one to the right are worth."""
    return nn.Sequential(
        nn.Linear(4, hidden_size),
        nn.ReLU(),
        nn.Linear(hidden_size, hidden_size),
        nn.ReLU(),
        nn.Linear(hidden_size, 2),
    )


class DQN(nn.Module):
    """The network that learns, and its slow copy, which says what the next state is worth: a goal that stands still."""

    def __init__(self, hidden_size: int = 128) -> None:
        super().__init__()
        self.network = value_network(hidden_size)
        self.slow_copy = copy.deepcopy(self.network)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return (n, 2) worths of the pushes in (n, 4) states."""
        return self.network(states)

    @torch.no_grad()
    def goal(self, next_states: torch.Tensor, fallen: torch.Tensor) -> torch.Tensor:
        """Return n worths of what was done: -1 if the pole has fallen, else what the next push is worth, discounted.

        The network chooses the push, the copy says what it is worth: together they exaggerate less (double DQN).
        """
        best = self.network(next_states).argmax(dim=1, keepdim=True)
        return -fallen + DISCOUNT * (1 - fallen) * self.slow_copy(next_states).gather(1, best).squeeze(1)

    @torch.no_grad()
    def follow(self) -> None:
        """Move the copy a little towards the network."""
        for slow, quick in zip(self.slow_copy.parameters(), self.network.parameters(), strict=True):
            slow.lerp_(quick, FOLLOW)


class Memory:
    """The last pushes: the states before and after, the push, and whether the pole has fallen."""

    def __init__(self) -> None:
        self.count = 0
        self.states = np.zeros((REMEMBERED, 4), dtype=np.float32)
        self.pushes = np.zeros(REMEMBERED, dtype=np.int64)
        self.next_states = np.zeros((REMEMBERED, 4), dtype=np.float32)
        self.fallen = np.zeros(REMEMBERED, dtype=np.float32)

    def remember(self, *seen: np.ndarray) -> None:
        """Put something in the place of the oldest."""
        places = np.arange(self.count, self.count + len(seen[0])) % REMEMBERED
        self.states[places], self.pushes[places], self.next_states[places], self.fallen[places] = seen
        self.count += len(places)

    def draw(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Return a batch by chance: neighbours in time are too much alike."""
        places = rng.integers(0, min(self.count, REMEMBERED), BATCH_SIZE)
        return [array[places] for array in (self.states, self.pushes, self.next_states, self.fallen)]


def loss_of(
    model: DQN, states: torch.Tensor, pushes: torch.Tensor, next_states: torch.Tensor, fallen: torch.Tensor
) -> torch.Tensor:
    """Return how far what the network says of the pushes lies from the goal."""
    worth = model(states).gather(1, pushes.unsqueeze(1)).squeeze(1)
    return F.mse_loss(worth, model.goal(next_states, fallen))


def train_step(model: DQN, optimizer: torch.optim.Optimizer, *batch: torch.Tensor) -> float:
    """Make one step of the optimizer, and of the slow copy; return the loss before it."""
    loss = loss_of(model, *batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    model.follow()
    return loss.item()


def make_optimizer(model: DQN, lr: float) -> torch.optim.Optimizer:
    """Return Adam for the network; the copy follows by itself."""
    return torch.optim.Adam(model.network.parameters(), lr=lr)


class Player:
    """Says for (n, 4) states the push that is worth most."""

    def __init__(self, model: DQN, device: torch.device) -> None:
        self.model, self.device = model, device

    @torch.no_grad()
    def __call__(self, states: np.ndarray) -> np.ndarray:
        """Return n pushes."""
        return self.model(torch.from_numpy(states).to(self.device)).argmax(dim=1).cpu().numpy()


def train(player: Player, steps: int, seed: int) -> tuple[list[tuple[int, int]], list[tuple[int, float]]]:
    """Play and learn at once; the model ends as the best of those that were tested on the way.

    Returns the games that ended, and the tests, each with the step and how long the poles stayed up.
    """
    model, memory, rng = player.model, Memory(), np.random.default_rng(seed)
    optimizer = make_optimizer(model, LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    poles = CartPoles(POLES, seed)
    states, best, games, tests = poles.observe(), model.state_dict(), [], [(0, 0.0)]
    with trange(1, steps + 1, unit="step", dynamic_ncols=True) as progress:
        for step in progress:
            by_chance = rng.random(POLES) < max(LEAST_CURIOUS, 1 - step / (CURIOUS * steps))
            pushes = np.where(by_chance, rng.integers(0, 2, POLES), player(states))
            next_states, fallen, over = poles.step(pushes)
            memory.remember(states, pushes, next_states, fallen)
            games += [(step, age) for age in poles.ages[over].tolist()]
            states = poles.reset(over)
            train_step(model, optimizer, *[torch.from_numpy(a).to(player.device) for a in memory.draw(rng)])
            scheduler.step()
            if step % TEST_EVERY == 0 or step == steps:
                length = float(play(player, TEST_GAMES, seed + 1).mean())
                if length >= max(tested for _, tested in tests):
                    best = copy.deepcopy(model.state_dict())
                tests.append((step, length))
                progress.set_postfix(test=f"{length:.0f}", refresh=False)
                if length == 500:
                    break
    model.load_state_dict(best)
    return games, tests


@torch.no_grad()
def worths(model: DQN, angles: np.ndarray, turns: np.ndarray, device: torch.device) -> np.ndarray:
    """Return what states are worth: (turns, angles), with the cart at rest in the middle."""
    x, y = np.meshgrid(angles, turns)
    states = np.stack([0 * x, 0 * x, x, y], axis=-1).astype(np.float32)
    return model(torch.from_numpy(states).to(device)).amax(dim=-1).cpu().numpy()


def plot(player: Player, games: list, tests: list, states: np.ndarray, path: Path) -> None:
    """Draw how long the poles stayed up, what states are worth, and a film."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, axes = plt.subplot_mosaic(
        "llr;fff", figsize=(9.5, 5.6), height_ratios=[3, 1], layout="constrained"
    )
    axes["l"].plot(
        *np.array(games).T, ".", color="tab:blue", alpha=0.3, markersize=4, label="a game of practice"
    )
    axes["l"].plot(*np.array(tests).T, "o-", color="tab:orange", label=f"mean of {TEST_GAMES} test games")
    axes["l"].set(xlabel="step", ylabel="pushes until it fell, or 500", ylim=(0, 510))
    axes["l"].set_title("How long the pole stays up while it is learnt")
    axes["l"].legend(loc="upper left")
    angles, turns = np.linspace(-FALLEN, FALLEN, 61), np.linspace(-2, 2, 61)
    levels = np.linspace(-1, 0, 21)  # from sure to fall to never to fall
    shown = worths(player.model, angles, turns, player.device)
    picture = axes["r"].contourf(np.degrees(angles), turns, shown, levels, extend="both")
    axes["r"].set(xlabel="angle in degrees", ylabel="radians per second", title="What a state is worth")
    figure.colorbar(picture, ax=axes["r"], ticks=np.linspace(-1, 0, 6))
    draw_film(axes["f"], states, every=50)
    axes["f"].set_title("A game afterwards")
    save_picture(figure, path)


def main() -> None:
    """Learn by playing, then play a hundred games without chance, and draw one."""
    args = parse(command_line("Learn what each push of a cart with a pole is worth.", "dqn.png"))
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    player = Player(DQN().to(device), device)
    print(f"model: {sum(p.numel() for p in player.model.network.parameters()):,} parameters, on {device}")
    started = time.perf_counter()
    games, tests = train(player, QUICK_STEPS if args.quick else STEPS, args.seed)
    print(f"trained for {time.perf_counter() - started:.1f} s, on {POLES * tests[-1][0]:,} pushes")
    for step, length in tests[1:]:
        print(f"step {step:6,}: the pole stays up for {length:.1f} pushes")

    plot(player, games, tests, film(player, args.seed), args.plot)
    lengths = play(player, LAST_GAMES, args.seed + 2)
    print(
        f"afterwards: {lengths.mean():.1f} pushes of 500; {(lengths == 500).sum()} of {LAST_GAMES} poles stay up"
    )


if __name__ == "__main__":
    run(main)
