"""Sizes that no machine has, and that are below zero: an error at once, of PyTorch's class, instead of a long wait."""

from __future__ import annotations

import builtins
import itertools
import time

import pytest

import tinygrad_edu
from tests.both import outcome

SIZES = [10**15, 2**62, 2**63 - 1, -100, -(2**31), -(2**63)]
X1, X2, X3, X4 = "torch.ones(6)", "torch.ones(4, 6)", "torch.ones(2, 4, 6)", "torch.ones(1, 4, 6, 6)"
F = "torch.nn.functional"
PROGRAMS = [
    "torch.zeros(N)", "torch.ones(2, N)", "torch.empty(N, N)", "torch.full((N,), 1.0)", "torch.rand(N)",
    "torch.randn(N)",
    "torch.randint(5, (N,))", "torch.randperm(N)", "torch.eye(N)", "torch.eye(2, N)", "torch.arange(N)",
    "torch.arange(0, float(N))", "torch.arange(0, 1e30)", "torch.linspace(0, 1, N)", "torch.logspace(0, 1, N)",
    f"{X1}.new_zeros(N)", f"{X1}.expand(N)", f"{X1}.repeat(N)", f"{X1}.repeat(1, N)", f"{X1}.tile((N,))",
    f"{X1}.repeat_interleave(N)", f"torch.repeat_interleave({X2}, N, dim=0)", f"{X2}.view(N)", f"{X2}.narrow(0, 0, N)",
    f"{X2}.topk(N)", "torch.bincount(torch.tensor([1]), minlength=N)", f"{F}.one_hot(torch.tensor([1]), N)",
    f"torch.multinomial({X1}, N)", f"torch.multinomial({X1}, N, True)", f"{F}.pad({X3}, (N, 1))",
    f"{F}.pad({X3}, (1, N))",
    f"{F}.pad({X3}, (N, 1), mode='replicate')",
    f"{F}.pad({X3}, (N, 1), mode='reflect')", f"{F}.pad({X3}, (N, 1), mode='circular')", f"{F}.unfold({X4}, N)",
    f"{F}.unfold({X4}, 2, dilation=N)", f"{F}.unfold({X4}, 2, padding=N)", f"{F}.max_pool2d({X4}, N)",
    f"{F}.max_pool2d({X4}, 2, padding=N)", f"{F}.avg_pool2d({X4}, N)", f"{F}.avg_pool2d({X4}, 2, padding=N)",
    f"{F}.adaptive_avg_pool2d({X4}, N)", f"{F}.adaptive_max_pool1d({X3}, N)",
    f"{F}.conv2d({X4}, torch.ones(2, 4, 3, 3), padding=N)", f"{F}.conv2d({X4}, torch.ones(2, 4, 3, 3), groups=N)",
    f"{F}.pixel_shuffle({X4}, N)", "torch.nn.Linear(N, 2)", "torch.nn.Embedding(N, 2)", "torch.nn.Conv2d(2, 2, N)",
    "torch.nn.BatchNorm2d(N)", "torch.nn.LayerNorm(N)",
]  # fmt: skip
OVERFLOWS = f"{F}.pixel_shuffle", f"{F}.unfold"  # in PyTorch, where the size is squared or doubled
CLASSES = (RuntimeError, ValueError, IndexError, TypeError)


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_error_at_once(program):
    for size in SIZES if "N" in program else [0]:
        started = time.perf_counter()
        kind, value = outcome(f"(lambda N: {program})({size})", tinygrad_edu)
        seconds = time.perf_counter() - started
        assert kind == "error", f"{program}, N = {size}"
        assert issubclass(getattr(builtins, value), CLASSES), f"{program}, N = {size}: {value}"
        assert seconds < 5, f"{program}, N = {size}: {seconds} s"


@pytest.mark.torch_parity
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_error_is_of_the_class_of_pytorch(program):
    torch = pytest.importorskip("torch")
    for size in SIZES[:4] if "N" in program else [0]:
        given = f"(lambda N: {program})({size})"
        theirs = outcome(given, torch)
        if theirs[0] != "error" or program.startswith(OVERFLOWS):
            continue
        ours = outcome(given, tinygrad_edu)
        assert issubclass(getattr(builtins, ours[1]), getattr(builtins, theirs[1])), (
            f"{given}: {ours} and {theirs}"
        )


def test_a_diagonal_far_away_is_empty():
    for offset in (10**15, -(10**15)):
        assert tinygrad_edu.ones(4, 6).diagonal(offset).shape == (0,)


@pytest.mark.torch_parity
@pytest.mark.parametrize("size", [1, 2, 5, 9, 100, 10**6, 10**15, 0, -1])
def test_local_response_norm_looks_no_farther_than_there_are_channels(size):
    torch = pytest.importorskip("torch")
    program = "torch.nn.functional.local_response_norm(torch.arange(24.0).reshape(1, 4, 6), N)".replace(
        "N", str(size)
    )
    ours, theirs = outcome(program, tinygrad_edu), outcome(program, torch)
    if size > 10**6:  # PyTorch pads with as many channels, which is more than there is memory for
        assert ours[0] == "value"
        return
    assert ours[0] == theirs[0]
    if ours[0] == "value":
        flat = [
            list(itertools.chain.from_iterable(itertools.chain.from_iterable(x[1][3])))
            for x in (ours, theirs)
        ]
        assert flat[0] == pytest.approx(flat[1], rel=1e-5)
