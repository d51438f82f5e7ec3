"""What setup.cfg promises must agree with what is on disk; nothing is built or installed here."""

from __future__ import annotations

import ast
import configparser
import re
import runpy
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_FOLDERS = {
    "tinygrad_edu": ROOT / "tinygrad_edu",
    "tinygrad_edu_kernels": ROOT / "kernels" / "tinygrad_edu_kernels",
}
# Where the name that is imported is not the name that is installed.
DISTRIBUTIONS = {
    "cupy": "cupy-cuda12x",
    "cupyx": "cupy-cuda12x",
    "llvmlite": "numba",
    "sklearn": "scikit-learn",
}
# Imported where they are there, by what works without them.
NOT_DECLARED = {"graphviz", "IPython", "PIL", "torch"}


def read_setup_cfg() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


SETUP = read_setup_cfg()


def lines(section: str, option: str) -> list[str]:
    """Return the entries of an option that holds one a line."""
    return [line.strip() for line in SETUP[section][option].splitlines() if line.strip()]


def distribution_names(requirements: list[str]) -> set[str]:
    """Drop versions and extras: numba-cuda[cu12]>=0.24 is numba-cuda."""
    return {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in requirements}


def packages_on_disk() -> set[str]:
    """Return the name of every folder that holds Python files."""
    found = set()
    for package, folder in PACKAGE_FOLDERS.items():
        for path in folder.rglob("*.py"):
            found.add(".".join([package, *path.parent.relative_to(folder).parts]))
    return found


def test_package_list_is_the_folders():
    listed = lines("options", "packages")
    assert sorted(set(listed)) == sorted(listed), "a package is listed twice"
    missing = "".join(f"\n    {name}" for name in sorted(packages_on_disk() - set(listed)))
    gone = "".join(f"\n    {name}" for name in sorted(set(listed) - packages_on_disk()))
    assert not missing, f"add to packages in setup.cfg:{missing}"
    assert not gone, f"no such folder, take out of packages in setup.cfg:{gone}"


def test_every_package_folder_has_an_init_file():
    for name in packages_on_disk():
        package, _, rest = name.partition(".")
        init = PACKAGE_FOLDERS[package].joinpath(*rest.split("."), "__init__.py")
        assert init.is_file(), f"{init.relative_to(ROOT)} is missing"


def test_kernels_is_no_package():
    """An __init__.py there would make editors and pytest import tinygrad_edu_kernels under a second name."""
    assert not (ROOT / "kernels" / "__init__.py").exists()


def test_package_dir_points_at_the_kernels():
    pairs = dict(re.split(r"\s*=\s*", line) for line in lines("options", "package_dir"))
    assert pairs == {"tinygrad_edu_kernels": "kernels/tinygrad_edu_kernels"}
    assert (ROOT / pairs["tinygrad_edu_kernels"]).is_dir()


def test_package_data_is_complete():
    """Each file in a package folder is Python or is matched by a pattern of package_data."""
    folder = PACKAGE_FOLDERS["tinygrad_edu"]
    declared = {
        path.relative_to(ROOT).as_posix()
        for pattern in lines("options.package_data", "tinygrad_edu")
        for path in folder.glob(pattern + "/*" if pattern.endswith("**") else pattern)
        if path.is_file()
    }
    present = {
        path.relative_to(ROOT).as_posix()
        for root in PACKAGE_FOLDERS.values()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".py" and "__pycache__" not in path.parts
    }
    assert sorted(present - declared) == [], "not in package_data of setup.cfg"
    assert any(name.endswith(".gz") for name in declared)


def test_data_comes_with_its_licence():
    licence_files = lines("metadata", "license_files")
    for name in licence_files:
        assert (ROOT / name).read_text(encoding="utf-8").strip()
    assert "tinygrad_edu/vision/datasets/mnist_small/LICENSE.txt" in licence_files


def test_version_is_in_one_place():
    version_file = PACKAGE_FOLDERS["tinygrad_edu"] / "version.py"
    version = runpy.run_path(str(version_file))["__version__"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert SETUP["metadata"]["version"] == "attr: tinygrad_edu.version.__version__"
    # setuptools reads a plain assignment without running anything
    assert not [
        n for n in ast.walk(ast.parse(version_file.read_text())) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_lowest_numba_is_one_that_threads_are_known_to_work_with():
    from tinygrad_edu_kernels.threads.sharing import KNOWN_VERSIONS

    assert f"numba>={KNOWN_VERSIONS.split(' to ')[0]}" in lines("options", "install_requires")


def test_pyproject_holds_no_metadata():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(pyproject) == {"build-system", "tool"}
    assert pyproject["build-system"]["build-backend"] == "setuptools.build_meta"


def test_oldest_python_is_said_alike():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = SETUP["options"]["python_requires"].removeprefix(">=")
    assert pyproject["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert f"Programming Language :: Python :: {oldest}" in lines("metadata", "classifiers")
    assert sys.version_info >= tuple(int(part) for part in oldest.split("."))


def distributions(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names of what is imported, less the standard library and ourselves."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module).split(".")[0])
    beside_the_demos = {path.stem for path in (ROOT / "demos").glob("*.py")}
    found -= {*sys.stdlib_module_names, *PACKAGE_FOLDERS, *beside_the_demos, "demos", "tests"}
    return {DISTRIBUTIONS.get(name, name) for name in found}


def syntax_trees(folder: str) -> list[ast.Module]:
    """Parse every Python file below a folder of the repository."""
    return [
        ast.parse(path.read_text(encoding="utf-8"), path) for path in sorted((ROOT / folder).rglob("*.py"))
    ]


@pytest.mark.parametrize("folder", ["tinygrad_edu", "kernels", "demos"])
def test_what_is_imported_is_declared(folder):
    declared = distribution_names(lines("options", "install_requires"))
    for extra in ("viz", "gpu", "safetensors", "sklearn", "tensorboard"):
        declared |= distribution_names(lines("options.extras_require", extra))
    for tree in syntax_trees(folder):
        assert distributions(ast.walk(tree)) - NOT_DECLARED <= declared


@pytest.mark.parametrize("folder", ["tinygrad_edu", "kernels"])
def test_what_is_optional_is_imported_in_functions(folder):
    """A plain install must be able to import every module."""
    required = distribution_names(lines("options", "install_requires"))
    for tree in syntax_trees(folder):
        assert distributions(tree.body) <= required


def test_what_tests_import_is_declared():
    declared = distribution_names(lines("options", "install_requires"))
    declared |= distribution_names(lines("options.extras_require", "test"))
    beside = {"model"}  # a file of a program under tests/programs
    for tree in syntax_trees("tests"):
        assert distributions(ast.walk(tree)) - NOT_DECLARED - {DISTRIBUTIONS["cupy"]} - beside <= declared


def test_gpu_extras_differ_in_the_cuda_version_only():
    gpu, gpu13 = (lines("options.extras_require", name) for name in ("gpu", "gpu13"))
    assert [line.replace("12x", "13x").replace("cu12", "cu13") for line in gpu] == gpu13
