"""Poles on carts, which fall unless somebody pushes the carts to the left and to the right at the right time.

Many are played at once, each a row of an array. The equations of motion are those of A. G. Barto, R. S. Sutton and
C. W. Anderson, Neuronlike adaptive elements that can solve difficult learning control problems, IEEE Transactions on
Systems, Man, and Cybernetics 13, 1983; constants and rules are those of ``CartPole-v1`` in gymnasium. It knows neither
engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

GRAVITY = 9.8  # m / s^2
CART, POLE = 1.0, 0.1  # kg
HALF_LENGTH = 0.5  # of the pole, m
PUSH = 10.0  # N
SECONDS = 0.02  # between two pushes
EDGE = 2.4  # m from the middle
FALLEN = np.radians(12)
LONGEST = 500  # pushes: then the game is over, and won
PICTURES = 11  # of a film

Act = Callable[[np.ndarray], np.ndarray]  # (n, 4) states -> n pushes


class CartPoles:
    """``count`` poles. A state is the cart's place and speed, the pole's angle (0: upright) and how fast that grows."""

    def __init__(self, count: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.states = np.zeros((count, 4))
        self.ages = np.zeros(count, dtype=np.int64)
        self.reset(np.ones(count, dtype=bool))

    def observe(self) -> np.ndarray:
        """Return the (n, 4) states."""
        return self.states.astype(np.float32)

    def reset(self, which: np.ndarray) -> np.ndarray:
        """Put some poles upright, or nearly so; return the states of all."""
        self.states[which] = self.rng.uniform(-0.05, 0.05, (int(which.sum()), 4))
        self.ages[which] = 0
        return self.observe()

    def step(self, pushes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Push every cart to the left (0) or to the right (1); every push is worth a reward of 1.

        Returns
        -------
        states : (n, 4) float32
        fallen : n bool
            Whose pole has fallen, or whose cart has left the track.
        over : n bool
            Whose game is over: because of that, or because it has lasted for 500 pushes.
        """
        place, speed, angle, turn = self.states.T
        sin, cos, mass = np.sin(angle), np.cos(angle), CART + POLE
        force = np.where(pushes == 1, PUSH, -PUSH)
        pushed = (force + POLE * HALF_LENGTH * turn**2 * sin) / mass
        faster_turn = (GRAVITY * sin - cos * pushed) / (HALF_LENGTH * (4 / 3 - POLE * cos**2 / mass))
        faster = pushed - POLE * HALF_LENGTH * faster_turn * cos / mass
        self.states = self.states + SECONDS * np.stack([speed, faster, turn, faster_turn], axis=1)
        self.ages += 1
        fallen = (abs(self.states[:, 0]) > EDGE) | (abs(self.states[:, 2]) > FALLEN)
        return self.observe(), fallen, fallen | (self.ages >= LONGEST)


def play(act: Act, count: int, seed: int) -> np.ndarray:
    """Play ``count`` games; return how long each pole stayed up: its return."""
    poles = CartPoles(count, seed)
    states, playing = poles.observe(), np.ones(count, dtype=bool)
    lengths = np.zeros(count, dtype=np.int64)
    while playing.any():
        states, _, over = poles.step(act(states))
        lengths += playing
        playing &= ~over
    return lengths


def film(act: Act, seed: int) -> np.ndarray:
    """Play one game; return its (t, 4) states."""
    poles = CartPoles(1, seed)
    states, over = [poles.states[0]], False
    while not over:
        _, _, (over,) = poles.step(act(poles.observe()))
        states.append(poles.states[0])
    return np.stack(states)


def draw_film(axis: Any, states: np.ndarray, every: int) -> None:
    """Draw the cart and its pole as time goes by, one state in so many, at most eleven; all lengths are to scale."""
    apart, states = 1.3, states[::every][:PICTURES]  # m
    for number, (place, _, angle, _) in enumerate(states):
        x = apart * number + place
        axis.plot([x - 0.25, x + 0.25], [0, 0], color="black", linewidth=6, solid_capstyle="butt")
        top = x + 2 * HALF_LENGTH * np.sin(angle), 2 * HALF_LENGTH * np.cos(angle)
        axis.plot([x, top[0]], [0, top[1]], color="tab:orange", linewidth=3)
    seconds = [f"{SECONDS * every * number:g} s" for number in range(PICTURES)]
    axis.set_xticks([apart * number for number in range(PICTURES)], seconds)
    axis.set(aspect="equal", yticks=[], xlim=(-1, apart * PICTURES - 0.3), ylim=(-0.15, 1.15))
