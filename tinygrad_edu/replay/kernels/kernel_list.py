"""A list of operations as a list of kernels: what is left of a step when nobody decides or makes anything any more.

A line such as ``t1 = relu.forward(t0)`` still makes memory for its result, looks which kernel suits, and cuts the
work into parts. All of this comes out the same in each call. So the list of operations is run once, line by line,
while the kernels that it calls are noted (``threads.noted``), and then these calls are written down:

    relu(t0_flat, t1_flat, 0, 8192)

``t0`` and ``t1`` are memory that stays from call to call. A line is written so if its operation is in
``known.WITH_KERNELS`` and each array that its kernels are given is one of these:

- memory of a line before, or of a parameter: it stays where it is, so it has a name for good;
- an argument of the call, or what a line makes anew: seen as the kernel wants it by ``x0.reshape(-1)`` or ``x0.T``;
- memory for a result, or a table: it stays, too.

A copy of any of these would have the numbers of this one call for ever: then the operation keeps its lines, forward
and backward together, as the one has what the other has kept.
"""

from __future__ import annotations

import ast
from types import FunctionType
from typing import Any

from tinygrad_edu.autograd.node import Node
from tinygrad_edu.replay.kernels.known import has_kernels
from tinygrad_edu.replay.kernels.live import StateGuard
from tinygrad_edu.replay.kernels.writer import NoKernels, Writer
from tinygrad_edu.replay.lines.functions import compiled_text
from tinygrad_edu_kernels import threads


class Line:
    """A line of the list of operations, and what happened when it ran.

    Attributes
    ----------
    targets : list of str
        Names of its results.
    node, kind : Node and str
        Whose "forward" or "backward" it calls; None and the text of the function, if it calls something else.
    arguments : list of str
        What it calls it with.
    """

    def __init__(self, text: str, scope: dict[str, Any]) -> None:
        self.text = text
        self.launches: list[threads.Launch] = []
        self.targets: list[str] = []
        self.node: Any = None
        self.kind, self.arguments, self.options = "", [], {}
        statement = ast.parse(text).body[0]
        if isinstance(statement, ast.Assign):
            target = statement.targets[0]
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            self.targets = [name.id for name in names if isinstance(name, ast.Name)]
        call: Any = getattr(statement, "value", None)
        while isinstance(call, ast.Call) and ast.unparse(call.func) in ("as_tuple", "asarray"):
            call = call.args[0]
        if isinstance(call, ast.Call):
            self.kind = ast.unparse(call.func)
            self.arguments = [ast.unparse(argument) for argument in call.args]
            self.options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
            owner, _, method = self.kind.rpartition(".")
            if method in ("forward", "backward") and isinstance(scope.get(owner), Node):
                self.node, self.kind = scope[owner], method


class KernelList:
    """Runs a list of operations, and writes it as a list of kernels.

    Parameters
    ----------
    lines : list of str
        The list of operations; the last line returns.
    scope : dict
        What its names mean.
    """

    def __init__(self, lines: list[str], scope: dict[str, Any]) -> None:
        self.scope = dict(scope)
        self.lines = [Line(line, scope) for line in lines[:-1]]
        self.returned = lines[-1]
        self.optimizers: list[Any] = []  # whose state the lines name
        self.states: list[StateGuard] = []
        self.source = ""
        self.values: dict[str, Any] = {}

    def run(self, names: list[str], arrays: list[Any]) -> Any:
        """Run the list of operations, note which kernels are called, and return what it returns."""
        self.values = dict(zip(names, arrays, strict=True))
        for line in self.lines:
            with threads.noted() as line.launches:
                exec(line.text, self.scope, self.values)
        return eval(self.returned.removeprefix("return "), self.scope, self.values)

    def function(self, names: list[str], lines: list[str]) -> Any:
        """Return the lines as a function, and keep its text as ``source``."""
        self.source, code = compiled_text("replay", ", ".join(names), lines)
        self.states = [StateGuard(optimizer) for optimizer in self.optimizers]
        self.values = {}
        self.lines = []
        return FunctionType(code, self.scope)

    def holds(self) -> bool:
        """Tell whether the optimizers remember what they know in the same places."""
        return all(state.holds() for state in self.states)

    def write(self) -> list[str]:
        """Return the lines of the list of kernels; ``scope`` then has what they name."""
        nodes = {
            id(line.node) for line in self.lines if line.node is not None and has_kernels(type(line.node))
        }
        others = {line.kind.rpartition(".")[0] for line in self.lines if line.node is None}
        nodes -= {id(self.scope[name]) for name in others & self.scope.keys()}  # they do something else, too
        while True:
            writer = Writer(self, nodes)
            try:
                return writer.write()
            except NoKernels as error:
                nodes.remove(id(error.args[0]))
