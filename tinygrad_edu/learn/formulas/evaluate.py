"""Formulas computed: those that are about whole arrays, or about each element by itself."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from types import CodeType
from typing import Any

import numpy as np
import scipy.special

from tinygrad_edu.learn.formulas.notation import parse


def transposed(x: Any) -> Any:
    """Return x^T, of a batch of matrices too."""
    return np.swapaxes(x, -1, -2)


def normal_density(x: Any) -> Any:
    """Return phi(x)."""
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def softmax(x: Any) -> Any:
    """Return the softmax of every row."""
    return scipy.special.softmax(x, axis=-1)


FUNCTIONS = {
    "pi": np.pi,
    "inf": np.inf,
    "abs": np.abs,
    "max": np.maximum,
    "min": np.minimum,
    "Phi": scipy.special.ndtr,
    "phi": normal_density,
    "Gamma": scipy.special.gamma,
    "psi": scipy.special.psi,
    "sigmoid": scipy.special.expit,
    "ndtri": scipy.special.ndtri,
    "erf": scipy.special.erf,
    "erfc": scipy.special.erfc,
    "erfinv": scipy.special.erfinv,
    "inv": np.linalg.inv,
    "softmax": softmax,
    "rowsum": functools.partial(np.sum, axis=-1, keepdims=True),
    "transposed": transposed,
    "where": np.where,
    "both": np.logical_and,
    **{name: getattr(np, name) for name in (
        "exp", "exp2", "log", "log2", "log10", "sqrt", "sign", "floor", "trunc", "sin", "cos", "tan", "arcsin",
        "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "arctan2",
    )},
}  # fmt: skip


class OfArrays(ast.NodeTransformer):
    """Turns what Python would decide once, for one number, into what NumPy decides for every element."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """a if c else b."""
        self.generic_visit(node)
        return call("where", node.test, node.body, node.orelse)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        """low <= x <= high."""
        self.generic_visit(node)
        parts = [node.left, *node.comparators]
        result: ast.expr | None = None
        for left, sign, right in zip(parts, node.ops, parts[1:], strict=False):
            one = ast.Compare(left, [sign], [right])
            result = one if result is None else call("both", result, one)
        assert result is not None
        return result

    def visit_List(self, node: ast.List) -> ast.expr:
        """[i == j], Iverson's bracket."""
        self.generic_visit(node)
        return call("where", node.elts[0], ast.Constant(1), ast.Constant(0))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """a.T."""
        self.generic_visit(node)
        return call("transposed", node.value) if node.attr == "T" else node


def call(name: str, *arguments: ast.expr) -> ast.Call:
    """Return the call of a function."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


@functools.cache
def compiled(notation: str) -> CodeType:
    """Return a formula as code that leaves its result in ``result``."""
    *steps, last = parse(notation)
    if isinstance(last, ast.Expr):
        last = ast.Assign([ast.Name("result", ast.Store())], last.value)
    tree = OfArrays().visit(ast.Module([*steps, last], []))
    return compile(ast.fix_missing_locations(tree), f"<formula {notation}>", "exec")


def evaluate(notation: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all names after the steps of a formula have been computed; that of its result is ``result``, or ``out``.

    Examples
    --------
    >>> from tinygrad_edu.learn.formulas.evaluate import evaluate
    >>> evaluate("out = a * b", {"a": 2.0, "b": 3.0})["out"]
    6.0
    """
    names = {**FUNCTIONS, **values}
    with np.errstate(all="ignore"):
        exec(compiled(notation), {"__builtins__": {}}, names)
    return names
