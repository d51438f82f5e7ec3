"""What the operands of a call are named in the text of the user's program: ``x @ w``, ``self.fc(x)``, ``cat([a, b])``.

Python knows, since 3.11, which part of a line every instruction comes from (PEP 657). That part is parsed, and its
operands are laid beside the arguments that the engine's function was called with.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from types import FrameType, FunctionType, ModuleType
from typing import Any, NamedTuple, Protocol

from tinygrad_edu.autograd.callers import ENGINE_FOLDERS


class Position(Protocol):
    """Where a frame is."""

    @property
    def frame(self) -> FrameType: ...
    @property
    def instruction(self) -> int: ...


class Named(NamedTuple):
    """A value, and the text that stands for it in the user's program."""

    text: str
    value: Any


def is_tensor(value: Any) -> bool:
    """Tell whether this is a Tensor, by the name of its class, for that is made later than this file."""
    return is_a(value, "TensorBase")


def is_a(value: Any, name: str) -> bool:
    """Tell whether a value is of a class of the engine, or of one made from it."""
    return any(
        kind.__name__ == name and kind.__module__.startswith("tinygrad_edu.") for kind in type(value).__mro__
    )


def named_arguments(user: Position, called: FrameType) -> list[Named]:
    """Return the arguments that the engine's function was called with, under the names the user has for them."""
    positional, by_keyword = arguments_of(called)
    owner = positional[0].value if positional else None
    if isinstance(owner, type) or is_a(owner, "ModuleCall"):
        positional = positional[1:]  # the user wrote the layer before the parenthesis, not in it
    tree = expression_at(user)
    nodes, keywords = operands_in(tree, user.frame, is_a(owner, "ModuleCall"))
    if is_reflected(tree, called.f_code.co_name):
        nodes = nodes[::-1]
    written = [
        nodes[i] if i < len(nodes) else keywords.get(argument.text) for i, argument in enumerate(positional)
    ]
    if isinstance(tree, ast.Call) and calls_something_else(tree.func, user.frame):  # map(torch.relu, tensors)
        written = [
            node if node is not None and value_of(node, user.frame) is argument.value else None
            for node, argument in zip(written, positional, strict=True)
        ]
    found = [named(node, argument) for node, argument in zip(written, positional, strict=True)]
    found += [named(keywords.get(argument.text), argument) for argument in by_keyword]
    return [x for group in found for x in group]


def tensors_among(frame: FrameType) -> list[Named]:
    """Return the Tensors that a function was called with, under the names it has for them itself."""
    positional, by_keyword = arguments_of(frame)
    flat = [x for argument in (*positional, *by_keyword) for x in named(None, argument)]
    return [x for x in flat if is_tensor(x.value)]


def arguments_of(frame: FrameType) -> tuple[list[Named], list[Named]]:
    """Return the arguments a function has now: those by position, and those by keyword alone."""
    code, values = frame.f_code, frame.f_locals
    names, count = code.co_varnames, code.co_argcount
    positional = [Named(name, values[name]) for name in names[:count] if name in values]
    by_keyword = [Named(name, values[name]) for name in names[count:][: code.co_kwonlyargcount]]
    rest = count + code.co_kwonlyargcount
    if code.co_flags & 0x04:  # *args
        positional += [Named(f"{names[rest]}[{i}]", x) for i, x in enumerate(values.get(names[rest], ()))]
        rest += 1
    if code.co_flags & 0x08:  # **kwargs
        by_keyword += [Named(name, x) for name, x in values.get(names[rest], {}).items()]
    return positional, by_keyword


def named(node: ast.expr | None, argument: Named) -> list[Named]:
    """Return an argument under the name that the user has for it; the elements of a list, under theirs."""
    text, value = ast.unparse(node) if node is not None else argument.text, argument.value
    if not isinstance(value, list | tuple) or not any(map(is_tensor, value)):
        return [Named(text, value)]
    if isinstance(node, ast.List | ast.Tuple) and len(node.elts) == len(value):
        return [Named(ast.unparse(part), x) for part, x in zip(node.elts, value, strict=True)]
    return [Named(f"{enclosed(text)}[{i}]", x) for i, x in enumerate(value)]


def enclosed(text: str) -> str:
    """Return the text of an expression, in parentheses if a method or an operator would take only a part of it."""
    tree = parsed(text)
    binds_closely = (
        ast.Name,
        ast.Attribute,
        ast.Subscript,
        ast.Call,
        ast.Constant,
        ast.List,
        ast.Tuple,
        ast.Dict,
    )
    return text if tree is None or isinstance(tree, binds_closely) else f"({text})"


def expression_at(user: Position) -> ast.AST | None:
    """Return the expression, or the statement ``x += w``, that a frame is computing."""
    code = user.frame.f_code
    first, last, start, end = list(code.co_positions())[user.instruction // 2]
    if first is None or last is None or start is None or end is None:
        return None
    lines = [linecache.getline(code.co_filename, n, user.frame.f_globals) for n in range(first, last + 1)]
    if not all(lines):
        return None
    cut = [line.encode() for line in lines]
    cut[-1] = cut[-1][:end]  # first: in one line, the start would move the end
    cut[0] = cut[0][start:]
    return parsed(b"".join(cut).decode())


def parsed(text: str) -> ast.AST | None:
    """Return the tree of an expression, or of one statement; None if it is neither."""
    for attempt in (f"({text}\n)", text):
        try:
            body = ast.parse(attempt).body
        except (SyntaxError, ValueError):
            continue
        if len(body) == 1:
            return body[0].value if isinstance(body[0], ast.Expr) else body[0]
    return None


def operands_in(
    tree: ast.AST | None, frame: FrameType, of_layer: bool
) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Return what is written as the operands of an expression: by position, and by keyword."""
    match tree:
        case ast.BinOp(left=left, right=right):
            return [left, right], {}
        case ast.AugAssign(target=left, value=right):
            return [left, right], {}
        case ast.Compare(left=left, comparators=[right]):
            return [left, right], {}
        case ast.UnaryOp(operand=operand):
            return [operand], {}
        case ast.Subscript(value=value, slice=index):
            return [value, index], {}
        case ast.Call(func=function, args=arguments, keywords=keywords):
            if any(isinstance(x, ast.Starred) for x in arguments):
                return [], {}
            before = []
            if isinstance(function, ast.Attribute) and not of_layer:
                before = [] if names_a_module(function.value, frame) else [function.value]
            return [*before, *arguments], {x.arg: x.value for x in keywords if x.arg is not None}
    return [], {}


def is_reflected(tree: ast.AST | None, method: str) -> bool:
    """Tell whether Python has asked the right operand: ``1 / x`` is ``x.__rtruediv__(1)``, ``1 < x`` is ``x > 1``."""
    match tree:
        case ast.BinOp():
            return method.startswith("__r") and method != "__rshift__"
        case ast.Compare(ops=[ast.Lt() | ast.LtE()]):
            return method in ("gt", "ge")
        case ast.Compare(ops=[ast.Gt() | ast.GtE()]):
            return method in ("lt", "le")
    return False


def names_a_module(node: ast.expr, frame: FrameType) -> bool:
    """Tell whether ``a.b.c`` leads into a module of Python or a class: ``torch.nn.functional``, ``Tensor``."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and isinstance(value_of(node, frame), ModuleType | type)


def value_of(node: ast.expr, frame: FrameType) -> Any:
    """Return what ``a.b.c`` is, as far as that can be told without running anything of the program; else None."""
    if isinstance(node, ast.Name):
        names = {**frame.f_builtins, **frame.f_globals, **frame.f_locals}
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = value_of(node.value, frame)
        if owner is not None:
            return inspect.getattr_static(owner, node.attr, None)
    return None


def calls_something_else(function: ast.expr, frame: FrameType) -> bool:
    """Tell whether a call is known to be one of Python's, or of another package's, which then called the engine."""
    if isinstance(function, ast.Call):  # partial(torch.add, x)(y)
        return calls_something_else(function.func, frame)
    value = value_of(function, frame)
    value = getattr(value, "__func__", value)
    if isinstance(value, FunctionType):
        return not value.__code__.co_filename.startswith(ENGINE_FOLDERS)
    kind = value if isinstance(value, type) else type(value)
    return value is not None and not any(base.__module__.startswith("tinygrad_edu.") for base in kind.__mro__)
