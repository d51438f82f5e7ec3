"""The benchmark package: its programs run, its counts are right, its tables say what was measured."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
from tqdm import tqdm

from tests.benchmarks import data, documents, floor, growth, kernel_calls, malloc, peaks, tables
from tests.benchmarks.__main__ import parse_arguments
from tests.benchmarks.child import REPLAYED, prepare, repeat
from tests.benchmarks.first_run import own_seconds
from tests.benchmarks.floor import Work
from tests.benchmarks.peer_programs import PEER_PROGRAMS, without_jit
from tests.benchmarks.programs import EPOCHS, PROGRAMS, body, find
from tests.benchmarks.runner import REPLAYED_ENGINE, alternate, environment_for, run_child, why_missing
from tinygrad_edu import process_settings

SMALL = ("P1", "P2", "P3", "adam", "tape", "lstm-cell", "one-P1")
"""Programs of which one step is quick; the others are run on fewer data."""


@pytest.fixture(autouse=True)
def _few_digits(monkeypatch):
    """Let an epoch be one of 130 digits."""
    monkeypatch.setenv(data.DIGITS, "130")


def run_one_step(name: str, package: str, monkeypatch: pytest.MonkeyPatch) -> object:
    """Set a program up in this process and call its step once."""
    if name == "loader":
        text = body(name, package).replace("60000", "130")
        monkeypatch.setattr("tests.benchmarks.child.body", lambda name, package: text)
    scope, _ = prepare(name, package, threads=1)
    return scope["step"]()


ALL_PROGRAMS = [*PROGRAMS, *(f"{kind}:3" for kind in growth.GROWTH)]


@pytest.mark.parametrize("name", ALL_PROGRAMS)
def test_a_step_of_every_program(name, monkeypatch):
    result = run_one_step(name, "tinygrad_edu", monkeypatch)
    if name in (*EPOCHS, "P1", "P2", "P3"):
        assert 0.5 < result.item() < 5  # a cross-entropy of ten classes begins near 2.3


@pytest.mark.torch_parity
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("name", ALL_PROGRAMS)
def test_a_step_of_every_program_on_pytorch(name, monkeypatch):
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    try:
        run_one_step(name, "torch", monkeypatch)
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("peer", ["numpy", "autograd"])
@pytest.mark.parametrize("name", PEER_PROGRAMS["numpy"])
def test_peers_give_the_same_losses(peer, name, monkeypatch):
    pytest.importorskip(peer)
    ours, theirs = prepare(name, "tinygrad_edu", 1)[0]["step"], prepare(name, peer, 1)[0]["step"]
    for _ in range(4):
        assert theirs().item() == pytest.approx(ours().item(), rel=1e-5)


def test_every_peer_has_the_same_programs():
    assert {tuple(programs) for programs in PEER_PROGRAMS.values()} == {("P1", "tape")}
    assert "@TinyJit" in PEER_PROGRAMS["tinygrad"]["P1"]
    assert "@TinyJit" not in without_jit(PEER_PROGRAMS["tinygrad"]["P1"])


def test_digits_are_whole(monkeypatch):
    monkeypatch.delenv(data.DIGITS)
    monkeypatch.delenv(data.MNIST_FOLDER, raising=False)
    images, labels = data.load_digits()
    assert images.shape == (60_000, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    np.testing.assert_array_equal(images[:10_000], images[50_000:])


# ---- the floor ---------------------------------------------------------------------------------------


def test_work_of_a_linear_layer():
    # y = x W^T + b with x (2, 3), W (5, 3): 2 * 2 * 3 * 5 = 60 FLOPs each for y, dW and dx.
    # Numbers: x 6, W and b 20, y 10; each of the three products touches all 36.
    assert floor.linear(2, 3, 5) == Work(180, 4 * 3 * 36, 4 * 2 * 36)
    assert floor.linear(2, 3, 5, is_first=True) == Work(120, 4 * 2 * 36, 4 * 2 * 36)


def test_work_of_a_convolution():
    # One 4 x 4 image, 2 -> 3 channels, 3 x 3 taps: 16 pixels * 18 taps * 3 filters * 2 = 1,728 FLOPs a product.
    work = floor.conv2d(1, 2, 3, kernel=3, height=4, width=4)
    assert work.flops == 3 * 1728
    assert work.bytes == 4 * 3 * (32 + 57 + 48)


def test_work_of_the_training_steps():
    # 64 x 784 x 128 twice and 64 x 128 x 10 three times, two operations each.
    products = 2 * (2 * 64 * 784 * 128) + 3 * (2 * 64 * 128 * 10)
    assert floor.p1(64).flops == products + 2 * 64 * 128 + 7 * 640 + 4 * 101_770
    products = 2 * (2 * 64 * 784 * 9 * 32) + 3 * (2 * 64 * 196 * 288 * 64)
    products += 3 * (2 * 64 * 3136 * 128 + 2 * 64 * 128 * 10)
    assert products <= floor.p3(64).flops < 1.02 * products


def test_work_of_an_epoch_has_a_smaller_last_batch():
    def step(n: int) -> Work:
        return Work(flops=10 * n, bytes=n, working_set=7)

    assert floor.epoch(step, samples=130, batch=64) == Work(
        1300 + 2 * 130 * 784, 130 + 5 * 130 * 784, working_set=7
    )


def test_floor_in_milliseconds():
    rates = {"gflops": 100.0, "cache_bytes": 1000, "cache_copy": 50.0, "memory_copy": {"1": 10.0, "2": 15.0}}
    assert floor.floor_ms(Work(10**9, 0, 0), rates, 1) == pytest.approx(10)
    assert floor.floor_ms(Work(10**9, 0, 0), rates, 2) == pytest.approx(5)
    assert floor.floor_ms(Work(0, 10**8, 999), rates, 2) == pytest.approx(1)  # in the cache of each core
    assert floor.floor_ms(Work(0, 15 * 10**7, 1001), rates, 2) == pytest.approx(10)
    assert floor.floor_ms(Work(10**9, 10**8, 1001), rates, 1) == pytest.approx(10)  # the longer of the two


def test_copy_rate_copies_everything():
    assert peaks.copy_rate(1 << 16, 2, 2) > 0


# ---- tables ------------------------------------------------------------------------------------------


def run(engine: str, medians: list[float], comparison: str = "engines", program: str = "P1") -> dict:
    rounds = [
        {"median": median, "min": 0.9 * median, "first": 1.0, "peak": 10 * median, "memory": 1.0}
        for median in medians
    ]
    return {
        "comparison": comparison,
        "program": program,
        "threads": 1,
        "engine": engine,
        "rounds": rounds,
    }


RECORD = {
    "machine": {"processor": "Abacus", "cores": "2"},
    "peaks": {
        "gflops": 100.0,
        "cache_bytes": 1 << 25,
        "cache_copy": 50.0,
        "memory_copy": {"1": 10.0, "2": 15.0},
    },
    "runs": [
        run("torch", [2.0, 4.0, 8.0]),
        run("torch-malloc", [1.0, 1.0, 1.0]),
        run("tinygrad_edu", [1.0, 3.0, 2.0]),
        run("tinygrad_edu-replayed", [1.0, 1.0, 1.0]),
        run("numpy", [0.5, 0.5], "peers"),
        run("tinygrad_edu", [1.0, 1.0], "peers"),
    ],
    "growth": [
        {
            "kind": "nodes",
            "engine": "torch",
            "size": size,
            "threads": 1,
            "ms": 0.002 * size,
            "memory": size / 1024,
        }
        for size in (10, 100, 1000, 10_000)
    ],
    "first_run": [
        {
            "threads": 2,
            "empty": {
                "total": 9.0,
                "import_and_setup": 1.0,
                "first_step": 8.0,
                "compiling": {"f": 2.0, "g": 5.0},
            },
            "cached": {"total": 1.0, "import_and_setup": 0.75, "first_step": 0.25, "compiling": {}},
        }
    ],
}


def cells(table: str, containing: str) -> list[str]:
    """Return the cells of the first row that has a text in it."""
    row = next(line for line in table.splitlines() if containing in line)
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_table_of_steps():
    row = cells(tables.all_tables(json.loads(json.dumps(RECORD)))["steps"], "MLP 784-128-10")
    # medians 4 and 2; ratios 0.5, 0.75 and 0.25; least times 0.9 * 1 and 0.9 * 2
    # replayed: ratios 1 / 2, 1 / 4 and 1 / 8
    assert row[1:] == ["1", "0.266", "4", "2", "**0.50**", "0.50", "0.50", "1", "**0.25**"]


def test_table_of_malloc():
    row = cells(tables.all_tables(RECORD)["malloc"], "MLP 784-128-10")
    assert row[1:] == ["1", "4", "–", "–", "1", "2", "2.00"]
    assert "malloc" not in tables.all_tables({**RECORD, "runs": [run("torch", [1.0])]})


def test_malloc_is_set_as_the_engine_sets_it():
    ours = [
        (
            (process_settings.MAPPED_FROM, process_settings.OLDEST_MAPPED_FROM),
            process_settings.M_MMAP_THRESHOLD,
        ),
        ((process_settings.KEEP_UP_TO,), process_settings.M_TRIM_THRESHOLD),
        ((process_settings.GROW_BY,), process_settings.M_TOP_PAD),
    ]
    assert [(values, parameter) for _, parameter, values in malloc.SETTINGS] == ours


def test_table_of_steps_without_some_engine():
    record = {**RECORD, "runs": [run("tinygrad_edu", [1.0])]}
    assert cells(tables.all_tables(record)["steps"], "MLP")[3:5] == ["–", "1"]


def test_table_of_peers_is_of_its_own_rounds():
    table = tables.all_tables(RECORD)["peers"]
    assert cells(table, "NumPy by hand")[2:] == ["0.5", "0.50"]
    assert cells(table, "tinygrad_edu")[2:] == ["1", "1.00"]
    assert "PyTorch" not in table


def test_table_of_growth():
    row = cells(tables.all_tables(RECORD)["growth"], "a chain of adds")
    assert row[1:] == ["PyTorch", "10 to 10,000", "2", "2", "1.00", "linear", "1"]


def test_table_of_the_first_run():
    table = tables.all_tables(RECORD)["first-run"]
    assert cells(table, "compiling")[1:] == ["7.00", "0.00"]
    assert table.index("`g`") < table.index("`f`")


def test_table_of_kernels():
    row = {
        "family": "f",
        "kernel": "k",
        "what": "rows",
        "dtype": "float32",
        "where": "cache",
        "seconds": 2e-6,
    }
    moving = {**row, "bytes": 1e-4, "operations": 1e-5}  # 0.1 MB at 100 GB/s take 1 microsecond
    computing = {**row, "kernel": "c", "bytes": 0.0, "operations": 1e-4}  # 1e5 of them at 200 G/s take 0.5
    rates = {"float32": {"operations": 200.0, "cache": 100.0, "memory": 10.0}}
    record = {
        "kernels": {
            "processor": "Abacus",
            "rates": rates,
            "rows": [moving, computing, {**moving, "where": "memory", "seconds": 2e-5}],
        }
    }
    table = tables.all_tables(record)["kernels"]
    assert cells(table, "| k |")[3:] == ["2", "50 GB/s", "**50 %**", "50 %", "–"]
    assert cells(table, "| c |")[3:] == ["2", "50 G/s", "**25 %**", "–", "–"]


@pytest.mark.parametrize("where", ["cache", "memory"])
def test_a_call_of_every_kernel(where, monkeypatch):
    monkeypatch.setattr(kernel_calls, "SIZES", {"cache": 2**13, "memory": 2**13})
    for call in kernel_calls.calls("float32", where):
        call.function()
        assert call.moved + call.operations > 0


def test_table_of_the_machine_marks_trial_figures():
    assert "not to be quoted" not in tables.all_tables(RECORD)["machine"]
    text = tables.all_tables({**RECORD, "trial": True})["machine"]
    assert "Abacus" in text
    assert "15 GB/s with 2 threads" in text
    assert "not to be quoted" in text


def test_the_later_record_counts():
    later = {"machine": {"cores": "4", "load": "0.1"}, "runs": [run("torch", [16.0])]}
    merged = tables.merge([RECORD, later])
    assert merged["machine"] == {"processor": "Abacus", "cores": "4", "load": "0.1"}
    assert tables.merge([{"machine": {"load": "2.5"}}, later])["machine"]["load"] == "0.1, 2.5"
    assert merged["peaks"] == RECORD["peaks"]
    assert len(merged["runs"]) == len(RECORD["runs"])
    assert tables.runs_of(merged, "engines", "P1")[1]["torch"][0]["median"] == 16


def test_the_higher_rates_count():
    a = {"gflops": 100.0, "memory_copy": {"1": 10.0, "2": 15.0}}
    b = {"gflops": 90.0, "memory_copy": {"1": 12.0}}
    best = {"gflops": 100.0, "memory_copy": {"1": 12.0, "2": 15.0}}
    assert tables.best_peaks(a, b) == tables.best_peaks(b, a) == best
    assert tables.best_peaks(None, a) == tables.best_peaks(a, None) == a


def test_slope_and_verdict():
    sizes = [1, 10, 100]
    assert growth.slope(sizes, [3.0, 300.0, 30_000.0]) == pytest.approx(2)
    assert [tables.verdict(x) for x in (0.5, 1.0, 2.0)] == ["less than linear", "linear", "more than linear"]


def test_picture_of_growth(tmp_path):
    pytest.importorskip("matplotlib")
    points = [
        {"kind": kind, "engine": engine, "size": size, "threads": 2, "ms": 0.1 * size, "memory": size}
        for kind in growth.GROWTH
        for engine in ("torch", "tinygrad_edu")
        for size in (1, 10, 100)
    ]
    growth.picture(points, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


# ---- the document ------------------------------------------------------------------------------------

PAGE = "Before.\n\n<!-- table: steps -->\nold\n<!-- end of table -->\n\nAfter.\n"


def test_tables_go_between_the_markers():
    text = documents.fill_in(PAGE, {"steps": "| new |"})
    assert text == PAGE.replace("old", "| new |")
    assert documents.fill_in(text, {"steps": "| new |"}) == text
    assert documents.fill_in(PAGE, {}) == PAGE


def test_a_table_without_a_place_is_an_error():
    with pytest.raises(ValueError, match="expected a place '<!-- table: peers -->'"):
        documents.fill_in(PAGE, {"peers": "x"})
    with pytest.raises(ValueError, match="after every"):
        documents.fill_in("<!-- table: steps -->\nold\n", {})


def test_the_document_has_a_place_for_every_table():
    text = documents.DOCUMENT.read_text(encoding="utf-8")
    assert {match.group(2) for match in documents.MARKED.finditer(text)} == set(tables.TABLES)


# ---- measuring ---------------------------------------------------------------------------------------


def test_repeat_keeps_to_its_limits():
    calls = []
    assert len(repeat(lambda: calls.append(1), 5)) == len(calls) == 5
    assert len(repeat(lambda: None, 1000, at_most=0.0)) == 4


def test_compile_times_leave_out_what_lies_inside():
    events = [(0.0, True, "outer"), (1.0, True, "inner"), (4.0, False, "inner"), (6.0, False, "outer")]
    assert own_seconds(events) == {"outer": 3.0, "inner": 3.0}
    assert math.isclose(sum(own_seconds(events).values()), 6.0)


def test_children_get_as_many_threads_everywhere(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    environment = environment_for("/usr/bin/python3", 2)
    assert {environment[name] for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUM_CPU_THREADS")} == {
        "2"
    }
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["PATH"].startswith("/usr/bin")


def test_a_missing_peer_is_named(tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert (
        why_missing("autograd", str(python)) == "autograd is not installed (python -m pip install autograd)"
    )


def test_growth_programs_have_their_size_in_front():
    assert find("nodes:7").text.startswith("SIZE = 7\n")


def test_a_child_is_a_process_of_its_own():
    losses = run_child("P1", "tinygrad_edu", threads=1, steps=2)
    step = prepare("P1", "tinygrad_edu", 1)[0]["step"]
    assert losses == pytest.approx([step().item(), step().item()], rel=1e-5)


def test_an_epoch_is_measured_in_a_child():
    runs = alternate("engines", "epoch-P1", 1, 1, {"tinygrad_edu": sys.executable}, tqdm(disable=True))
    assert {name: runs[0][name] for name in ("comparison", "program", "threads", "engine")} == {
        "comparison": "engines",
        "program": "epoch-P1",
        "threads": 1,
        "engine": "tinygrad_edu",
    }
    (measured,) = runs[0]["rounds"]
    assert set(measured) == {"median", "min", "first", "peak", "memory"}
    assert 0 < measured["min"] <= measured["median"] < measured["first"]


def test_what_is_called_once_is_not_replayed():
    engines = {REPLAYED_ENGINE: sys.executable}
    assert alternate("engines", "epoch-P1", 1, 1, engines, tqdm(disable=True)) == []
    assert not find("loader").can_be_replayed


@pytest.mark.parametrize("name", [name for name in SMALL if find(name).can_be_replayed])
def test_a_step_is_replayed(name, monkeypatch):
    monkeypatch.setenv(REPLAYED, "1")
    step = prepare(name, "tinygrad_edu", threads=1)[0]["step"]
    for _ in range(4):
        step()
    assert step.usable


def test_a_child_that_fails_says_why():
    with pytest.raises(RuntimeError, match="KeyError: 'no such program'"):
        run_child("no such program", "tinygrad_edu", threads=1, steps=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["P9"], "expected programs of P1, "),
        (["growth", "P1"], "growth: expected nothing after it"),
        (["P1", "growth"], "got growth"),
    ],
)
def test_wrong_words_on_the_command_line(words, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["benchmarks", *words])
    with pytest.raises(SystemExit):
        parse_arguments()
    assert message in capsys.readouterr().err
