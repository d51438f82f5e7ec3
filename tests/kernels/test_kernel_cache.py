"""The cache of compiled kernels, broken in every way: kernels are compiled without it, and one line says so."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tinygrad_edu_kernels import kernel_cache

pytestmark = [
    pytest.mark.host("kernels of the CPU"),
    pytest.mark.skipif(kernel_cache.FunctionCache is None, reason="another Numba"),
]
KERNELS = Path(kernel_cache.__file__).parents[1]
NAMES = ("double", "triple")


def source(factor=2):
    head = "from tinygrad_edu_kernels.kernel_cache import njit\n"
    kernel = "\n\n@njit(cache=True)\ndef {}(x):\n    return FACTOR * x\n"
    return f"{head}\nFACTOR = {factor}\n" + "".join(kernel.format(name) for name in NAMES)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a file of two small kernels; nothing has been said yet."""
    (tmp_path / "small.py").write_text(source())
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python tells files apart by second and size
    monkeypatch.setattr(kernel_cache._Notice, "given", False)
    yield tmp_path
    sys.modules.pop("small", None)


def run_kernels(folder):
    """Import the file anew; return what its kernels give, and how many of them came from the cache."""
    sys.modules.pop("small", None)
    importlib.invalidate_caches()
    module = importlib.import_module("small")  # by its name: Numba asks for it when it loads what was kept
    kernels = [getattr(module, name) for name in NAMES]
    return [kernel(21) for kernel in kernels], sum(
        sum(kernel.stats.cache_hits.values()) for kernel in kernels
    )


def files(folder, suffix):
    return sorted((folder / "__pycache__").glob(f"small.*{suffix}"))


def test_kernels_are_kept(folder, capsys):
    assert run_kernels(folder) == ([42, 42], 0)
    assert run_kernels(folder) == ([42, 42], 2)
    assert capsys.readouterr().err == ""


DAMAGE = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "last byte": lambda data: data[:-1],
    "a bit": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "noise": lambda data: bytes(i * 7 % 256 for i in range(len(data))),
    "another pickle": lambda data: b"\x80\x04N.",
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("suffix", [".nbc", ".nbi"])
def test_a_damaged_file_is_replaced(folder, capsys, suffix, damage):
    run_kernels(folder)
    for path in files(folder, suffix):
        path.write_bytes(DAMAGE[damage](path.read_bytes()))
    assert run_kernels(folder)[0] == [42, 42]
    said = capsys.readouterr().err
    assert said.count("\n") <= 1  # once for two kernels
    if damage not in (
        "a bit",
        "another pickle",
    ):  # these may look like files of another version, which is no news
        assert "compiled kernels cannot be kept in or read from" in said
        assert str(folder) in said
    assert run_kernels(folder) == ([42, 42], 2)


def test_a_bit_of_the_machine_code_that_changes_is_noticed(folder, capsys):
    """Without a digest this would run whatever the bytes mean."""
    run_kernels(folder)
    for path in files(folder, ".nbc"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    assert run_kernels(folder) == ([42, 42], 0)
    assert "damaged" in capsys.readouterr().err


def test_machine_code_of_an_earlier_version_is_no_hit(folder):
    """A process that is killed after it has written the list of files, and before the code, leaves this behind."""
    run_kernels(folder)
    old = {path: path.read_bytes() for path in files(folder, ".nbc")}
    (folder / "small.py").write_text(source(factor=5))
    assert run_kernels(folder)[0] == [105, 105]
    for path, data in old.items():
        path.write_bytes(data)
    assert run_kernels(folder) == ([105, 105], 0)
    assert run_kernels(folder) == ([105, 105], 2)


def test_the_code_of_another_kernel_is_no_hit(folder):
    """Two processes that save at the same moment may leave this behind."""
    run_kernels(folder)
    first, second = files(folder, ".nbc")
    first.write_bytes(second.read_bytes())
    assert run_kernels(folder) == ([42, 42], 1)


def test_a_missing_file_is_no_hit(folder, capsys):
    run_kernels(folder)
    files(folder, ".nbc")[0].unlink()
    assert run_kernels(folder) == ([42, 42], 1)
    assert capsys.readouterr().err == ""


def test_without_any_folder(folder, capsys, monkeypatch):
    """A read-only installation, no home directory, and a NUMBA_CACHE_DIR that does not help."""
    (folder / "__pycache__").write_text("a file where the folder should be")
    for variable in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(folder / "small.py" / "none"))
    assert run_kernels(folder) == ([42, 42], 0)
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "compiled anew" in said


PROGRAM = textwrap.dedent(
    """
    import os, signal, sys
    if "full" in sys.argv:
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # no file can grow: what a full disk does
    if "stop" in sys.argv:
        replace = os.replace
        def stop_and_replace(*paths):
            print("stopped", flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
            replace(*paths)
        os.replace = stop_and_replace
    import small
    print(small.double(21), small.triple(21))
    """
)


def start(folder, *arguments, **environment):
    path = os.pathsep.join([str(KERNELS), str(folder)])
    command = [sys.executable, "-c", PROGRAM, *arguments]
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **environment}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_a_full_disk(folder):
    process = start(folder, "full")
    out, said = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "42 42\n")
    assert said.count("\n") == 1
    assert "OSError" in said
    assert [path.name for path in files(folder, "") if ".tmp." in path.name] == []
    assert run_kernels(folder) == ([42, 42], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_a_folder_of_the_user_that_cannot_be_written_to(folder):
    process = start(folder, NUMBA_CACHE_DIR=str(folder / "small.py" / "none"), HOME="")
    out, said = process.communicate(timeout=120)
    assert (process.returncode, out, said) == (0, "42 42\n", "")
    assert run_kernels(folder) == ([42, 42], 2)  # the next folder, beside the source, does


@pytest.mark.skipif(sys.platform == "win32", reason="limits and signals of POSIX")
def test_a_process_that_is_stopped_while_it_saves_holds_nobody_up(folder):
    stopped = start(folder, "stop")
    try:
        assert stopped.stdout.readline() == "stopped\n"
        started = time.perf_counter()
        assert run_kernels(folder)[0] == [42, 42]
        assert time.perf_counter() - started < 60
        assert run_kernels(folder) == ([42, 42], 2)
    finally:
        for _ in range(5):  # it stops at each of the files that it saves
            os.kill(stopped.pid, signal.SIGCONT)
            time.sleep(0.2)
        stopped.kill()
        stopped.wait()
        stopped.stdout.close()
        stopped.stderr.close()
    assert run_kernels(folder)[0] == [42, 42]
