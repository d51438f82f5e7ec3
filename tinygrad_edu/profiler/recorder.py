"""The recorder: what operations, kernels and labels tell their begin and their end while a profiler is on."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_edu.autograd.callers import user_stack
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.observer import Observer
from tinygrad_edu.profiler.event import Category, FunctionEvent

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node


class Recorder(Observer):
    """Notes the events of one thread, as a tree.

    The events that have begun and not ended are a stack; a new one belongs to the last of them.

    Parameters
    ----------
    clock : callable
        Returns the time in nanoseconds.
    record_shapes, profile_memory, with_stack, with_modules : bool
        What is noted besides the times.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        record_shapes: bool = False,
        profile_memory: bool = False,
        with_stack: bool = False,
        with_modules: bool = False,
    ) -> None:
        self.clock = clock
        self.record_shapes = record_shapes
        self.profile_memory = profile_memory
        self.with_stack = with_stack
        self.with_modules = with_modules
        self.events: list[FunctionEvent] = []  # by their begin
        self.kernel_events: list[FunctionEvent] = []
        self._open: list[FunctionEvent] = []
        self._open_modules: list[tuple[Any, str]] = []
        self._forward_of: dict[int, FunctionEvent] = {}  # by sequence number
        self._thread = threading.get_native_id()
        self._origin = clock()

    # ---- begin and end -------------------------------------------------------------------------------

    def begin(self, name: str, category: Category, key: str | None = None) -> FunctionEvent:
        """Note that something begins."""
        event = FunctionEvent(len(self.events), name, category, self._thread, key)
        self.events.append(event)
        if self._open:
            event.cpu_parent = self._open[-1]
            event.cpu_parent.cpu_children.append(event)
        self._open.append(event)
        if self.with_stack:
            event.stack = user_stack()
        event.start_ns = self.clock() - self._origin  # last, so that the work above is not in it
        return event

    def end(self, event: FunctionEvent) -> None:
        """Note the end of an event, and of those in it that are still open; nothing if it has ended already."""
        now = self.clock() - self._origin
        if event not in self._open:
            return
        while True:
            last = self._open.pop()
            last.end_ns = now
            if last is event:
                return

    def finish(self) -> None:
        """End whatever is still open, and tie every backward to its module."""
        if self._open:
            self.end(self._open[0])
        self._open_modules.clear()
        for event in self.events:
            ancestor = event.forward
            while ancestor is not None:
                if ancestor.category is Category.MODULE:
                    ancestor.linked_backwards.append(event)
                ancestor = ancestor.cpu_parent
        self._forward_of.clear()

    # ---- what an observer sees -----------------------------------------------------------------------

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Note when the forward of a node begins and ends."""
        event = self.begin_forward(node, arrays)
        try:
            output = run()
        finally:
            self.end(event)
        self.note_memory(event, arrays, output)
        return output

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Any]
    ) -> tuple[Any, ...]:
        """Note when the backward of a node begins and ends."""
        known = [*grad_outputs, *(node.saved or ())]
        event = self.begin_backward(node, grad_outputs)
        try:
            grad_inputs = run()
        finally:
            self.end(event)
        self.note_memory(event, known, grad_inputs)
        return grad_inputs

    @contextlib.contextmanager
    def block(self, name: str, kind: str) -> Iterator[None]:
        """Note when a labelled piece of work begins and ends."""
        event = self.begin(name, Category(kind))
        try:
            yield
        finally:
            self.end(event)

    @contextlib.contextmanager
    def module(self, module: Any) -> Iterator[None]:
        """Note when the forward of a module begins and ends, if modules are wanted."""
        if not self.with_modules:
            yield
            return
        event = self.begin_module(module)
        try:
            yield
        finally:
            self.end_module(event)

    # ---- operations ----------------------------------------------------------------------------------

    def begin_forward(self, node: Node, inputs: tuple[Any, ...]) -> FunctionEvent:
        """Note that the forward of a node begins."""
        event = self.begin(node.operation_name(), Category.FORWARD)
        event.sequence_nr = node.sequence_nr
        self._forward_of[node.sequence_nr] = event
        if self.record_shapes:
            event.input_shapes = shapes_of(inputs)
        return event

    def begin_backward(self, node: Node, grad_outputs: list[Any]) -> FunctionEvent:
        """Note that the backward of a node begins; its forward may have run before anything was recorded."""
        event = self.begin(node.name(), Category.BACKWARD, node.operation_name())
        event.sequence_nr = node.sequence_nr
        event.forward = self._forward_of.get(node.sequence_nr)
        if self.record_shapes:
            event.input_shapes = shapes_of(grad_outputs)
        return event

    def note_memory(self, event: FunctionEvent, inputs: Any, outputs: Any) -> None:
        """Note how many bytes an operation returned in new arrays.

        A view, and an input that is handed through, is none; an operation that consists of others (a
        ``Function`` of the user) made none itself.
        """
        if not self.profile_memory or event.cpu_children:
            return
        before = {id(owner_of(x)) for x in inputs}
        owners = [owner_of(x) for x in (outputs if isinstance(outputs, tuple) else (outputs,))]
        made = {id(owner): getattr(owner, "nbytes", 0) for owner in owners if id(owner) not in before}
        event.self_cpu_memory_usage = sum(made.values())

    # ---- kernels and modules -------------------------------------------------------------------------

    def run_kernel(self, name: str, kernel: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a kernel and note its time; it belongs to the operation that is running."""
        event = FunctionEvent(len(self.kernel_events), name, Category.KERNEL, self._thread)
        self.kernel_events.append(event)
        caller = self._open[-1] if self._open else self.begin(name, Category.KERNEL)
        caller.kernels.append(event)
        event.cpu_parent = caller
        event.start_ns = self.clock() - self._origin
        try:
            return kernel(*args, **kwargs)
        finally:
            event.end_ns = self.clock() - self._origin
            if caller.category is Category.KERNEL:  # it was called outside every operation
                self.end(caller)

    def begin_module(self, module: Any) -> FunctionEvent:
        """Note that the forward of a module begins, under its path in the outermost module that is running."""
        path = type(module).__name__
        for outer, outer_path in reversed(self._open_modules):
            inner = next((name for name, child in outer.named_modules() if name and child is module), None)
            if inner is not None:
                path = f"{outer_path}.{inner}"
                break
        self._open_modules.append((module, path))
        kind = f" ({type(module).__name__})" if "." in path else ""
        return self.begin(f"nn.Module: {path}{kind}", Category.MODULE)

    def end_module(self, event: FunctionEvent) -> None:
        """Note the end of the forward of the module that began last."""
        if self._open_modules:
            self._open_modules.pop()
        self.end(event)


def shapes_of(values: Any) -> list[list[int]]:
    """Return the shape of each Tensor or array, and [] for anything else."""
    return [list(getattr(value, "shape", ())) for value in values]


def owner_of(value: Any) -> Any:
    """Return the array in whose memory an array, or a Tensor, lies; anything else as it is."""
    array = getattr(value, "array", value)
    while getattr(getattr(array, "base", None), "nbytes", None) is not None:
        array = array.base
    return array


def current_recorder() -> Recorder | None:
    """Return the recorder of the profiler that is on in this thread, if one is."""
    return next((observer for observer in this_thread.mode.observers if isinstance(observer, Recorder)), None)
