"""What the page is given: a tape as lists of plain numbers and texts that JSON can hold."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.learn.sentences import sentence
from tinygrad_edu.learn.stepper import notes, numbers, sources
from tinygrad_edu.learn.tape import (
    BackwardStep,
    ForwardStep,
    Leaf,
    Line,
    ModuleCall,
    Operand,
    Sent,
    Tape,
    Value,
)


def page_data(tape: Tape, title: str) -> dict[str, Any]:
    """Return what the stepper shows of a tape."""
    return Exporter(tape).data(title)


class Exporter:
    """Numbers what several steps share, values, lines, modules, operations, and lists each once.

    Parameters
    ----------
    tape : Tape
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.most = numbers.elements_per_value(sum(1 for value in tape.values()))
        self.values: list[dict[str, Any]] = []
        self.lines: list[list[Any]] = []
        self.files: list[dict[str, Any]] = []
        self.modules: list[dict[str, Any]] = []
        self.ops: dict[str, dict[str, Any]] = {}
        self._value_at: dict[int, int] = {}
        self._line_at: dict[Line, int] = {}
        self._file_at: dict[str, int] = {}
        self._module_at: dict[int, int] = {}

    def data(self, title: str) -> dict[str, Any]:
        """Return all of it."""
        tape = self.tape
        return {
            "title": title,
            "calledAt": [self.line(line) for line in tape.called_at],
            "finished": tape.finished,
            "retained": tape.retain_graph,
            "keptBytes": notes.kept_bytes(tape),
            "leaves": [self.leaf(leaf) for leaf in tape.leaves],
            "forward": [self.forward(step) for step in tape.forward],
            "backward": [self.backward(step) for step in tape.backward],
            "values": self.values,
            "lines": self.lines,
            "files": self.files,
            "modules": self.modules,
            "ops": self.ops,
        }

    # ---- what steps share ----------------------------------------------------------------------------

    def value(self, value: Value | None) -> int | None:
        """Return the number of a value."""
        if value is None:
            return None
        if id(value) not in self._value_at:
            self._value_at[id(value)] = len(self.values)
            self.values.append(numbers.as_json(value, self.most))
        return self._value_at[id(value)]

    def line(self, line: Line) -> int:
        """Return the number of a line: [file, number, last number, first and last column, function]."""
        if line not in self._line_at:
            self._line_at[line] = len(self.lines)
            place = [line.number, line.end_number or line.number, line.start, line.end, line.function]
            self.lines.append([self.file(line.file), *place])
        return self._line_at[line]

    def file(self, name: str) -> int:
        """Return the number of a file of the user."""
        if name not in self._file_at:
            self._file_at[name] = len(self.files)
            self.files.append({"name": sources.name_of(name), "text": sources.text_of(name)})
        return self._file_at[name]

    def module(self, calls: tuple[ModuleCall, ...]) -> int | None:
        """Return the number of the innermost of some calls of modules."""
        parent = None
        for call in calls:
            if call.number not in self._module_at:
                self._module_at[call.number] = len(self.modules)
                self.modules.append({"name": call.name, "kind": call.kind, "parent": parent})
            parent = self._module_at[call.number]
        return parent

    def op(self, step: ForwardStep) -> str:
        """Return the key of an operation."""
        key = step.op if step.op_class is None else f"{step.op_class.__module__}.{step.op_class.__qualname__}"
        if key not in self.ops:
            self.ops[key] = sources.describe(step)
        return key

    # ---- steps ---------------------------------------------------------------------------------------

    def leaf(self, leaf: Leaf) -> dict[str, Any]:
        """Return a leaf."""
        entry = {"kind": leaf.kind, "name": leaf.name, "value": self.value(leaf.value)}
        return entry | {"wantsGrad": leaf.requires_grad}

    def forward(self, step: ForwardStep) -> dict[str, Any]:
        """Return a step of the forward."""
        return {
            "op": step.op,
            "about": self.op(step),
            "lines": [self.line(line) for line in step.lines],
            "module": self.module(step.modules),
            "inputs": [self.operand(operand) for operand in step.inputs],
            "outputs": [self.value(value) for value in step.outputs],
            "names": {str(nr): name for nr, name in step.output_names.items()},
            "options": notes.options_of(step),
            "saved": [self.saved(saved) for saved in step.saved],
            "inGraph": step.recorded,
            "isView": step.is_view,
            "seen": step.seen,
            "stretched": notes.stretched(step),
            "says": sentence(step),
        }

    def saved(self, saved: Any) -> dict[str, Any]:
        """Return what a step keeps."""
        freed_by = None if saved.freed_by is None else saved.freed_by.index
        return {
            "role": saved.role,
            "value": self.value(saved.value),
            "bytes": saved.nbytes,
            "freedBy": freed_by,
        }

    def operand(self, operand: Operand) -> dict[str, Any]:
        """Return an input of a step."""
        entry: dict[str, Any] = {"value": self.value(operand.value), "wantsGrad": operand.needs_grad}
        if operand.value is None:
            entry["number"] = notes.number_of(operand.number)
        if operand.name:
            entry["name"] = operand.name
        return entry | self.place(operand.source, operand.output_nr)

    def place(self, source: ForwardStep | Leaf | None, output_nr: int) -> dict[str, Any]:
        """Return which tensor is meant: {"leaf": 3}, or {"step": 5, "output": 0}."""
        if isinstance(source, Leaf):
            return {"leaf": source.index}
        return {} if source is None or source.index < 0 else {"step": source.index, "output": output_nr}

    def backward(self, back: BackwardStep) -> dict[str, Any]:
        """Return a step of the backward."""
        entry: dict[str, Any] = {
            "kind": back.kind,
            "name": back.name,
            "grads": [self.value(grad) for grad in back.grads],
            "cameFrom": [[sender.index, sent.input] for sender, sent in back.came_from],
            "sent": [self.sent(sent, back.step) for sent in back.sent],
            "freed": [[saved.role, saved.nbytes] for saved in back.freed],
            "says": sentence(back),
        }
        if back.step is not None:
            entry["step"] = back.step.index
        if back.leaf is not None:
            entry["leaf"] = back.leaf.index
        if back.hooked:
            entry["hooked"] = True
        if back.accumulation is not None:
            sum_ = back.accumulation
            entry["sum"] = [self.value(x) for x in (sum_.before, sum_.added, sum_.after)]
        return entry

    def sent(self, sent: Sent, step: ForwardStep | None) -> dict[str, Any]:
        """Return a gradient that goes to an input."""
        entry: dict[str, Any] = {"input": sent.input, "value": self.value(sent.value)}
        entry |= self.place(sent.target, sent.output_nr)
        for name, value in (("before", sent.before), ("total", sent.total), ("local", sent.local)):
            if value is not None:
                entry[name] = self.value(value)
        why = notes.why_summed(step, sent)
        return entry | {"summed": why} if why else entry
