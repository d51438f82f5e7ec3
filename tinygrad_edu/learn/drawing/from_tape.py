"""A chart of what ``learn.record`` has written down: with all modules, names, and the values of single numbers."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.learn.drawing.chart import Box, Chart, FrameName, Group, Link, kind_of, shape_text
from tinygrad_edu.learn.tape import ForwardStep, Leaf, Tape, Value


def chart_of_tape(tape: Tape) -> Chart:
    """Return the chart of a forward: a box for each step, inputs above and results below."""
    charting = _Charting(tape)
    for step in tape.forward:
        charting.add_inputs(step)
    for step in tape.forward:
        charting.add_step(step)
    charting.add_results()
    return charting.chart


class _Charting:
    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.chart = Chart([], [])
        self.place: dict[int, int] = {}
        self.used: set[tuple[int, int]] = set()

    def _add(self, key: Any, box: Box) -> None:
        self.place[id(key)] = len(self.chart.boxes)
        self.chart.boxes.append(box)

    def _add_leaf(self, leaf: Leaf, group: Group) -> None:
        name = leaf.name.rpartition(".")[2] or leaf.kind
        kind = "parameter" if leaf.requires_grad else "input"
        tip = f"{leaf.name or leaf.kind}: {shape_text(leaf.value.shape)}, {leaf.value.dtype}"
        self._add(leaf, Box(name, kind, (number_or_shape(leaf.value),), group, tip))

    def add_inputs(self, step: ForwardStep) -> None:
        """Add the leaves that a step uses and that are of no module: they come first."""
        for operand in step.inputs:
            leaf = operand.source
            if isinstance(leaf, Leaf) and leaf.kind in ("variable", "data") and id(leaf) not in self.place:
                self._add_leaf(leaf, ())

    def _group(self, step: ForwardStep) -> Group:
        group = []
        for call in step.modules:
            key = f"call {call.number}"
            self.chart.frames[key] = FrameName(call.name, call.kind)
            group.append(key)
        return tuple(group)

    def add_step(self, step: ForwardStep) -> None:
        """Add a step, and before it the parameters that it is the first to use."""
        group = self._group(step)
        for operand in step.inputs:
            if isinstance(operand.source, Leaf) and id(operand.source) not in self.place:
                self._add_leaf(operand.source, group)
        line = f"{step.line}: {step.line.source}" if step.line else ""
        value = step.outputs[0] if step.outputs else None
        lines = (number_or_shape(value),) if value is not None and value.shape == () else ()
        kept = sum([saved.nbytes for saved in step.saved])
        kind = "other" if step.op_class is None else kind_of(step.op_class)
        self._add(step, Box(step.op, kind, lines, group, f"{step.op}  {line}".strip(), (step.op,), kept))
        for operand in step.inputs:
            if operand.source is None or id(operand.source) not in self.place:
                continue
            label = ""
            if isinstance(operand.source, ForwardStep) and operand.value is not None:
                label = shape_text(operand.value.shape)
                self.used.add((id(operand.source), operand.output_nr))
            source, target = self.place[id(operand.source)], self.place[id(step)]
            self.chart.links.append(Link(source, target, operand.output_nr, label))

    def add_results(self) -> None:
        """Add a box for every output that has a name and that no step uses."""
        for step in self.tape.forward:
            for number, value in enumerate(step.outputs):
                is_last = step is self.tape.forward[-1] and number == 0
                if (id(step), number) not in self.used and (is_last or number in step.output_names):
                    box = Box(step.output_names.get(number, "result"), "output", (number_or_shape(value),))
                    self.chart.links.append(
                        Link(self.place[id(step)], len(self.chart.boxes), number, shape_text(value.shape))
                    )
                    self.chart.boxes.append(box)


def number_or_shape(value: Value) -> str:
    """Write a single number without dimensions, or a shape."""
    return f"{value.item():.4g}" if value.shape == () else shape_text(value.shape)
