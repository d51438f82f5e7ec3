"""What is said of a name that PyTorch has and this engine does not.

A module that stands for one of PyTorch's ends in a ``__getattr__``, which Python calls for a name that the module
lacks, and for no other. The names are in ``pytorch_names.txt``, which ``python -m tests.names`` writes.
"""

from __future__ import annotations

import dis
import functools
import sys
from pathlib import Path
from typing import Any

_IMPORT_FROM = dis.opmap["IMPORT_FROM"]


STANDS_FOR = {"torch": "tinygrad_edu", "torchvision": "tinygrad_edu.vision"}


def our_name(name: str) -> str:
    """Return the module of this engine that stands for one of PyTorch's.

    Examples
    --------
    >>> our_name("torch.nn.functional"), our_name("torchvision.transforms")
    ('tinygrad_edu.nn.functional', 'tinygrad_edu.vision.transforms')
    """
    package, dot, rest = name.partition(".")
    return STANDS_FOR[package] + dot + rest


@functools.cache
def pytorch_names() -> dict[str, frozenset[str]]:
    """Return PyTorch's public names by the module or class that has them."""
    text = (Path(__file__).parent / "pytorch_names.txt").read_text(encoding="utf-8")
    sections = text.split("\n[")[1:]
    return {title: frozenset(names.split()) for title, _, names in [s.partition("]") for s in sections]}


def is_missing(owner: str, name: str) -> bool:
    """Tell whether PyTorch has this name in a module or class, given as ``torch.nn``."""
    if name.startswith("_"):  # an import asks every module for __path__
        return False
    return name in pytorch_names().get(owner, ())


def is_module(name: str) -> bool:
    """Tell whether PyTorch has a module of this name; of what lies deep, whether it has the package of it."""
    return ".".join(name.split(".")[:3]) in pytorch_names()["modules"]


def hint(name: str) -> str:
    """Return what a message ends in."""
    return f"'{name}': PyTorch has it, this engine does not (yet); see docs/missing_names.md"


def error_of_module(module: str, name: str) -> Exception:
    """Return the error for a name that a module does not have; called by the ``__getattr__`` of the module.

    Parameters
    ----------
    module : str
        ``__name__`` of the module.
    name : str
        What was looked for.

    Returns
    -------
    AttributeError, or ImportError where the program says ``from module import name``.

    Examples
    --------
    >>> error_of_module("tinygrad_edu.nn", "Linaer")
    AttributeError("module 'tinygrad_edu.nn' has no attribute 'Linaer'")
    """
    if not is_missing("torch" + module.removeprefix("tinygrad_edu"), name):
        # Python adds name and module, and asks "Did you mean ...?".
        return AttributeError(f"module '{module}' has no attribute '{name}'")
    asked = sys._getframe(1).f_back
    if asked and asked.f_code.co_code[asked.f_lasti] == _IMPORT_FROM:
        # An AttributeError would be replaced by "cannot import name", without a word of why.
        return ImportError(f"cannot import name {hint(name)}", name=module)
    # Without the object Python does not look for a name that is spelt alike, but means something else.
    return AttributeError(f"module '{module}' has no attribute {hint(name)}", name=name, obj=None)


def error_of_object(x: Any, pytorch_class: str, name: str) -> AttributeError:
    """Return the error for an attribute that an object does not have, nor any class of it."""
    missing = is_missing(pytorch_class, name)
    text = f"'{type(x).__name__}' object has no attribute {hint(name) if missing else repr(name)}"
    return AttributeError(text, name=name, obj=None if missing else x)
