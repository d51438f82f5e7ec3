"""Look up every name of PyTorch's that a script uses."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

import tinygrad_edu
from tinygrad_edu.missing_names import pytorch_names
from tinygrad_edu.port.aliases import Aliases, imported_names, is_pytorch
from tinygrad_edu.port.differences import NOT_WHEN_CALLED, RUNS_ANOTHER_WAY
from tinygrad_edu.port.lookup import Missing, find, keywords_of

SURE = ("missing", "argument", "refused")
CLASSES = {
    "torch.Tensor": tinygrad_edu.Tensor,
    "torch.nn.Module": tinygrad_edu.nn.Module,
    "torch.optim.Optimizer": tinygrad_edu.optim.Optimizer,
}


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that a script uses and that is not here, or is another.

    Attributes
    ----------
    line : int
        Where.
    kind : {"missing", "argument", "refused", "differs", "guess"}
        The first three end a program that comes there; "differs" runs, another way; "guess" may be nothing.
    name : str
        PyTorch's name, such as ``torch.nn.Linear``, or ``.det`` for a method.
    text : str
        What is to be said.
    """

    line: int
    kind: str
    name: str
    text: str

    @property
    def is_sure(self) -> bool:
        """Whether it ends the program."""
        return self.kind in SURE

    def __str__(self) -> str:
        return f"{self.line}: {self.kind}: {self.name}: {self.text}"


def check(source: str | bytes, filename: str = "<script>") -> list[Finding]:
    """Return what a script uses of PyTorch that is missing here or differs, line by line.

    Parameters
    ----------
    source : str or bytes
        The text of the script; nothing of it is run.
    filename : str, optional
        What a ``SyntaxError`` is to name.
    """
    tree = ast.parse(source, filename)
    return sorted(set(Checker(tree).findings(tree)))


class Checker:
    """Goes through the tree of a script."""

    def __init__(self, tree: ast.AST) -> None:
        self._aliases = Aliases(tree)

    def findings(self, node: ast.AST, is_guarded: bool = False) -> Iterator[Finding]:
        """Yield what is found in a part of the tree; guarded is what may fail: ``try: ... except ImportError``."""
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from self._import(node, is_guarded)
        if isinstance(node, ast.Call):
            yield from self._call(node, is_guarded)
        if isinstance(node, ast.Attribute | ast.Name):
            name = self._aliases.dotted(node)
            if name:  # with all that stands to the left of the last dot
                yield from self._name(node.lineno, name, is_guarded or self._is_unsure(node))
                return
        if isinstance(node, ast.Attribute):
            yield from self._method(node)
        for child in ast.iter_child_nodes(node):
            yield from self.findings(child, is_guarded or _is_tried(node, child))

    def _import(self, node: ast.Import | ast.ImportFrom, is_guarded: bool) -> Iterator[Finding]:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names if is_pytorch(alias.name)]
        elif is_pytorch(node.module) and not node.level:
            modules = [meant for _, meant in imported_names(node)]
            if node.names[0].name == "*":
                modules = [node.module or ""]
                text = "names that it brings are not looked up; name them"
                yield Finding(node.lineno, "guess", f"from {node.module} import *", text)
        else:
            modules = []
        for name in modules:
            yield from self._name(node.lineno, name, is_guarded)

    def _name(self, line: int, name: str, is_guess: bool) -> Iterator[Finding]:
        try:
            find(name)
        except Missing as missing:
            is_sure = missing.is_sure and not is_guess
            yield Finding(line, "missing" if is_sure else "guess", missing.name, missing.reason)
            return
        for kind, table in (("refused", NOT_WHEN_CALLED), ("differs", RUNS_ANOTHER_WAY)):
            if name in table:
                yield Finding(line, "guess" if is_guess else kind, name, table[name])

    def _call(self, node: ast.Call, is_guarded: bool) -> Iterator[Finding]:
        """Look at the arguments that are given by name to a function that is here."""
        name = self._aliases.dotted(node.func)
        try:
            taken = keywords_of(name) if name else None
        except Missing:
            return
        if name is None or taken is None:
            return
        is_guess = is_guarded or self._is_unsure(node.func)
        for keyword in node.keywords:
            if keyword.arg and keyword.arg not in taken:
                kind = "guess" if is_guess else "argument"
                yield Finding(keyword.value.lineno, kind, f"{name}({keyword.arg}=)", "it is not taken here")

    def _method(self, node: ast.Attribute) -> Iterator[Finding]:
        """Look at ``x.name`` where nobody knows what x is: perhaps a Tensor."""
        root: ast.AST = node
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            root = root.func if isinstance(root, ast.Call) else root.value
        if isinstance(root, ast.Constant | ast.JoinedStr) or node.attr in self._aliases.methods:
            return
        if isinstance(root, ast.Name) and root.id in self._aliases.foreign:
            return
        if any(hasattr(ours, node.attr) for ours in CLASSES.values()):
            return
        for name in CLASSES:
            if node.attr in pytorch_names()[name]:
                text = f"{name} has it in PyTorch, and not here, if that is what it is asked of"
                yield Finding(node.lineno, "guess", f".{node.attr}", text)
                return

    def _is_unsure(self, node: ast.AST) -> bool:
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and self._aliases.is_unsure(node.id)


def _is_tried(parent: ast.AST, child: ast.AST) -> bool:
    """Tell whether a part stands between ``try`` and an ``except`` that takes what a missing name raises."""
    if not isinstance(parent, ast.Try) or child not in parent.body:
        return False
    caught = {"ImportError", "ModuleNotFoundError", "AttributeError", "NotImplementedError", "Exception"}
    return any(
        handler.type is None or any(getattr(n, "id", None) in caught for n in ast.walk(handler.type))
        for handler in parent.handlers
    )
