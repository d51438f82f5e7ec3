"""gradcheck with a picture: every wrong element of a derivative, and a guess at the mistake.

``torch.autograd.gradcheck`` says that a derivative is wrong, and where it is worst. This lists every wrong element,
draws the analytic and the numeric Jacobian and their difference, and looks whether one of the usual slips explains
them: a transposed operand, a lost 1/N, a sign, a sum that was not taken back over what was broadcast, a factor, an
input that was forgotten, a path that was detached.

Examples
--------
>>> import tinygrad_edu as torch
>>> from tinygrad_edu import learn
>>> class Cube(torch.autograd.Function):
...     @staticmethod
...     def forward(ctx, x):
...         ctx.save_for_backward(x)
...         return x**3
...
...     @staticmethod
...     def backward(ctx, grad_output):
...         (x,) = ctx.saved_tensors
...         return grad_output * x**2
>>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
>>> print(learn.gradcheck_report(Cube.apply, x))
output 0 with respect to input 0: 2 of 4 elements are wrong
  d output[0] / d input[0]: analytic 1, numeric 3, difference -2
  d output[1] / d input[1]: analytic 4, numeric 12, difference -8
  Guess: a factor is missing: every analytic value is 0.333333 times the numeric one
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.autograd.api import as_tuple, grad
from tinygrad_edu.autograd.gradcheck import (
    analytic_jacobians,
    check_memory,
    differentiable_outputs,
    numeric_jacobian,
)
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.learn.gradcheck_guess import Jacobians, guess, of_shapes
from tinygrad_edu.learn.gradcheck_pairs import Pair, WrongElement
from tinygrad_edu.type_names import refuse_strangers, type_name


@dataclass
class GradcheckReport:
    """What ``gradcheck_report`` has found; ``print`` it, ask its ``ok``, or ``plot`` it.

    Attributes
    ----------
    pairs : list of Pair
        Every output with every input that requires a gradient.
    """

    pairs: list[Pair]

    @property
    def ok(self) -> bool:
        """Whether every element agrees."""
        return not any(pair.wrong for pair in self.pairs)

    @property
    def wrong(self) -> list[WrongElement]:
        """All wrong elements."""
        return [element for pair in self.pairs for element in pair.wrong]

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(map(str, self.pairs))

    def __repr__(self) -> str:
        return str(self)

    def plot(self, path: str | Path) -> None:
        """Draw the Jacobians and their differences as heat maps, and write a PNG file; it needs matplotlib."""
        from tinygrad_edu.learn.gradcheck_picture import draw

        draw(self.pairs, Path(path))


def gradcheck_report(
    fn: Callable[..., Any], inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3
) -> GradcheckReport:
    """Compare the gradients of a function with finite differences, element by element.

    Parameters
    ----------
    fn : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors; a ``Function.apply``, a module, a lambda.
    inputs : Tensor or tuple
        Those with ``requires_grad`` are checked; they should be float64, for float32 is too coarse.
    eps, atol, rtol : float
        The step; |analytic - numeric| may be at most atol + rtol |numeric|.

    Returns
    -------
    GradcheckReport
        True if all is right; printed, every wrong element with a guess at the mistake; ``plot(path)`` draws it.
    """
    if not callable(fn):
        raise TypeError(f"gradcheck_report: expected a function, got {type_name(fn)}")
    tensors = as_tuple(inputs, "gradcheck_report")
    refuse_strangers("gradcheck_report", *tensors)
    if not any(isinstance(x, TensorBase) and x.requires_grad for x in tensors):
        raise ValueError(
            "gradcheck_report: expected an input that requires a gradient, got none. Hint: x.requires_grad_()"
        )
    check_memory("gradcheck_report", tensors)
    if any(x.array.real.itemsize < 8 for x in tensors if isinstance(x, TensorBase) and x.requires_grad):
        warnings.warn(
            "gradcheck_report: expected float64 or complex128 inputs, got less precise ones: finite differences of "
            "them are too coarse, and what is called wrong may be right. Hint: x.double()",
            stacklevel=2,
        )
    outputs = differentiable_outputs(fn, tensors)
    pairs = []
    for i, x in enumerate(tensors):
        if isinstance(x, TensorBase) and x.requires_grad:
            for k, numeric in enumerate(numeric_jacobian(fn, tensors, i, eps)):
                analytic, mistake = analytic_or_mistake(outputs[k], x, numeric)
                shapes = tuple(x.shape), tuple(outputs[k].shape)
                jacobians = Jacobians(analytic, numeric, *shapes, atol, rtol)
                pairs.append(Pair(k, i, jacobians, wrong_elements(jacobians), mistake))
    for pair in pairs:
        others = [other.jacobians for other in pairs if other is not pair and other.output == pair.output]
        if pair.wrong and not pair.guess:
            pair.guess = guess(pair.jacobians, others)
    return GradcheckReport(pairs)


def analytic_or_mistake(output: Any, x: Any, numeric: Any) -> tuple[Any, str]:
    """Return the analytic Jacobian; NaN for all of it, and what is wrong, if the gradient has another shape."""
    if not output.requires_grad:
        return np.zeros_like(numeric), ""
    (found,) = grad(output, x, tensor_from_array(output.array * 0 + 1), retain_graph=True, allow_unused=True)
    if found is not None and found.shape != x.shape:
        mistake = of_shapes(tuple(found.shape), tuple(x.shape), tuple(output.shape))
        return np.full_like(numeric, np.nan), mistake
    return analytic_jacobians(output, [x])[0], ""


def wrong_elements(jacobians: Jacobians) -> list[WrongElement]:
    """Return the elements of a Jacobian that are wrong, in order."""
    found = []
    for row, column in np.argwhere(jacobians.is_wrong()):
        analytic, numeric = jacobians.analytic[row, column], jacobians.numeric[row, column]
        of_output = np.unravel_index(column % max(1, jacobians.output_size), jacobians.output_shape)
        of_input = np.unravel_index(row, jacobians.input_shape)
        found.append(
            WrongElement(as_index(of_output), as_index(of_input), analytic, numeric, analytic - numeric)
        )
    return found


def as_index(index: Any) -> tuple[int, ...]:
    """Return an index as Python's integers."""
    return tuple(int(i) for i in index)
