"""Which arguments PyTorch's functions, methods and classes take: read from its stubs, and by ``inspect``.

Most of PyTorch's functions are written in C++ and have no signature that ``inspect`` sees; what they take stands in
the stub files that are installed with it, as one definition an overload. Those of ``torch.linalg``, ``special`` and
``fft`` have no stubs; what they take is the schema of their operator.
"""

from __future__ import annotations

import ast
import functools
import inspect
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

UNREADABLE = object()  # a default that the stub does not tell
NAMES_OF_NUMPY = {"dim": "axis", "keepdim": "keepdims"}  # torch/csrc/utils/python_arg_parser.cpp
NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
BY_POSITION = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.POSITIONAL_ONLY)

WITHOUT_STUBS = ("torch.linalg", "torch.special", "torch.fft")


def stub_definitions(path: Path, within: str | None = None) -> dict[str, list[ast.FunctionDef]]:
    """Return name -> overloads of the functions of a stub file, or of a class in it."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    if within is not None:
        (body,) = [node.body for node in body if isinstance(node, ast.ClassDef) and node.name == within]
    found: dict[str, list[ast.FunctionDef]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


def signature_of(definition: ast.FunctionDef) -> Signature:
    """Return what ``inspect.signature`` would say, had the definition been run."""
    arguments = definition.args
    required = [None] * (len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults))
    defaults = iter([*required, *arguments.defaults])
    parameters = [parameter(a, Parameter.POSITIONAL_ONLY, next(defaults)) for a in arguments.posonlyargs]
    parameters += [parameter(a, Parameter.POSITIONAL_OR_KEYWORD, next(defaults)) for a in arguments.args]
    if arguments.vararg is not None:
        parameters.append(parameter(arguments.vararg, Parameter.VAR_POSITIONAL, None))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters.append(parameter(argument, Parameter.KEYWORD_ONLY, default))
    if arguments.kwarg is not None:
        parameters.append(parameter(arguments.kwarg, Parameter.VAR_KEYWORD, None))
    return Signature(parameters)


def parameter(argument: ast.arg, kind: Any, default: ast.expr | None) -> Parameter:
    """Return a parameter as ``inspect`` has it."""
    annotation = "" if argument.annotation is None else ast.unparse(argument.annotation)
    return Parameter(argument.arg, kind, default=default_of(default), annotation=annotation)


def default_of(node: ast.expr | None) -> Any:
    """Return the value of a default that is written as a literal."""
    if node is None:
        return Parameter.empty
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return UNREADABLE
    return UNREADABLE if value is ... else value


@functools.cache
def stubs() -> dict[str, dict[str, list[ast.FunctionDef]]]:
    """Return the definitions of the stub files, by what they are the stubs of."""
    import torch

    root = Path(torch.__file__).parent
    functions = stub_definitions(root / "_C" / "_VariableFunctions.pyi")
    neural = stub_definitions(root / "_C" / "_nn.pyi")
    return {
        "torch": functions,
        "torch.Tensor": stub_definitions(root / "_C" / "__init__.pyi", "TensorBase"),
        "torch.nn.functional": {
            **functions,
            **neural,
            **stub_definitions(root / "nn" / "functional.pyi"),
        },
    }


def overloads(place: str, name: str, value: Any) -> list[Signature]:
    """Return the signatures of something of PyTorch; none if nothing says what it takes.

    Left out are those for named dimensions, and those whose first argument is a number and is called ``self``.
    """
    try:
        found = [inspect.signature(value)]
    except (TypeError, ValueError):
        found = []
    kinds = {p.kind for signature in found for p in signature.parameters.values()}
    if kinds <= {Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD}:
        found = [signature_of(node) for node in stubs().get(place, {}).get(name, [])] or found
    if place in WITHOUT_STUBS and not found:
        found = schemas(f"{place.removeprefix('torch.')}_{name}")
    return [signature for signature in found if not is_left_out(place, signature)]


def schemas(name: str) -> list[Signature]:
    """Return what an operator of PyTorch's takes, without the overloads that write to an output."""
    import torch

    operator = getattr(torch.ops.aten, name, None)
    found = []
    for overload in [] if operator is None else operator.overloads():
        arguments = getattr(operator, overload)._schema.arguments
        if not any(a.is_out for a in arguments):
            found.append(Signature([schema_parameter(a) for a in arguments]))
    return found


def schema_parameter(argument: Any) -> Parameter:
    """Return a parameter as ``inspect`` has it."""
    kind = Parameter.KEYWORD_ONLY if argument.kwarg_only else Parameter.POSITIONAL_OR_KEYWORD
    default = argument.default_value if argument.has_default_value() else Parameter.empty
    default = tuple(default) if isinstance(default, list) else default
    return Parameter("input" if argument.name == "self" else argument.name, kind, default=default)


def is_left_out(place: str, signature: Signature) -> bool:
    named_dims = any("EllipsisType" in str(p.annotation) for p in signature.parameters.values())
    return named_dims or (place == "torch" and "self" in signature.parameters)


def is_native(place: str, value: Any) -> bool:
    """Tell whether PyTorch's parser of arguments is asked, which knows NumPy's names, too."""
    return place in ("torch", "torch.Tensor") and not inspect.isfunction(value)


def differences(ours: Signature, theirs: list[Signature], native: bool) -> set[str]:
    """Return what PyTorch takes and we do not: ``name``, ``place of name``, ``default of name``."""
    mine = list(ours.parameters.values())
    named = {p.name for p in mine if p.kind in NAMED}
    positions = [p.name for p in mine if p.kind in BY_POSITION]
    any_number = any(p.kind is Parameter.VAR_POSITIONAL for p in mine)
    any_name = any(p.kind is Parameter.VAR_KEYWORD for p in mine)
    found = set()
    for signature in theirs:
        names = [p.name for p in signature.parameters.values() if p.kind in BY_POSITION]
        for p in signature.parameters.values():
            if p.kind in NAMED and p.name not in named:
                found.add(p.name)
            elif (
                p.name in names and not any_number and positions.index(p.name) != names.index(p.name)
                if (p.name in positions)
                else p.name in names and not any_number and p.name in named
            ):
                found.add(f"place of {p.name}")
            alias = NAMES_OF_NUMPY.get(p.name)
            if native and alias is not None and alias not in named and not any_name:
                found.add(alias)
    for name in named:
        defaults = [s.parameters[name].default for s in theirs if name in s.parameters]
        known = [d for d in defaults if d is not Parameter.empty]
        if (
            known
            and UNREADABLE not in known
            and not any(same(ours.parameters[name].default, d) for d in known)
        ):
            found.add(f"default of {name}")
    return found


def same(a: Any, b: Any) -> bool:
    """Compare two defaults; objects of the two libraries by how they are written."""
    return bool(a == b) or (type(a).__name__ == type(b).__name__ and str(a) == str(b))
