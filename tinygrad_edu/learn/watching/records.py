"""The records of a watched training, and the file they are written into: JSON Lines, a record a line.

The first line says what is watched: {"model": "MLP", "parameters": {"fc1.weight": [128, 784]}}. Each other line is a
step:

    step            counted from 1
    loss            of its backward; the mean of them, if there were several
    gradient_norm   of all parameters together
    parameters      of each: gradient_norm (null if it got no gradient), update_ratio (the norm of what the step
                    changed, over the norm of the parameter), norm, mean, std, and now and then a histogram
    activations     of the output of each layer: mean, std, not_finite, and now and then a histogram
    units           of each ReLU, sigmoid or tanh: see sites.py

Numbers that are not finite are written as "nan", "inf" and "-inf", which JSON has no other way to say.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, TypeAlias

Record: TypeAlias = "dict[str, Any]"


def line(record: Record) -> str:
    """Return a record as a line of the file."""
    return json.dumps(with_names(record), allow_nan=False) + "\n"


def with_names(x: Any) -> Any:
    """Return the same with names for what is not finite."""
    if isinstance(x, dict):
        return {key: with_names(value) for key, value in x.items()}
    if isinstance(x, list):
        return [with_names(value) for value in x]
    return str(x) if isinstance(x, float) and not math.isfinite(x) else x


NUMBERS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def with_numbers(x: Any) -> Any:
    """Undo ``with_names``."""
    if isinstance(x, dict):
        return {key: with_numbers(value) for key, value in x.items()}
    if isinstance(x, list):
        return [with_numbers(value) for value in x]
    return NUMBERS.get(x, x) if isinstance(x, str) else x


def read(path: str | Path) -> tuple[Record, list[Record]]:
    """Return what was watched, and the steps, from a file.

    Raises
    ------
    ValueError
        If it is no file of ``learn.watch``.
    """
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    try:
        head, *steps = [with_numbers(json.loads(text)) for text in lines]
        assert "model" in head
    except (ValueError, AssertionError, TypeError):
        raise ValueError(f"expected a file written by learn.watch, got {path}") from None
    return head, steps
