"""What one forward and one backward did, written down step by step: the ``Tape`` that ``learn.record`` returns.

Everything here is plain data. ``learn/recorder.py`` writes it while a program runs; the stepper, the drawings and the
sentences read it.

    tape.forward     the steps of the forward that the backward walked, oldest first: ``ForwardStep``
    tape.backward    the steps of the backward, in the order in which they ran: ``BackwardStep``
    tape.leaves      where the graph begins, parameters, variables of the user, data: ``Leaf``

A step refers to others by the objects themselves: an operand's ``source`` is the ``ForwardStep`` that made it, or the
``Leaf``. ``index`` is a step's place in its list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from tinygrad_edu.learn.tape_parts import Line as Line, ModuleCall as ModuleCall, Value as Value

# ---- where the graph begins --------------------------------------------------------------------------

LeafKind: TypeAlias = Literal["parameter", "buffer", "variable", "data"]


@dataclass(eq=False)
class Leaf:
    """A tensor that no recorded step made.

    Attributes
    ----------
    kind
        "parameter" and "buffer" of a module; "variable", a tensor of the user that requires a gradient; "data",
        one that requires none.
    name : str
        What the user's program calls it: "model.fc1.weight", "w", "images"; empty if nobody holds it.
    value : Value
        What it was when it was used last.
    requires_grad : bool
    """

    kind: LeafKind
    name: str
    value: Value
    requires_grad: bool
    index: int = -1


Source: TypeAlias = "ForwardStep | Leaf"

# ---- forward -----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Operand:
    """One positional input of a step.

    Attributes
    ----------
    value : Value or None
        None for what is no array: see ``number``.
    number : Any
        What stands there instead of an array: 2 in ``x ** 2``, None in a Linear without bias.
    source : ForwardStep, Leaf or None
        What made it; None for numbers, and for small constant arrays that nobody holds.
    output_nr : int
        Which output of that step.
    needs_grad : bool
        Whether a gradient will be sent to it.
    name : str
        The user's variable ("h"), the parameter; empty if it has none.
    """

    value: Value | None
    number: Any = None
    source: Source | None = field(default=None, repr=False)
    output_nr: int = 0
    needs_grad: bool = False
    name: str = ""


@dataclass(eq=False)
class Saved:
    """An array that a step keeps for its backward.

    Attributes
    ----------
    role : str
        "input 0", "output 0", or "made here" for one that is neither.
    value : Value
    nbytes : int
        Its memory, which an input or an output shares with a tensor.
    freed_by : BackwardStep or None
        The step of the backward that gave it up; None if it was retained, or no backward ran.
    """

    role: str
    value: Value
    nbytes: int
    freed_by: BackwardStep | None = field(default=None, repr=False)


@dataclass(eq=False)
class ForwardStep:
    """A node that computed its output.

    Attributes
    ----------
    op : str
        The name of its class, as it is found in the source: "Linear". Of a ``Function`` of the user, the user's class.
    op_class : type or None
        That class, whose ``forward`` and ``backward`` can be read; None if the step was not seen.
    name : str
        PyTorch's name of the node: "LinearBackward0".
    options : dict
        What is not differentiated: ``dims``, ``stride``.
    lines : tuple of Line
        Where the user's program was, innermost first; all are the user's own frames.
    modules : tuple of ModuleCall
        The modules whose forward was running, outermost first.
    inputs, outputs : list of Operand, list of Value
    output_names : dict of int to str
        The user's variables that hold an output, as far as they were seen: {0: "loss"}.
    recorded : bool
        Whether it is in the graph: whether somebody wants its gradient.
    is_view, is_elementwise : bool
        Whether the output shares the memory of the first input; whether each element is computed by itself (after
        broadcasting).
    saved : list of Saved
    seen : bool
        False for a node that had run before anything was recorded: of it, the name and the edges are known.
    sequence_nr : int
        The node's age.
    """

    op: str
    op_class: type | None
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    modules: tuple[ModuleCall, ...] = ()
    inputs: list[Operand] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    output_names: dict[int, str] = field(default_factory=dict)
    recorded: bool = True
    is_view: bool = False
    is_elementwise: bool = False
    saved: list[Saved] = field(default_factory=list)
    seen: bool = True
    sequence_nr: int = -1
    index: int = -1

    def __repr__(self) -> str:
        return f"<forward {self.index}: {self.op}>"

    @property
    def line(self) -> Line | None:
        """The innermost line of the user's program."""
        return self.lines[0] if self.lines else None

    @property
    def path(self) -> tuple[str, ...]:
        """The modules as text: ("model: CNN", "fc1: Linear")."""
        return tuple([str(call) for call in self.modules])


# ---- backward ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Sent:
    """The gradient that a step of the backward sends to one input of its node.

    Attributes
    ----------
    input : int
        Which input.
    value : Value or None
        The gradient; None if there is none to send.
    target : ForwardStep, Leaf or None
        Where it goes: what made the input.
    output_nr : int
        To which output of that step.
    before, total : Value or None
        What had arrived there from other users, None at first, and the sum that waits there now.
    local : Value or None
        Of a step that works element by element without broadcasting: the local derivative, by which the incoming
        gradient is multiplied.
    """

    input: int
    value: Value | None
    target: Source | None = field(repr=False)
    output_nr: int = 0
    before: Value | None = None
    total: Value | None = None
    local: Value | None = None


@dataclass(eq=False)
class Accumulation:
    """What happened to the ``grad`` of a leaf: ``before + added = after``; ``before`` is None at the first time."""

    before: Value | None
    added: Value
    after: Value


@dataclass(eq=False)
class BackwardStep:
    """A node that turned the gradients of its outputs into those of its inputs, or added one to a leaf's ``grad``.

    Attributes
    ----------
    kind
        "op"; "accumulate" for an AccumulateGrad, which has no step but a leaf; "collect" for a gradient that
        ``autograd.grad`` took at a leaf instead.
    name : str
        PyTorch's name of the node: "LinearBackward0".
    step : ForwardStep or None
        The forward of the node.
    leaf : Leaf or None
        Whose ``grad`` it is, unless ``kind`` is "op".
    grads : list of Value or None
        The gradients that came in, one for each output.
    came_from : list of (BackwardStep, Sent)
        Who sent them: of several, ``grads`` is the sum. Empty at the root, where the gradient is 1 or the user's.
    hooked : bool
        Whether a hook of the tensor replaced what was sent.
    sent : list of Sent
        One for each input of the node.
    accumulation : Accumulation or None
    freed : list of Saved
        What was given up at the end.
    """

    kind: Literal["op", "accumulate", "collect"]
    name: str
    step: ForwardStep | None
    leaf: Leaf | None
    grads: list[Value | None]
    came_from: list[tuple[BackwardStep, Sent]] = field(default_factory=list, repr=False)
    hooked: bool = False
    sent: list[Sent] = field(default_factory=list)
    accumulation: Accumulation | None = None
    freed: list[Saved] = field(default_factory=list)
    index: int = -1

    def __repr__(self) -> str:
        return f"<backward {self.index}: {self.name}>"


# ---- the tape ----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Tape:
    """A forward and the backward that walked it; see the head of this file.

    Attributes
    ----------
    backward_number : int
        Which backward of the program is wanted, counted from 1.
    max_bytes : int
        How many bytes of numbers are copied at most.
    finished : bool
        Whether that backward has been seen whole. Before it has, ``forward`` is all that ran, and ``backward`` empty.
    begun : int
        How many backwards have begun, up to that one.
    called_at : tuple of Line
        Where ``backward`` was called, innermost frame first.
    retain_graph : bool
        Whether the saved arrays outlived the backward.
    """

    backward_number: int = 1
    max_bytes: int = 256 * 2**20
    forward: list[ForwardStep] = field(default_factory=list)
    backward: list[BackwardStep] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)
    called_at: tuple[Line, ...] = ()
    finished: bool = False
    begun: int = 0
    retain_graph: bool = False

    def __repr__(self) -> str:
        return f"<Tape: {len(self.forward)} steps forward, {len(self.backward)} backward, {len(self.leaves)} leaves>"

    def values(self) -> Iterator[Value]:
        """Yield every value that a step saw, once."""
        seen: set[int] = set()
        for value in self._all_values():
            if value is not None and id(value) not in seen:
                seen.add(id(value))
                yield value

    def _all_values(self) -> Iterator[Value | None]:
        for leaf in self.leaves:
            yield leaf.value
        for step in self.forward:
            yield from [operand.value for operand in step.inputs]
            yield from step.outputs
            yield from [saved.value for saved in step.saved]
        for back in self.backward:
            yield from back.grads
            for sent in back.sent:
                yield from (sent.value, sent.before, sent.total, sent.local)
            if back.accumulation is not None:
                yield from (back.accumulation.before, back.accumulation.added, back.accumulation.after)
