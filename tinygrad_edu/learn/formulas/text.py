"""Formulas as text for a terminal: ``exp(x[i]) / sum[j](exp(x[j]))`` is "e^x_i / sum_j(e^x_j)"."""

from __future__ import annotations

import ast
from typing import ClassVar

from tinygrad_edu.learn.formulas.notation import ATOM, CASES, POWER, SUM, Writer

FUNCTIONS = {"log": "ln", "log2": "log2", "log10": "log10"}


class TextWriter(Writer):
    """Writes formulas as the docstrings of the operations do."""

    SIGNS: ClassVar[dict[type[ast.AST], str]] = {
        ast.Add: " + ",
        ast.Sub: " - ",
        ast.MatMult: " @ ",
        ast.Mod: " mod ",
        ast.Eq: " = ",
        ast.NotEq: " != ",
        ast.Lt: " < ",
        ast.LtE: " <= ",
        ast.Gt: " > ",
        ast.GtE: " >= ",
        ast.In: " in ",
        ast.And: "and",
        ast.Or: "or",
    }

    def name(self, name: str) -> str:
        return name

    def number(self, number: str) -> str:
        return number

    def infix(self, left: str, sign: str, right: str) -> str:
        return f"{left} {sign} {right}" if sign in ("=", "+=") else f"{left}{sign}{right}"

    def product(self, node: ast.BinOp, left: str, right: str) -> str:
        return f"{left} × {right}" if self.numbers else f"{left} * {right}"

    def prefix(self, sign: str, operand: str) -> str:
        return sign + operand

    def words(self, left: str, word: str, right: str) -> str:
        return f"{left} {word} {right}"

    def parentheses(self, inner: str) -> str:
        return f"({inner})"

    def bracket(self, inner: str) -> str:
        return f"[{inner}]"

    def listing(self, parts: list[str]) -> str:
        return ", ".join(parts)

    def fraction(self, above: str, below: str) -> str:
        return f"{above} / {below}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}^{exponent}"

    def transpose(self, base: str) -> str:
        return f"{base}^T"

    def attribute(self, base: str, name: str) -> str:
        return f"{base}.{name}"

    def indexed(self, base: ast.expr, index: ast.expr) -> str:
        written = self.of(base, ATOM)
        if isinstance(index, ast.Name) and "_" not in written:
            return f"{written}_{self.of(index)}"
        return f"{written}[{self.of(index)}]"

    def cases(self, lines: list[tuple[str, str]], otherwise: str) -> str:
        return ", ".join([f"{value} if {condition}" for value, condition in lines] + [f"else {otherwise}"])

    def big(self, name: str, under: str, inner: ast.expr) -> tuple[str, int]:
        simple = under.isidentifier()
        return f"{name}_{under if simple else '{' + under + '}'}({self.of(inner)})", ATOM

    def function(self, name: str, arguments: list[ast.expr]) -> tuple[str, int]:
        if name == "exp":
            return self.power("e", self.of(arguments[0], ATOM)), POWER
        if name == "abs":
            return f"|{self.of(arguments[0])}|", ATOM
        inner = self.listing(
            [self.of(argument, SUM if len(arguments) > 1 else CASES) for argument in arguments]
        )
        return f"{FUNCTIONS.get(name, name)}({inner})", ATOM
