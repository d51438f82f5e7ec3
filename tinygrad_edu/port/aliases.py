"""Which names of a script are PyTorch's.

They are ``F`` after ``import torch.nn.functional as F``, ``layers`` after ``from torch import nn as layers``, ``relu``
after ``relu = F.relu``. A script is taken as one room: where a name is imported does not matter. A name that also means
something else, somewhere in the script, is *unsure*.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tinygrad_edu.missing_names import STANDS_FOR


def is_pytorch(module: str | None) -> bool:
    """Tell whether a module is one of PyTorch's or torchvision's."""
    return (module or "").partition(".")[0] in STANDS_FOR


class Aliases:
    """The names of a script that are PyTorch's.

    Attributes
    ----------
    means : dict of str
        ``{"F": "torch.nn.functional"}``.
    foreign : set of str
        Names of other modules and what was imported from them.
    bound : set of str
        All names that the script gives a meaning to by other ways than an import: variables, arguments, functions.
    methods : set of str
        What the script itself defines or sets on objects: no word about a method of such a name.
    """

    def __init__(self, tree: ast.AST) -> None:
        self.means: dict[str, str] = {}
        self.foreign: set[str] = set()
        self.bound: set[str] = set()
        self.methods: set[str] = set()
        self._assigned: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            self._learn_from(node)
        for name, value in self._assigned:  # relu = F.relu
            meant = self.dotted(value)
            if meant and name not in self.bound:
                self.means.setdefault(name, meant)
            else:
                self.bound.add(name)

    def is_unsure(self, name: str) -> bool:
        """Tell whether a name of PyTorch's may mean something else here."""
        return name in self.bound or name in self.foreign

    def dotted(self, node: ast.AST) -> str | None:
        """Return what ``F.relu`` is with PyTorch's names, ``torch.nn.functional.relu``; None if it is not PyTorch's."""
        names: list[str] = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self.means:
            return None
        return ".".join([self.means[node.id], *reversed(names)])

    def _learn_from(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name, meant in imported_names(node):
                if is_pytorch(meant):
                    self.means[name] = meant
                else:
                    self.foreign.add(name)
        elif (
            isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
        ):
            self._assigned.append((node.targets[0].id, node.value))
            node.targets[0].ctx = ast.Load()  # looked at already
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            self.bound.add(node.id)
        elif isinstance(node, ast.arg):
            self.bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.bound.add(node.name)
            self.methods.add(node.name)
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            self.methods.add(node.attr)


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, and what they mean: ``("F", "torch.nn.functional")``."""
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield alias.asname or alias.name, f"{module}.{alias.name}"
        elif alias.asname:
            yield alias.asname, alias.name
        else:  # import torch.nn binds the name torch
            package = alias.name.partition(".")[0]
            yield package, package
