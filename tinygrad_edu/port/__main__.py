"""The command line: ``python -m tinygrad_edu.port script.py [script.py ...] [--write [-o FILE]]``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tinygrad_edu.port.findings import Finding, check
from tinygrad_edu.port.rewrite import read, with_changed_imports


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.port",
        description="List the names of PyTorch that scripts use and that are missing in tinygrad_edu or differ.",
        epilog="Exit status: 0 if nothing found is sure, 1 if something is missing, 2 if a file cannot be used.",
    )
    parser.add_argument("scripts", nargs="+", metavar="script.py")
    parser.add_argument(
        "--write", action="store_true", help="write each script with its imports changed, as script_ported.py"
    )
    parser.add_argument("-o", metavar="FILE", help="where --write writes a single script; never over a file")
    return parser


def report(path: str, findings: list[Finding]) -> None:
    """Print what was found in a script."""
    for finding in findings:
        print(f"{path}:{finding}")
    sure = sum(finding.is_sure for finding in findings)
    guesses = sum(finding.kind == "guess" for finding in findings)
    differs = len(findings) - sure - guesses
    print(f"{path}: {sure} missing, {differs} that run another way, {guesses} guesses")


def write(path: str, source: str, encoding: str, target: str | None) -> None:
    """Write the script with its imports changed to a new file."""
    new = Path(target) if target else Path(path).with_name(Path(path).stem + "_ported.py")
    with open(new, "x", encoding=encoding, newline="") as file:
        file.write(with_changed_imports(source))
    print(f"{path}: written to {new}")


def main(arguments: list[str]) -> int:
    """Check all scripts; return the exit status."""
    options = parser().parse_args(arguments)
    if options.o and (not options.write or len(options.scripts) > 1):
        parser().error("-o goes with --write and a single script")
    status = 0
    for path in options.scripts:
        try:
            source, encoding = read(path)
            findings = check(source, path)
            report(path, findings)
            if options.write:
                write(path, source, encoding, options.o)
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            status = 2
        else:
            status = max(status, int(any(finding.is_sure for finding in findings)))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
