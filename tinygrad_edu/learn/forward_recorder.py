"""The part of ``learn.record`` that sees the forward: what every operation was given, and what it returned."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_edu.autograd.errors.nonfinite import ELEMENTWISE
from tinygrad_edu.autograd.function import FunctionContext
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node
from tinygrad_edu.learn.copies import Copies
from tinygrad_edu.learn.frames import (
    Lines,
    Names,
    NamesOfArrays,
    name_of_object,
    name_of_output,
    user_frames,
)
from tinygrad_edu.learn.identity import ByIdentity
from tinygrad_edu.learn.tape import ForwardStep, Leaf, Line, ModuleCall, Operand, Saved, Tape

MANY_STEPS = 4096
"""After so many steps, those are dropped whose results nobody holds any longer."""


class ForwardRecorder:
    """Writes the steps of a forward.

    Parameters
    ----------
    max_bytes : int
        How many bytes of numbers are copied at most.
    outermost : frame, optional
        The user's frame beyond which nobody looks.
    """

    def __init__(self, max_bytes: int, outermost: FrameType | None) -> None:
        self.outermost = outermost
        self.copies = Copies(max_bytes)
        self.names = Names()
        self._lines = Lines()
        self.steps: list[ForwardStep] = []
        self.step_of: weakref.WeakKeyDictionary[Node, ForwardStep] = weakref.WeakKeyDictionary()
        self._made: ByIdentity[tuple[ForwardStep, int]] = ByIdentity()  # by the array of an output
        self._leaves: ByIdentity[Leaf] = (
            ByIdentity()
        )  # by the Tensor, or by the array if it needs no gradient
        self._modules: list[tuple[Any, ModuleCall]] = []
        self._calls = 0
        self._prune_at = MANY_STEPS

    def lines(self) -> tuple[Line, ...]:
        """Return where the user's program is."""
        return self._lines.of(user_frames(self.outermost))

    # ---- modules -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def module(self, module: Any) -> Iterator[None]:
        """Note that the forward of a module runs."""
        self._calls += 1
        call = ModuleCall(self._name_of_module(module), type(module).__name__, self._calls)
        if not self._modules:
            self.names.learn_from(module, call.name)
        self._modules.append((module, call))
        try:
            yield
        finally:
            self._modules.pop()

    def _name_of_module(self, module: Any) -> str:
        for outer, _ in reversed(self._modules):
            inside = (name for name, child in outer.named_modules() if name and child is module)
            name = next(inside, None)
            if name is not None:
                return name
        return "" if self._modules else name_of_object(module, user_frames(self.outermost))

    # ---- forward -------------------------------------------------------------------------------------

    def see(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Run a node, and note a step."""
        frames = user_frames(self.outermost)
        edges = list(node.next_edges) or [None] * len(arrays)
        names = NamesOfArrays(frames)
        inputs = [self._operand(x, edge, names) for x, edge in zip(arrays, edges, strict=False)]
        output = run()
        op_class = node.function if isinstance(node, FunctionContext) else type(node)
        step = ForwardStep(
            op=op_class.__name__,
            op_class=op_class,
            name=node.name(),
            options=dict(options),
            lines=self._lines.of(frames),
            modules=tuple([call for _, call in self._modules]),
            inputs=inputs,
            recorded=any(node.next_edges),
            is_view=bool(getattr(node, "is_view", False)),
            is_elementwise=op_class.__module__.startswith(ELEMENTWISE),
            sequence_nr=node.sequence_nr,
        )
        self._note_outputs(step, output)
        step.saved = self._saved_of(node, arrays, output)
        self.step_of[node] = step
        self.steps.append(step)
        if len(self.steps) >= self._prune_at:
            self.prune()
        return output

    def _operand(self, x: Any, edge: Edge | None, names: NamesOfArrays) -> Operand:
        if not hasattr(x, "shape") or isinstance(x, np.generic):
            return Operand(None, number=x.item() if isinstance(x, np.generic) else x)
        value = self.copies.value_of(x)
        if edge is not None and isinstance(edge[0], AccumulateGrad):
            leaf = self._leaf_of_tensor(edge[0].variable, value, names)
            return Operand(value, None, leaf, 0, True, leaf.name)
        name = names.of(x)
        if edge is not None:
            step = self.step_for(edge[0])
            if name:
                step.output_names.setdefault(edge[1], name)
            return Operand(value, None, step, edge[1], True, name)
        made = self._made.get(x)
        if made is not None:
            if name:
                made[0].output_names.setdefault(made[1], name)
            return Operand(value, None, made[0], made[1], False, name)
        leaf = self._leaf_of_array(x, value, name)
        return Operand(value, None, leaf, 0, False, leaf.name)

    def _leaf_of_tensor(self, tensor: Any, value: Any, names: NamesOfArrays) -> Leaf:
        leaf = self._leaves.get(tensor)
        if leaf is None:
            name, kind = self.names.of_module_tensor(tensor)
            if kind is None:
                name, kind = names.of(tensor.array), "variable"
            leaf = Leaf(kind, name, value, True)
            self._leaves.remember(tensor, leaf)
        leaf.value = value
        return leaf

    def _leaf_of_array(self, array: Any, value: Any, name: str) -> Leaf:
        leaf = self._leaves.get(array)
        if leaf is None:
            of_module, kind = self.names.buffer_of(array)
            leaf = Leaf(kind or "data", of_module or name, value, False)
            self._leaves.remember(array, leaf)
        leaf.name = leaf.name or name
        leaf.value = value
        return leaf

    def _note_outputs(self, step: ForwardStep, output: Any) -> None:
        for output_nr, x in enumerate(output if isinstance(output, tuple) else (output,)):
            array = getattr(x, "array", x)
            if hasattr(array, "shape"):
                step.outputs.append(self.copies.value_of(array))
                self._made.remember(array, (step, output_nr))

    def _saved_of(self, node: Node, arrays: tuple[Any, ...], output: Any) -> list[Saved]:
        saved = getattr(node, "to_save", ()) if isinstance(node, FunctionContext) else node.saved
        outputs = output if isinstance(output, tuple) else (output,)
        found = []
        for x in saved or ():
            array = getattr(x, "array", x)
            if not hasattr(array, "shape") or isinstance(array, np.generic):
                continue
            role = role_of(array, arrays, outputs)
            found.append(Saved(role, self.copies.value_of(array), int(array.nbytes)))
        return found

    def step_for(self, node: Node) -> ForwardStep:
        """Return the step of a node; of one that ran before anything was recorded, what its edges tell."""
        step = self.step_of.get(node)
        if step is None:
            step = self._step_not_seen(node)
            waiting = [(node, step)]
            while waiting:  # no recursion: a graph may be deep
                node, follower = waiting.pop()
                for edge in node.next_edges:
                    follower.inputs.append(self._operand_of_edge(edge, waiting))
        return step

    def _step_not_seen(self, node: Node) -> ForwardStep:
        step = ForwardStep(node.operation_name(), None, node.name(), seen=False)
        step.sequence_nr = node.sequence_nr
        self.step_of[node] = step
        return step

    def _operand_of_edge(self, edge: Edge | None, waiting: list[tuple[Node, ForwardStep]]) -> Operand:
        if edge is None:
            return Operand(None)
        node, output_nr = edge
        if isinstance(node, AccumulateGrad):
            leaf = self.leaf_of(node.variable)
            return Operand(leaf.value, None, leaf, 0, True, leaf.name)
        step = self.step_of.get(node)
        if step is None:
            step = self._step_not_seen(node)
            waiting.append((node, step))
        return Operand(None, None, step, output_nr, True)

    def leaf_of(self, tensor: Any) -> Leaf:
        """Return the leaf that a tensor with a gradient is."""
        leaf = self._leaves.get(tensor)
        if leaf is not None:
            return leaf
        names = NamesOfArrays(user_frames(self.outermost))
        return self._leaf_of_tensor(tensor, self.copies.value_of(tensor), names)

    def prune(self) -> None:
        """Drop the steps whose node and whose results are gone."""
        alive = {id(step) for step in self.step_of.values()}
        alive |= {id(step) for step, _ in self._made.living()}
        self.steps = [step for step in self.steps if id(step) in alive]
        self.copies.forget_all_but(Tape(forward=self.steps).values())
        self._prune_at = max(MANY_STEPS, 2 * len(self.steps))

    def name_root(self, node: Node) -> None:
        """Note what the user calls the output of a node from which a backward begins."""
        name = name_of_output(node, 0, user_frames(self.outermost))
        if name:
            self.step_for(node).output_names[0] = name


def role_of(array: Any, arrays: tuple[Any, ...], outputs: tuple[Any, ...]) -> str:
    """Say what a saved array is to its node."""
    for i, x in enumerate(arrays):
        if x is array:
            return f"input {i}"
    for i, x in enumerate(outputs):
        if getattr(x, "array", x) is array:
            return f"output {i}"
    return "made here"
