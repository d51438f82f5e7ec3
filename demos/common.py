"""What the numbered demos share: the command line, the device, and where a picture is drawn.

It knows neither engine: a demo whose imports are changed to PyTorch's uses it as it is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any


def command_line(description: str, picture: str, epochs: int | None = None) -> argparse.ArgumentParser:
    """Return a parser of what every demo takes; a demo may add to it.

    Parameters
    ----------
    description : str
        What the demo does, in one line.
    picture : str
        The name of the picture it leaves, as the default of ``--plot``.
    epochs : int, optional
        The default of ``--epochs``; without it there is no such option.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--device", choices=["cpu", "gpu", "auto"], default="cpu", help="(default: cpu)")
    if epochs is not None:
        parser.add_argument(
            "--epochs", type=int, default=epochs, help=f"passes over the data (default: {epochs})"
        )
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same result (default: 0)")
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        default=Path(picture),
        help=f"the picture's name (default: {picture})",
    )
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line; say what is wrong with it before anything is trained."""
    args = parser.parse_args()
    if getattr(args, "epochs", 1) < 1:
        parser.error(f"--epochs: expected at least 1, got {args.epochs}")
    if not args.plot.parent.is_dir() or args.plot.is_dir():
        parser.error(f"--plot: expected a file name in a folder that exists, got {args.plot}")
    return args


def choose_device(torch: ModuleType, name: str) -> Any:
    """Return the device; if there is no GPU and one was asked for, say what is missing and stop."""
    if name == "auto":
        return torch.accelerator.current_accelerator() or torch.device("cpu")
    device = torch.device("cuda" if name == "gpu" else "cpu")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"--device {name}: {error}")
    return device


def find_pyplot() -> ModuleType | None:
    """Return ``matplotlib.pyplot``, which draws into files only; None, and a line that says so, if it is not there."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: it needs matplotlib (python -m pip install matplotlib)")
        return None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def save_picture(figure: Any, path: Path, kind: str = "picture") -> None:
    """Write a figure of matplotlib to a file, and say so."""
    figure.savefig(path, dpi=100)
    print(f"{kind}: {path}")


def run(main: Callable[[], None]) -> None:
    """Run a demo; Ctrl-C ends it without a traceback."""
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
