"""Seeds, generators and their state."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading

import pytest

import tinygrad_edu as torch

RUN = textwrap.dedent(
    """
    import json, random, sys
    import numpy as np
    import tinygrad_edu as torch
    import tinygrad_edu.nn.functional as F
    from tinygrad_edu import nn
    from tinygrad_edu.utils.data import DataLoader, Dataset, RandomSampler, random_split

    class Noise(Dataset):
        def __len__(self):
            return 8

        def __getitem__(self, index):
            return torch.rand(1).item(), float(np.random.rand()), random.random(), index

    if __name__ == "__main__":
        if len(sys.argv) > 1:
            torch.manual_seed(int(sys.argv[1]))
        drawn = {
            "initial_seed": torch.initial_seed(),
            "rand": torch.rand(4).tolist(),
            "randperm": torch.randperm(20).tolist(),
            "dropout": F.dropout(torch.ones(64)).tolist(),
            "Linear": nn.Linear(3, 3).weight.tolist(),
            "RandomSampler": list(RandomSampler(range(30))),
            "random_split": random_split(range(30), [15, 15])[0].indices,
            "DataLoader": [b.tolist() for b in DataLoader(range(30), batch_size=5, shuffle=True)],
            "workers": [[x.tolist() for x in b] for b in DataLoader(Noise(), batch_size=2, num_workers=2)],
        }
        print(json.dumps(drawn))
    """
)


def drawn(path, *arguments):
    """Run the program above in a process of its own, and return what it has drawn."""
    command = [sys.executable, str(path), *arguments]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.slow
@pytest.mark.host("processes of their own compute on the CPU")
def test_each_process_has_numbers_of_its_own_unless_it_sets_a_seed(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(RUN)
    first, second = drawn(path), drawn(path)
    assert [name for name in first if first[name] == second[name]] == []
    for column in range(3):  # torch, numpy and random in the workers
        numbers = [v for run in (first, second) for batch in run["workers"] for v in batch[column]]
        assert len(set(numbers)) == len(numbers)
    seeded = drawn(path, "5")
    assert seeded == drawn(path, "5")
    assert seeded["initial_seed"] == 5


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
