"""Reads a pickle without ``pickle``: a machine with a stack and a memo that knows the few commands that data needs.

A pickle is a program for such a machine. Python's own has a command that calls anything at all, and one that writes
into any object; to hand it a list of names that may be called is to trust each of these functions with arguments that
an enemy has chosen. This machine makes Python's plain values by itself, and leaves the rest to ``names.py``, whose
functions look at what they are given.

Nothing in it calls itself, and what it makes takes no more than some hundred times the bytes of the file.

References
----------
https://github.com/python/cpython/blob/main/Lib/pickletools.py, which says what each command does
"""

from __future__ import annotations

import pickle
import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from tinygrad_edu.serialization.checks import check_key, check_nesting, check_result, cost_of
from tinygrad_edu.serialization.container import LoadError
from tinygrad_edu.serialization.names import build, known_constants, known_functions
from tinygrad_edu.serialization.storage import TensorReader

FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, struct.error)


class Interpreter:
    """Runs one pickle.

    Parameters
    ----------
    data : bytes
        The pickle.
    reader : TensorReader
        Makes the tensors.
    safe_globals : dict
        The classes and functions that the caller trusts, by module and name.

    Examples
    --------
    >>> machine = Interpreter(pickle.dumps({"a": [1, 2.5, None]}), None, {})
    >>> machine.run()
    {'a': [1, 2.5, None]}
    """

    def __init__(
        self, data: bytes, reader: TensorReader | None, safe_globals: dict[tuple[str, str], Any]
    ) -> None:
        self.data = data
        self.position = 0
        self.protocol = 0
        self.stack: list[Any] = []
        self.marks: list[int] = []  # where in the stack the unfinished containers begin
        self.memo: dict[int, Any] = {}
        self.reader = reader
        self.functions = {} if reader is None else known_functions(reader)
        self.callable_ids = {id(function) for function in self.functions.values()}
        self.constants = known_constants()
        self.trusted = safe_globals
        self.to_spend = 8 * len(data) + 65536  # how much may be copied

    def run(self) -> Any:
        """Return the object that the pickle describes.

        Raises
        ------
        LoadError
            If the pickle names something it may not, or makes no sense.
        """
        try:
            while True:
                code = self.take(1)[0]
                if code == pickle.STOP[0]:
                    break
                command = COMMANDS.get(code)
                if command is None:
                    raise LoadError(f"load: the file holds the pickle command {code}, which no data needs")
                command(self)
            result = self.pop()
            check_result(result, list(self.trusted.values()))
            return result
        except LoadError:
            raise
        except FAILURES as error:
            raise LoadError(f"load: the file is damaged: {type(error).__name__}: {error}") from error

    # ---- reading and the stack -------------------------------------------------------------------------

    def take(self, count: int) -> bytes:
        """Return the next bytes of the pickle."""
        part = self.data[self.position : self.position + count]
        if len(part) != count:
            raise LoadError(f"load: the file is truncated: its pickle ends after {len(self.data)} bytes")
        self.position += count
        return part

    def take_number(self, layout: str) -> Any:
        """Return the next number, in one of the layouts of ``struct``."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def take_line(self) -> str:
        """Return the next line."""
        end = self.data.find(b"\n", self.position)
        line = self.take(max(end - self.position, 0) + 1)
        return line[:-1].decode()

    def pop(self) -> Any:
        """Take the topmost object from the stack; never one from below the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise LoadError("load: the file is damaged: a command finds nothing to work on")
        return self.stack.pop()

    def pop_marked(self) -> list[Any]:
        """Take all that lies above the last mark, and the mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def top(self, kind: Any) -> Any:
        """Return the topmost object, which must be of a kind."""
        obj = self.pop()
        self.stack.append(obj)
        if not isinstance(obj, kind):
            raise LoadError(f"load: the file is damaged: it fills a {type(obj).__name__}")
        return obj

    def spend(self, amount: int) -> None:
        """Raise if copying so much more would make far more of the file than is in it."""
        self.to_spend -= amount
        if self.to_spend < 0:
            raise LoadError("load: the file asks for far more memory than its own size")

    # ---- containers ------------------------------------------------------------------------------------

    def add(self, items: list[Any]) -> None:
        """Append to the list or deque on top of the stack."""
        target = self.top((list, deque))
        if isinstance(target, deque):
            check_nesting(items)
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Put pairs of key and value into the dict on top of the stack."""
        target = self.top(dict)
        if len(items) % 2:
            raise LoadError("load: the file is damaged: a key without a value")
        if isinstance(target, defaultdict):
            check_nesting(items)
        for key, value in zip(items[::2], items[1::2], strict=True):
            check_key(key)
            target[key] = value

    def append(self) -> None:
        """Append one object."""
        self.add([self.pop()])

    def appends(self) -> None:
        """Append all since the mark."""
        self.add(self.pop_marked())

    def set_item(self) -> None:
        """Set one item of a dict."""
        value, key = self.pop(), self.pop()
        self.set_items([key, value])

    def set_many(self) -> None:
        """Set the items since the mark."""
        self.set_items(self.pop_marked())

    def add_items(self) -> None:
        """Add all since the mark to a set."""
        items = self.pop_marked()
        for item in items:
            check_key(item)
        self.top(set).update(items)

    def make_frozenset(self) -> None:
        """Make a frozenset of all since the mark."""
        items = self.pop_marked()
        for item in items:
            check_key(item)
        self.stack.append(frozenset(items))

    def make_tuple(self, length: int) -> None:
        """Make a tuple of the topmost objects."""
        items = [self.pop() for _ in range(length)]
        self.stack.append(tuple(reversed(items)))

    # ---- names and calls -------------------------------------------------------------------------------

    def find(self, module: str, name: str) -> None:
        """Push what a name stands for."""
        if self.protocol < 3:  # then it is Python 2's: __builtin__ is builtins
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        for table in (self.functions, self.constants, self.trusted):
            if (module, name) in table:
                self.stack.append(table[module, name])
                return
        raise LoadError(
            f"load: expected only tensors, numbers and containers, got {f'{module}.{name}':.200}. If you trust the "
            "file, use weights_only=False, which lets it run any code, or allow the class with "
            "torch.serialization.add_safe_globals."
        )

    def find_by_line(self) -> None:
        """Push what the next two lines name."""
        module = self.take_line()
        self.find(module, self.take_line())

    def find_by_stack(self) -> None:
        """Push what the two topmost strings name."""
        name, module = self.pop(), self.pop()
        if type(name) is not str or type(module) is not str:
            raise LoadError("load: the file is damaged: a name is no text")
        self.find(module, name)

    def call(self, is_new: bool) -> None:
        """Call a function of ours, or a class that the caller trusts, with a tuple of arguments."""
        args, function = self.pop(), self.pop()
        if type(args) is not tuple:
            raise LoadError("load: the file is damaged: arguments are no tuple")
        self.spend(cost_of(args))
        if id(function) in self.callable_ids:
            self.stack.append(function(*args))
        elif any(function is one for one in self.trusted.values()):
            made = function.__new__(function, *args) if is_new else function(*args)
            self.stack.append(made)
        else:
            raise LoadError(
                f"load: the file calls a {type(function).__name__}, which is no function of a tensor"
            )

    def build(self) -> None:
        """Give the topmost object its state."""
        state, obj = self.pop(), self.top(object)
        self.spend(cost_of(state))
        if any(type(obj) is one for one in self.trusted.values()):
            pickle_build(obj, state)
        else:
            build(obj, state)

    def load_storage(self) -> None:
        """Push the storage that the topmost object speaks of."""
        if self.reader is None:
            raise LoadError("load: the file is damaged: there are no storages")
        self.stack.append(self.reader.storage(self.pop()))

    def remember(self, index: int) -> None:
        """Keep the topmost object under a number."""
        self.memo[index] = self.top(object)

    def recall(self, index: int) -> None:
        """Push what was kept under a number."""
        self.stack.append(self.memo[index])

    def check_protocol(self) -> None:
        """Read which version of the language the pickle is in."""
        self.protocol = self.take(1)[0]
        if self.protocol > pickle.HIGHEST_PROTOCOL:
            raise LoadError(
                f"load: expected pickle protocol 2 to {pickle.HIGHEST_PROTOCOL}, got {self.protocol}"
            )


def pickle_build(obj: Any, state: Any) -> None:
    """Give an object of a class that the caller trusts its state, as ``pickle`` does."""
    if hasattr(obj, "__setstate__"):
        obj.__setstate__(state)
        return
    state, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    vars(obj).update(state or {})
    for name, value in (slots or {}).items():
        setattr(obj, name, value)


# ---- the commands --------------------------------------------------------------------------------------------


def _push(value: Any) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(value)


def _number(layout: str) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(machine.take_number(layout))


def _bytes(layout: str, convert: Callable[[bytes], Any]) -> Callable[[Interpreter], None]:
    return lambda machine: machine.stack.append(convert(machine.take(machine.take_number(layout))))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


COMMANDS: dict[int, Callable[[Interpreter], Any]] = {
    code[0]: command
    for code, command in {
        pickle.PROTO: Interpreter.check_protocol,
        pickle.FRAME: lambda machine: machine.take_number("<Q"),  # only says how much to read ahead
        pickle.MARK: lambda machine: machine.marks.append(len(machine.stack)),
        pickle.POP: Interpreter.pop,
        pickle.POP_MARK: Interpreter.pop_marked,
        pickle.NONE: _push(None),
        pickle.NEWTRUE: _push(True),
        pickle.NEWFALSE: _push(False),
        pickle.BININT: _number("<i"),
        pickle.BININT1: _number("<B"),
        pickle.BININT2: _number("<H"),
        pickle.BINFLOAT: _number(">d"),
        pickle.LONG1: _bytes("<B", _long),
        pickle.LONG4: _bytes("<I", _long),
        pickle.BINUNICODE: _bytes("<I", _text),
        pickle.SHORT_BINUNICODE: _bytes("<B", _text),
        pickle.BINUNICODE8: _bytes("<Q", _text),
        pickle.BINSTRING: _bytes("<I", _text),  # Python 2's
        pickle.SHORT_BINSTRING: _bytes("<B", _text),
        pickle.BINBYTES: _bytes("<I", bytes),
        pickle.SHORT_BINBYTES: _bytes("<B", bytes),
        pickle.BINBYTES8: _bytes("<Q", bytes),
        pickle.BYTEARRAY8: _bytes("<Q", bytearray),
        pickle.EMPTY_TUPLE: _push(()),
        pickle.EMPTY_LIST: lambda machine: machine.stack.append([]),
        pickle.EMPTY_DICT: lambda machine: machine.stack.append({}),
        pickle.EMPTY_SET: lambda machine: machine.stack.append(set()),
        pickle.TUPLE: lambda machine: machine.stack.append(tuple(machine.pop_marked())),
        pickle.TUPLE1: lambda machine: machine.make_tuple(1),
        pickle.TUPLE2: lambda machine: machine.make_tuple(2),
        pickle.TUPLE3: lambda machine: machine.make_tuple(3),
        pickle.FROZENSET: Interpreter.make_frozenset,
        pickle.APPEND: Interpreter.append,
        pickle.APPENDS: Interpreter.appends,
        pickle.SETITEM: Interpreter.set_item,
        pickle.SETITEMS: Interpreter.set_many,
        pickle.ADDITEMS: Interpreter.add_items,
        pickle.BINPUT: lambda machine: machine.remember(machine.take_number("<B")),
        pickle.LONG_BINPUT: lambda machine: machine.remember(machine.take_number("<I")),
        pickle.MEMOIZE: lambda machine: machine.remember(len(machine.memo)),
        pickle.BINGET: lambda machine: machine.recall(machine.take_number("<B")),
        pickle.LONG_BINGET: lambda machine: machine.recall(machine.take_number("<I")),
        pickle.GLOBAL: Interpreter.find_by_line,
        pickle.STACK_GLOBAL: Interpreter.find_by_stack,
        pickle.REDUCE: lambda machine: machine.call(is_new=False),
        pickle.NEWOBJ: lambda machine: machine.call(is_new=True),
        pickle.BUILD: Interpreter.build,
        pickle.BINPERSID: Interpreter.load_storage,
    }.items()
}
