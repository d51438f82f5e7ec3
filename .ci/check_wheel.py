"""Check a wheel against the tree it was built from.

Run it as ``python .ci/check_wheel.py dist/NAME.whl``.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"tinygrad_edu": ROOT, "tinygrad_edu_kernels": ROOT / "kernels"}


def files_on_disk() -> set[str]:
    """Return every file of the packages, named as it is in a wheel."""
    return {
        path.relative_to(parent).as_posix()
        for package, parent in PACKAGES.items()
        for path in (parent / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main(wheel: str) -> None:
    """Exit with a message if the wheel holds more or less than the packages."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")}
    packed = {name for name in names if not name.split("/")[0].endswith(".dist-info")}
    top_level = {name.split("/")[0] for name in packed}
    if top_level != set(PACKAGES):
        sys.exit(f"{wheel}: expected the top-level names {sorted(PACKAGES)}, got {sorted(top_level)}")
    if packed != files_on_disk():
        missing, extra = sorted(files_on_disk() - packed), sorted(packed - files_on_disk())
        sys.exit(f"{wheel}: not the same files as on disk: missing {missing}, too many {extra}")
    print(f"{wheel}: {len(packed)} files, all there")


if __name__ == "__main__":
    main(sys.argv[1])
