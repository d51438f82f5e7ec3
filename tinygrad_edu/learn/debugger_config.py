"""Write a .pdbrc or a launch.json with which a debugger passes by the engine's argument checks.

    python -m tinygrad_edu.learn debugger-config              .pdbrc, in this folder: pdb reads it when it starts
    python -m tinygrad_edu.learn debugger-config --vscode     .vscode/launch.json

A file that is there is left alone, and shown what it would have got; --force replaces it.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tinygrad_edu.learn.breakpoints import PASSED_BY

MODULE = "tinygrad_edu.learn.breakpoints"

PDBRC = f"""\
# Written by python -m tinygrad_edu.learn debugger-config; pdb reads it when it starts in this folder.
# "step" does not stop where the engine checks arguments and dtypes.
!__import__({MODULE!r}, fromlist=["here"]).pass_checks_by()
# on Linear.backward: a breakpoint by the name alone.
alias on print(*__import__({MODULE!r}, fromlist=["here"]).break_on("%1"), sep="\\n")
# shapes: the shapes of all arrays and tensors here.
alias shapes pp {{name: tuple(value.shape) for name, value in locals().items() if hasattr(value, "shape")}}
"""


def launch_json() -> str:
    """Return the configuration of Visual Studio Code's debugger.

    Its ``rules`` leave files out by their paths.
    """
    rules: list[dict[str, Any]] = [{"path": f"**/{path}", "include": False} for path in passed_paths()]
    configuration = {
        "name": "tinygrad_edu: step into the engine",
        "type": "debugpy",
        "request": "launch",
        "program": "${file}",
        "env": {"TINYGRAD_EDU_KERNELS": "reference"},
        "justMyCode": False,
        "rules": rules,
    }
    return json.dumps({"version": "0.2.0", "configurations": [configuration]}, indent=4) + "\n"


def passed_paths() -> list[str]:
    """Return the files of the engine that are passed by."""
    ours = [name for name in PASSED_BY if name.startswith("tinygrad_edu")]
    return [f"{name.replace('.', '/')}.py" for name in ours]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments the tool takes."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--pdb", action="store_true", help="write .pdbrc (this is what happens without an option)"
    )
    which.add_argument("--vscode", action="store_true", help="write .vscode/launch.json")
    parser.add_argument("--folder", default=".", help="where to; the present folder by default")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(args: argparse.Namespace) -> int:
    """Write the file; return 1 if there is one already."""
    name, text = (".vscode/launch.json", launch_json()) if args.vscode else (".pdbrc", PDBRC)
    path = Path(args.folder) / name
    if path.exists() and not args.force:
        print(
            f"debugger-config: {path} is there already, and was left as it is. It would have got:",
            file=sys.stderr,
        )
        print(text, file=sys.stderr)
        return 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"debugger-config: wrote {path}")
    return 0
