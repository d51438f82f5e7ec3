"""Seeds, generators and their state."""

from __future__ import annotations

import threading

import tinygrad_edu as torch


def test_seeds():
    assert torch.manual_seed(5) is torch.random.default_generator
    assert torch.initial_seed() == 5
    a = torch.rand(3).tolist()
    torch.manual_seed(5)
    assert torch.rand(3).tolist() == a
    torch.manual_seed(6)
    assert torch.rand(3).tolist() != a
    assert torch.seed() == torch.initial_seed()
    for seed in (0, 2**63, -1):
        torch.manual_seed(seed)
        assert torch.initial_seed() == seed


def test_the_state_of_the_default_generator():
    state = torch.get_rng_state()
    a = torch.randn(4).tolist()
    torch.set_rng_state(state)
    assert torch.randn(4).tolist() == a


def test_generators_are_independent():
    a, b = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    torch.rand(10)
    first = torch.rand(3, generator=a).tolist()
    torch.rand(10)
    assert torch.rand(3, generator=b).tolist() == first
    assert a.initial_seed() == 1
    assert a.seed() == a.initial_seed() != 1
    assert a.device == torch.device("cpu")
    assert torch.Generator().initial_seed() == 67280421310721


def test_a_new_generator_always_starts_alike():
    assert (
        torch.rand(1, generator=torch.Generator()).item() == torch.rand(1, generator=torch.Generator()).item()
    )


def test_fork_rng():
    torch.manual_seed(0)
    expected = torch.rand(2).tolist()
    torch.manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(99)
        torch.rand(5)
    assert torch.rand(2).tolist() == expected
    torch.manual_seed(0)
    with torch.random.fork_rng(enabled=False):
        torch.rand(2)
    assert torch.rand(2).tolist() != expected


def test_seeds_for_kernels():
    torch.manual_seed(0)
    seeds = [torch.random.next_seed() for _ in range(3)]
    assert len(set(seeds)) == 3
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_the_default_generator_serves_all_threads():
    torch.manual_seed(0)
    expected = torch.rand(2).tolist()
    torch.manual_seed(0)
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(torch.rand(2).tolist()))
    thread.start()
    thread.join()
    assert seen == expected
