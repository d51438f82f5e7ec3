"""Events added up: one row of the profiler's table for each operation."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any

from tinygrad_edu.profiler.event import Category, FunctionEvent
from tinygrad_edu.profiler.table import build_table

RowKey = tuple[Any, ...]

SORT_KEYS = (
    "cpu_time_total",
    "self_cpu_time_total",
    "cpu_time",
    "kernel_time_total",
    "forward_time_total",
    "backward_time_total",
    "count",
    "cpu_memory_usage",
    "self_cpu_memory_usage",
)


SUMS = (
    "forward_count",
    "backward_count",
    "total_ns",
    "self_ns",
    "forward_ns",
    "backward_ns",
    "kernel_ns",
    "cpu_memory_usage",
    "self_cpu_memory_usage",
)


class FunctionEventAvg:
    """The sum of all events of one row.

    Attributes
    ----------
    key : str
        The name of the row.
    count : int
        How many forwards; of what runs in backward only, how many backwards.
    forward_time_total, backward_time_total : float
        Microseconds in the forwards and in the backwards, what is called from there included; of a module,
        in the backwards of its operations; 0 for labels.
    cpu_time_total : float
        Microseconds from begin to end: of an operation, forward and backward together. What runs within an event
        of the same row is counted once.
    self_cpu_time_total : float
        The same without the other events that ran within it. The sum over all rows is the recorded time.
    kernel_time_total : float
        Microseconds in compiled kernels, a part of ``cpu_time_total``.
    cpu_memory_usage, self_cpu_memory_usage : int
        Bytes of new arrays, with and without those of the events within it.
    input_shapes : list of lists of int
        With ``group_by_input_shape``: the shapes of the inputs.
    stack : list of str
        With ``group_by_stack_n``: the innermost lines of the user's program.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.profiler_util.FunctionEventAvg.html
    """

    def __init__(self, key: str, category: Category = Category.LABEL) -> None:
        self.key = key
        self.category = category
        self.cpu_parent: FunctionEvent | None = None
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.forward_count = self.backward_count = 0
        self.total_ns = self.self_ns = 0  # all times are kept in nanoseconds
        self.forward_ns = self.backward_ns = self.kernel_ns = 0
        self.cpu_memory_usage = self.self_cpu_memory_usage = 0

    def add(self, event: FunctionEvent, is_outermost: bool = True) -> None:
        """Add an event; ``is_outermost``: it does not run within another event of this row."""
        is_backward = event.category is Category.BACKWARD
        self.backward_count += is_backward
        self.forward_count += not is_backward
        self.self_ns += event.self_ns
        self.self_cpu_memory_usage += event.self_cpu_memory_usage
        if not is_outermost:
            return
        for part in (event, *event.linked_backwards):
            self.total_ns += part.elapsed_ns
            self.kernel_ns += part.kernel_ns
            self.cpu_memory_usage += part.cpu_memory_usage
            if part.category is Category.BACKWARD:
                self.backward_ns += part.elapsed_ns
            elif part.category in (Category.FORWARD, Category.MODULE):
                self.forward_ns += part.elapsed_ns

    def add_row(self, row: FunctionEventAvg) -> None:
        """Add what has been added up already."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(row, name))

    @property
    def count(self) -> int:
        """How many calls."""
        return self.forward_count or self.backward_count

    @property
    def cpu_time_total(self) -> float:
        """From begin to end, in microseconds."""
        return self.total_ns / 1000

    @property
    def self_cpu_time_total(self) -> float:
        """The same without the events that ran within it."""
        return self.self_ns / 1000

    @property
    def cpu_time(self) -> float:
        """Microseconds a call."""
        return self.cpu_time_total / self.count if self.count else 0.0

    @property
    def forward_time_total(self) -> float:
        """Microseconds in forward."""
        return self.forward_ns / 1000

    @property
    def backward_time_total(self) -> float:
        """Microseconds in backward."""
        return self.backward_ns / 1000

    @property
    def kernel_time_total(self) -> float:
        """Microseconds in compiled kernels."""
        return self.kernel_ns / 1000

    def __repr__(self) -> str:
        return (
            f"<FunctionEventAvg key={self.key} self_cpu_time={self.self_cpu_time_total:.3f}us "
            f"cpu_time={self.cpu_time:.3f}us kernel_time={self.kernel_time_total:.3f}us count={self.count} "
            f"input_shapes={self.input_shapes} cpu_memory_usage={self.cpu_memory_usage}>"
        )


class EventList(list[Any]):
    """Events, or the rows that they have been added up to.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.profiler_util.EventList.html
    """

    def __init__(self, events: Iterable[Any] = (), profile_memory: bool = False) -> None:
        super().__init__(events)
        self._profile_memory = profile_memory

    @property
    def self_cpu_time_total(self) -> float:
        """The recorded time, in microseconds: the sum of what every event took for itself."""
        return float(sum([event.self_cpu_time_total for event in self]))

    def key_averages(self, group_by_input_shapes: bool = False, group_by_stack_n: int = 0) -> EventList:
        """Add the events up, one row for each operation, kernel, module and label.

        Parameters
        ----------
        group_by_input_shapes : bool
            A row for every operation and shape of its inputs; needs ``record_shapes=True``. A backward goes with
            its forward.
        group_by_stack_n : int
            A row for every operation and innermost ``n`` lines of the user's program; needs ``with_stack=True``.
        """
        rows: dict[RowKey, FunctionEventAvg] = {}
        for event in self:
            key = row_key(event, group_by_input_shapes, group_by_stack_n)
            if key not in rows:
                row = rows[key] = FunctionEventAvg(event.key, event.category)
                row.cpu_parent = event.cpu_parent
                row.input_shapes = [list(shape) for shape in key[1]]
                row.stack = list(key[2])
            outer = event.cpu_parent
            while outer is not None and row_key(outer, group_by_input_shapes, group_by_stack_n) != key:
                outer = outer.cpu_parent
            rows[key].add(event, is_outermost=outer is None)
        return EventList(rows.values(), self._profile_memory)

    def total_average(self) -> FunctionEventAvg:
        """Add all events up to one row called Total."""
        total = FunctionEventAvg("Total")
        for event in self:
            if isinstance(event, FunctionEventAvg):
                total.add_row(event)
            else:
                total.add(event)
        return total

    def table(
        self,
        sort_by: str | None = None,
        row_limit: int = 100,
        max_src_column_width: int = 75,
        max_name_column_width: int = 55,
        max_shapes_column_width: int = 80,
        header: str | None = None,
        top_level_events_only: bool = False,
        time_unit: str | None = None,
    ) -> str:
        """Return a table as text.

        Parameters
        ----------
        sort_by : str, optional
            The number to sort by, largest first, one of ``SORT_KEYS``, for example ``"cpu_time_total"``. None keeps
            the order of the first calls.
        row_limit : int
            How many rows at most; -1 for all.
        max_src_column_width, max_name_column_width, max_shapes_column_width : int
            Longer texts are cut.
        header : str, optional
            A line above the table.
        top_level_events_only : bool
            Leave out what ran within something else.
        time_unit : {"s", "ms", "us"}, optional
            One unit for all times; None chooses for each.
        """
        rows = list(self)
        if sort_by is not None:
            rows.sort(key=sort_value(sort_by), reverse=True)
        return build_table(
            [row for row in rows if not top_level_events_only or row.cpu_parent is None],
            row_limit=row_limit,
            widths=(max_name_column_width, max_shapes_column_width, max_src_column_width),
            header=header,
            with_memory=self._profile_memory,
            time_unit=time_unit,
            recorded_us=self.self_cpu_time_total,
        )

    def __str__(self) -> str:
        return self.table()


def row_key(event: FunctionEvent, by_shapes: bool, stack_depth: int) -> RowKey:
    """Return what all events of one row have in common; a backward is counted where its forward is."""
    origin = event if event.forward is None else event.forward
    shapes = tuple([tuple(shape) for shape in origin.input_shapes]) if by_shapes else ()
    return event.key, shapes, tuple(origin.stack[:stack_depth]), event.is_user_annotation


def sort_value(sort_by: str) -> Callable[[Any], Any]:
    """Return the function that gives the number to sort by."""
    if sort_by not in SORT_KEYS:
        raise AttributeError(f"table: expected sort_by to be one of {', '.join(SORT_KEYS)}, got {sort_by!r}")
    return operator.attrgetter(sort_by)
