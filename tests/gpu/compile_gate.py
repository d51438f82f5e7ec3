"""Compiles every CUDA kernel as far as a machine without a card can: Python -> PTX -> machine code.

    python -m tests.gpu.compile_gate

prints the table of docs/gpu.md: the registers and the shared memory of each kernel. Needs numba-cuda with its
compiler and ptxas, but neither a card nor a driver:

    python -m pip install -e '.[gpu]'
"""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numba
import numpy as np

from tests.gpu.calls import DTYPES, FAMILIES, make_calls, run, rung

# Turing (2018), Ampere (2020) and Hopper (2022).
CARDS = [(7, 5), (8, 0), (9, 0)]


@dataclass(frozen=True)
class Signature:
    """A kernel and the types of the arguments that its launcher gives it."""

    family: str
    kernel: str
    types: tuple[Any, ...]

    @property
    def dtype(self) -> str:
        return "float64" if "float64" in str(self.types) else "float32"


@dataclass(frozen=True)
class Compiled:
    """What has become of a kernel."""

    ptx: str
    log: str  # of ptxas -v

    def number(self, pattern: str) -> int:
        found = re.search(pattern, self.log)
        return int(found[1]) if found else 0

    @property
    def registers(self) -> int:
        return self.number(r"Used (\d+) registers")

    @property
    def shared_bytes(self) -> int:
        return self.number(r"(\d+) bytes smem")

    @property
    def stack_bytes(self) -> int:
        return self.number(r"(\d+) bytes stack frame")

    @property
    def spilled_bytes(self) -> int:
        return self.number(r"(\d+) bytes spill stores") + self.number(r"(\d+) bytes spill loads")

    @property
    def float64_instructions(self) -> list[str]:
        """Return what computes with, loads or converts float64 (%fd12 is one of its registers)."""
        return [line.strip() for line in self.ptx.splitlines() if re.search(r"\.f64\b", line)]


def why_compiler_is_missing() -> str | None:
    """Return None if kernels can be compiled, else what to do about it."""
    if importlib.util.find_spec("numba_cuda") is None:
        return "numba-cuda is not installed (python -m pip install -e '.[gpu]')"
    if find_ptxas() is None:
        return "ptxas, of the CUDA toolkit, is not there (python -m pip install -e '.[gpu]')"
    return None


@functools.cache
def find_ptxas() -> str | None:
    """Return NVIDIA's assembler: pip's, or the one of an installed toolkit."""
    nvidia = importlib.util.find_spec("nvidia")
    folders = nvidia.submodule_search_locations or [] if nvidia else []
    found = [str(path) for folder in folders for path in sorted(Path(folder).glob("*/bin/ptxas"))]
    return found[0] if found else shutil.which("ptxas")


def signatures() -> dict[Signature, Any]:
    """Return every kernel with the types it is launched with, and its Python function.

    The launchers are run as far as the launch, with arrays of the host; nothing is started.
    """
    from tinygrad_edu_kernels import cuda_launch

    found: dict[Signature, Any] = {}
    for family in FAMILIES:

        def note(kernel: Any, grid: Any, arguments: tuple[Any, ...], family: str = family) -> None:
            types = tuple(numba.typeof(argument) for argument in arguments)
            found[Signature(family, kernel.py_func.__name__, types)] = kernel.py_func

        with replaced(cuda_launch, "start", note), np.errstate(all="ignore"):
            for dtype in DTYPES:
                for call in make_calls(family, dtype):
                    run(call, rung(family, "cuda"))
    return found


def compile_kernel(function: Any, types: tuple[Any, ...], card: tuple[int, int]) -> Compiled:
    """Compile for one generation of cards."""
    from numba.cuda import compile_ptx, dispatcher

    # Numba asks the card at hand when it compiles a function that kernels call.
    device = SimpleNamespace(compute_capability=card)
    with replaced(dispatcher, "get_current_device", lambda: device):
        ptx, _ = compile_ptx(function, types, cc=card)
    return Compiled(ptx, assemble(ptx, card))


def assemble(ptx: str, card: tuple[int, int]) -> str:
    """Return what ptxas says while it makes machine code."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx, encoding="utf-8")
        command = [find_ptxas() or "ptxas", "-v", f"--gpu-name=sm_{card[0]}{card[1]}", "-o", "kernel.cubin"]
        done = subprocess.run(
            [*command, source.name], cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise RuntimeError(f"ptxas: {done.stderr}")
    return done.stderr


@contextmanager
def replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    """Put something else in a module's place for a name, for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def table() -> str:
    """Return the table of docs/gpu.md."""
    cards = [f"sm_{major}{minor}" for major, minor in CARDS]
    lines = [
        f"| kernel | dtype | registers on {', '.join(cards)} | shared memory | spilled |",
        "|---|---|---|---|---|",
    ]
    for signature, function in sorted(signatures().items(), key=str):
        compiled = [compile_kernel(function, signature.types, card) for card in CARDS]
        registers = ", ".join(str(result.registers) for result in compiled)
        shared = max(result.shared_bytes for result in compiled)
        spilled = max(result.spilled_bytes for result in compiled)
        name = f"`{signature.family}.{signature.kernel}`"
        lines.append(f"| {name} | {signature.dtype} | {registers} | {shared} bytes | {spilled} bytes |")
    return "\n".join(lines)


if __name__ == "__main__":
    missing = why_compiler_is_missing()
    if missing is not None:
        raise SystemExit(missing)
    print(table())
