"""Runs programs in forks of a process that has imported what all of them import: that takes longer than most demos.

Where a process cannot be forked safely, each program is run in a process of its own.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SECONDS = 300
CAN_FORK = sys.platform == "linux"


class Forks:
    """The process that is forked."""

    def __init__(self, modules: list[str], environment: dict[str, str], logs: Path) -> None:
        self.environment, self.logs, self.count = environment, logs, 0
        self.process: subprocess.Popen[str] | None = None
        if CAN_FORK:
            self.process = subprocess.Popen(
                [sys.executable, __file__, *modules],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )

    def run(self, folder: Path, program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program in a folder as a process of its own would, and return what it printed."""
        if self.process is None:
            command = [sys.executable, str(program), *arguments]
            return subprocess.run(
                command, cwd=folder, env=self.environment, capture_output=True, encoding="utf-8", check=False,
                timeout=SECONDS,
            )  # fmt: skip
        self.count += 1
        logs = [self.logs / f"{self.count}-{name}" for name in ("stdout", "stderr")]
        order = {"folder": folder, "command": [program, *arguments], "logs": logs}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order, default=str) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        return subprocess.CompletedProcess(order["command"], code, *[log.read_text("utf-8") for log in logs])

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate(timeout=SECONDS)


def serve(modules: list[str]) -> None:
    """Import the modules; for every order, fork, wait for the fork, and print its exit code."""
    for name in modules:
        with contextlib.suppress(ImportError):  # a program that needs it says so itself
            importlib.import_module(name)
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


def become(folder: str, command: list[str], logs: list[str]) -> Any:
    """Turn this process, a fork, into one that runs a program."""
    signal.alarm(SECONDS)  # ends it, with code -14
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, log in enumerate(logs, start=1):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT), number)
    sys.stdin = os.fdopen(0)
    sys.argv = command
    sys.path[0] = str(Path(command[0]).parent)
    runpy.run_path(command[0], run_name="__main__")
    sys.exit()


if __name__ == "__main__":
    serve(sys.argv[1:])
