"""The compact notation of formulas, and how it is written as text.

A formula is a Python expression: what Python's own parser reads, two writers write, as text for a terminal (here) and
as MathML for a page (``mathml.py``), and ``evaluate.py`` can compute. Beyond what Python means by it,

- ``a.T`` is the transpose, ``x[i, j]`` an element;
- ``sum[i](x[i])`` is a sum over i, ``sum[j <= i](x[j])`` and ``sum[i, index[i] == j](g[i])`` sums under a condition;
  in the same way ``prod``, ``max``, ``median`` and ``argmax``;
- ``[i == j]`` is Iverson's bracket: 1 where that holds, else 0;
- ``a if c else b`` is a distinction of cases;
- ``m = sum[i](x[i]) / n; x[i] - m`` are steps, of which the last is the result.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import ClassVar

# How tightly a piece holds together: it is put into parentheses where something tighter is wanted.
CASES, OR, AND, COMPARISON, SUM, PRODUCT, POWER, ATOM = range(8)

LEVELS: dict[type[ast.operator], int] = {
    ast.Add: SUM,
    ast.Sub: SUM,
    ast.Mult: PRODUCT,
    ast.MatMult: PRODUCT,
    ast.Mod: PRODUCT,
}


class MinusFirst(ast.NodeTransformer):
    """Python reads -a * b as (-a) * b; a reader of formulas as -(a * b)."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Bring the minus of the first factor to the front."""
        self.generic_visit(node)
        if isinstance(node.op, ast.Mult | ast.Div | ast.MatMult) and isinstance(node.left, ast.UnaryOp):
            return ast.UnaryOp(node.left.op, ast.BinOp(node.left.operand, node.op, node.right))
        return node


def parse(notation: str) -> list[ast.stmt]:
    """Return the steps of a formula."""
    return MinusFirst().visit(ast.parse(notation)).body


def parse_expression(notation: str) -> ast.expr:
    """Return what is no more than an expression."""
    (step,) = parse(notation)
    assert isinstance(step, ast.Expr)
    return step.value


class Writer:
    """Writes formulas; a subclass says what a fraction, a power and the like look like.

    Parameters
    ----------
    numbers : mapping, optional
        What is written in the place of a name: numbers put into the formula.
    """

    SIGNS: ClassVar[dict[type[ast.AST], str]]
    fraction_level = PRODUCT  # of a division; its two parts need parentheses if they hold less tightly
    power_level = ATOM  # what an exponent must have to go without parentheses

    def __init__(self, numbers: Mapping[str, str] | None = None) -> None:
        self.numbers = numbers or {}

    def formula(self, notation: str) -> list[str]:
        """Return a formula step by step."""
        return [self.step(step) for step in parse(notation)]

    def expression(self, notation: str) -> str:
        """Return what is no more than an expression."""
        return self.of(parse_expression(notation))

    def step(self, step: ast.stmt) -> str:
        """Return one step: an expression, or ``name = expression``."""
        if isinstance(step, ast.Assign):
            return self.infix(self.of(step.targets[0]), "=", self.of(step.value))
        if isinstance(step, ast.AugAssign):
            return self.infix(self.of(step.target), "+=", self.of(step.value))
        assert isinstance(step, ast.Expr)
        return self.of(step.value)

    def of(self, node: ast.expr, level: int = CASES) -> str:
        """Return an expression, in parentheses if it holds less tightly than ``level``."""
        written, own = getattr(self, f"of_{type(node).__name__}")(node)
        return self.parentheses(written) if own < level else written

    # ---- what Python's parser has found ----------------------------------------------------------------

    def of_Constant(self, node: ast.Constant) -> tuple[str, int]:
        return ("..." if node.value is ... else self.number(str(node.value))), ATOM

    def of_Name(self, node: ast.Name) -> tuple[str, int]:
        if node.id in self.numbers:
            written = self.numbers[node.id]
            return self.number(written), SUM if written.startswith("-") else ATOM
        return self.name(node.id), ATOM

    def of_Attribute(self, node: ast.Attribute) -> tuple[str, int]:
        base = self.of(node.value, ATOM)
        return (self.transpose(base) if node.attr == "T" else self.attribute(base, node.attr)), ATOM

    def of_Tuple(self, node: ast.Tuple) -> tuple[str, int]:
        return self.listing([self.of(part) for part in node.elts]), CASES

    def of_Slice(self, node: ast.Slice) -> tuple[str, int]:
        ends = ["" if end is None else self.of(end) for end in (node.lower, node.upper)]
        return self.infix(ends[0], ":", ends[1]), CASES

    def of_List(self, node: ast.List) -> tuple[str, int]:
        return self.bracket(self.of(node.elts[0])), ATOM

    def of_Subscript(self, node: ast.Subscript) -> tuple[str, int]:
        return self.indexed(node.value, node.slice), ATOM

    def of_UnaryOp(self, node: ast.UnaryOp) -> tuple[str, int]:
        return self.prefix("-", self.of(node.operand, PRODUCT)), SUM

    def of_BinOp(self, node: ast.BinOp) -> tuple[str, int]:
        if isinstance(node.op, ast.Div):
            whole = self.fraction_level == ATOM
            left = self.of(node.left, CASES if whole else PRODUCT)
            return self.fraction(left, self.of(node.right, CASES if whole else POWER)), self.fraction_level
        if isinstance(node.op, ast.Pow):
            return self.power(self.of(node.left, ATOM), self.of(node.right, self.power_level)), POWER
        level = LEVELS[type(node.op)]
        loose = isinstance(node.op, ast.Add) and not self.is_negative(node.right)
        right = self.of(node.right, level if loose else level + 1)
        left = self.of(node.left, level)
        if isinstance(node.op, ast.Mult):
            return self.product(node, left, right), level
        return self.infix(left, self.SIGNS[type(node.op)], right), level

    def is_negative(self, node: ast.expr) -> bool:
        """Tell whether there is a negative number in the place of a name: 1.0 + (-2.0)."""
        return isinstance(node, ast.Name) and self.numbers.get(node.id, "").startswith("-")

    def of_Compare(self, node: ast.Compare) -> tuple[str, int]:
        written = self.of(node.left, SUM)
        for sign, right in zip(node.ops, node.comparators, strict=True):
            written = self.infix(written, self.SIGNS[type(sign)], self.of(right, SUM))
        return written, COMPARISON

    def of_BoolOp(self, node: ast.BoolOp) -> tuple[str, int]:
        level = AND if isinstance(node.op, ast.And) else OR
        written = self.of(node.values[0], level)
        for value in node.values[1:]:
            written = self.words(written, self.SIGNS[type(node.op)], self.of(value, level))
        return written, level

    def of_IfExp(self, node: ast.IfExp) -> tuple[str, int]:
        lines = []
        rest: ast.expr = node
        while isinstance(rest, ast.IfExp):
            lines.append((self.of(rest.body), self.of(rest.test)))
            rest = rest.orelse
        return self.cases(lines, self.of(rest)), CASES

    def of_Call(self, node: ast.Call) -> tuple[str, int]:
        if isinstance(node.func, ast.Subscript):  # sum[i](x[i])
            assert isinstance(node.func.value, ast.Name)
            return self.big(node.func.value.id, self.of(node.func.slice), node.args[0])
        assert isinstance(node.func, ast.Name)
        return self.function(node.func.id, node.args)

    # ---- how the pieces look: what a subclass says --------------------------------------------------------

    def name(self, name: str) -> str:
        raise NotImplementedError

    def number(self, number: str) -> str:
        raise NotImplementedError

    def infix(self, left: str, sign: str, right: str) -> str:
        raise NotImplementedError

    def product(self, node: ast.BinOp, left: str, right: str) -> str:
        raise NotImplementedError

    def prefix(self, sign: str, operand: str) -> str:
        raise NotImplementedError

    def words(self, left: str, word: str, right: str) -> str:
        raise NotImplementedError

    def parentheses(self, inner: str) -> str:
        raise NotImplementedError

    def bracket(self, inner: str) -> str:
        raise NotImplementedError

    def listing(self, parts: list[str]) -> str:
        raise NotImplementedError

    def fraction(self, above: str, below: str) -> str:
        raise NotImplementedError

    def power(self, base: str, exponent: str) -> str:
        raise NotImplementedError

    def transpose(self, base: str) -> str:
        raise NotImplementedError

    def attribute(self, base: str, name: str) -> str:
        raise NotImplementedError

    def indexed(self, base: ast.expr, index: ast.expr) -> str:
        raise NotImplementedError

    def cases(self, lines: list[tuple[str, str]], otherwise: str) -> str:
        raise NotImplementedError

    def big(self, name: str, under: str, inner: ast.expr) -> tuple[str, int]:
        raise NotImplementedError

    def function(self, name: str, arguments: list[ast.expr]) -> tuple[str, int]:
        raise NotImplementedError
