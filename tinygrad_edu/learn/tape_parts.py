"""What the steps of a tape are described with: values, lines of the user's program, calls of modules."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(eq=False)
class Value:
    """A copy of an array as it was at one moment; steps that saw the same numbers share one object.

    Attributes
    ----------
    shape, dtype, device
        As the engine's tensors tell them: (2, 3), "float32", "cpu".
    array : ndarray or None
        The numbers; None if the tape's bytes were used up.
    window : ndarray
        The first elements along every dimension: all of ``array``, or, if there is none, its first corner.
    lowest, highest : float
        Of the finite elements; 0 if there are none. Of complex numbers, those of their absolute value.
    not_finite : int
        How many elements are NaN or infinite.
    """

    shape: tuple[int, ...]
    dtype: str
    device: str
    array: np.ndarray[Any, Any] | None = field(repr=False)
    window: np.ndarray[Any, Any] = field(repr=False)
    lowest: float
    highest: float
    not_finite: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))

    def item(self) -> Any:
        """Return the number, if it is one."""
        return self.window.item()


@dataclass(frozen=True)
class Line:
    """A place in the user's program that called the engine.

    Attributes
    ----------
    file, number, function : str, int, str
        The file, the line in it, counted from 1, and the function around it ("<module>" outside all of them).
    source : str
        The text of the line, without what it is indented by; empty if it is not known.
    end_number, start, end : int
        The last line of the expression that ran, and its first and last column (of the unstripped lines, counted
        from 0; ``end`` is behind it). Columns are -1 where Python does not know them.
    """

    file: str
    number: int
    function: str
    source: str
    end_number: int = 0
    start: int = -1
    end: int = -1

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.number}"


@dataclass(frozen=True)
class ModuleCall:
    """One call of a Module: the same layer called twice has two.

    Attributes
    ----------
    name : str
        The attribute of the outer module ("fc1", "layers.0"), or the user's variable ("model"); may be empty.
    kind : str
        The name of its class.
    number : int
        Counts the calls.
    """

    name: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.name}: {self.kind}" if self.name else self.kind
