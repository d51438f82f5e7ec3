"""no_grad, enable_grad, inference_mode and set_grad_enabled."""

from __future__ import annotations

import threading

import pytest

import tinygrad_edu as torch


@pytest.fixture
def x():
    return torch.ones(2, requires_grad=True)


def test_no_grad(x):
    with torch.no_grad():
        assert not torch.is_grad_enabled()
        y = x * 2
    assert torch.is_grad_enabled()
    assert not y.requires_grad
    assert y.is_leaf
    assert x.requires_grad


def test_nested(x):
    with torch.no_grad():
        with torch.enable_grad():
            assert (x * 2).requires_grad
            with torch.no_grad():
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad


def test_one_object_nested_in_itself():
    guard = torch.no_grad()
    with guard:
        with guard:
            assert not torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    assert torch.is_grad_enabled()


def test_an_exception_restores_the_mode():
    with pytest.raises(ValueError, match="planted"), torch.no_grad():
        raise ValueError("planted")
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "decorator", [torch.no_grad, torch.no_grad(), torch.inference_mode(), torch.inference_mode]
)
def test_decorator(x, decorator):
    @decorator
    def double(x):
        """Twice x."""
        return x * 2

    assert not double(x).requires_grad
    assert torch.is_grad_enabled()
    assert (double.__name__, double.__doc__) == ("double", "Twice x.")


def test_a_decorated_function_may_call_itself(x):
    @torch.no_grad()
    def count_down(n):
        assert not torch.is_grad_enabled()
        if n:
            with torch.enable_grad():
                count_down(n - 1)
            assert not torch.is_grad_enabled()

    count_down(3)
    assert torch.is_grad_enabled()


def test_a_decorated_generator(x):
    """Off while it computes, not while its caller does."""

    @torch.no_grad()
    def values():
        sent = yield x * 2
        assert not torch.is_grad_enabled()
        assert sent == "sent"
        try:
            yield x * 3
        except KeyError:
            assert not torch.is_grad_enabled()
            yield x * 4
        return "done"

    generator = values()
    assert not next(generator).requires_grad
    assert torch.is_grad_enabled()
    assert not generator.send("sent").requires_grad
    assert not generator.throw(KeyError()).requires_grad
    assert torch.is_grad_enabled()
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done"
    early = values()
    next(early)
    early.close()
    assert torch.is_grad_enabled()


def test_decorated_functions_run_in_many_threads():
    barrier = threading.Barrier(2)
    seen = []

    @torch.no_grad()
    def inside(first):
        barrier.wait()
        if first:
            barrier.wait()  # the other one is out by now
        seen.append(torch.is_grad_enabled())

    def run(first):
        inside(first)
        if not first:
            barrier.wait()
        seen.append(torch.is_grad_enabled())

    threads = [threading.Thread(target=run, args=(first,)) for first in (True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [False, False, True, True]


def test_the_mode_belongs_to_a_thread():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_set_grad_enabled(x):
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert torch.is_grad_enabled()
    with torch.set_grad_enabled(False):
        assert not (x * 2).requires_grad
    assert torch.is_grad_enabled()

    @torch.set_grad_enabled(False)
    def double(x):
        return x * 2

    assert torch.is_grad_enabled()
    assert not double(x).requires_grad


def test_requires_grad_can_be_set_in_no_grad():
    with torch.no_grad():
        w = torch.zeros(2, requires_grad=True)
    assert w.requires_grad


def test_leaves_may_be_changed_in_no_grad(x):
    with torch.no_grad():
        x -= 0.5
        x[0] = 3
    assert x.tolist() == [3, 0.5]
    assert x.is_leaf
    assert x.requires_grad


# ---- inference mode ------------------------------------------------------------------------------


def test_inference_mode(x):
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
        y = x * 2
        y += 1
        view = y[0]
    assert not torch.is_inference_mode_enabled()
    assert y.is_inference()
    assert view.is_inference()
    assert y.tolist() == [3, 3]
    assert not x.is_inference()
    with torch.inference_mode(), torch.inference_mode(False):
        assert torch.is_grad_enabled()
        assert (x * 2).requires_grad


def test_inference_tensors_stay_out_of_autograd(x):
    with torch.inference_mode():
        y = torch.ones(2)
    assert (x + y).requires_grad  # nothing is saved
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * y
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        y.add_(1)
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside InferenceMode"):
        y[0] = 1
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor outside"):
        y.requires_grad_()
    assert y[0].is_inference()
    assert y.detach().is_inference()
    assert (x * y.clone()).requires_grad
