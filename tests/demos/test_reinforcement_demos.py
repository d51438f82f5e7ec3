"""What demos 12 and 13 are made of: the pole falls as gymnasium's does, and what is learnt from a push."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch


def test_the_pole_falls_as_in_gymnasium(load):
    gymnasium = pytest.importorskip("gymnasium")
    cart_pole, rng = load("cart_pole.py"), np.random.default_rng(0)
    poles = cart_pole.CartPoles(40, seed=1)
    games = [gymnasium.make("CartPole-v1") for _ in range(40)]
    for game, state in zip(games, poles.states, strict=True):
        game.reset(seed=0)
        game.unwrapped.state = state.copy()
    playing = np.ones(40, dtype=bool)
    ways_to_end = set()
    while playing.any():
        # The first games are pushed by chance; the others so that the pole stays up, or leaves the track upright.
        place, speed, angle, turn = poles.states.T
        wanted = np.linspace(-0.3, 0.3, 40) * np.array([0, 1] * 20) - 0.03 * place - 0.06 * speed
        pushes = np.where(np.arange(40) < 10, rng.integers(0, 2, 40), angle - wanted + 0.3 * turn > 0)
        states, fallen, over = poles.step(pushes)
        for i in np.flatnonzero(playing):
            state, reward, terminated, truncated, _ = games[i].step(int(pushes[i]))
            assert reward == 1
            assert (terminated, terminated or truncated) == (fallen[i], over[i])
            np.testing.assert_allclose(states[i], state, rtol=1e-6)
            if over[i]:
                upright = abs(states[i, 2]) < cart_pole.FALLEN
                ways_to_end.add("late" if truncated else "off the track" if upright else "fallen")
        playing &= ~over
    assert ways_to_end == {"late", "off the track", "fallen"}


def test_a_new_game_begins_upright_and_the_others_go_on(load):
    poles = load("cart_pole.py").CartPoles(3, seed=0)
    for _ in range(8):
        before, _, _ = poles.step(np.array([1, 1, 1]))
    after = poles.reset(np.array([False, True, False]))
    assert (after[[0, 2]] == before[[0, 2]]).all()
    assert (abs(after[1]) <= 0.05).all()
    assert poles.ages.tolist() == [8, 0, 8]


def test_a_game_is_as_long_as_its_film(load):
    cart_pole = load("cart_pole.py")

    def to_the_right(states: np.ndarray) -> np.ndarray:
        return np.ones(len(states))

    (length,) = cart_pole.play(to_the_right, 1, seed=3)
    states = cart_pole.film(to_the_right, seed=3)
    assert len(states) == length + 1
    assert (abs(states[:-1, 2]) < cart_pole.FALLEN).all()
    assert abs(states[-1, 2]) > cart_pole.FALLEN


def test_the_goal_of_a_push(load):
    """By hand: the network chooses, the slow copy says what it is worth, and nothing comes after a fall."""
    demo = load("12_dqn.py")
    model = demo.DQN(hidden_size=4)
    for network, worths in ((model.network, [1.0, 3.0]), (model.slow_copy, [-0.25, -0.5])):
        torch.nn.init.zeros_(network[-1].weight)
        network[-1].bias.data = torch.tensor(worths)
    goal = model.goal(torch.randn(2, 4), torch.tensor([0.0, 1.0]))
    np.testing.assert_allclose(goal.numpy(), [0.99 * -0.5, -1], rtol=1e-6)
    model.follow()
    np.testing.assert_allclose(model.slow_copy[-1].bias.detach().numpy(), [-0.225, -0.43], rtol=1e-6)


def test_the_memory_forgets_the_oldest(load, monkeypatch):
    demo = load("12_dqn.py")
    monkeypatch.setattr(demo, "REMEMBERED", 10)
    memory = demo.Memory()
    for number in range(0, 12, 4):
        numbers = np.arange(number, number + 4)
        states = np.repeat(numbers[:, None], 4, axis=1)
        memory.remember(states, numbers, states + 1, numbers % 2)
    assert sorted(memory.pushes.tolist()) == list(range(2, 12))
    states, pushes, next_states, fallen = memory.draw(np.random.default_rng(0))
    assert set(pushes.tolist()) == set(range(2, 12))
    assert (states[:, 0] == pushes).all()
    assert (next_states[:, 3] == pushes + 1).all()
    assert (fallen == pushes % 2).all()


def test_a_push_is_good_if_it_went_better_than_in_the_other_games(load):
    demo = load("13_policy_gradient.py")
    went_on = np.array([[True, True], [True, True], [True, False]])
    advantages = demo.advantages_of(went_on)
    g = demo.DISCOUNT
    returns = np.array([[1 + g + g**2, 1 + g], [1 + g, 1], [1, 0]])
    better = (returns[:, 0] - returns[:, 1]) / 2
    np.testing.assert_allclose(advantages[:2, 0] / advantages[0, 0], better[:2] / better[0], rtol=1e-6)
    np.testing.assert_allclose(advantages[:2, 1], -advantages[:2, 0], rtol=1e-6)
    assert advantages[2].tolist() == [0, 0]  # there is nothing to compare with
    assert advantages[went_on].std() == pytest.approx(1)
    assert (demo.advantages_of(np.ones((5, 3), dtype=bool)) == 0).all()
