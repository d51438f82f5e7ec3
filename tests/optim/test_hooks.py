"""Hooks of optimizers: called when PyTorch calls them, with what it gives them."""

from __future__ import annotations

import pickle

import pytest

import tinygrad_edu as torch


def make(library, name="SGD", lr=0.1):
    w = library.tensor([1.0, -2.0], requires_grad=True)
    w.grad = library.tensor([0.5, 0.25])
    return w, getattr(library.optim, name)([w], lr=lr)


def story(library):
    """Return what hooks of all kinds see, in order."""
    seen = []
    w, optimizer = make(library)

    def note(name, answer=None):
        def hook(optimizer, *args):
            kinds = [
                [type(a).__name__ for a in arg] if isinstance(arg, tuple) else sorted(arg) for arg in args
            ]
            seen.append((name, type(optimizer).__name__, kinds, w.tolist()))
            return answer(*args) if answer else None

        return hook

    optimizer.register_step_pre_hook(note("before"))
    optimizer.register_step_pre_hook(note("before, too", lambda args, kwargs: (args, kwargs)))
    handle = optimizer.register_step_post_hook(note("after"))
    optimizer.register_state_dict_pre_hook(note("save"))
    optimizer.register_state_dict_post_hook(note("saved", lambda state: {**state, "extra": 1}))
    optimizer.register_load_state_dict_pre_hook(
        note("load", lambda state: {key: state[key] for key in ("state", "param_groups")})
    )
    optimizer.register_load_state_dict_pre_hook(note("load first"), prepend=True)
    optimizer.register_load_state_dict_post_hook(note("loaded"))
    optimizer.step()
    optimizer.step(lambda: (w * w).sum())
    handle.remove()
    optimizer.step()
    state = optimizer.state_dict()
    assert state["extra"] == 1
    optimizer.load_state_dict(state)
    assert "extra" in state
    return seen


def test_what_hooks_see():
    assert [name for name, *_ in story(torch)] == (
        ["before", "before, too", "after"] * 2 + ["before", "before, too", "save", "saved"]
        + ["load first", "load", "loaded"]
    )  # fmt: skip


@pytest.mark.torch_parity
def test_parity():
    reference = pytest.importorskip("torch")
    for (*ours, values), (*theirs, expected) in zip(story(torch), story(reference), strict=True):
        assert ours == theirs
        assert values == pytest.approx(expected)


def test_a_hook_may_replace_the_closure():
    w, optimizer = make(torch, "LBFGS", lr=1)

    def closure():
        optimizer.zero_grad()
        loss = ((w - 3) ** 2).sum()
        loss.backward()
        return loss

    optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: ((optimizer, closure), kwargs))
    optimizer.step(lambda: 1 / 0)
    assert w.tolist() == pytest.approx([3.0, 3.0])


def test_a_wrong_answer():
    _, optimizer = make(torch)
    optimizer.register_step_pre_hook(lambda optimizer, args, kwargs: args)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\)"):
        optimizer.step()


def test_a_copy_has_no_hooks():
    _, optimizer = make(torch)
    optimizer.register_step_pre_hook(print)
    pickle.loads(pickle.dumps(optimizer)).step()
