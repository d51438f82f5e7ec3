"""What a gradient check has found of one output and one input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tinygrad_edu.learn.gradcheck_guess import Jacobians

SHOWN = 20
"""Wrong elements of one pair that are printed."""


class WrongElement(NamedTuple):
    """One element of a Jacobian that is wrong.

    Attributes
    ----------
    output_index, input_index : tuple of int
        It is d output[output_index] / d input[input_index].
    analytic, numeric, difference : float
        What backward says, what finite differences say, and the first minus the second.
    """

    output_index: tuple[int, ...]
    input_index: tuple[int, ...]
    analytic: Any
    numeric: Any
    difference: Any

    def __str__(self) -> str:
        of_output, of_input = index_text(self.output_index), index_text(self.input_index)
        values = f"analytic {self.analytic:.6g}, numeric {self.numeric:.6g}, difference {self.difference:.6g}"
        return f"d output{of_output} / d input{of_input}: {values}"


def index_text(index: tuple[int, ...]) -> str:
    """Return an index in brackets; nothing for that of a single number."""
    return f"[{', '.join(map(str, index))}]" if index else ""


@dataclass
class Pair:
    """One output and one input.

    Attributes
    ----------
    output, input : int
        Their numbers, counted among the outputs that have gradients, and among all inputs.
    jacobians : Jacobians
        The analytic and the numeric one, (input elements, output elements), with the shapes of both.
    wrong : list of WrongElement
        Those where |analytic - numeric| > atol + rtol |numeric|.
    guess : str
        What may be the mistake; empty if nothing is wrong, or nothing fits.
    """

    output: int
    input: int
    jacobians: Jacobians = field(repr=False)
    wrong: list[WrongElement] = field(repr=False)
    guess: str

    def __str__(self) -> str:
        pair = f"output {self.output} with respect to input {self.input}"
        count = self.jacobians.analytic.size
        if not self.wrong:
            return f"{pair}: all {count} elements agree"
        lines = [f"{pair}: {len(self.wrong)} of {count} elements are wrong"]
        lines += [f"  {element}" for element in self.wrong[:SHOWN]]
        if len(self.wrong) > SHOWN:
            lines.append(f"  ... {len(self.wrong) - SHOWN} more; they are in .wrong")
        if self.guess:
            lines.append(f"  Guess: {self.guess}")
        return "\n".join(lines)
