"""A list on a GPU as CUDA graphs: what the host would queue line by line is queued as one.

For each line the host starts kernels, and that takes it longer than a small kernel takes the card. A CUDA graph is a
row of kernels that was noted down once (*captured*), with the addresses and the numbers that they were given, and is
then started by one call. So a graph computes on the same memory every time:

- Arguments are copied into its memory before (``into``), and so is what a line makes that is run as it is.
- What leaves the list is copied out of it: results and gradients are the caller's, and the next call leaves them alone.
- A line that names a value of Python's which is another one in each call, a seed for instance, is run as it is; so is
  one that changes objects, such as an optimizer's step, which counts and reads the learning rate.
- So is one that CuPy or CUDA cannot capture. Which these are is tried out: CuPy 14 refuses all products of matrices
  (https://github.com/cupy/cupy/issues/6290).

The first call after the comparison tries each line alone, the second captures rows of lines, the third is compared
with the program itself. In all of them everything is really done, graph by graph.

References
----------
https://docs.cupy.dev/en/stable/reference/generated/cupy.cuda.Stream.html
https://docs.nvidia.com/cuda/cuda-programming-guide/04-special-topics/cuda-graphs.html
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import cupy
from tinygrad_edu.replay.arrays import is_on_gpu, may_share_memory
from tinygrad_edu.replay.graphs.plan import Planned, names_of_graphs, plan
from tinygrad_edu.replay.lines.functions import accumulate, compiled_text, result, spent
from tinygrad_edu.replay.lines.line import Line


def into(target: Any, values: Any) -> Any:
    """Write values into the memory of a graph, and return that."""
    target[...] = values
    return target


def apart(array: Any) -> Any:
    """Return a copy of an array, laid out as it is, in memory that is used for nothing else."""
    return array.copy("K")


class CudaGraphs:
    """The graphs of one list, and what is run between them.

    Attributes
    ----------
    lines : list of Planned
        The list.
    refused : str
        Why it is not run so, if something went wrong or nothing could be captured.
    source : str
        The function that starts the graphs, when it is there.
    """

    def __init__(self, lines: list[Line], returned: str, scope: dict[str, Any], shared: set[str]) -> None:
        self.lines, self.returned = [Planned(line, scope) for line in lines], returned
        self.scope = {**scope, "into": into, "apart": apart, "accumulate": accumulate}
        self.shared = shared
        self.refused = self.source = ""
        self._stage = self._try_out
        self._stream, self._pool = cupy().cuda.Stream(non_blocking=True), cupy().cuda.MemoryPool()
        self._values: dict[str, Any] = {}
        self._text: list[str] = []

    def run(self, arrays: list[Any]) -> Any:
        """Do what the list does."""
        return self._stage(*arrays)

    def _try_out(self, *arrays: Any) -> Any:
        """Run each line as a graph of its own, and note which cannot be one."""
        values = {**self.scope, **{f"x{i}": array for i, array in enumerate(arrays)}}
        why: dict[str, None] = {}
        for line in self.lines:
            if line.may_be_captured(values):
                try:
                    self._graph_of([line], values).launch()
                    line.captured = all(is_on_gpu(values[name]) for name in line.line.results)
                    continue
                except Exception as error:  # of CuPy, CUDA or Numba
                    why[f"{type(error).__name__}: {error}"] = None
            exec(line.code, values)
        plan(self.lines, self.shared)
        self._stage = self._capture
        if self._returns_a_view(values, arrays):
            self.refused = (
                "a result shares its memory with another one, or with something that was there before"
            )
        elif not any(line.captured for line in self.lines):
            self.refused = "; ".join(["no two lines of it follow each other that can be captured", *why])
        return eval(self.returned.removeprefix("return "), values)

    def _returns_a_view(self, values: dict[str, Any], arrays: tuple[Any, ...]) -> bool:
        """Tell whether a result is not alone in its memory: a copy would be something else than what is returned."""
        returning = [line for line in self.lines if line.line.function in (result, spent)]
        results = [values[name] for line in returning for name in line.names]
        before = [value.array if isinstance(value, Tensor) else value for value in self.scope.values()]
        others = [value for value in [*before, *arrays] if is_on_gpu(value)]
        pairs = [(a, b) for i, a in enumerate(results) for b in [*results[:i], *others]]
        return any(may_share_memory(a, b) for a, b in pairs)

    def _graph_of(self, lines: list[Planned], values: dict[str, Any]) -> Any:
        """Return lines as a graph, which has not run yet; its memory is of a pool that nobody else has."""
        with self._stream, cupy().cuda.using_allocator(self._pool.malloc):
            self._stream.begin_capture()
            try:
                for line in lines:
                    exec(line.code, values)
            except BaseException:
                self._give_up_capture()
                raise
            return self._stream.end_capture()

    def _give_up_capture(self) -> None:
        """End a capture that has failed; CUDA may call it invalid, which is no news."""
        try:
            self._stream.end_capture()
        except Exception:
            self._stream = cupy().cuda.Stream(non_blocking=True)

    def _capture(self, *arrays: Any) -> Any:
        """Run the list with rows of lines as graphs, and write the function that does so from now on."""
        names = [f"x{i}" for i in range(len(arrays))]
        values = self._values = {**self.scope, **dict(zip(names, arrays, strict=True))}
        of_graphs = names_of_graphs(self.lines)
        self._give_places(names, of_graphs)
        row: list[Planned] = []
        for line in self.lines:
            if line.captured:
                row.append(line)
                continue
            self._start(row)
            row = []
            self._run(line.text_between(of_graphs))
            self._give_places(line.line.results, of_graphs)
        self._start(row)
        self.source, code = compiled_text("replay", ", ".join(names), [*self._text, self.returned])
        self._stage = FunctionType(code, {name: values[name] for name in code.co_names if name in values})
        self._values = {}
        return eval(self.returned.removeprefix("return "), values)

    def _run(self, text: str) -> None:
        """Run a line, and write it down."""
        exec(text, self._values)
        self._text.append(text)

    def _give_places(self, names: list[str], of_graphs: set[str]) -> None:
        """Give what graphs read a place of its own, into which each call writes its values."""
        for name in of_graphs.intersection(names):
            self._values[f"graph_{name}"] = apart(self._values[name])
            self._run(f"{name} = into(graph_{name}, {name})")

    def _start(self, row: list[Planned]) -> None:
        """Capture a row of lines and start it; if that fails, run the lines as they are, this once."""
        if not row:
            return
        name = f"graph{sum(text.endswith('.launch()') for text in self._text)}"
        try:
            self._values[name] = self._graph_of(row, self._values)
        except Exception as error:  # of CuPy, CUDA or Numba
            self.refused = f"{type(error).__name__}: {error}"
            for line in row:
                exec(line.code, self._values)
            return
        self._text += [f"# {line.line}" for line in row]
        self._run(f"{name}.launch()")
        for line in row:
            if line.after:
                self._run(line.after)
