"""A finished recording: straight-line Python, compiled, with its guards."""

from __future__ import annotations

import itertools
import linecache
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor, tensor_from_array
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.float_errors import ignored_float_errors
from tinygrad_edu.replay.functions import keep
from tinygrad_edu.replay.guards import Guards, same
from tinygrad_edu.replay.recorder import Recorder
from tinygrad_edu.replay.watching import PythonWatch, ValueFinder

count = itertools.count(1)


class Spent(Node):
    """The history of a result whose graph has been walked: a second backward is an error, as it is without replay."""

    saved = None

    def __init__(self, name: str) -> None:
        self._name = name

    def name(self) -> str:
        """Return the name of the node that would be here."""
        return self._name


def result(array: Any) -> Any:
    """Return an array as a Tensor."""
    return tensor_from_array(array)


def spent(array: Any, name: str) -> Any:
    """Return an array as a Tensor whose graph has been walked."""
    tensor = tensor_from_array(array)
    tensor.set_history((Spent(name), 0))
    return tensor


def is_spent(tensor: Any) -> bool:
    """Tell whether a backward has been through the graph of a tensor, so that none can go through it any more."""
    nodes, seen = [tensor._edge[0]], set()
    while nodes:
        node = nodes.pop()
        if node.saved is None:
            return True
        if node not in seen:
            seen.add(node)
            nodes += [edge[0] for edge in node.next_edges if edge is not None]
    return False


class Recording:
    """The lines of one call, as a function.

    Attributes
    ----------
    source : str
        The function's text.
    checked : bool
        Whether it has been compared with the program itself.
    """

    def __init__(self, recorder: Recorder, watch: PythonWatch, key: Any) -> None:
        self.recorder, self.watch, self.key = recorder, watch, key
        self.kept: list[Any] = []  # those arguments that the key knows by identity
        self.guards = Guards()
        self.checked = False
        self.failures = 0
        self.source = ""
        self._memo: dict[int, str] = {}
        self._returned: list[str] = []

    def finish(self, function: Callable[..., Any], arguments: list[Any], arrays: int, output: Any) -> None:
        """Put the function together."""
        recorder = self.recorder
        recorder.finish()
        returned = self._text_of_output(output)
        finder = ValueFinder(self.guards, self.watch.codes, recorder)
        finder.find(function, arguments)
        for module in recorder.modules.values():
            self.guards.add_module(module)
        for optimizer in recorder.optimizers.values():
            self.guards.add_optimizer(optimizer)
        recorder.name_parameters()
        lines = self._without_copies([*recorder.lines, *self._returned, f"return {returned}"])
        names = ", ".join([f"x{i}" for i in range(arrays)])
        self.source = f"def replay({names}):\n" + "".join([f"    {line}\n" for line in lines])
        file = f"<replay {next(count)}>"
        linecache.cache[file] = (len(self.source), None, self.source.splitlines(True), file)
        exec(compile(self.source, file, "exec"), recorder.scope)
        self.function = recorder.scope["replay"]
        recorder.let_go()

    def _text_of_output(self, output: Any) -> str:
        """Return the expression for what the program returned."""
        recorder = self.recorder
        if output is recorder.number and output is not None:
            return "number"
        if isinstance(output, Tensor):
            if id(output) not in self._memo:
                self._memo[id(output)] = f"r{len(self._memo)}"
                self._returned.append(f"{self._memo[id(output)]} = {self._text_of_tensor(output)}")
            return self._memo[id(output)]
        if type(output) in (list, tuple, dict):
            if type(output) is dict:
                return "{" + ", ".join([f"{k!r}: {self._text_of_output(v)}" for k, v in output.items()]) + "}"
            inner = ", ".join(map(self._text_of_output, output))
            return f"[{inner}]" if type(output) is list else f"({inner}{',' if len(output) == 1 else ''})"
        if output is None or isinstance(output, bool | int | float | str):
            return repr(output)
        recorder.refuse(f"a result is of type {type(output).__name__}")
        return "None"

    def _text_of_tensor(self, tensor: Any) -> str:
        recorder = self.recorder
        array = recorder._names.get(id(tensor.array), "")
        if not array.startswith("t"):
            recorder.refuse("what is returned is no result of an operation")
        wrap = recorder.named(result, "result")
        if tensor._edge is None:
            return f"{wrap}({array})"
        if not is_spent(tensor):
            recorder.refuse(
                "it returns a tensor through which a backward may yet go; compile the whole training step, "
                "or call it under torch.no_grad()",
                for_good=False,
            )
        return f"{recorder.named(spent, 'spent')}({array}, {tensor._edge[0].name()!r})"

    def _without_copies(self, lines: list[str]) -> list[str]:
        """Have a gradient kept instead of copied where no other line names it."""
        names = Counter(re.findall(r"\bt\d+\b", "\n".join(lines)))
        self.recorder.scope["keep"] = keep
        kept = []
        for line in lines:
            match = re.fullmatch(r"(t\d+) = accumulate\((\w+), (t\d+)\)", line)
            # Two lines name it: the one that makes it, and this one.
            if match and names[match[3]] == 2 and match[3] not in self.recorder.shared:
                line = f"{match[1]} = keep({match[2]}, {match[3]})"
            kept.append(line)
        return kept

    def run(self, arrays: list[Any]) -> Any:
        """Do again what was recorded."""
        with ignored_float_errors():
            return self.function(*arrays)

    def agrees_with(self, other: Recording) -> str:
        """Return in what a second recording of the same step differs; nothing, if in nothing."""
        if self.source != other.source:
            mine, theirs = self.source.splitlines(), other.source.splitlines()
            pairs = [(a, b) for a, b in zip(mine, theirs, strict=False) if a != b]
            a, b = pairs[0] if pairs else ("", "")
            return f"one call does not do what another does: {a.strip()!r}, then {b.strip()!r}"
        for name, value in self.recorder.scope.items():
            its = other.recorder.scope.get(name)
            if not (same(value, its) or isinstance(value, Node) or name in ("replay", "__builtins__")):
                what = "an array" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
                return f"it uses {what} that is made anew in each call, by no operation that replay knows"
        mine, theirs = self.recorder.outside, other.recorder.outside
        if len(mine) != len(theirs) or any(a is not b for a, b in zip(mine, theirs, strict=True)):
            return "it uses an array that is made anew in each call, by no operation that replay knows"
        return ""
