"""Formulas as MathML Core, which browsers show without any script.

References
----------
https://www.w3.org/TR/mathml-core/
"""

from __future__ import annotations

import ast
import html
from typing import ClassVar

from tinygrad_edu.learn.formulas.notation import ATOM, CASES, POWER, PRODUCT, SUM, Writer

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "eps": "ε",
    "pi": "π",
    "inf": "∞",
    "Phi": "Φ",
    "phi": "φ",
    "psi": "ψ",
    "Gamma": "Γ",
    "sigma": "σ",
}
FUNCTIONS = {"log": "ln", **GREEK}
SPACE = " "
BIG_SIGNS = {"sum": "∑", "prod": "∏"}


def element(tag: str, inner: str) -> str:
    """Return one element with what is in it, which is markup already."""
    return f"<{tag}>{inner}</{tag}>"


def operator(sign: str) -> str:
    """Return a sign."""
    return element("mo", html.escape(sign, quote=False))


def identifier(name: str) -> str:
    """Return a name; words stand upright, single letters do not."""
    return element("mi", html.escape(GREEK.get(name, name), quote=False))


def row(*parts: str) -> str:
    """Return pieces side by side."""
    return element("mrow", "".join(parts))


def math(*lines: str) -> str:
    """Return a whole formula, its steps one below the other; large as on a line of its own."""
    inner = lines[0] if len(lines) == 1 else table([[line] for line in lines])
    return f'<math displaystyle="true">{inner}</math>'


def table(rows: list[list[str]]) -> str:
    """Return lines of cells, all of which begin at the left."""
    cells = [[f'<mtd style="text-align:left">{cell}</mtd>' for cell in row] for row in rows]
    return (
        f'<mtable displaystyle="true">{"".join([element("mtr", "".join(line)) for line in cells])}</mtable>'
    )


class MathmlWriter(Writer):
    """Writes formulas as MathML."""

    SIGNS: ClassVar[dict[type[ast.AST], str]] = {
        ast.Add: "+",
        ast.Sub: "−",
        ast.MatMult: SPACE,
        ast.Mod: "mod",
        ast.Eq: "=",
        ast.NotEq: "≠",
        ast.Lt: "<",
        ast.LtE: "≤",
        ast.Gt: ">",
        ast.GtE: "≥",
        ast.In: "∈",
        ast.And: "and",
        ast.Or: "or",
    }
    fraction_level = ATOM
    power_level = CASES

    def name(self, name: str) -> str:
        base, _, index = name.partition("_")
        if index == "hat":
            return element("mover", identifier(base) + operator("^"))
        if index and len(index) <= 2:
            return element("msub", identifier(base) + identifier(index))
        return identifier(name)

    def number(self, number: str) -> str:
        if number == "...":
            return operator("…")
        if number.startswith("-"):
            return row(operator("−"), element("mn", html.escape(number[1:], quote=False)))
        return element("mn", html.escape(number, quote=False))

    def infix(self, left: str, sign: str, right: str) -> str:
        if sign == SPACE:
            return row(left, '<mspace width="0.25em"></mspace>', right)
        return row(left, operator(sign), right)

    def product(self, node: ast.BinOp, left: str, right: str) -> str:
        if self.numbers:
            return self.infix(left, "×", right)
        if is_matrix(node.left) and is_matrix(node.right):
            return self.infix(left, "⊙", right)  # element by element, beside products of matrices
        side_by_side = (
            is_short(node.left) and not isinstance(node.right, ast.Constant) and is_short(node.right)
        )
        return self.infix(left, "\N{INVISIBLE TIMES}" if side_by_side else "⋅", right)

    def prefix(self, sign: str, operand: str) -> str:
        return row(operator("−"), operand)

    def words(self, left: str, word: str, right: str) -> str:
        return row(left, element("mtext", f"\N{NO-BREAK SPACE}{word}\N{NO-BREAK SPACE}"), right)

    def parentheses(self, inner: str) -> str:
        return row(operator("("), inner, operator(")"))

    def bracket(self, inner: str) -> str:
        return row(operator("["), inner, operator("]"))

    def listing(self, parts: list[str]) -> str:
        return row(operator(",").join(parts))

    def fraction(self, above: str, below: str) -> str:
        return element("mfrac", above + below)

    def power(self, base: str, exponent: str) -> str:
        return element("msup", base + exponent)

    def transpose(self, base: str) -> str:
        return element("msup", base + identifier("T"))

    def attribute(self, base: str, name: str) -> str:
        return row(base, operator("."), identifier(name))

    def indexed(self, base: ast.expr, index: ast.expr) -> str:
        written = self.of(index)
        if (
            isinstance(base, ast.Name) and len(base.id) == 3 and base.id[1] == "_"
        ):  # a_i[t]: one row of indices
            return element("msub", identifier(base.id[0]) + self.listing([identifier(base.id[2]), written]))
        return element("msub", self.of(base, ATOM) + written)

    def cases(self, lines: list[tuple[str, str]], otherwise: str) -> str:
        cells = [
            (value, row(element("mtext", "if\N{NO-BREAK SPACE}"), condition)) for value, condition in lines
        ]
        cells.append((otherwise, element("mtext", "else")))
        return row(operator("{"), table([list(cell) for cell in cells]))

    def big(self, name: str, under: str, inner: ast.expr) -> tuple[str, int]:
        if name in BIG_SIGNS:
            sign = element("munder", operator(BIG_SIGNS[name]) + under)
            return row(sign, self.of(inner, PRODUCT)), SUM
        sign = element("munder", element("mo", name) + under)
        return row(sign, self.of(inner, ATOM)), PRODUCT

    def function(self, name: str, arguments: list[ast.expr]) -> tuple[str, int]:
        if name == "exp":
            return self.power(identifier("e"), self.of(arguments[0])), POWER
        if name == "sqrt":
            return element("msqrt", self.of(arguments[0])), ATOM
        if name in FENCES:
            left, right = FENCES[name]
            return row(operator(left), self.of(arguments[0]), operator(right)), ATOM
        written = self.listing([self.of(argument) for argument in arguments])
        called = identifier(FUNCTIONS.get(name, name))
        return row(called, operator("\N{FUNCTION APPLICATION}"), self.parentheses(written)), ATOM


FENCES = {"abs": ("|", "|"), "floor": ("⌊", "⌋")}


def is_short(node: ast.expr) -> bool:
    """Tell whether a factor can stand beside another without a dot: a number, a letter, what has parentheses."""
    if isinstance(node, ast.Name):
        return len(node.id) == 1 or node.id in GREEK
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Mult | ast.Div | ast.Pow) or is_short(node.left)
    if isinstance(node, ast.Subscript):
        return is_short(node.value)
    return isinstance(node, ast.Constant | ast.List)


def is_matrix(node: ast.expr) -> bool:
    """Tell whether a factor is a matrix: it begins with the name of one, a capital letter."""
    while isinstance(node, ast.BinOp):
        node = node.left
    return isinstance(node, ast.Name) and len(node.id) == 1 and node.id.isupper()
