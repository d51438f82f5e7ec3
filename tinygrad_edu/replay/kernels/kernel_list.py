"""A list of operations as a list of kernels: what is left of a step when nobody decides or makes anything any more.

A line such as ``t1 = relu.forward(t0)`` still makes memory for its result, looks which kernel suits, and cuts the
work into parts. All of this comes out the same in each call. So the list of operations is run once, line by line,
while the kernels that it calls are noted (``threads.noted``), and then these calls are written down:

    relu(t0_flat, t1_flat, 0, 8192)

``t0`` and ``t1`` are memory that stays from call to call. A line is written so if its operation is in
``lines.known.WITH_KERNELS`` and each array that its kernels are given is one of these:

- memory of a line before, or of a parameter: it stays where it is, so it has a name for good;
- an argument of the call, or what a line makes anew: seen as the kernel wants it by ``x0.reshape(-1)`` or ``x0.T``;
- memory for a result, or a table: it stays, too.

A copy of any of these would have the numbers of this one call for ever: then the operation keeps its lines, forward
and backward together, as the one has what the other has kept.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from tinygrad_edu.replay.kernels.live import StateGuard
from tinygrad_edu.replay.kernels.writer import NoKernels, Writer
from tinygrad_edu.replay.lines.functions import compiled_text
from tinygrad_edu.replay.lines.known import has_kernels
from tinygrad_edu.replay.lines.line import Line
from tinygrad_edu_kernels import threads


class KernelList:
    """Runs a list of operations, and writes it as a list of kernels.

    Parameters
    ----------
    lines : list of Line
        The list of operations.
    returned : str
        The line that returns.
    scope : dict
        What its names mean.

    Attributes
    ----------
    launches : list of list of Launch
        The calls of kernels of each line.
    """

    def __init__(self, lines: list[Line], returned: str, scope: dict[str, Any]) -> None:
        self.lines, self.returned, self.scope = lines, returned, dict(scope)
        self.launches: list[list[threads.Launch]] = []
        self.optimizers: list[Any] = []  # whose state the lines name
        self.states: list[StateGuard] = []
        self.source = ""
        self.values: dict[str, Any] = {}

    def run(self, names: list[str], arrays: list[Any]) -> Any:
        """Run the list of operations, note which kernels are called, and return what it returns."""
        self.values = dict(zip(names, arrays, strict=True))
        for line in self.lines:
            with threads.noted() as launches:
                exec(str(line), self.scope, self.values)
            self.launches.append(launches)
        return eval(self.returned.removeprefix("return "), self.scope, self.values)

    def function(self, names: list[str], lines: list[str]) -> Any:
        """Return the lines as a function, and keep its text as ``source``."""
        self.source, code = compiled_text("replay", ", ".join(names), lines)
        self.states = [StateGuard(optimizer) for optimizer in self.optimizers]
        self.values, self.lines, self.launches = {}, [], []
        return FunctionType(code, self.scope)

    def holds(self) -> bool:
        """Tell whether the optimizers remember what they know in the same places."""
        return all(state.holds() for state in self.states)

    def write(self) -> list[str]:
        """Return the lines of the list of kernels; ``scope`` then has what they name."""
        computing = ("forward", "backward", "step")
        owners = {id(line.owner) for line in self.lines if has_kernels(type(line.owner))}
        owners -= {id(line.owner) for line in self.lines if line.method not in computing}
        while True:
            writer = Writer(self, owners)
            try:
                return writer.write()
            except NoKernels as error:
                owners.remove(id(error.args[0]))
