"""What all tests share. What needs something that is not installed is skipped, and the last lines say so."""

from __future__ import annotations

import importlib.util
import os
import zlib
from collections import Counter
from collections.abc import Generator

import hypothesis
import pytest

# Examples are the same in every run, and no example has a time limit: the first one may compile a kernel.
# For new random examples: python -m pytest --hypothesis-profile=search
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("repeatable")

skipped_by_marker = pytest.StashKey[Counter[str]]()


def why_torch_is_missing() -> str | None:
    """Return None if PyTorch can be imported, else what to do about it."""
    if importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed (python -m pip install torch)"
    return None


def why_gpu_is_missing() -> str | None:
    """Return None if kernels can run on a card, else what is missing."""
    from tinygrad_edu.cuda_availability import why_cuda_is_missing

    return why_cuda_is_missing()


WHY_MISSING = {"torch_parity": why_torch_is_missing, "gpu": why_gpu_is_missing}


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "where the tests compute; tests/gpu/standin/plugin.py takes the card's place where there is none"
    parser.addoption("--device", choices=["cpu", "cuda"], default="cpu", help=text)
    text = "run all of what a plain run takes samples of: operations on the stand-in for CuPy, large networks"
    parser.addoption("--whole", action="store_true", help=text)
    text = "of a test with many parameters, run one in so many"
    parser.addoption("--one-in", type=int, default=1, metavar="N", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """Seed what test files draw while they are imported; make the device the default one.

    No test, and no process that one starts, has kernels compiled ahead: the others need the cores.
    """
    os.environ.setdefault("TINYGRAD_EDU_COMPILE_AHEAD", "0")
    seed_random_numbers()
    if config.getoption("--device") == "cpu":
        return
    import tinygrad_edu

    reason = why_gpu_is_missing()
    if reason is not None:
        raise pytest.UsageError(f"--device cuda: {reason}")
    tinygrad_edu.set_default_device("cuda")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Give each test the same random numbers in every run, whichever tests ran before it."""
    seed_random_numbers()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """See that a test has switched back what it had switched, and that nobody it called still observes."""
    yield
    from tinygrad_edu.autograd.grad_mode import AutogradMode, this_thread

    left, this_thread.mode = vars(this_thread.mode), AutogradMode()
    assert left == vars(this_thread.mode), f"{item.nodeid} left behind {left}"


def seed_random_numbers() -> None:
    """Start the default generator, which begins anywhere, from one seed."""
    import tinygrad_edu

    tinygrad_edu.manual_seed(0)


def takes_minutes(item: pytest.Item) -> bool:
    """Tell whether a test is marked slow."""
    return item.get_closest_marker("slow") is not None


def sample_of(items: list[pytest.Item], one_in: int) -> list[pytest.Item]:
    """Return one in so many of the parameters of each test; of two tests they are not the same ones."""
    sample, seen = [], Counter[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        if test not in seen:
            seen[test] = zlib.crc32(test.encode()) % one_in
        if item.nodeid == test or seen[test] % one_in == 0:
            sample.append(item)
        seen[test] += 1
    return sample


@pytest.hookimpl(trylast=True)  # after -m and -k have thrown out what was not asked for
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    config.stash[skipped_by_marker] = Counter()
    kept = sample_of(items, config.getoption("--one-in"))
    if not config.getoption("--whole"):
        kept = [item for item in kept if item.get_closest_marker("whole") is None]
    config.hook.pytest_deselected(items=list(set(items) - set(kept)))
    items[:] = kept
    items.sort(key=takes_minutes, reverse=True)  # with -n, nobody waits for them alone at the end
    for marker, why_missing in WHY_MISSING.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        reason = why_missing() if marked else None
        if reason is None:
            continue
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))
        config.stash[skipped_by_marker][f"{marker}: {reason}"] = len(marked)
    if config.getoption("--device") == "cpu":
        return
    for item in items:
        mark = item.get_closest_marker("host")
        if mark is not None:
            reason = f"of the host alone: {mark.args[0]}"
            item.add_marker(pytest.mark.skip(reason=reason))
            config.stash[skipped_by_marker][f"host: {mark.args[0]}"] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for reason, count in config.stash.get(skipped_by_marker, Counter()).items():
        terminalreporter.write_line(f"skipped {count} marked {reason}")
