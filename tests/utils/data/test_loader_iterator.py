"""Loading with worker processes. A new Python takes seconds to start: where it need not be one, it is a fork."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.utils.data import samples
from tinygrad_edu.utils.data import DataLoader
from tinygrad_edu.utils.data.worker_pool import preload_engine

ROOT = Path(__file__).parents[3]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def values(loader):
    return [batch.tolist() for batch in loader]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request):
    """Every test must end its processes, threads and pipes."""
    resource_tracker.ensure_running()  # these two live as long as the program
    if "forkserver" in request.node.name:
        preload_engine()
        forkserver.ensure_running()
    files, threads = open_files(), set(threading.enumerate())
    yield
    gc.collect()
    assert multiprocessing.active_children() == []
    new = set(threading.enumerate()) - threads
    assert [
        thread for thread in new if not thread.name.startswith("tinygrad_edu_")
    ] == []  # the kernels' pool
    assert open_files() == files


def open_files():
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def test_same_batches_in_the_same_order_as_without_workers():
    def epochs(num_workers, **options):
        torch.manual_seed(3)
        loader = DataLoader(samples.pairs(11), 2, shuffle=True, num_workers=num_workers, **options)
        return [[[x.tolist(), y.tolist()] for x, y in loader] for _ in range(2)], torch.rand(1).item()

    expected = epochs(0)
    assert epochs(2) == expected
    assert epochs(1, persistent_workers=True, prefetch_factor=1) == expected


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_all_ways_to_start_workers(method):
    loader = DataLoader(samples.BigSamples(3), 2, num_workers=1, multiprocessing_context=method)
    assert [batch[:, -1].tolist() for batch in loader] == [[0, 1], [2]]


@needs_fork
def test_a_fork_sees_what_cannot_be_pickled():
    class Local(samples.Numbers):
        lock = threading.Lock()

        def __getitem__(self, index):
            with self.lock:
                return index * 2

    loader = DataLoader(
        Local(3),
        2,
        num_workers=2,
        collate_fn=lambda batch: [x + 1 for x in batch],
        worker_init_fn=lambda worker_id: None,
        multiprocessing_context="fork",
    )
    assert list(loader) == [[1, 3], [5]]


@needs_fork
def test_a_fork_does_not_go_on_with_its_parents_profile():
    with torch.profiler.profile():
        loader = DataLoader(samples.Observers(2), 1, num_workers=1, multiprocessing_context="fork")
        assert values(loader) == [[0], [0]]


def test_pythons_own_setting_is_obeyed():
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method("spawn", force=True)
    try:
        with pytest.raises(pickle.PicklingError, match="got collate_fn=<function"):
            iter(DataLoader(samples.Numbers(3), num_workers=2, collate_fn=lambda batch: batch))
    finally:
        multiprocessing.set_start_method(before, force=True)


def test_big_batches_arrive_whole_and_in_order():
    loader = DataLoader(samples.BigSamples(6), 2, num_workers=2, prefetch_factor=3)
    for i, batch in enumerate(loader):
        time.sleep(0.05)
        np.testing.assert_array_equal(batch.array[:, [0, -1]], [[2 * i] * 2, [2 * i + 1] * 2])
        assert batch.array.flags.writeable


def test_batches_are_read_ahead_even_if_the_pipe_is_full(tmp_path):
    iterator = iter(DataLoader(samples.BigSamples(9, tmp_path), 1, num_workers=1, prefetch_factor=3))
    for already_taken in range(2):
        wait_until(lambda: len(list(tmp_path.iterdir())) >= already_taken + 3)  # noqa: B023
        time.sleep(0.1)
        assert len(list(tmp_path.iterdir())) == already_taken + 3
        next(iterator)


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_worker_facts_and_seeds():
    torch.manual_seed(0)
    loader = DataLoader(
        samples.WorkerFacts(6),
        1,
        num_workers=2,
        worker_init_fn=samples.set_tag,
        collate_fn=samples.first,
        persistent_workers=True,
    )
    first, second = list(loader), list(loader)
    assert [fact[:2] for fact in first] == [(0, 2), (1, 2)] * 3
    assert [fact[3] for fact in first] == [100, 101] * 3
    seeds = [fact[2] for fact in first[:2]]
    assert seeds[1] == seeds[0] + 1
    assert first == second  # the same processes
    del loader


def test_random_numbers_of_workers():
    def epoch(seed):
        torch.manual_seed(seed)
        return list(DataLoader(samples.RandomNumbers(4), 1, num_workers=2, collate_fn=samples.first))

    first = epoch(1)
    assert epoch(1) == first
    for source in range(3):
        assert len({sample[source] for sample in first}) == 4  # two workers never draw the same


def test_leaving_the_loop_early_ends_the_workers():
    loader = DataLoader(samples.Numbers(100), 2, num_workers=2)
    for batch in loader:
        assert batch.tolist() == [0, 1]
        assert len(multiprocessing.active_children()) == 2
        break
    assert multiprocessing.active_children() == []


def test_persistent_workers_after_a_broken_off_loop():
    loader = DataLoader(samples.Numbers(20), 2, num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    next(iterator)
    pids = {process.pid for process in multiprocessing.active_children()}
    assert values(loader) == [[i, i + 1] for i in range(0, 20, 2)]
    assert {process.pid for process in multiprocessing.active_children()} == pids
    with pytest.raises(RuntimeError, match="a new loop takes over the workers"):
        next(iterator)
    alive = weakref.ref(loader)
    del loader, iterator
    assert alive() is None  # without the garbage collector
    assert multiprocessing.active_children() == []


def test_an_error_in_a_worker_comes_through_and_the_next_batch_after_it():
    iterator = iter(DataLoader(samples.FailsAt(6, ValueError("the third")), 2, num_workers=1))
    assert next(iterator).tolist() == [0, 1]
    with pytest.raises(ValueError, match="Caught ValueError in DataLoader worker process 0") as caught:
        next(iterator)
    assert "in __getitem__\n    raise self.error\nValueError: the third" in str(caught.value)
    assert next(iterator).tolist() == [4, 5]
    del iterator, caught


@pytest.mark.parametrize(
    ("dataset", "options", "error", "message"),
    [
        (
            samples.RaisesLocalError(2),
            {},
            RuntimeError,
            "Caught LocalError in DataLoader worker process 0(.|\n)*nobody knows me",
        ),
        (
            samples.Unpicklable(2),
            {"collate_fn": samples.first},
            TypeError,
            "cannot pickle 'generator' object(.|\n)*can be sent",
        ),
        (samples.Numbers(2), {"worker_init_fn": samples.fail_to_start}, OSError, "no disk for worker 0"),
        (
            samples.FailsAt(4, SystemExit(3)),
            {"batch_size": 4},
            RuntimeError,
            r"exited unexpectedly with exit code 3",
        ),
    ],
    ids=["local exception", "batch that cannot be sent", "worker_init_fn", "sys.exit"],
)
def test_errors(dataset, options, error, message):
    with pytest.raises(error, match=message):
        list(DataLoader(dataset, num_workers=1, **options))


def test_a_worker_that_dies_does_not_hang_the_parent():
    # Not read ahead: what a worker has not yet sent when it dies is lost.
    options = {"num_workers": 2, "persistent_workers": True, "prefetch_factor": 1}
    loader = DataLoader(samples.DiesAt(8), 1, **options)
    iterator = iter(loader)
    assert [next(iterator).item(), next(iterator).item()] == [0, 1]
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid \d+\) exited unexpectedly with exit code 7"
    ):
        next(iterator)
    with pytest.raises(RuntimeError, match="got workers that have ended; start a new loop"):
        next(iterator)
    assert next(iter(loader)).item() == 0  # a new loop has new workers
    del loader, iterator


def test_a_worker_that_is_killed_is_reported():
    iterator = iter(DataLoader(samples.Slow(2), 1, num_workers=1))
    (process,) = multiprocessing.active_children()
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(
        RuntimeError, match=r"DataLoader worker \(pid \d+\) is killed by signal: Killed.*memory"
    ):
        next(iterator)


def test_timeout(monkeypatch):
    # The sleeping worker is not waited for.
    monkeypatch.setattr("tinygrad_edu.utils.data.worker_pool.SECONDS_TO_END", 0.3)
    loader = DataLoader(samples.Slow(2), 1, num_workers=1, timeout=0.5)
    with pytest.raises(RuntimeError, match=r"DataLoader timed out after 0\.5 seconds"):
        next(iter(loader))


def test_order_of_arrival():
    dataset = samples.SlowFirstWorker(6)
    batches = values(DataLoader(dataset, 1, num_workers=2, in_order=False))
    assert sorted(batches) == [[i] for i in range(6)]
    assert batches != sorted(batches)


def test_streams():
    split = DataLoader(samples.Stream(0, 7), 2, num_workers=2, persistent_workers=True)
    for _ in range(2):
        assert values(split) == [[0, 1], [4, 5], [2, 3], [6]]
    del split
    copied = DataLoader(samples.Stream(0, 3, is_split=False), 2, num_workers=2, drop_last=True)
    assert values(copied) == [[0, 1], [0, 1]]


def test_an_empty_epoch_and_samples_without_batching():
    assert list(DataLoader(samples.Numbers(0), 2, num_workers=1)) == []
    assert list(DataLoader(samples.Numbers(3), None, num_workers=1)) == [0, 1, 2]


# ---- whole programs ------------------------------------------------------------------------------------


def start_program(folder, text):
    """Run a script in a process group of its own, as a terminal does."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    paths = [str(ROOT), str(ROOT / "kernels"), os.environ.get("PYTHONPATH", "")]
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )


def wait_for_end_of_group(group, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    raise AssertionError("processes are left")


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
@pytest.mark.parametrize("moment", ["while starting", "in the loop"])
def test_ctrl_c_ends_everything_with_one_traceback(tmp_path, moment):
    program = start_program(
        tmp_path,
        f"""
        import threading, time
        from tests.utils.data import samples
        from tinygrad_edu.utils.data import DataLoader

        def main():
            method = "spawn" if {moment == "while starting"} else None
            for batch in DataLoader(samples.Numbers(1000), 2, num_workers=2, multiprocessing_context=method):
                print("batch", flush=True)
                time.sleep(0.05)

        if __name__ == "__main__":
            if {moment == "while starting"}:
                threading.Timer(0.2, print, ["starting"], {{"flush": True}}).start()
            main()
        """,
    )
    program.stdout.readline()
    os.killpg(program.pid, signal.SIGINT)
    _, errors = program.communicate(timeout=30)
    assert program.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1, errors
    assert errors.strip().endswith("KeyboardInterrupt")
    wait_for_end_of_group(program.pid)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs process groups")
def test_workers_end_when_their_parent_is_killed(tmp_path):
    program = start_program(
        tmp_path,
        """
        from tests.utils.data import samples
        from tinygrad_edu.utils.data import DataLoader

        if __name__ == "__main__":
            iterator = iter(DataLoader(samples.Numbers(1000), 2, num_workers=1))
            print(next(iterator), flush=True)
            input()
        """,
    )
    program.stdout.readline()
    program.kill()
    program.communicate(timeout=30)
    wait_for_end_of_group(program.pid)


@needs_fork
def test_a_program_as_it_is_written_on_linux(tmp_path):
    """Typed in, and with no guard."""
    done = run_notebook(tmp_path, False, NOTEBOOK.replace("METHOD", "'fork'"))
    assert (done.stdout, done.stderr) == ("[[1, 2], [3, 4]]\n", "")


def test_a_script_without_a_main_guard_is_told(tmp_path):
    program = start_program(
        tmp_path,
        """
        from tests.utils.data import samples
        from tinygrad_edu.utils.data import DataLoader

        for batch in DataLoader(samples.Numbers(4), 2, num_workers=2, multiprocessing_context="spawn"):
            print(batch)
        """,
    )
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert errors.count("Traceback") == 1, errors
    assert errors.splitlines()[-1].startswith(
        'RuntimeError: DataLoader: expected a script that starts its work under `if __name__ == "__main__":`'
    )


def test_a_script_without_a_main_guard_is_told_with_a_fork_server(tmp_path):
    program = start_program(
        tmp_path,
        """
        from tinygrad_edu.utils.data import DataLoader

        for batch in DataLoader([1, 2, 3], 2, num_workers=2, multiprocessing_context="forkserver"):
            print(batch)
        """,
    )
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 1
    assert errors.count("Traceback") == 1, errors
    assert errors.splitlines()[-1].endswith('must start its work under `if __name__ == "__main__":`.')


NOTEBOOK = """
from tinygrad_edu.utils.data import DataLoader, Dataset

class Digits(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, i):
        return i + 1

print([batch.tolist() for batch in DataLoader(Digits(), 2, num_workers=1, multiprocessing_context=METHOD)])
"""


def run_notebook(folder, as_script, text):
    (folder / "script.py").write_text(text, encoding="utf-8")
    program = ["script.py"] if as_script else ["-c", text]  # then __main__ has no file, as in a notebook
    return subprocess.run(
        [sys.executable, *program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "kernels")])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("place", ["typed in", "under the guard"])
def test_a_dataset_that_workers_cannot_see(tmp_path, place):
    text = NOTEBOOK.replace("METHOD", "'spawn'")
    if place == "under the guard":
        text = 'if __name__ == "__main__":\n' + textwrap.indent(text, "    ")
    done = run_notebook(tmp_path, place == "under the guard", text)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        "AttributeError: DataLoader: a worker is a new process and cannot see what was typed"
    )
    assert "Can't get attribute 'Digits'" in last


def test_a_loop_that_is_never_finished_does_not_hold_up_the_end_of_the_program(tmp_path):
    program = start_program(
        tmp_path,
        """
        from tests.utils.data import samples
        from tinygrad_edu.utils.data import DataLoader

        if __name__ == "__main__":
            loader = DataLoader(samples.BigSamples(100), 2, num_workers=1, persistent_workers=True)
            iterator = iter(loader)
            print(next(iterator).shape)
        """,
    )
    output, errors = program.communicate(timeout=60)
    assert (program.returncode, errors) == (0, "")
    assert output == "torch.Size([2, 100000])\n"


def test_kernels_run_in_workers_after_they_have_run_here():
    """With one thread each, and with the same results."""
    here = [samples.Convolved(3)[i][0] for i in range(3)]
    sums, threads = zip(*DataLoader(samples.Convolved(3), batch_size=None, num_workers=2), strict=True)
    assert list(sums) == here
    assert set(threads) == {1}
