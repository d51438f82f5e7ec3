"""The parent: starts processes, one engine after the other, and collects what they measured."""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tests.benchmarks.child import REPLAYED, SAME_MALLOC, STARTED
from tests.benchmarks.data import DIGITS
from tests.benchmarks.peer_programs import PEER_PROGRAMS
from tests.benchmarks.programs import find

ROOT = Path(__file__).resolve().parents[2]
CHECKED_STEPS = 5
LOSS_TOLERANCE = 1e-4
"""Relative: the engines add in different orders, in float32."""


@dataclass(frozen=True)
class Engine:
    """A package, and how it is run."""

    package: str
    title: str
    environment: tuple[tuple[str, str], ...] = ()


ENGINES = {
    "torch": Engine("torch", "PyTorch"),
    "torch-malloc": Engine("torch", "PyTorch, memory kept", ((SAME_MALLOC, "1"),)),
    "tinygrad_edu": Engine("tinygrad_edu", "tinygrad_edu"),
    "tinygrad_edu-replayed": Engine("tinygrad_edu", "tinygrad_edu, replayed", ((REPLAYED, "1"),)),
    "tinygrad_edu-plain": Engine(
        "tinygrad_edu", "tinygrad_edu, memory not kept", (("TINYGRAD_EDU_KEEP_FREED_MEMORY", "0"),)
    ),
}
MALLOC_ENGINES = ("torch-malloc", "tinygrad_edu-plain")
"""Each engine with malloc as the other one has it."""
REPLAYED_ENGINE = "tinygrad_edu-replayed"
"""Runs the steps through ``torch.compile``; only what is called again and again can be replayed."""
PEERS = {
    "numpy": Engine("numpy", "NumPy by hand"),
    "autograd": Engine("autograd", "HIPS autograd"),
    "tinygrad": Engine("tinygrad", "tinygrad, CPU, TinyJit", (("DEV", "CPU"),)),
    "tinygrad-nojit": Engine("tinygrad-nojit", "tinygrad, CPU, without TinyJit", (("DEV", "CPU"),)),
}
THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "NUM_CPU_THREADS",
)  # fmt: skip
OTHER_MACHINES_VARIABLES = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE",  # would choose kernels for another processor
    "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "GLIBC_TUNABLES",
    "TINYGRAD_EDU_KEEP_FREED_MEMORY", "TINYGRAD_EDU_SINGLE_BLAS_POOL", "TINYGRAD_EDU_KERNELS",
    "TINYGRAD_EDU_COMPILE_AHEAD",
)  # fmt: skip
"""Settings of the shell that would change one engine only; children start without them."""


def environment_for(python: str, threads: int) -> dict[str, str]:
    """Return the environment of a child: as many threads for everybody, and this checkout to import from."""
    environment = dict(os.environ)
    for variable in THREAD_VARIABLES:
        environment[variable] = str(threads)
    for variable in OTHER_MACHINES_VARIABLES:
        environment.pop(variable, None)
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "kernels")])
    environment["PATH"] = os.pathsep.join([str(Path(python).parent), environment.get("PATH", "")])
    return environment


def run_module(python: str, arguments: list[str], environment: dict[str, str]) -> object:
    """Run a module of this package in a process of its own and return its last line, which is JSON."""
    environment = {**environment, STARTED: repr(time.time())}
    command = [python, "-m", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def run_child(
    program: str, engine: str, threads: int, python: str = sys.executable, steps: int | None = None
) -> object:
    """Run one program on one engine; with ``steps``, only to see what its first steps return."""
    chosen = {**ENGINES, **PEERS}[engine]
    environment = {**environment_for(python, threads), **dict(chosen.environment)}
    arguments = ["tests.benchmarks.child", program, chosen.package, str(threads)]
    return run_module(python, arguments + ([str(steps)] if steps else []), environment)


def compile_kernels(program: str, threads: int) -> None:
    """Run a program on our engine once, on few data: its kernels are in Numba's cache from then on."""
    alone = {DIGITS: "130", "TINYGRAD_EDU_COMPILE_AHEAD": "0"}  # nobody is still at work when this ends
    environment = environment_for(sys.executable, threads) | alone
    run_module(sys.executable, ["tests.benchmarks.child", program, "tinygrad_edu", str(threads)], environment)


def alternate(
    comparison: str, program: str, threads: int, rounds: int, engines: dict[str, str], progress: tqdm
) -> list[dict[str, object]]:
    """Run a program on engines in turn, so that all meet the same troubles of the machine.

    Parameters
    ----------
    comparison : str
        "engines" or "peers": in which table the figures are compared.
    engines : dict
        Name of an engine to the interpreter that it runs in.
    """
    if find(program).whole:  # the others have a warm-up of their own
        compile_kernels(program, threads)
    runs: dict[str, list[object]] = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine, python in engines.items():
            if engine == REPLAYED_ENGINE and not find(program).can_be_replayed:
                continue
            progress.set_description(f"{program}, {threads} threads, {engine}")
            runs[engine].append(run_child(program, engine, threads, python))
            progress.update()
    return [
        {
            "comparison": comparison,
            "program": program,
            "threads": threads,
            "engine": engine,
            "rounds": measured,
        }
        for engine, measured in runs.items()
        if measured
    ]


# ---- peers --------------------------------------------------------------------------------------------


def why_missing(peer: str, python: str) -> str | None:
    """Return None if an interpreter can run a peer, else what is missing."""
    package = PEERS[peer].package.removesuffix("-nojit")
    command = [python, "-c", f"import {package}"]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        return f"{package} is not installed (python -m pip install {package})"
    if package == "tinygrad" and not shutil.which("clang", path=environment_for(python, 1)["PATH"]):
        return "tinygrad compiles with clang, which is not on the PATH"
    return None


def check_same_losses(program: str, peers: dict[str, str]) -> None:
    """Raise unless each peer's program gives the losses of ours from the same start."""
    expected = run_child(program, "tinygrad_edu", 1, steps=CHECKED_STEPS)
    for peer, python in peers.items():
        losses = run_child(program, peer, 1, python, steps=CHECKED_STEPS)
        pairs = zip(losses, expected, strict=True)  # type: ignore[call-overload]
        if not all(math.isclose(a, b, rel_tol=LOSS_TOLERANCE) for a, b in pairs):
            raise RuntimeError(f"{program} on {peer}: expected losses {expected}, got {losses}")


def peers_that_can_run(python: str) -> dict[str, str]:
    """Return the peers that an interpreter can run; say of the others what they lack."""
    found = {}
    for peer in PEERS:
        reason = why_missing(peer, python)
        if reason is None:
            found[peer] = python
        else:
            print(f"skipped {peer}: {reason}", file=sys.stderr)
    return found


PEER_PROGRAM_NAMES = tuple(PEER_PROGRAMS["numpy"])


# ---- the machine --------------------------------------------------------------------------------------

VERSIONS = """
import importlib.metadata, json, sys
versions = {}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


def versions(python: str, names: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the packages that an interpreter has."""
    done = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def machine(peers_python: str = sys.executable) -> dict[str, str]:
    """Return what the figures depend on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    ours = versions(sys.executable, ("numpy", "numba", "scipy", "torch"))
    theirs = versions(peers_python, ("numpy", "autograd", "tinygrad"))
    peers_numpy = theirs.pop("numpy", None)
    if peers_numpy not in (None, ours["numpy"]):
        theirs["numpy of the peers"] = peers_numpy
    return {
        "processor": model,
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown",
        "system": f"{platform.system()} {platform.libc_ver()[0]} {platform.libc_ver()[1]}".strip(),
        "python": platform.python_version(),
        **ours,
        **theirs,
    }


def measure_peaks(threads: list[int]) -> object:
    """Return what the machine can do at best."""
    arguments = ["tests.benchmarks.peaks", *map(str, threads)]
    return run_module(sys.executable, arguments, environment_for(sys.executable, 1))
