"""The formula and the derivatives of every operation, as readable mathematics.

``formula_of`` gives the formula of a node of the graph: as text for a terminal, and as MathML for a page. The table
has one row an operation: ``elementwise.py`` has those that compute each element by itself, ``whole.py`` the others. Of
an operation without a row, the docstring of its class is given, as the text that it is.

>>> from tinygrad_edu.learn.formulas import formula_of
>>> print(formula_of("Sigmoid").text)
out = 1 / (1 + e^(-x))
dL/dx = g * out * (1 - out)
"""

from __future__ import annotations

import inspect
from typing import Any

from tinygrad_edu.autograd.function import FunctionContext
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.learn.formulas.elementwise import ELEMENTWISE
from tinygrad_edu.learn.formulas.formula import Formula as Formula
from tinygrad_edu.learn.formulas.whole import WHOLE
from tinygrad_edu.learn.tape import BackwardStep, ForwardStep
from tinygrad_edu.type_names import type_name

__all__ = ["Formula", "TABLE", "formula_of"]

TABLE = {row.name: row for row in [*ELEMENTWISE, *WHOLE]}


def formula_of(operation: Any) -> Formula:
    """Return the formula of an operation, and the derivative for each of its inputs.

    Parameters
    ----------
    operation : Node, type, str, ForwardStep or BackwardStep
        A node of the graph (``loss.grad_fn``), the class of an operation (``Mul``), its name ("Mul"), or a step of a
        tape (``tape.forward[0]``).

    Returns
    -------
    Formula
        ``.text`` is all of it for a terminal, ``.markup`` for an HTML page (with MathML); single parts are
        ``expression_markup``, ``local_markup["a"]`` and ``gradient_markup["a"]``, the same with ``_text`` (the keys are
        names of inputs, with an index where elements meet: "x[i]"). If ``expression`` is empty, there is no row for
        it, and ``said`` is what its docstring says.

    Raises
    ------
    ValueError
        If a name is given that has no row.
    TypeError
        If something else is given.
    """
    if isinstance(operation, str):
        if operation not in TABLE:
            raise ValueError(f"formula_of: expected one of the operations in the table, got {operation!r}")
        return TABLE[operation]
    kind = class_of(operation)
    name = kind.__name__
    if kind.__module__.startswith("tinygrad_edu.") and name in TABLE:
        return TABLE[name]
    return Formula(name, said=spoken_formula(kind))


def class_of(operation: Any) -> type:
    """Return the class in which the forward and backward of an operation are written."""
    if isinstance(operation, FunctionContext):
        return operation.function  # the user's own
    if isinstance(operation, Node):
        return type(operation)
    step = operation.step if isinstance(operation, BackwardStep) else operation
    kind = step.op_class if isinstance(step, ForwardStep) else step
    if not isinstance(kind, type):
        raise TypeError(
            "formula_of: expected a node of a graph, the class or the name of an operation, or a step of a "
            f"tape that ran one, got {type_name(operation)}"
        )
    return kind


def spoken_formula(kind: type) -> str:
    """Return what the docstring of an operation's class says about its formula, up to the sections of the docstring."""
    said, _, _ = inspect.cleandoc(kind.__doc__ or "").partition("\n\nReferences\n---")
    return said.strip() or f"{kind.__name__}: no formula is written down"
