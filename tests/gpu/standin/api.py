"""What CuPy has and how it is called, as frozen in ``cupy_api.json``."""

from __future__ import annotations

import functools
import inspect
import json
from pathlib import Path
from typing import Any

API: dict[str, Any] = json.loads(Path(__file__).with_name("cupy_api.json").read_text())


@functools.cache
def signature_of(space: str, name: str) -> inspect.Signature | None:
    """Return the signature of ``space.name``; None where CuPy does not say."""
    text = API[space][name]
    if text in ("?", "value", "class") or text.startswith("ufunc"):
        return None
    parameters: list[inspect.Parameter] = []
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for part in text.split(", ") if text else []:
        if part == "/":
            parameters = [p.replace(kind=p.POSITIONAL_ONLY) for p in parameters]
        elif part == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif part.startswith("**"):
            parameters.append(inspect.Parameter(part[2:], inspect.Parameter.VAR_KEYWORD))
        elif part.startswith("*"):
            parameters.append(inspect.Parameter(part[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            default = None if part.endswith("=") else inspect.Parameter.empty
            parameters.append(inspect.Parameter(part.rstrip("="), kind, default=default))
    return inspect.Signature(parameters)


def check_call(space: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise TypeError where CuPy would, for arguments that it does not have."""
    signature = signature_of(space, name)
    if signature is None:
        return
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{space}.{name}({API[space][name]}): {error}") from None


def require_name(space: str, name: str) -> str:
    """Return what is known of ``space.name``; AttributeError if CuPy does not have it."""
    if name not in API[space]:
        raise AttributeError(f"CuPy {API['version']} has no {space}.{name}")
    return API[space][name]
