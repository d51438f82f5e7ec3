"""Results with histories of their own: several of one call, and views of what was changed in place."""

from __future__ import annotations

import pytest

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.replay.state import equal

weight = nn.Parameter(torch.ones(3))


def separate(x):
    return weight.relu() * x, (weight * x).sigmoid()


def nothing_saved(x):
    return (x + weight).flip(0), weight - x


def common(x):
    h = (x * weight).tanh()
    return h.sum(), h + 1


@pytest.mark.parametrize("function", [separate, nothing_saved, common])
@pytest.mark.parametrize("change", [False, True], ids=["", "changed"])
def test_several_results_have_backwards_of_their_own(function, change):
    """A second backward is an error where it goes through nodes that have saved something, and only there."""
    seen = []
    for replay in (False, True):
        weight.grad = None
        called = torch.compile(function, fullgraph=True) if replay else function
        seen.append([])
        for i in range(12):
            torch.manual_seed(i)
            x = torch.randn(3)
            results = called(x)
            if change:
                results[1].detach().mul_(2)  # saved by the sigmoid
            for k in ((0, 1), (1, 0), (0, 0), (1, 1, 0))[i % 4]:
                try:
                    results[k].sum().backward()
                except RuntimeError as error:
                    seen[-1].append(str(error)[:30])
                seen[-1].append(weight.grad.clone() if weight.grad is not None else None)
    assert equal(*seen)


def changes_a_view(x):
    v = (x * weight).unsqueeze(0)
    v.mul_(0.5)
    return v


def changes_the_base(x):
    base = x * weight
    v = base.unsqueeze(0)
    base.mul_(x)
    return v, base.sum()


@pytest.mark.parametrize("function", [changes_a_view, changes_the_base])
def test_a_result_is_a_view_of_what_was_changed_in_place(function):
    """It takes over the history of its base only when that is asked for."""
    seen = []
    for replay in (False, True):
        weight.grad = None
        called = torch.compile(function) if replay else function
        seen.append([])
        for i in range(8):
            torch.manual_seed(i)
            out = called(torch.randn(3))
            (out[0] if isinstance(out, tuple) else out).pow(2).sum().backward()
            seen[-1] += [weight.grad.clone(), out]
    assert equal(*seen)
