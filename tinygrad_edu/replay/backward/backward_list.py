"""The backward of a compiled function, when it is called from outside: written down, compared, and run as a list."""

from __future__ import annotations

import sys
from typing import Any

from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.observer import observed_by
from tinygrad_edu.replay.guarding.watching import PythonWatch
from tinygrad_edu.replay.lines.functions import compiled_text
from tinygrad_edu.replay.lines.recorder import Recorder


class BackwardList:
    """The backward for one choice of results that a gradient arrives at.

    The first backward walks the graph and is written down, the second one does both and compares.

    Attributes
    ----------
    source : str
        The text of the function.
    scope : dict
        What its lines name, beside the nodes.
    """

    def __init__(self, recording: Any) -> None:
        self.recording = recording
        self.source, self.code, self.scope = "", None, {}  # type: str, Any, dict[str, Any]
        self.checked = False

    def run(self, inside: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the gradients at the exits of a graph."""
        ran: tuple[Any, ...]
        given = [grad for grad in grads if grad is not None]
        if self.checked:
            ran = inside.function_of(self)(*given)
            return ran
        if self.code is None:
            return self.write(inside, grads, given)
        walked: tuple[Any, ...] = inside.graph.walk(grads)
        self.checked = True
        try:
            ran = inside.function_of(self)(*given)
        except Exception:
            ran = ()
        self.recording.compare(walked, ran)
        return walked

    def write(self, inside: Any, grads: tuple[Any, ...], given: list[Any]) -> tuple[Any, ...]:
        """Walk the graph, and write down what is called."""
        walked: tuple[Any, ...]
        if sys.getprofile() is not None:
            walked = inside.graph.walk(grads)
            return walked
        recorder = Recorder(given, letter="g")
        recorder.know({name: value for name, value in inside.scope.items() if isinstance(value, Node)})
        with observed_by(recorder), PythonWatch(recorder):
            walked = inside.graph.walk(grads)
        returned = "".join([f"{'None' if grad is None else recorder.text(grad)}, " for grad in walked])
        names = ", ".join([f"g{i}" for i in range(len(given))])
        lines = [*recorder.lines, f"return ({returned.strip()})"]
        if recorder.outside:
            recorder.refuse("its backward uses an array that no operation made")
        if recorder.refused:
            self.recording.refuse(recorder.refused)
            return walked
        self.source, self.code = compiled_text("replay_backward", names, lines)
        self.scope = recorder.scope
        recorder.let_go()
        return walked
