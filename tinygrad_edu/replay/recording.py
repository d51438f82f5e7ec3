"""A finished recording: straight-line Python, compiled, with its guards."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.float_errors import ignored_float_errors
from tinygrad_edu.replay.arrays import is_array, same_bits
from tinygrad_edu.replay.backward import history
from tinygrad_edu.replay.backward.backward_list import BackwardList
from tinygrad_edu.replay.guarding.guards import Guards, same
from tinygrad_edu.replay.guarding.values import ValueFinder
from tinygrad_edu.replay.guarding.watching import PythonWatch
from tinygrad_edu.replay.kernels.kernel_list import KernelList
from tinygrad_edu.replay.lines.functions import accumulate, compiled_text, keep, result, spent
from tinygrad_edu.replay.lines.line import Expression, Line, Name, container
from tinygrad_edu.replay.lines.recorder import Recorder, Refused
from tinygrad_edu.replay.state import equal

NO_CARD = contextlib.nullcontext()


MOST_RENEWALS = 8
"""After so many times it is not worth while to write a list of kernels anew."""


def share_memory(arrays: list[Any]) -> bool:
    """Tell whether some of the arrays may have memory in common."""
    return any(np.may_share_memory(a, b) for a, b in itertools.combinations(arrays, 2))


def is_spent(tensor: Any, recorded: set[Node]) -> bool:
    """Tell whether a backward has been through what was recorded of a graph, so that none can go there again."""
    nodes, seen = [tensor._edge[0]], set()
    while nodes:
        node = nodes.pop()
        if node in recorded and node.saved is None:
            return True
        if node in recorded and node not in seen:
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
    insides : list of Inside
        If a backward may yet go through the results: the list with the nodes of each call that is in flight.
    backwards : dict of BackwardList
        By the results that a gradient arrives at.
    ends, saved : list of Place
        Where gradients leave the graph, and what others must not change before.
    """

    def __init__(self, recorder: Recorder, watch: PythonWatch, key: Any, tell: Callable[[str], Any]) -> None:
        self.recorder, self.watch, self.key, self._tell = recorder, watch, key, tell
        self.kept: list[Any] = []  # those arguments that the key knows by identity
        self.guards = Guards()
        self.checked = False
        self.failures = 0
        self.source = ""
        self.kernels: KernelList | None = None  # what is run instead of the list of operations
        self.may_have_kernels = True
        self.kernels_failed = ""  # the error with which none could be written; there should be none
        self._renewals = 0
        self._memo: dict[int, Expression] = {}
        self._returned: list[Line] = []
        self._with_history: list[Any] = []  # results through which a backward may yet go
        self.insides: list[history.Inside] = []
        self.backwards: dict[Any, BackwardList] = {}
        self.ends: list[history.Place] = []
        self.saved: list[history.Place] = []
        self.saving: frozenset[int] = (
            frozenset()
        )  # the nodes that save something, by their numbers in the graph
        self._saving_from: dict[tuple[bool, ...], frozenset[int]] = {}
        self.used: history.Inside | None = None  # in the last call
        self.graphs: Any = None  # of CUDA, where they are wanted and the list is known to be right

    def finish(
        self, function: Callable[..., Any], arguments: list[Any], tensors: list[Any], output: Any
    ) -> None:
        """Put the function together."""
        recorder, edges = self.recorder, [tensor.edge() for tensor in tensors]
        recorder.finish()
        returned = self._text_of_output(output)
        finder = ValueFinder(self.guards, self.watch.codes, recorder)
        finder.find(function, arguments)
        for module in recorder.modules.values():
            self.guards.add_module(module)
        for optimizer in recorder.optimizers.values():
            self.guards.add_optimizer(optimizer)
        self.guards.grads_before = [*recorder.grads_before.values()]
        recorder.name_parameters()
        self.lines, self.returned = [*recorder.lines, *self._returned], f"return {returned}"
        self._keep_gradients()
        names = [*["history"] * bool(self._with_history), *[f"x{i}" for i in range(len(tensors))]]
        self.card = recorder.card or NO_CARD
        self.source, code = compiled_text("replay", ", ".join(names), [*self.lines, self.returned])
        self.function = recorder.scope["replay"] = FunctionType(code, recorder.scope)
        self.names = names
        if self._with_history and not recorder.refused:
            self._keep_graph(tensors, edges)
        self._with_history = []
        recorder.let_go()

    def _keep_graph(self, tensors: list[Any], edges: list[Any]) -> None:
        """Have one node stand for the graph of this call; and of each one that is replayed."""
        results, recorder = self._with_history, self.recorder
        try:
            if recorder.went_back:
                raise Refused("a backward inside has kept the graph; compile the whole training step")
            history.check_memory(results, [*tensors, *recorder.leaves.values()])
            graph = history.graph_of(results, recorder.nodes, edges)
            self.ends = history.places_of_ends(graph, recorder, edges)
            self.saved = history.places_of_saved(graph, [*recorder.leaves.values()], tensors, results)
        except Refused as reason:
            return recorder.refuse(str(reason))
        self.saving = frozenset([i for i, node in enumerate(graph.nodes) if node.saved])
        history.cut_off(graph, self.ends)
        self.guards.hooks_of_leaves = False  # the outer backward calls them
        self.used = history.Inside(self, recorder.scope, graph)
        self.insides = [self.used]
        node = history.CompiledFunction(self.used)
        for tensor in results:
            node.become_history_of(tensor)
        node.connect(tensors)

    def saving_from(self, which: tuple[bool, ...]) -> frozenset[int]:
        """Return those nodes that save something which a backward from these results goes through."""
        if which not in self._saving_from:
            self._saving_from[which] = self.insides[0].graph.reached_from(which) & self.saving
        return self._saving_from[which]

    def be_compared_with(self, other: Recording) -> None:
        """Let the next backward of this call be compared with that of another, of the same numbers."""
        if self.used is not None and other.used is not None:
            self.used.owner().twin = other.used.owner()

    def refuse(self, why: str) -> None:
        """Have the program run as it is from now on."""
        self.recorder.refuse(why)
        self._tell(why)

    def compare(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> None:
        """Refuse unless two ways have led to the same gradients."""
        if not equal(list(a), list(b)):
            self.refuse("the list of its backward does not do what it does itself")

    def backward_list(self, which: tuple[bool, ...]) -> BackwardList:
        """Return the list for gradients of these results."""
        return self.backwards.setdefault(which, BackwardList(self))

    @property
    def text(self) -> str:
        """The source of all lists of this kind of call."""
        source = self.source
        for other in (self.graphs, self.kernels):
            source = source if other is None else other.source or source
        return "\n\n".join([source, *[written.source for written in self.backwards.values()]])

    def _text_of_output(self, output: Any) -> Expression:
        """Return the expression for what the program returned."""
        recorder = self.recorder
        if output is recorder.number and output is not None:
            return Expression("number")
        if isinstance(output, Tensor):
            if id(output) not in self._memo:
                self._memo[id(output)] = Expression(f"r{len(self._memo)}")
                self._return_tensor(self._memo[id(output)], output)
            return self._memo[id(output)]
        if type(output) in (list, tuple, dict):
            return container(output, self._text_of_output)
        if output is None or isinstance(output, bool | int | float | str):
            return Expression(repr(output))
        recorder.refuse(f"a result is of type {type(output).__name__}")
        return Expression("None")

    def _return_tensor(self, target: Expression, tensor: Any) -> None:
        """Write the line in which a result becomes a Tensor."""
        recorder = self.recorder
        array = recorder._names.get(id(tensor.array))
        if not isinstance(array, Name) or not array.made:
            return recorder.refuse("what is returned is no result of an operation")
        function: Any = result
        called, arguments = recorder.named(result, "result"), [Expression(array)]
        if tensor._edge is not None and not is_spent(tensor, set(recorder.nodes)):
            self._with_history.append(tensor)
            function, called = None, Expression("history.output")
        elif tensor._edge is not None:
            function, called = spent, recorder.named(spent, "spent")
            arguments.append(Expression(repr(tensor._edge[0].name())))
        self._returned.append(Line([target], called, arguments, function=function))

    def _keep_gradients(self) -> None:
        """Have a gradient kept instead of copied where no other line uses it."""
        uses = Counter([name for line in self.lines for name in line.names])
        self.recorder.scope["keep"] = keep
        for line in self.lines:
            grad = line.arguments[1] if line.function is accumulate and line.arguments else None
            if not isinstance(grad, Name) or not grad.made or grad.text in self.recorder.shared:
                continue
            if uses[grad.text] == 1:
                line.called, line.function = Expression("keep"), keep

    def run(self, tensors: list[Any]) -> Any:
        """Do again what was recorded."""
        with ignored_float_errors(), self.card:
            if self.insides:
                self.used = self._free_inside()
                return self.used.run(tensors)
            arrays = [tensor.array for tensor in tensors]
            return self.function(*arrays) if self.graphs is None else self.graphs.run(arrays)

    def start_graphs(self) -> None:
        """Have the list run as CUDA graphs from now on, if it is one of a GPU."""
        if self.recorder.card is not None and self.graphs is None:
            from tinygrad_edu.replay.graphs.cuda_graph import CudaGraphs  # loaded by those who use it

            with self.card:
                self.graphs = CudaGraphs(self.lines, self.returned, self.recorder.scope, self.recorder.shared)

    def _free_inside(self) -> history.Inside:
        """Return nodes that no backward needs any longer; others are made if there are none."""
        for inside in self.insides:
            if inside.is_free():
                return inside
        self.insides.append(self.insides[0].another())
        return self.insides[-1]

    def holds(self) -> bool:
        """Tell whether the list is still right; if only that of kernels is not, it is written anew."""
        if not self.guards.hold_before():
            return False
        if self.kernels is not None and not self.kernels.holds():
            self.use_operations()
            self._renewals += 1
            self.may_have_kernels = self._renewals < MOST_RENEWALS
        return True

    def use_kernels(self, tensors: list[Any]) -> None:
        """Run the operations once more, and from now on the kernels that they call, where these can be written.

        This run changes what a step changes.
        """
        if self.kernels is not None or not self.may_have_kernels or self.insides:
            return
        arrays = [tensor.array for tensor in tensors]
        known = [*arrays, *self.recorder.outside]
        kernels = KernelList(self.lines, self.returned, self.recorder.scope)
        if all(type(x) is np.ndarray for x in known) and not share_memory(known):
            with ignored_float_errors():
                kernels.run(self.names, arrays)
            lines = kernels.write()
            if lines != [*map(str, self.lines), self.returned]:
                self.function = kernels.function(self.names, lines)
                self.kernels = kernels

    def use_operations(self) -> None:
        """Go back to the list of operations, which is to be compared once more."""
        self.kernels, self.checked = None, False
        self.function = self.recorder.scope["replay"]

    def agrees_with(self, other: Recording) -> str:
        """Return in what a second recording of the same step differs; nothing, if in nothing."""
        if self.source != other.source:
            mine, theirs = self.source.splitlines(), other.source.splitlines()
            pairs = [(a, b) for a, b in zip(mine, theirs, strict=False) if a != b]
            a, b = pairs[0] if pairs else ("", "")
            return f"one call does not do what another does: {a.strip()!r}, then {b.strip()!r}"
        for name, value in self.recorder.scope.items():
            its = other.recorder.scope.get(name)
            if name in self.recorder.constants and equal(value, its) and same_bits(value, its):
                continue
            if not (same(value, its) or isinstance(value, Node) or name in ("replay", "__builtins__")):
                what = "an array" if is_array(value) else f"a {type(value).__name__}"
                return f"it uses {what} that is made anew in each call, by no operation that replay knows"
        return ""
