"""``python -m tests.names`` writes down PyTorch's public names, and the page of those that are missing here.

The names come from the installed PyTorch; without it, the page alone is written.
"""

from __future__ import annotations

import importlib
import importlib.util
import textwrap
import types
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from tinygrad_edu import missing_names

ROOT = Path(__file__).resolve().parents[1]
NAMES = ROOT / "tinygrad_edu" / "pytorch_names.txt"
PAGE = ROOT / "docs" / "missing_names.md"

# The modules that stand for one of PyTorch's, and its classes that have more than a few methods.
MODULES = [
    "torch",
    "torch.accelerator",
    "torch.amp",
    "torch.autograd",
    "torch.backends",
    "torch.backends.cuda",
    "torch.backends.cudnn",
    "torch.backends.mps",
    "torch.compiler",
    "torch.cuda",
    "torch.cuda.amp",
    "torch.distributed",
    "torch.distributions",
    "torch.fft",
    "torch.func",
    "torch.hub",
    "torch.jit",
    "torch.masked",
    "torch.linalg",
    "torch.multiprocessing",
    "torch.nn",
    "torch.nn.attention",
    "torch.nn.functional",
    "torch.nn.init",
    "torch.nn.modules",
    "torch.nn.parallel",
    "torch.nn.parameter",
    "torch.nn.utils",
    "torch.onnx",
    "torch.optim",
    "torch.optim.lr_scheduler",
    "torch.optim.swa_utils",
    "torch.profiler",
    "torch.random",
    "torch.serialization",
    "torch.signal",
    "torch.signal.windows",
    "torch.special",
    "torch.sparse",
    "torch.testing",
    "torch.types",
    "torch.utils",
    "torch.utils.checkpoint",
    "torch.utils.data",
]
CLASSES = ["torch.Tensor", "torch.nn.Module", "torch.optim.Optimizer"]


def find(owner: str, package: str) -> Any:
    """Return a module or class: ``torch.nn`` of the package ``torch`` or ``tinygrad_edu``."""
    if owner in MODULES:
        return importlib.import_module(package + owner.removeprefix("torch"))
    module, _, name = owner.rpartition(".")
    return getattr(find(module, package), name)


def is_public(owner: Any, name: str) -> bool:
    """Tell whether a name is PyTorch's own, and not what a file of its source has imported."""
    in_all = getattr(owner, "__all__", ())
    if name.startswith("_") or isinstance(owner, type) or name in in_all:
        return not name.startswith("_")
    value = getattr(owner, name)
    if isinstance(value, types.ModuleType):
        return value.__name__ == f"{owner.__name__}.{name}"
    if isinstance(value, bool | str | float | dict | TypeVar) or getattr(value, "__name__", "") == "Tensor":
        return False
    home = getattr(value, "__module__", None) or "torch"
    # Where there is a list, it is not always whole; without one everything is public.
    return (
        home in ("torch", owner.__name__)
        if in_all and owner.__name__ != "torch"
        else home.startswith("torch")
    )


def listed(module: types.ModuleType) -> list[str]:
    """Return the names that a module of this package lists for users, by importing them or by making them."""
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not isinstance(value, types.ModuleType)
        and name not in ("annotations", "TYPE_CHECKING")
    ]


def names_of(owner: Any) -> list[str]:
    """Return the public names of one of PyTorch's modules or classes."""
    return [name for name in dir(owner) if is_public(owner, name)]


def modules_of(package: str) -> list[str]:
    """Return the public modules of a package, by the files that it has, down to ``torch.optim.lr_scheduler``."""
    (folder,) = importlib.util.find_spec(package).submodule_search_locations
    files = [path.relative_to(Path(folder).parent).with_suffix("") for path in Path(folder).rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in files}
    return [name for name in names if name.count(".") <= 2 and "._" not in name]


def wrap(names: Iterable[str]) -> str:
    return textwrap.fill(" ".join(sorted(names)), 118, break_on_hyphens=False)


def names_file() -> str:
    """Return what stands in pytorch_names.txt, from the installed PyTorch."""
    import torch

    version = torch.__version__.partition("+")[0]
    text = f"The public names of PyTorch {version}, written by: python -m tests.names\n"
    for owner in [*MODULES, *CLASSES]:
        text += f"\n[{owner}]\n{wrap(names_of(find(owner, 'torch')))}\n"
    return text + f"\n[modules]\n{wrap(modules_of('torch'))}\n"


def missing(owner: str) -> list[str]:
    """Return the names that PyTorch's module or class has and ours does not."""
    ours = find(owner, "tinygrad_edu")
    return sorted(name for name in missing_names.pytorch_names()[owner] if not hasattr(ours, name))


def page() -> str:
    """Return the text of docs/missing_names.md."""
    text = (
        "# Names of PyTorch that are missing here\n\n"
        "Written by `python -m tests.names`, which compares the two. Where a program asks for one of these names in a\n"
        "module, the error says that PyTorch has it and that this engine does not; for a method of a Tensor, Python's\n"
        "own message comes. What is there but behaves otherwise stands in\n"
        "[differences from PyTorch](differences_from_pytorch.md).\n"
    )
    for owner in [*MODULES, *CLASSES]:
        names, absent = missing_names.pytorch_names()[owner], missing(owner)
        text += f"\n## {owner}\n\n{len(names) - len(absent)} of {len(names)} names are here"
        listed = textwrap.fill(", ".join(f"`{name}`" for name in absent), 118)
        text += f"; missing:\n\n{listed}\n" if absent else ".\n"
    return text


if __name__ == "__main__":
    if importlib.util.find_spec("torch"):
        NAMES.write_text(names_file(), encoding="utf-8")
        missing_names.pytorch_names.cache_clear()
    PAGE.write_text(page(), encoding="utf-8")
