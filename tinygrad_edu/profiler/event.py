"""One recorded event: an operation forward or backward, a kernel, a module, or a labelled piece of a program."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Category(Enum):
    """What an event is; its value is the category in a Chrome trace."""

    FORWARD = "forward"
    BACKWARD = "backward"
    KERNEL = "kernel"
    MODULE = "module"
    OPTIMIZER = "optimizer"
    DATA = "data"
    LABEL = "user_annotation"


class Interval(NamedTuple):
    """A piece of time, in microseconds since the profiler began to record."""

    start: float
    end: float

    def elapsed_us(self) -> float:
        """Return its length in microseconds."""
        return self.end - self.start


class FunctionEvent:
    """One event, as ``profile.events()`` lists them.

    Attributes
    ----------
    name : str
        As PyTorch names it: ``"Conv2dBackward0"`` for the backward of ``"Conv2d"``.
    key : str
        Its row in the table: an operation's forward and backward have the same one.
    category : Category
        What it is.
    start_ns, end_ns : int
        When it ran, in nanoseconds since the profiler began to record.
    thread : int
        The thread it ran in, as the operating system numbers it.
    cpu_parent : FunctionEvent or None
        The event within which it ran.
    cpu_children : list of FunctionEvent
        What ran within it, without the kernels.
    kernels : list of FunctionEvent
        The kernels that it called itself.
    sequence_nr : int
        The same number for a forward and its backward; -1 for everything else.
    forward : FunctionEvent or None
        For a backward: the forward it belongs to, if that was recorded, too.
    input_shapes : list of lists of int
        Shapes of the inputs, for a backward of the gradients that arrive; ``[]`` for what has none. Filled with
        ``record_shapes=True``.
    stack : list of str
        The user's lines from which it was called, innermost first. Filled with ``with_stack=True``.
    self_cpu_memory_usage : int
        Bytes of the new arrays that it returned. Filled with ``profile_memory=True``.
    linked_backwards : list of FunctionEvent
        For a module: the backwards of all operations of its forward.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.profiler_util.FunctionEvent.html
    """

    count = 1

    def __init__(
        self, number: int, name: str, category: Category, thread: int, key: str | None = None
    ) -> None:
        self.id = number
        self.name = name
        self.key = name if key is None else key
        self.category = category
        self.thread = thread
        self.start_ns = self.end_ns = 0
        self.cpu_parent: FunctionEvent | None = None
        self.cpu_children: list[FunctionEvent] = []
        self.kernels: list[FunctionEvent] = []
        self.sequence_nr = -1
        self.forward: FunctionEvent | None = None
        self.input_shapes: list[list[int]] = []
        self.stack: list[str] = []
        self.self_cpu_memory_usage = 0
        self.linked_backwards: list[FunctionEvent] = []

    @property
    def elapsed_ns(self) -> int:
        """From its begin to its end."""
        return self.end_ns - self.start_ns

    @property
    def self_ns(self) -> int:
        """Its time without that of the events in it; its kernels' time is its own."""
        return self.elapsed_ns - sum([child.elapsed_ns for child in self.cpu_children])

    @property
    def kernel_ns(self) -> int:
        """The time in compiled kernels, of this event and of those in it."""
        own = sum([kernel.elapsed_ns for kernel in self.kernels])
        return own + sum([child.kernel_ns for child in self.cpu_children])

    @property
    def time_range(self) -> Interval:
        """When it ran, in microseconds."""
        return Interval(self.start_ns / 1000, self.end_ns / 1000)

    @property
    def cpu_time_total(self) -> float:
        """From its begin to its end, in microseconds."""
        return self.elapsed_ns / 1000

    @property
    def self_cpu_time_total(self) -> float:
        """Its time without that of the events in it, in microseconds."""
        return self.self_ns / 1000

    @property
    def cpu_time(self) -> float:
        """The same as ``cpu_time_total``: one event is one call."""
        return self.cpu_time_total

    @property
    def kernel_time_total(self) -> float:
        """The time in compiled kernels, in microseconds."""
        return self.kernel_ns / 1000

    @property
    def duration(self) -> float:
        """The same as ``cpu_time_total``: PyTorch's name for the time of a kernel."""
        return self.cpu_time_total

    @property
    def cpu_memory_usage(self) -> int:
        """Bytes of the new arrays that it, and the events in it, returned."""
        return self.self_cpu_memory_usage + sum([child.cpu_memory_usage for child in self.cpu_children])

    @property
    def is_user_annotation(self) -> bool:
        """Whether the user's program named it, with ``record_function``."""
        return self.category is Category.LABEL

    def __repr__(self) -> str:
        return (
            f"<FunctionEvent id={self.id} name={self.name} category={self.category.value} "
            f"cpu_time={self.cpu_time_total:.3f}us start_us={self.time_range.start:.3f} "
            f"end_us={self.time_range.end:.3f} cpu_children={[child.id for child in self.cpu_children]} "
            f"thread={self.thread} input_shapes={self.input_shapes} seq_nr={self.sequence_nr}>"
        )
