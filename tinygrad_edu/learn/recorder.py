"""``learn.record``: an observer that writes a ``Tape`` while the user's program runs."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_edu.autograd.function import FunctionContext
from tinygrad_edu.autograd.node import AccumulateGrad, Edge, Node
from tinygrad_edu.autograd.observer import Observer, attach, detach
from tinygrad_edu.learn.backward_recorder import BackwardRecorder
from tinygrad_edu.learn.copies import Copies
from tinygrad_edu.learn.finishing import finish
from tinygrad_edu.learn.frames import (
    Names,
    line_of,
    name_of_array,
    name_of_object,
    name_of_output,
    user_frames,
)
from tinygrad_edu.learn.identity import ByIdentity
from tinygrad_edu.learn.tape import ForwardStep, Leaf, ModuleCall, Operand, Saved, Tape

ELEMENTWISE_ROOMS = (
    "tinygrad_edu.ops.elementwise.",
    "tinygrad_edu.ops.nn.activation",
    "tinygrad_edu.ops.nn.dropout",
)
MANY_STEPS = 4096
"""After so many steps, those are dropped whose results nobody holds any longer."""


@contextlib.contextmanager
def record(backward: int = 1, max_bytes: int = 256 * 2**20) -> Iterator[Tape]:
    """Record what runs in a ``with`` block: a backward, and the forward that led to it.

    Parameters
    ----------
    backward : int
        Which backward of those that run in the block, counted from 1. What runs after it is not recorded.
    max_bytes : int
        How many bytes of numbers are copied at most; of larger arrays, a corner and the extent are kept.

    Returns
    -------
    Tape
        It is filled when the backward has run, or else at the end of the block, with the forward alone.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> with learn.record() as tape:
    ...     loss = (w * 3.0 - 5.0) ** 2
    ...     loss.backward()
    >>> [step.op for step in tape.forward], [step.name for step in tape.backward]
    (['Mul', 'Sub', 'Pow'], ['PowBackward0', 'SubBackward0', 'MulBackward0', 'AccumulateGrad'])
    >>> tape.backward[-1].accumulation.after.item()
    6.0
    """
    tape = Tape(backward_number=backward, max_bytes=max_bytes)
    frames = user_frames()
    recorder = Recorder(tape, frames[0] if frames else None)
    attach(recorder)
    try:
        yield tape
    finally:
        detach(recorder)
        recorder.close()


class Recorder(Observer):
    """Writes a tape.

    Parameters
    ----------
    tape : Tape
    outermost : frame, optional
        The user's frame beyond which nobody looks.
    when_finished : callable, optional
        Called when the wanted backward has been recorded.
    """

    def __init__(
        self, tape: Tape, outermost: FrameType | None = None, when_finished: Callable[[], None] | None = None
    ) -> None:
        self.tape = tape
        self.outermost = outermost
        self.when_finished = when_finished
        self.copies = Copies(tape.max_bytes)
        self.names = Names()
        self.steps: list[ForwardStep] = []
        self.step_of: weakref.WeakKeyDictionary[Node, ForwardStep] = weakref.WeakKeyDictionary()
        self._made: ByIdentity[tuple[ForwardStep, int]] = ByIdentity()  # by the array of an output
        self._leaves: ByIdentity[Leaf] = (
            ByIdentity()
        )  # by the Tensor, or by the array if it needs no gradient
        self._modules: list[tuple[Any, ModuleCall]] = []
        self._calls = 0
        self._prune_at = MANY_STEPS
        self._backwards = 0
        self._running = 0  # backwards, one in another
        self._backward: BackwardRecorder | None = None

    # ---- modules -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def module(self, module: Any) -> Iterator[None]:
        """Note that the forward of a module runs."""
        if self.tape.finished:
            yield
            return
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

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Note what went into a node, and what came out."""
        if self.tape.finished:
            return run()
        frames = user_frames(self.outermost)
        edges = list(node.next_edges) or [None] * len(arrays)
        inputs = [self._operand(x, edge, frames) for x, edge in zip(arrays, edges, strict=False)]
        output = run()
        op_class = node.function if isinstance(node, FunctionContext) else type(node)
        step = ForwardStep(
            op=op_class.__name__,
            op_class=op_class,
            name=node.name(),
            options=dict(options),
            lines=tuple([line_of(frame) for frame in frames]),
            modules=tuple([call for _, call in self._modules]),
            inputs=inputs,
            recorded=any(node.next_edges),
            is_view=bool(getattr(node, "is_view", False)),
            is_elementwise=op_class.__module__.startswith(ELEMENTWISE_ROOMS),
            sequence_nr=node.sequence_nr,
        )
        self._note_outputs(step, output)
        step.saved = self._saved_of(node, arrays, output)
        self.step_of[node] = step
        self.steps.append(step)
        if len(self.steps) >= self._prune_at:
            self._prune()
        return output

    def _operand(self, x: Any, edge: Edge | None, frames: list[FrameType]) -> Operand:
        if not hasattr(x, "shape") or isinstance(x, np.generic):
            return Operand(None, number=x.item() if isinstance(x, np.generic) else x)
        value = self.copies.value_of(x)
        if edge is not None and isinstance(edge[0], AccumulateGrad):
            leaf = self._leaf_of_tensor(edge[0].variable, value, frames)
            return Operand(value, None, leaf, 0, True, leaf.name)
        name = name_of_array(x, frames)
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
        name = name_of_array(x, frames[::-1])  # as it was called outside all layers
        leaf = self._leaf_of_array(x, value, name)
        return Operand(value, None, leaf, 0, False, leaf.name)

    def _leaf_of_tensor(self, tensor: Any, value: Any, frames: list[FrameType]) -> Leaf:
        leaf = self._leaves.get(tensor)
        if leaf is None:
            name, kind = self.names.of_module_tensor(tensor)
            if kind is None:
                name, kind = name_of_array(tensor.array, frames), "variable"
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
        return self._leaf_of_tensor(tensor, self.copies.value_of(tensor), user_frames(self.outermost))

    def _prune(self) -> None:
        """Drop the steps whose node and whose results are gone."""
        alive = {id(step) for step in self.step_of.values()}
        alive |= {id(step) for step, _ in self._made.living()}
        self.steps = [step for step in self.steps if id(step) in alive]
        self.copies.forget_all_but(Tape(forward=self.steps).values())
        self._prune_at = max(MANY_STEPS, 2 * len(self.steps))

    # ---- backward ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def block(self, name: str, kind: str) -> Iterator[None]:
        """Note that a whole backward begins and ends; others that run within it belong to it."""
        if kind != "backward" or self.tape.finished:
            yield
            return
        self._running += 1
        outer = self._running == 1
        if outer:
            self._backwards += 1
            if self._backwards == self.tape.backward_number:
                self._backward = BackwardRecorder(self)
                frames = user_frames(self.outermost)
                self.tape.called_at = tuple([line_of(frame) for frame in frames])
        try:
            yield
        finally:
            self._running -= 1
        if outer and self._backward is not None:
            self._finish(True)
        elif outer:
            self._prune()

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Any]
    ) -> tuple[Any, ...]:
        """Note what a node makes of the gradients that have arrived, if it is the wanted backward."""
        if self._backward is None or self.tape.finished:
            return run()
        return self._backward.see(run, node, grad_outputs)

    def name_roots(self, node: Node) -> None:
        """Note what the user calls the outputs of a node from which a backward begins."""
        step = self.step_for(node)
        name = name_of_output(node, 0, user_frames(self.outermost))
        if name:
            step.output_names[0] = name

    def _finish(self, whole: bool) -> None:
        finish(self.tape, self.steps, self._backward, whole)
        detach(self)
        if whole and self.when_finished is not None:
            self.when_finished()

    def close(self) -> None:
        """Fill the tape with what there is, if the wanted backward has not come, or was broken off."""
        if not self.tape.finished:
            self._finish(False)


def role_of(array: Any, arrays: tuple[Any, ...], outputs: tuple[Any, ...]) -> str:
    """Say what a saved array is to its node."""
    for i, x in enumerate(arrays):
        if x is array:
            return f"input {i}"
    for i, x in enumerate(outputs):
        if getattr(x, "array", x) is array:
            return f"output {i}"
    return "made here"
