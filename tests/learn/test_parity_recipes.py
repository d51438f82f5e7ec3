"""The tables of the parity report are complete, and their numbers are what they promise."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.names import listed
from tinygrad_edu import fft, ops, optim
from tinygrad_edu.learn import parity_programs
from tinygrad_edu.learn.parity import RECIPES
from tinygrad_edu.learn.parity_recipe import (
    SIZES,
    Maker,
    Values,
    bools,
    ints,
    order,
    real,
)
from tinygrad_edu.learn.parity_recipes import LEFT_OUT, OPERATIONS

CPU = torch.device("cpu")


def test_every_operation_has_a_recipe_or_a_reason():
    names = [recipe.name for recipe in OPERATIONS]
    assert len(names) == len(set(names))
    assert not set(names) & set(LEFT_OUT)
    transforms = {
        f"fft.{name}" for name in listed(fft) if not name.endswith(("freq", "shift"))
    }  # which are rolled
    assert set(names) | set(LEFT_OUT) == {*listed(ops), *transforms}
    assert all(reason for reason in LEFT_OUT.values())


def test_every_optimizer_has_a_recipe():
    made = {recipe.make for recipe in parity_programs.OPTIMIZERS}
    wanted = {
        value
        for name, value in vars(optim).items()
        if isinstance(value, type) and issubclass(value, optim.Optimizer) and value is not optim.Optimizer
    }
    assert made | set(parity_programs.OPTIMIZERS_LEFT_OUT) == wanted
    assert not made & set(parity_programs.OPTIMIZERS_LEFT_OUT)


def test_names_are_not_used_twice():
    names = [recipe.name for recipe in RECIPES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_small_call_runs(recipe):
    case = recipe.prepare("small", CPU, torch.float64)
    assert case.run() is not None
    assert all(leaf.requires_grad for leaf in case.leaves)


def test_every_recipe_has_both_sizes():
    assert all(set(recipe.arguments) == set(SIZES) for recipe in OPERATIONS)


def test_the_same_numbers_every_time():
    first, second = [Maker("a label", CPU, torch.float64).make([real(3, 4), ints(5)]) for _ in range(2)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    other = Maker("another label", CPU, torch.float64).make(real(3, 4))
    assert not torch.equal(first[0], other)


def test_leaves_are_what_has_a_gradient():
    maker = Maker("a label", CPU, torch.float32)
    made = maker.make([real(2), real(2, grad=False), ints(2), bools(2), 0.5])
    assert [x.requires_grad for x in made[:4]] == [True, False, False, False]
    assert maker.leaves == [made[0]]
    assert made[4] == 0.5


def test_kinds_of_values():
    rng = np.random.default_rng(0)
    reals = real(1024, 64).numbers(rng).astype(np.float32)
    assert np.unique(reals).size == reals.size
    assert sorted(order(1, 6).numbers(rng)[0]) == list(range(6))
    assert set(Values((50,), kind="sign").numbers(rng)) == {-1.0, 1.0}
    assert set(ints(50, high=3).numbers(rng)) == {0, 1, 2}
