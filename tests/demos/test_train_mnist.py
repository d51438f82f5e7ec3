"""demos/train_mnist.py: what it prints, how it stops, and that a break in the training changes nothing."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "demos" / "train_mnist.py"


def environment(folder: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    return {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": str(folder), "MPLBACKEND": "Agg"}


def train(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PROGRAM), "--model", "mlp", "--quick", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, timeout=300
    )


def test_a_run(tmp_path):
    done = train(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "data: the embedded part of MNIST" in done.stdout
    assert "1,000 digits to learn from, 500 to test on" in done.stdout
    assert re.fullmatch(r"test accuracy: \d\d\.\d\d %", done.stdout.splitlines()[-1])
    assert (tmp_path / "learning_curve.png").stat().st_size > 10_000


def test_git_ignores_what_the_command_of_the_readme_leaves():
    assert "/learning_curve.png" in (ROOT / ".gitignore").read_text().splitlines()
    assert "`learning_curve.png`" in (ROOT / "README.md").read_text()


def test_the_same_seed_and_a_break_give_the_same_result(tmp_path):
    for folder in ("whole", "parts"):
        (tmp_path / folder).mkdir()
    whole = train(tmp_path / "whole", "--epochs", "2", "--save", "model.pt")
    train(tmp_path / "parts", "--epochs", "1", "--save", "model.pt")
    parts = train(tmp_path / "parts", "--epochs", "2", "--save", "model.pt", "--resume", "model.pt")
    assert "resumed after epoch 1" in parts.stdout
    assert whole.stdout.splitlines()[-1] == parts.stdout.splitlines()[-1]
    first, second = (torch.load(tmp_path / folder / "model.pt") for folder in ("whole", "parts"))
    assert first["history"] == second["history"]
    for name, weight in first["model"].items():
        assert torch.equal(weight, second["model"][name]), name


def test_compiled_it_learns_the_same(tmp_path):
    """The last batches are smaller, and have lists of their own."""
    saved = []
    for folder in ("eager", "compiled"):
        (tmp_path / folder).mkdir()
        options = ["--compile"] * (folder == "compiled")
        done = train(tmp_path / folder, "--epochs", "2", "--save", "model.pt", *options)
        assert "torch.compile" not in done.stderr
        saved.append(torch.load(tmp_path / folder / "model.pt"))
    assert saved[0]["history"] == saved[1]["history"]
    for name, weight in saved[0]["model"].items():
        assert torch.equal(weight, saved[1]["model"][name]), name


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    train(tmp_path, "--save", "model.pt")
    done = train(tmp_path, "--resume", "model.pt", "--optimizer", "sgd")
    assert done.returncode == 1
    assert "--resume: model.pt was written with" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu(tmp_path):
    done = train(tmp_path, "--device", "gpu")
    assert done.returncode == 2
    assert "CUDA is not available" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_auto_falls_back_to_the_cpu(tmp_path):
    done = train(tmp_path, "--device", "auto")
    assert done.returncode == 0, done.stderr
    assert "parameters, on cpu" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lr", "-1"], "--lr: expected a number above 0, got -1.0"),
        (["--lr", "nan"], "--lr: expected a number above 0, got nan"),
        (["--epochs", "0"], "--epochs: expected at least 1, got 0"),
        (["--num-workers", "-1"], "--num-workers: expected at least 0, got -1"),
        (["--save", "nowhere/model.pt"], "--save: expected a file name in a folder that exists"),
        (["--data-dir", "nowhere"], "--data-dir: expected the folder MNIST/raw in nowhere"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    done = train(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_missing_checkpoint(tmp_path):
    done = train(tmp_path, "--resume", "nowhere.pt")
    assert done.returncode == 1
    assert "nowhere.pt" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c(tmp_path):
    command = [sys.executable, str(PROGRAM), "--model", "mlp", "--epochs", "500", "--save", "model.pt"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 200
    while not (tmp_path / "model.pt").exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert set(torch.load(tmp_path / "model.pt")) >= {"model", "optimizer", "history"}
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt"]


# ---- kill -9 ---------------------------------------------------------------------------------------------

# Every model, every optimizer, and with and without workers: pairs of them, because each takes three processes.
KILLED = [
    ("mlp", "adam", 0),
    ("cnn", "adamw", 1),
    ("mlp", "sgd", 2),
    ("cnn", "rmsprop", 0),
    ("mlp", "adagrad", 0),
]


def write_digits(folder: Path) -> None:
    """Write a data set in the format of MNIST's files, of noise: 160 images to learn from, 40 to test on."""
    rng = np.random.default_rng(0)
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 160), ("t10k", 40)):
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        header = b"".join([n.to_bytes(4, "big") for n in (0x803, count, 28, 28)])
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join([n.to_bytes(4, "big") for n in (0x801, count)])
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize(("model", "optimizer", "workers"), KILLED)
def test_resuming_after_a_kill_is_bit_equal(tmp_path, model, optimizer, workers):
    write_digits(tmp_path / "data")
    common = [sys.executable, str(PROGRAM), "--model", model, "--optimizer", optimizer]
    common += ["--num-workers", str(workers), "--data-dir", str(tmp_path / "data"), "--batch-size", "32"]

    def start(name: str, *arguments: str) -> subprocess.Popen[str]:
        command = [*common, "--save", f"{name}.pt", "--plot", f"{name}.png", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path), stdout=pipe, stderr=pipe, text=True
        )

    # The one that is to be killed would go on for long; it is killed after a checkpoint, in the middle of something.
    killed = start("parts", "--epochs", "1000")
    chance = random.Random(f"{model} {optimizer}")
    wanted = (
        1 if workers else chance.randrange(1, 4)
    )  # workers begin anew in each epoch, which takes its time
    for line in killed.stdout:
        wanted -= line.startswith("checkpoint:")
        if wanted == 0:
            break
    time.sleep(chance.random() * 0.2)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    finished = len(torch.load(tmp_path / "parts.pt")["history"]["accuracies"])
    epochs = str(finished + 1)

    running = start("whole", "--epochs", epochs), start("parts", "--epochs", epochs, "--resume", "parts.pt")
    for process in running:
        output, errors = process.communicate(timeout=200)
        assert process.returncode == 0, output + errors
    assert f"resumed after epoch {finished} from parts.pt" in output
    assert (tmp_path / "whole.pt").read_bytes() == (tmp_path / "parts.pt").read_bytes()
    assert {path.suffix for path in tmp_path.iterdir() if path.is_file()} == {".pt", ".png"}
