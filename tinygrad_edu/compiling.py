"""Says that kernels are being compiled, and how far it is.

Numba compiles a kernel when it is called for the first time, and keeps the machine code in ``__pycache__`` for
the next time. The very first run of a program therefore stands still for some seconds; whoever waits should
know for what. ``python -m tinygrad_edu.warmup`` compiles everything beforehand.

While a kernel is compiled, Python does not look for cycles of objects that nobody uses: Numba makes very many objects
that are in use, and to go through them again and again takes a seventh of the time. With the first kernel, a second
process is started that compiles ahead (``compile_ahead.py``).
"""

from __future__ import annotations

import gc
import sys
import time
from typing import Any

from numba.core import event
from tqdm import tqdm

from tinygrad_edu import compile_ahead

NOTICE = (
    "tinygrad_edu: compiling kernels for this machine; it is done once and takes some seconds "
    "(python -m tinygrad_edu.warmup does it beforehand)"
)

# Kernels that come out of the cache are no news, nor is one that is quickly compiled.
PATIENCE = 1.0  # seconds


class CompileProgress(event.Listener):  # type: ignore[misc]  # numba has no types
    """Listens to Numba, and counts our kernels on the terminal while they are compiled.

    Where the error output is not a terminal, one line is written and no more. Python's collector of cycles rests
    meanwhile, if it is on.
    """

    def __init__(self) -> None:
        self.count = 0
        self._seconds = 0.0
        self._started: list[float] = []  # of the kernels in progress: one may ask for another
        self._bar: tqdm | None = None
        self._noticed = False
        self._collects = False

    def on_start(self, event: Any) -> None:
        """Note that a kernel is about to be compiled."""
        if not _is_ours(event):
            return
        if not self._started:
            self._collects = gc.isenabled()
            gc.disable()
            compile_ahead.start(event.data["dispatcher"].stats.cache_path)
        self._started.append(time.perf_counter())
        waited = self._seconds + time.perf_counter() - self._started[0]
        if waited >= PATIENCE:
            self._show(event.data["dispatcher"].py_func.__name__.strip("_"))

    def on_end(self, event: Any) -> None:
        """Note that it has been compiled."""
        if not _is_ours(event) or not self._started:
            return
        started = self._started.pop()
        self.count += 1
        if not self._started:
            if self._collects:
                gc.enable()
            self._seconds += time.perf_counter() - started
            self._clear()

    def _show(self, kernel: str) -> None:
        if not sys.stderr.isatty():
            if not self._noticed:
                print(NOTICE, file=sys.stderr)
            self._noticed = True
            return
        if self._bar is None:
            self._bar = tqdm(bar_format="{desc}", leave=False, dynamic_ncols=True)
        self._bar.set_description_str(
            f"compiling kernels, once for this machine: {self.count} done in {self._seconds:.0f} s, now {kernel}"
        )

    def _clear(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _is_ours(event: Any) -> bool:
    """Tell whether an event is about a kernel of this package."""
    return str(event.data["dispatcher"].py_func.__module__).startswith("tinygrad_edu_kernels")
