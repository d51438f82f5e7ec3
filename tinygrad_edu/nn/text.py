"""The texts that modules show: ``repr`` of a model, as PyTorch prints it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.parameter import Parameter


def module_text(name: str, extra: str, children: Iterable[tuple[str, str]]) -> str:
    """Return the repr of a module from its extra_repr and the names and reprs of its children."""
    lines = extra.split("\n") if extra else []
    named = [f"({child}): " + text.replace("\n", "\n  ") for child, text in children]
    if len(lines) <= 1 and not named:
        return f"{name}({extra})"
    return f"{name}(\n  " + "\n  ".join(lines + named) + "\n)"


def collapsed(texts: list[str]) -> list[tuple[str, str]]:
    """Return numbered texts, with equal ones that follow each other told once: ("0-2", "3 x ReLU()").

    Examples
    --------
    >>> collapsed(["ReLU()", "ReLU()", "Tanh()"])
    [('0-1', '2 x ReLU()'), ('2', 'Tanh()')]
    """
    result = []
    first = 0
    for i, text in enumerate(texts):
        if i + 1 < len(texts) and texts[i + 1] == text:
            continue
        count = i + 1 - first
        result.append((str(i), text) if count == 1 else (f"{first}-{i}", f"{count} x {text}"))
        first = i + 1
    return result


def value_text(value: Any) -> str:
    """Return what is said of one value in a list or dict of parameters."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join([str(n) for n in value.shape])
    device = f" ({value.device})" if value.is_cuda else ""
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{value.dtype} of size {size}{device}]"
