"""Which arguments PyTorch's functions, methods and classes take: read from its stubs, and by ``inspect``.

Most of PyTorch's functions are written in C++ and have no signature that ``inspect`` sees; what they take stands in
the stub files that are installed with it, as one definition an overload.
"""

from __future__ import annotations

import ast
import functools
import inspect
from pathlib import Path
from typing import Any

REQUIRED = inspect.Parameter.empty
UNREADABLE = object()  # a default that the stub does not tell
KEYWORDS_OF_NUMPY = {"dim": "axis", "keepdim": "keepdims"}  # torch/csrc/utils/python_arg_parser.cpp


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


def signature_of(definition: ast.FunctionDef) -> inspect.Signature:
    """Return what ``inspect.signature`` would say, had the definition been run."""
    arguments = definition.args
    kinds = inspect._ParameterKind
    positional = [(a, kinds.POSITIONAL_ONLY) for a in arguments.posonlyargs]
    positional += [(a, kinds.POSITIONAL_OR_KEYWORD) for a in arguments.args]
    defaults = [REQUIRED] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    parameters = [
        inspect.Parameter(a.arg, kind, default=default_of(d), annotation=annotation_of(a))
        for (a, kind), d in zip(positional, defaults, strict=True)
    ]
    if arguments.vararg is not None:
        parameters.append(inspect.Parameter(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        default = REQUIRED if d is None else d
        parameters.append(
            inspect.Parameter(
                a.arg, kinds.KEYWORD_ONLY, default=default_of(default), annotation=annotation_of(a)
            )
        )
    if arguments.kwarg is not None:
        parameters.append(inspect.Parameter(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(parameters)


def default_of(node: Any) -> Any:
    """Return the value of a default that is written as a literal."""
    if node is REQUIRED:
        return REQUIRED
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return UNREADABLE
    return UNREADABLE if value is ... else value


def annotation_of(argument: ast.arg) -> str:
    """Return an annotation as it is written."""
    return "" if argument.annotation is None else ast.unparse(argument.annotation)


def is_of_another_kind(signature: inspect.Signature) -> bool:
    """Tell whether an overload is about named dimensions, or a deprecated one with a number in front."""
    names = list(signature.parameters)
    named_dims = any("EllipsisType" in str(p.annotation) for p in signature.parameters.values())
    deprecated = (
        any(name in names[: names.index("self")] for name in ("alpha", "beta", "value"))
        if ("self" in names)
        else False
    )
    return named_dims or deprecated


@functools.cache
def stubs() -> dict[str, dict[str, list[ast.FunctionDef]]]:
    """Return the definitions of the stub files, by what they are the stubs of."""
    import torch

    root = Path(torch.__file__).parent
    return {
        "torch": stub_definitions(root / "_C" / "_VariableFunctions.pyi"),
        "Tensor": stub_definitions(root / "_C" / "__init__.pyi", "TensorBase"),
        "functional": {
            **stub_definitions(root / "_C" / "_VariableFunctions.pyi"),
            **stub_definitions(root / "_C" / "_nn.pyi"),
            **stub_definitions(root / "nn" / "functional.pyi"),
        },
    }


def signatures(place: str, name: str, value: Any) -> list[inspect.Signature]:
    """Return the overloads of something of PyTorch; none if nothing says what it takes."""
    try:
        found = [inspect.signature(value)]
    except (TypeError, ValueError):
        found = []
    takes_anything = found and {p.kind.name for p in found[0].parameters.values()} == {
        "VAR_POSITIONAL",
        "VAR_KEYWORD",
    }
    if not found or takes_anything:
        found = [signature_of(node) for node in stubs().get(place, {}).get(name, [])]
    return [s for s in found if not is_of_another_kind(s)]
