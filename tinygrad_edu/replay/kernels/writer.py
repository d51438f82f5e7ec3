"""How the lines of a list of kernels are written: which name or which view stands for each array."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.replay.kernels.live import LIVE
from tinygrad_edu.replay.lines.functions import keep, result, spent
from tinygrad_edu.replay.lines.line import Line
from tinygrad_edu_kernels import threads


class NoKernels(Exception):
    """The node, or the optimizer, whose lines cannot be calls of kernels."""


class Memory:
    """Memory that is lent to the user: a gradient, or a result. It is used again when nobody has it any more.

    Parameters
    ----------
    array : Array
        An array such as it is to be.
    """

    def __init__(self, array: Any) -> None:
        self.array = np.empty_like(array)
        self._references = sys.getrefcount(self.array)  # while nobody else has it

    def take(self) -> Any:
        """Return it, or new memory if somebody still has it: a tensor, or a view of it."""
        if sys.getrefcount(self.array) > self._references:
            self.array = np.empty_like(self.array)
        return self.array


def root(array: Any) -> Any:
    """Return the array whose memory an array looks into."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: Any) -> int:
    """Return where an array begins."""
    return int(array.__array_interface__["data"][0])


def layout(array: Any) -> tuple[Any, ...]:
    """Return where an array begins, and how it is seen from there; one without elements is anywhere."""
    return (
        (address(array) if array.size else 0),
        array.shape,
        array.strides,
        array.dtype,
        array.flags.writeable,
    )


def is_one(a: Any, b: Any) -> bool:
    """Tell whether two values are one, or equal numbers of NumPy's of one type."""
    return a is b or (type(a) is type(b) and isinstance(a, np.generic) and a.tobytes() == b.tobytes())


class Writer:
    """Writes the lines, with the nodes and optimizers of ``owners``, by their ``id``, as kernels."""

    def __init__(self, kernel_list: Any, owners: set[int]) -> None:
        self.list, self.owners = kernel_list, owners
        self.values = kernel_list.values
        self.scope = {
            name: x for name, x in kernel_list.scope.items() if id(x) not in owners or not isinstance(x, Node)
        }
        self.lines: list[str] = []
        self.staying: dict[int, tuple[str, Any]] = {}  # roots of memory that stays, with its name
        self.views: dict[Any, str] = {}  # names of memory that stays, by where it is and how it is seen
        self.moving: list[tuple[str, Any]] = [(n, x) for n, x in self.values.items() if n.startswith("x")]
        self.names: dict[int, str] = {id(x): name for name, x in self.moving}
        self.current: Any = None
        self.launch: Any = None
        self.remembered: dict[tuple[int, str], str] = {}  # what the forward of a node tells its backward
        self.optimizers: list[Any] = []
        self.lent = {id(root(self.values[name])) for name in self._lent_names()}
        for name, value in kernel_list.scope.items():
            if isinstance(value, Tensor):
                self._stay(f"{name}.array", value.array)
            elif isinstance(value, np.ndarray):
                self._stay(name, value)

    def _lent_names(self) -> list[str]:
        """Return the results that the user gets hold of."""
        lent = []
        for line in self.list.lines:
            if line.function is keep:
                lent.append(str(line.arguments[1]))
            elif line.function in (result, spent):
                lent.append(str(line.arguments[0]))
        return [name for name in lent if isinstance(self.values[name], np.ndarray)]

    def _stay(self, name: str, array: Any) -> None:
        self.names[id(array)] = name
        self.views.setdefault(layout(array), name)
        self.staying.setdefault(id(root(array)), (name.removesuffix(".array"), array))

    def fail(self) -> Any:
        """Have the present operation, or optimizer, keep its lines."""
        raise NoKernels(self.current)

    def write(self) -> list[str]:
        """Write all lines."""
        for line, launches in zip(self.list.lines, self.list.launches, strict=True):
            self.current = line.owner
            if id(line.owner) in self.owners:
                self._write_kernels(line, launches)
            else:
                self.lines.append(str(line))
                for name in line.results:
                    self.move(name, self.values[name])
        self.list.scope, self.list.optimizers = self.scope, self.optimizers
        return [*self.lines, self.list.returned]

    def move(self, name: str, value: Any) -> None:
        """Note a result that a line makes anew, or finds anew, in each call."""
        if isinstance(value, np.ndarray):
            self.moving.append((name, value))
            self.names[id(value)] = name

    def _write_kernels(self, line: Line, launches: list[threads.Launch]) -> None:
        live = LIVE.get((type(line.owner).__name__, line.method))
        if live is not None:
            live(line, launches, self)
            return
        self.write_results(line, launches)
        self.lines += map(self.text_of_launch, launches)

    def write_results(self, line: Line, launches: list[threads.Launch]) -> None:
        """Give the results of a line their names, and have memory made for those that the user gets."""
        given = [x for launch in launches for x in (*launch.arguments, launch.result)]
        made = {id(root(x)) for x in given if isinstance(x, np.ndarray)}
        for name in line.results:
            value = self.values[name]
            if not isinstance(value, np.ndarray):
                self.fail()
            owner, seen = id(root(value)), self._seen_as(value)
            if owner in self.staying:
                self.scope[name] = value
                self._stay(name, value)
            elif seen:
                self.lines.append(f"{name} = {seen}")
                self.move(name, value)
            elif owner not in made or (owner in self.lent and value.base is not None):
                self.fail()
            elif owner in self.lent:
                self.scope[f"memory_of_{name}"] = Memory(value)
                self.lines.append(f"{name} = memory_of_{name}.take()")
                self.move(name, value)
            else:
                self.scope[name] = value
                self._stay(name, value)

    @staticmethod
    def argument_names(function: Any) -> tuple[str, ...]:
        """Return what a kernel calls its arguments."""
        code = getattr(getattr(function, "py_func", function), "__code__", None)
        return () if code is None else code.co_varnames[: code.co_argcount]

    def arguments_of(self, launch: threads.Launch) -> list[tuple[str, Any]]:
        """Return what a kernel was given, each with what the kernel calls it; a function of NumPy tells no names."""
        names = self.argument_names(launch.function)
        return [(names[i] if i < len(names) else "memory", x) for i, x in enumerate(launch.arguments)]

    # ---- the text of a call ------------------------------------------------------------------------------

    def text_of_launch(self, launch: threads.Launch, **replaced: str) -> str:
        """Return the line that calls a kernel again; ``replaced`` are arguments that are worked out anew, by name."""
        given, self.launch = self.arguments_of(launch), launch
        if not replaced.keys() <= dict(given).keys():
            self.fail()
        texts = [replaced[name] if name in replaced else self.text(x, name) for name, x in given]
        if launch.elements is None and isinstance(launch.result, np.ndarray):
            texts.append(f"out={self.text(launch.result)}")
        return self.text_of_call(launch, texts)

    def text_of_call(self, launch: threads.Launch, texts: list[str]) -> str:
        """Return the line that calls a kernel with these arguments, on as many threads as are worthwhile."""
        name = self.named(launch.function, getattr(launch.function, "__name__", "kernel").strip("_"))
        if launch.elements is None or launch.nanoseconds is None:
            return f"{name}({', '.join(texts)})"
        if threads.is_worthwhile(launch.nanoseconds):
            run_over = self.named(threads.run_over, "run_over")
            return f"{run_over}({launch.elements}, {launch.nanoseconds:.0f}, {name}, {', '.join(texts)})"
        return f"{name}({', '.join([*texts, '0', str(launch.elements)])})"

    def named(self, value: Any, hint: str) -> str:
        """Return the name of something that the lines are given."""
        base = re.sub(r"\W", "_", hint)
        name, number = base, 1
        while name in self.scope and not is_one(self.scope[name], value):
            number += 1
            name = f"{base}_{number}"
        self.scope[name] = value
        return name

    def text(self, value: Any, hint: str = "memory") -> str:
        """Return the expression for an argument of a kernel, which calls it ``hint``."""
        if isinstance(value, np.ndarray):
            return self._text_of_array(value, hint)
        if isinstance(value, np.generic):
            return self.named(value, hint)
        if value is None or isinstance(value, bool | int | float):
            return repr(value)
        if type(value) is tuple:
            return f"({''.join([f'{self.text(x)}, ' for x in value])})"
        return self.fail()

    def _text_of_array(self, array: Any, hint: str) -> str:
        known = self.names.get(id(array))
        if known is not None:
            return known
        if id(root(array)) in self.staying:
            name, whole = self.staying[id(root(array))]
            return self.stay_as(array, name + kind_of_view(array, whole))
        if not array.size:
            return self.stay_as(array, "nothing")
        seen = self._seen_as(array)
        if seen:
            return seen
        if any(np.may_share_memory(array, other) for _, other in self.moving):
            return self.fail()
        if not root(array).flags.writeable:
            return self.stay_as(array, "ones" if (array == 1).all() else hint)
        return self.stay_as(array, hint) if overwrites(self.launch, array) else self.fail()

    def stay_as(self, array: Any, hint: str) -> str:
        """Return the name of memory that stays: the one it has, or a new one."""
        known = self.views.get(layout(array))
        if known is not None:
            return known
        name = self.named(array, hint)
        self._stay(name, array)
        return name

    def _seen_as(self, array: Any) -> str:
        """Return the expression for a view of an array that a line makes anew; nothing if it is none."""
        for name, whole in reversed(self.moving):
            if address(whole) != address(array) or whole.size != array.size or whole.dtype != array.dtype:
                continue
            if whole.shape == array.shape and whole.strides == array.strides:
                return name
            if whole.flags.c_contiguous and array.flags.c_contiguous:
                shape = -1 if array.ndim == 1 else array.shape
                return f"{name}.reshape({shape})"
            if whole.T.shape == array.shape and whole.T.strides == array.strides:
                return f"{name}.T"
        return ""


def overwrites(launch: threads.Launch, array: Any) -> bool:
    """Tell whether a kernel writes every number of an array, whatever was there: else it may be a copy of something.

    The kernel runs on copies, with 0 in the array and with -1, which are in range where it holds indices.
    """
    left = []
    for number in (0, 1 if array.dtype.kind in "bu" else -1):
        given = [copy_of_argument(x) for x in launch.arguments]
        ours = [copy for copy, x in zip(given, launch.arguments, strict=True) if x is array and copy is not x]
        for copy in ours:
            copy[...] = number
        part = () if launch.elements is None or launch.nanoseconds is None else (0, launch.elements)
        launch.function(*given, *part)
        left.append([copy.tobytes() for copy in ours])
    return left[0] != [] and left[0] == left[1]


def copy_of_argument(x: Any) -> Any:
    """Return a copy of an array that a kernel may write to; of its layout, for which the kernel is compiled."""
    if not isinstance(x, np.ndarray) or not x.flags.writeable:
        return x
    if x.flags.forc:
        return x.copy("K")
    copy = np.empty((*x.shape, 2), x.dtype)[..., 0]
    copy[...] = x
    return copy


def kind_of_view(array: Any, whole: Any) -> str:
    """Return what is added to a name for a view: _flat, _T, or _as_2_3 for its shape."""
    if array.ndim == 1 and array.size == whole.size:
        return "_flat"
    if array.shape == whole.T.shape and array.strides == whole.T.strides:
        return "_T"
    return "_as_" + "_".join(map(str, array.shape))
