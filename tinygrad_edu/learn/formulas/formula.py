"""A formula of an operation: what it computes, and the derivative for each of its inputs."""

from __future__ import annotations

import ast
import dataclasses
import functools
import html
from collections.abc import Mapping
from typing import Any

from tinygrad_edu.learn.formulas.evaluate import evaluate
from tinygrad_edu.learn.formulas.mathml import MathmlWriter, element, math, row
from tinygrad_edu.learn.formulas.notation import parse_expression
from tinygrad_edu.learn.formulas.text import TextWriter

LOCAL_TO_GRADIENT = {"1": "g", "-1": "-g", "0": "0"}


@dataclasses.dataclass(frozen=True)
class Formula:
    """What an operation computes and what its ``backward`` returns, in the notation of ``notation.py``.

    Names are those of the operation's ``forward``: its inputs and options; ``out`` is the output, ``g`` the gradient
    that comes in (``grad_output``), L the loss.

    Attributes
    ----------
    name : str
        Of the class: "Mul".
    expression : str
        "out = a * b"; empty if there is no formula but only text.
    local : dict of str
        Where each element is computed by itself: the local derivative for each input, {"a": "b", "b": "a"}; else empty.
    gradients : dict of str
        What each input gets, dL/dinput: {"a": "g * b", "b": "g * a"}; the keys say which element, as in "x[i]".
    without_gradient : tuple of str
        Inputs that get no gradient: class numbers, masks.
    note : str
        What the formula does not say.
    said : str
        Where there is no formula: what the docstring of the class says.

    Examples
    --------
    >>> from tinygrad_edu.learn.formulas import formula_of
    >>> print(formula_of("Mul").text)
    out = a * b
    dL/da = g * b
    dL/db = g * a
    """

    name: str
    expression: str = ""
    local: Mapping[str, str] = dataclasses.field(default_factory=dict)
    gradients: Mapping[str, str] = dataclasses.field(default_factory=dict)
    without_gradient: tuple[str, ...] = ()
    note: str = ""
    said: str = ""

    @functools.cached_property
    def expression_text(self) -> str:
        """What is computed, as text, one step a line."""
        return "\n".join(TextWriter().formula(self.expression))

    @functools.cached_property
    def local_text(self) -> dict[str, str]:
        """The local derivatives as text: {"a": "dout/da = b"}."""
        return {key: f"dout/d{key} = {TextWriter().expression(d)}" for key, d in self.local.items()}

    @functools.cached_property
    def gradient_text(self) -> dict[str, str]:
        """What each input gets, as text: {"a": "dL/da = g * b"}."""
        written = {}
        for key, gradient in self.gradients.items():
            *steps, result = TextWriter().formula(gradient)
            written[key] = "; ".join([*steps, f"dL/d{TextWriter().expression(key)} = {result}"])
        return written

    @functools.cached_property
    def text(self) -> str:
        """All of it as text for a terminal."""
        if not self.expression:
            return self.said
        lines = [self.expression_text, *self.gradient_text.values()]
        return "\n".join([*lines, f"({self.note})"] if self.note else lines)

    @functools.cached_property
    def expression_markup(self) -> str:
        """What is computed, as a ``<math>`` element; of a formula that is only text, a ``<span>`` with it."""
        if not self.expression:
            return element("span", html.escape(self.said))
        return math(*MathmlWriter().formula(self.expression))

    @functools.cached_property
    def local_markup(self) -> dict[str, str]:
        """The local derivative for each input, as a ``<math>`` element."""
        left = {key: derivative("out", key) for key in self.local}
        writer = MathmlWriter()
        return {
            key: math(writer.infix(left[key], "=", writer.expression(d))) for key, d in self.local.items()
        }

    @functools.cached_property
    def gradient_markup(self) -> dict[str, str]:
        """What each input gets, as a ``<math>`` element."""
        writer, written = MathmlWriter(), {}
        for key, gradient in self.gradients.items():
            *steps, result = writer.formula(gradient)
            written[key] = math(*steps, writer.infix(derivative("L", key), "=", result))
        return written

    @functools.cached_property
    def markup(self) -> str:
        """All of it as one piece of HTML with MathML in it."""
        parts = [self.expression_markup, *self.gradient_markup.values()]
        if self.note:
            parts.append(element("small", html.escape(self.note)))
        return f'<div class="formula">{"".join([element("div", part) for part in parts])}</div>'

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return self.markup

    def __str__(self) -> str:
        return self.text

    # ---- with numbers --------------------------------------------------------------------------------------

    def evaluate(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what each input gets, if this is about elements by themselves or whole arrays.

        Parameters
        ----------
        values : mapping
            Arrays or numbers by their names: all inputs, options that the formula names, and ``g``.

        Returns
        -------
        dict
            The results of the steps (``out`` is among them), and the gradients under the names "dL/da".
        """
        names = evaluate(self.expression, values)
        gradients = {f"dL/d{key}": evaluate(d, names)["result"] for key, d in self.gradients.items()}
        return {**names, **gradients}

    def with_numbers(self, key: str, numbers: Mapping[str, str], markup: bool = False) -> str:
        """Return what input ``key`` gets, with numbers in the place of names: "0.50 × 3.00"."""
        writer = MathmlWriter(numbers) if markup else TextWriter(numbers)
        return writer.formula(self.gradients[key])[-1]


def derivative(of: str, by: str) -> str:
    """Return "d of / d by" with round d's, as MathML."""
    writer = MathmlWriter()
    above = row(element("mo", "∂"), writer.expression(of))
    return writer.fraction(above, row(element("mo", "∂"), writer.expression(by)))


def times(local: str) -> str:
    """Return the gradient that a local derivative makes of ``g``."""
    if local in LOCAL_TO_GRADIENT:
        return LOCAL_TO_GRADIENT[local]
    tree = parse_expression(local)
    if isinstance(tree, ast.IfExp):
        branches = [times(ast.unparse(branch)) for branch in (tree.body, tree.orelse)]
        return f"{branches[0]} if {ast.unparse(tree.test)} else {branches[1]}"
    if isinstance(tree, ast.UnaryOp):
        return f"-{times(ast.unparse(tree.operand))}"
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add | ast.Sub):
        return f"g * ({local})"
    return f"g / {local[4:]}" if local.startswith("1 / ") else f"g * {local}"
