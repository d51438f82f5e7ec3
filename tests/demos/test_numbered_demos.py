"""The demos with a number: each runs, quickly and without a network, and prints what it promises."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.demos import (
    table_generative,
    table_graphs,
    table_labels,
    table_reinforcement,
    table_sequences,
    table_text,
    table_validation,
)
from tests.demos.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
DEMOS = ROOT / "demos"

# Of each demo: file, arguments beside --quick, patterns that must be found in what it prints, files that it leaves.
TABLES = [table_sequences, table_generative, table_reinforcement, table_graphs, table_text, table_labels]
TABLES += [table_validation]
RUNS = [row for table in TABLES for row in table.RUNS]
OURS_ALONE = [*table_graphs.RUNS, *table_validation.WITH_ESTIMATOR]  # no graph layers, no estimators there
ON_PYTORCH = [row for row in RUNS if row not in OURS_ALONE]

WITH_EPOCHS = [row[0] for row in RUNS if row[0] > "05" and row not in table_reinforcement.RUNS]


def environment() -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "kernels"), str(DEMOS)])
    return {**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8", "OMP_NUM_THREADS": "1"}


def run(folder: Path, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a demo in a folder and a process of its own."""
    return subprocess.run(
        [sys.executable, str(program), *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def forks(tmp_path_factory):
    """Return what runs demos in forks of a process that has imported the engine and what draws pictures."""
    forks = Forks(["tinygrad_edu", "matplotlib.pyplot"], environment(), tmp_path_factory.mktemp("logs"))
    yield forks
    forks.close()


@pytest.fixture(scope="module")
def forks_with_pytorch(tmp_path_factory):
    """The same, with PyTorch, and with what an optimizer of PyTorch imports when it is made."""
    modules = ["torch", "torch._dynamo", "tinygrad_edu.vision", "matplotlib.pyplot"]
    forks = Forks(modules, environment(), tmp_path_factory.mktemp("logs"))
    yield forks
    forks.close()


def stood_for(name: str, *rest: Any) -> Any:
    """Return the parameters of a test of what demos/common.py does: in a plain run one demo stands for the others."""
    return pytest.param(name, *rest, marks=() if name == "09_vae.py" else pytest.mark.whole)


def test_the_others_have_it_from_common():
    for name in {row[0] for row in RUNS} - {"03_names.py"}:  # which has a command line of its own
        source = (DEMOS / name).read_text(encoding="utf-8")
        assert re.search(r"^from common import .*\bparse\b", source, re.MULTILINE | re.DOTALL), name
        assert re.search(r"\bchoose_device\(torch, args\.device\)", source), name


@pytest.mark.parametrize(("name", "arguments", "patterns", "files"), RUNS, ids=[row[0] for row in RUNS])
def test_a_quick_run(tmp_path, forks, name, arguments, patterns, files):
    done = forks.run(tmp_path, DEMOS / name, "--quick", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    for pattern in patterns:
        assert re.search(pattern, done.stdout, re.MULTILINE), f"{pattern}\nis not in\n{done.stdout}"
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_every_numbered_demo_is_run():
    tested_elsewhere = {"01_step_through.py", "02_profile.py"}
    assert {path.name for path in DEMOS.glob("[0-9]*.py")} - tested_elsewhere == {name for name, *_ in RUNS}


def test_git_ignores_the_pictures_and_the_texts():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/" + file for *_, files in RUNS for file in files} | {"/data/"} <= set(ignored)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("03_names.py", ["--data", "nowhere.txt"], "--data: expected a text file in UTF-8, got nowhere.txt"),
        ("03_names.py", ["--data", "four.txt"], "--data: expected at least 20 different names, got 4"),
        ("04_gpt.py", ["--data", "four.txt"], "--data: expected a text of at least 1280 letters, got 16"),
        ("04_gpt.py", ["--steps", "1"], "--steps: expected at least 2, got 1"),
        (
            "04_gpt.py",
            ["--plot", "nowhere/curve.png"],
            "--plot: expected a file name in a folder that exists",
        ),
        ("08_graphs.py", ["--data", "cora"], "--data cora: expected --root"),
        ("25_link_prediction.py", ["--data", "karate"], "invalid choice: 'karate'"),
        (
            "08_graphs.py",
            ["--data", "cora", "--root", "."],
            "expected cora.npz, or cora.content and cora.cites",
        ),
        ("10_autoencoder.py", ["--hide", "1"], "--hide: expected a share from 0 to below 1, got 1.0"),
        ("13_policy_gradient.py", ["--rounds", "0"], "--rounds: expected at least 1, got 0"),
        *[
            stood_for(name, [option, value], f"{option}: expected {what}")
            for name in WITH_EPOCHS
            for option, value, what in (
                ("--epochs", "0", "at least 1, got 0"),
                ("--plot", "no/a.png", "a file name in a folder"),
            )
        ],
    ],
)
def test_wrong_arguments(tmp_path, name, arguments, message):
    (tmp_path / "four.txt").write_text("eva\nina\nada\nana\n")
    done = run(tmp_path, DEMOS / name, "--quick", *arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["four.txt"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", [stood_for(row[0]) for row in RUNS])
def test_no_gpu(tmp_path, name):
    done = run(tmp_path, DEMOS / name, "--quick", "--device", "gpu")
    assert done.returncode == 1
    assert "CUDA is not available" in done.stderr
    assert "Traceback" not in done.stderr


# ---- on PyTorch --------------------------------------------------------------------------------------------


def with_pytorch(source: str) -> str:
    """Change the lines that import the engine, and nothing else; its MNIST may stay, as NumPy arrays."""
    return re.sub(r"^(import|from) tinygrad_edu\b(?!\.vision)", r"\1 torch", source, flags=re.MULTILINE)


@pytest.mark.torch_parity
@pytest.mark.parametrize(
    ("name", "arguments", "patterns", "files"), ON_PYTORCH, ids=[row[0] for row in ON_PYTORCH]
)
def test_the_same_file_runs_on_pytorch(tmp_path, forks_with_pytorch, name, arguments, patterns, files):
    (tmp_path / "run").mkdir()
    program = tmp_path / name
    program.write_text(with_pytorch((DEMOS / name).read_text(encoding="utf-8")), encoding="utf-8")
    assert "import tinygrad_edu" not in program.read_text(encoding="utf-8")
    done = forks_with_pytorch.run(tmp_path / "run", program, "--quick", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    for pattern in patterns:
        assert re.search(pattern, done.stdout, re.MULTILINE), f"{pattern}\nis not in\n{done.stdout}"


# A file, a model in it, how many different letters or digits the model knows, and a learning rate.
MODELS = [
    ("03_names.py", "Bigram(12, 9)", 12, 0.05),
    ("03_names.py", "MLP(12, 9)", 12, 0.005),
    ("03_names.py", "RNN(12, 9)", 12, 0.003),
    ("03_names.py", "GRU(12, 9)", 12, 0.005),
    ("03_names.py", "Transformer(12, 9)", 12, 0.005),
    ("04_gpt.py", "GPT(20)", 20, 0.003),
    ("05_lstm_rows.py", "RowReader(hidden_size=12)", 10, 0.02),
    ("06_translate_dates.py", "Translator(hidden_size=8)", 11, 0.01),
    ("07_sort.py", "Sorter(features=16)", 10, 0.005),
    ("09_vae.py", "VAE(hidden_size=16)", 10, 0.005),
    *table_text.MODELS,
    *table_labels.MODELS,
    *table_validation.MODELS,
    *table_generative.MODELS,
    *table_reinforcement.MODELS,
]


@pytest.fixture
def one_thread():
    """Let PyTorch compute with one thread: models this small are slower with two, above all on a busy machine."""
    pytorch = pytest.importorskip("torch")
    threads = pytorch.get_num_threads()
    pytorch.set_num_threads(1)
    yield
    pytorch.set_num_threads(threads)


def demo_on(engine: str, name: str) -> dict[str, Any]:
    """Return what a demo defines, on one of the two engines."""
    source = (DEMOS / name).read_text(encoding="utf-8")
    definitions: dict[str, Any] = {"__name__": "demo"}
    exec(compile(with_pytorch(source) if engine == "torch" else source, name, "exec"), definitions)
    assert definitions["torch"].__name__ == engine
    return definitions


def rows_of_digits(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images and labels."""
    rng = np.random.default_rng(0)
    return [(rng.random((6, 28, 28)), rng.integers(0, digits, 6)) for _ in range(5)]


def written_dates(demo: dict[str, Any], letters: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of texts, their lengths and answers."""
    pairs, _ = demo["make_pairs"](40, 0, seed=0)
    return [tuple(tensor.numpy() for tensor in demo["collate"](pairs[i : i + 8])) for i in range(0, 40, 8)]


def digits_to_sort(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of sequences."""
    rng = np.random.default_rng(0)
    return [(rng.integers(0, digits, (8, 10)),) for _ in range(5)]


def pixels_and_noise(demo: dict[str, Any], digits: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of images, and the noise that picks points of the clouds."""
    rng = np.random.default_rng(0)
    return [(rng.random((6, 784)) ** 4, rng.standard_normal((6, 2))) for _ in range(5)]


def letters_that_follow(demo: dict[str, Any], letters: int) -> list[tuple[np.ndarray, ...]]:
    """Return five batches of inputs and targets, two of which are ``NOTHING`` if the demo knows of that."""
    rng, nothing = np.random.default_rng(0), demo.get("NOTHING")
    batches = []
    for _ in range(5):
        text = (
            rng.integers(0, letters, (4, 11)) // 2 * 2 % letters
        )  # half of the letters: there is something to learn
        inputs, targets = text[:, :-1], text[:, 1:].copy()
        if nothing is not None:
            targets[0, -2:] = nothing
        batches.append((inputs, targets))
    return batches


BATCHES = {
    "05_lstm_rows.py": rows_of_digits,
    "06_translate_dates.py": written_dates,
    "07_sort.py": digits_to_sort,
    "09_vae.py": pixels_and_noise,
    **table_text.BATCHES,
    **table_labels.BATCHES,
    **table_validation.BATCHES,
    **table_generative.BATCHES,
    **table_reinforcement.BATCHES,
}


@pytest.mark.torch_parity
@pytest.mark.host("the demo's own tensors are on the CPU")
@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(("name", "model", "letters", "lr"), MODELS, ids=[row[1] for row in MODELS])
def test_fifty_steps_are_those_of_pytorch(monkeypatch, name, model, letters, lr):
    monkeypatch.syspath_prepend(str(DEMOS))
    weights, losses = None, {}
    for engine in ("torch", "tinygrad_edu"):
        demo = demo_on(engine, name)
        module = demo["torch"]
        module.manual_seed(0)
        net = eval(model, demo).double()
        if weights is None:
            weights = {key: value.numpy().copy() for key, value in net.state_dict().items()}
        else:
            net.load_state_dict({key: module.tensor(value) for key, value in weights.items()})
        optimizer = demo["make_optimizer"](net, lr)
        data = BATCHES.get(name, letters_that_follow)(demo, letters)
        batches = [[module.tensor(array) for array in batch] for batch in data]
        losses[engine] = [demo["train_step"](net, optimizer, *batches[step % 5]) for step in range(50)]
    assert losses["torch"][-1] < 0.95 * losses["torch"][0]
    np.testing.assert_allclose(losses["tinygrad_edu"], losses["torch"], rtol=1e-9)


# ---- language models -----------------------------------------------------------------------------------------

LANGUAGE_MODELS = [row[:3] for row in MODELS if row[0] in ("03_names.py", "04_gpt.py")]


@pytest.mark.parametrize(
    ("name", "model", "letters"), LANGUAGE_MODELS, ids=[row[1] for row in LANGUAGE_MODELS]
)
def test_no_letter_is_seen_before_it_comes(monkeypatch, name, model, letters):
    monkeypatch.syspath_prepend(str(DEMOS))
    net = eval(model, demo_on("tinygrad_edu", name))
    text = torch.randint(0, letters, (3, 9))
    changed = text.clone()
    changed[:, 5] = (text[:, 5] + 1) % letters
    scores, others = net(text), net(changed)
    assert scores.shape == (3, 9, letters)
    assert torch.allclose(scores[:, :5], others[:, :5], atol=1e-5)
    assert not torch.allclose(scores[:, 5], others[:, 5], atol=1e-3)


def test_what_is_read_and_what_is_to_be_said(monkeypatch):
    monkeypatch.syspath_prepend(str(DEMOS))
    inputs, targets = demo_on("tinygrad_edu", "03_names.py")["numbered"](["ab", "a"], ".ab", 3, "cpu")
    assert inputs.tolist() == [[0, 1, 2, 0], [0, 1, 0, 0]]
    assert targets.tolist() == [[1, 2, 0, -1], [1, 0, -1, -1]]
    inputs, targets = demo_on("tinygrad_edu", "04_gpt.py")["draw_batch"](torch.arange(1000))
    assert inputs.shape == (16, 64)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    assert torch.equal(inputs + 1, targets)


# ---- the texts ---------------------------------------------------------------------------------------------


@pytest.fixture
def texts(tmp_path, monkeypatch) -> ModuleType:
    """Return demos/texts.py, which saves to a folder of the test and loads from one, too."""
    spec = importlib.util.spec_from_file_location("texts", DEMOS / "texts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    there = tmp_path / "there.txt"
    there.write_bytes(b"emma\n")
    source = there.as_uri(), hashlib.sha256(b"emma\n").hexdigest()
    monkeypatch.setattr(module, "FOLDER", tmp_path / "data" / "text")
    monkeypatch.setattr(module, "SOURCES", {"names.txt": source, "shakespeare.txt": source})
    return module


def test_a_text_is_downloaded_once(texts, tmp_path):
    assert texts.find_text("names.txt") == ("emma\n", str(tmp_path / "data" / "text" / "names.txt"))
    assert [path.name for path in texts.FOLDER.iterdir()] == ["names.txt"]
    (tmp_path / "there.txt").unlink()
    assert texts.find_text("names.txt")[0] == "emma\n"


@pytest.mark.parametrize("name", ["names.txt", "shakespeare.txt"])
def test_without_a_network_there_is_a_small_text(texts, tmp_path, name):
    (tmp_path / "there.txt").unlink()
    text, source = texts.find_text(name)
    assert len(text) > 4_000
    assert "\n" not in source
    assert source.startswith("the small text that comes with the demos, for file://")
    assert not texts.FOLDER.exists()


def test_another_file_is_not_taken(texts, tmp_path):
    (tmp_path / "there.txt").write_text("<html>please log in</html>")
    assert "what arrived is another file" in texts.find_text("names.txt")[1]
    assert not texts.FOLDER.exists()


def test_a_quick_run_needs_no_network(texts):
    text, source = texts.find_text("names.txt", quick=True)
    assert (len(text.split()), source) == (636, "the small text that comes with the demos")
    assert not texts.FOLDER.exists()


def test_a_given_file(texts, tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text("olga\n")
    assert texts.find_text("names.txt", file) == ("olga\n", str(file))
    assert texts.find_text("names.txt", file, quick=True)[0] == "olga\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "got .*mine.txt"), (b"\xff\xfe", "in UTF-8"), (b" \n", "expected some text")],
    ids=["missing", "bytes", "empty"],
)
def test_a_file_that_cannot_be_read(texts, tmp_path, content, message):
    file = tmp_path / "mine.txt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit, match=message):
        texts.find_text("names.txt", file)
