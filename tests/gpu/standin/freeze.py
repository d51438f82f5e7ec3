"""Writes down which names CuPy has and how they are called: ``cupy_api.json``, which the stand-in obeys.

    python -m tests.gpu.standin.freeze          where CuPy is installed; no card is needed

A signature is a string: "a, axis=, out=, *, dtype=" has one argument that must be given. Of a ufunc the types
it computes with are kept; "value" is what cannot be called, and "?" what does not say how.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import warnings
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("cupy_api.json")

SPACES = [
    "cupy",
    "cupy.ndarray",
    "cupy.flatiter",
    "cupy._core.flags.Flags",
    "cupy._core._routines_linalg",
    "cupy.linalg",
    "cupy.random",
    "cupy.random.Generator",
    "cupy.lib.stride_tricks",
    "cupy.cuda",
    "cupy.cuda.Device",
    "cupy.cuda.Event",
    "cupy.cuda.Graph",
    "cupy.cuda.MemoryPool",
    "cupy.cuda.MemoryHook",
    "cupy.cuda.Stream",
    "cupy.cuda.runtime",
    "cupyx",
    "cupyx.scipy.fft",
    "cupyx.scipy.special",
    "cupyx.scipy.sparse",
    "cupyx.scipy.sparse.csr_matrix",
]

BINARY = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor"
OTHERS = (
    "neg pos abs invert eq ne lt le gt ge len iter contains getitem setitem delitem bool int float complex index "
    "format copy deepcopy reduce array array_ufunc array_function cuda_array_interface dlpack"
)
OPERATORS = {f"__{prefix}{name}__" for name in BINARY.split() for prefix in ("", "r", "i")}
OPERATORS |= {f"__{name}__" for name in OTHERS.split()}
"""The names with underscores that are looked at: the others depend on the version of Python."""


def find(path: str) -> Any:
    """Return the module or class of this name."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        owner, _, name = path.rpartition(".")
        return getattr(find(owner), name)


def names_of(path: str, owner: Any) -> list[str]:
    """Return the public names, and the operators of a class; of the runtime, its functions."""
    is_class = isinstance(owner, type)
    names = [n for n in dir(owner) if not n.startswith("_") or (is_class and n in OPERATORS)]
    if getattr(owner, "__name__", "").endswith(".runtime"):
        return [n for n in names if callable(getattr(owner, n))]
    if path.startswith("cupy._core._routines"):  # what is private, but has no public name
        return [n for n in names if "compute_type" in n.lower()]
    return [n for n in names if hasattr(owner, n)]


def describe(member: Any) -> str:
    """Return how a member is called."""
    if type(member).__name__ == "ufunc":
        return "ufunc " + " ".join(
            [t for t in member.types if "E" not in t]
        )  # bfloat16 depends on another package
    if isinstance(member, type):
        return "class"
    if not callable(member):
        return "value"
    try:
        signature = inspect.signature(member)
    except (ValueError, TypeError):
        return from_docstring(member)
    return as_text(list(signature.parameters.values()))


def as_text(parameters: list[inspect.Parameter]) -> str:
    """Return parameters without types, and without the values of their defaults."""
    parts, keyword_only = [], False
    for number, p in enumerate(parameters):
        if p.kind is p.VAR_POSITIONAL:
            parts.append(f"*{p.name}")
        elif p.kind is p.VAR_KEYWORD:
            parts.append(f"**{p.name}")
        else:
            if p.kind is p.KEYWORD_ONLY and not keyword_only:
                if not any(part.startswith("*") for part in parts):
                    parts.append("*")
                keyword_only = True
            parts.append(p.name + ("=" if p.default is not p.empty else ""))
            last = number + 1 == len(parameters) or parameters[number + 1].kind is not p.POSITIONAL_ONLY
            if p.kind is p.POSITIONAL_ONLY and last:
                parts.append("/")
    return ", ".join(parts)


def from_docstring(member: Any) -> str:
    """Return the signature that Cython puts in the first line: ``ndarray.sort(self, int axis=-1, kind=None)``."""
    first_line = (member.__doc__ or "").strip().split("\n")[0]
    match = re.match(r"[\w.]+\((.*)\)", first_line)
    if match is None:
        return "?"
    parts = []
    for part in re.split(r",\s*(?![^(\[]*[)\]])", match[1]):
        name, equals, _ = part.partition("=")
        parts.append(name.split()[-1] + equals if name else "")
    return ", ".join(part for part in parts if part)


def freeze() -> dict[str, Any]:
    """Return version, names and signatures of the CuPy that is installed."""
    import cupy

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spaces = {}
        for path in SPACES:
            owner = find(path)
            spaces[path] = {name: describe(getattr(owner, name)) for name in names_of(path, owner)}
    return {"version": cupy.__version__, **spaces}


if __name__ == "__main__":
    FILE.write_text(json.dumps(freeze(), indent=1, sort_keys=True) + "\n")
    print(f"{FILE}: {sum(len(v) for v in freeze().values() if isinstance(v, dict))} names")
