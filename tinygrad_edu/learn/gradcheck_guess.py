"""A guess at the mistake in a derivative: each usual slip is made on the right Jacobian and compared with the wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tinygrad_edu.backend import Array

TOLERANCE = 1e-3


class Jacobians(NamedTuple):
    """Both Jacobians of an output with respect to an input.

    Attributes
    ----------
    analytic, numeric : array
        (input elements, output elements).
    input_shape, output_shape : tuple of int
    atol, rtol : float
        Within which they are equal.
    """

    analytic: Array
    numeric: Array
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    atol: float
    rtol: float

    @property
    def output_size(self) -> int:
        """The number of elements of the output."""
        return math.prod(self.output_shape)

    def is_wrong(self) -> Array:
        """Tell of each element whether it is wrong."""
        return ~np.isclose(self.analytic, self.numeric, rtol=self.rtol, atol=self.atol)


def guess(jacobians: Jacobians, others: Sequence[Jacobians]) -> str:
    """Return what may be the mistake in a derivative of which elements are wrong; nothing if no usual one fits.

    ``others`` are those of the same output with respect to other inputs.
    """
    if not np.isfinite(jacobians.numeric).all():
        return "the function is not finite there, so differences of it say nothing: check it where it is"
    if not np.isfinite(jacobians.analytic).all():
        return "the analytic gradient is not finite: look at it under learn.detect_anomaly()"
    for rule in RULES:
        found = rule(jacobians, others)
        if found:
            return found
    return ""


def same(a: Array, b: Array) -> bool:
    """Tell whether two arrays are equal, up to what finite differences leave open."""
    scale = max(float(np.abs(b).max(initial=0.0)), 1e-12)
    return a.shape == b.shape and bool(np.abs(a - b).max(initial=0.0) <= TOLERANCE * scale)


def of_zero(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise a gradient that does not come back at all."""
    if j.analytic.any():
        return ""
    if any(other.analytic.any() for other in others):
        return (
            "this input was forgotten, or detached: its gradient is 0 everywhere, while other inputs have one"
        )
    return "the path is cut: the gradient is 0 everywhere. Is there a detach(), a .data, a no_grad() on it?"


def of_factor(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """One factor explains all: a sign, a lost or doubled 1/N, another constant."""
    used = np.abs(j.numeric) > 1e-6
    if not used.any():
        return ""
    factor = float((j.analytic[used] / j.numeric[used]).real.mean())
    if not factor or not same(j.analytic, factor * j.numeric):
        return ""
    if abs(factor + 1) < TOLERANCE:
        return "the sign is wrong: every analytic value is the numeric one times -1"
    times = "every analytic value is"
    for what, count in counts_of(j):
        for power, verb in ((count, "missing"), (1 / count, "there once too often")):
            if abs(factor - power) < TOLERANCE * power:
                return f"1/N is {verb}: {times} {factor:.6g} times the numeric one, and N = {count} {what}"
    return f"a factor is missing: {times} {factor:.6g} times the numeric one"


def counts_of(j: Jacobians) -> list[tuple[str, int]]:
    """Return the numbers that an N may be: elements of the input, or of one of its dimensions."""
    if j.output_size >= math.prod(j.input_shape):  # no mean: the factor may be any number
        return []
    elements = [("is the number of elements of the input", math.prod(j.input_shape))]
    dims = [(f"is the size of dimension {d} of the input", size) for d, size in enumerate(j.input_shape)]
    return [(what, n) for what, n in elements + dims if n > 1]


def of_transpose(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise the numbers of the right gradient, transposed over two dimensions of the input or the output."""
    for what, shape, axis in (("input", j.input_shape, 0), ("output", j.output_shape, 1)):
        if len(shape) < 2 or shape[-1] != shape[-2] or shape[-1] == 1:
            continue
        order = np.arange(math.prod(shape)).reshape(shape).swapaxes(-1, -2).ravel()
        if same(j.analytic.take(order, axis), j.numeric):
            which = "the gradient" if what == "input" else "grad_output"
            return f"a transpose is missing or there once too often: {which}, transposed, is right"
    if of_transposed_operand(j):
        return "a transpose is missing or there once too often: the other operand in backward, transposed, is right"
    return ""


def of_transposed_operand(j: Jacobians) -> bool:
    """Tell whether Y = A B was differentiated with B in the place of B^T, or with A in the place of A^T."""
    if len(j.input_shape) != 2 or len(j.output_shape) != 2:
        return False
    (rows, columns), (m, n) = j.input_shape, j.output_shape
    right, wrong = [x.reshape(rows, columns, m, n) for x in (j.numeric, j.analytic)]
    if rows == m and columns == n:  # dY[i, l] / dA[i, k] = B[k, l]
        factor = wrong[0, :, 0, :]
        if same(factor, right[0, :, 0, :].T) and same(wrong, np.einsum("ij,kl->ikjl", np.eye(m), factor)):
            return True
    if rows == m and columns == n:  # dY[i, l] / dB[k, l] = A[i, k]
        factor = wrong[:, 0, :, 0]
        return same(factor, right[:, 0, :, 0].T) and same(wrong, np.einsum("ki,jl->kjil", factor, np.eye(n)))
    return False


def of_broadcast(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise that the gradient of a broadcast input was not summed over the dimensions it was stretched along."""
    stretched = stretched_dims(j.input_shape, j.output_shape)
    if not stretched:
        return ""
    along = j.numeric.reshape(-1, *j.output_shape)  # (input elements, *output)
    wrong = j.analytic.reshape(-1, *j.output_shape)
    axes = tuple(1 + d for d in stretched)
    for what, index in (("the first", 0), ("the last", -1)):
        kept = np.zeros_like(along)
        place = [slice(None)] * along.ndim
        for axis in axes:
            place[axis] = slice(index, None if index == -1 else index + 1)
        kept[tuple(place)] = along[tuple(place)]
        if same(wrong, kept):
            return f"{not_summed(stretched)}: {what} slice was taken"
    count = math.prod(j.output_shape[d] for d in stretched)
    if same(wrong * count, along):
        return f"{not_summed(stretched)}: it was averaged"
    return ""


def not_summed(dims: tuple[int, ...]) -> str:
    """Say along which dimensions of the output a gradient has to be summed."""
    listed = ", ".join(map(str, dims))
    return f"the input was broadcast along dimension {listed} of the output, and its gradient was not summed there"


def of_shapes(got: tuple[int, ...], input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> str:
    """Say what may be the mistake where a gradient has not the shape of its input."""
    said = f"the gradient has the shape {list(got)}, the input {list(input_shape)}"
    stretched = stretched_dims(input_shape, output_shape)
    if stretched and got == output_shape:
        return f"{said}: {not_summed(stretched)}"
    if len(got) > 1 and got == input_shape[::-1]:
        return f"{said}: a transpose is missing or there once too often"
    return said


def stretched_dims(input_shape: tuple[int, ...], output_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the dimensions of an output along which an input was broadcast; none if it was not."""
    added = len(output_shape) - len(input_shape)
    if added < 0:
        return ()
    padded = (1,) * added + input_shape
    if any(a not in (1, b) for a, b in zip(padded, output_shape, strict=True)):
        return ()
    return tuple(d for d, (a, b) in enumerate(zip(padded, output_shape, strict=True)) if a == 1 and b > 1)


def of_other_input(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise gradients of two inputs that were returned in the wrong order."""
    for other in others:
        if j.analytic.shape == other.numeric.shape and same(j.analytic, other.numeric):
            return (
                "the gradients were returned in another order than the inputs: this is that of another input"
            )
    return ""


def of_some_rows(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise that some elements of the input have no gradient, or one with a factor; the rest is right."""
    wrong = j.is_wrong()
    rows = np.flatnonzero(wrong.any(1))
    if len(rows) == len(wrong):
        return ""
    if not j.analytic[rows].any():
        return f"a part was forgotten: {len(rows)} of {len(wrong)} elements of the input get no gradient"
    ratio = j.analytic[wrong] / np.where(j.numeric[wrong] == 0, np.nan, j.numeric[wrong])
    if np.isfinite(ratio).all() and np.allclose(ratio, ratio[0], rtol=TOLERANCE):
        return f"only some elements are wrong, all of them by the factor {complex(ratio[0]).real:.6g}"
    return ""


def of_missing_path(j: Jacobians, others: Sequence[Jacobians]) -> str:
    """Recognise that outputs depend on all inputs, and only the path of each to its own was followed."""
    across = np.where(j.is_wrong(), j.numeric, 0)
    if j.input_shape == j.output_shape and is_diagonal(j.analytic) and not is_diagonal(across):
        return (
            "the analytic Jacobian is diagonal, the numeric one is not: outputs depend on all inputs (through a sum, a "
            "mean, a norm), and that path is missing or detached"
        )
    return ""


def is_diagonal(matrix: Array) -> bool:
    """Tell whether all elements are 0 but those with equal row and column."""
    return not np.count_nonzero(matrix - np.diag(np.diag(matrix)))


RULES = (of_zero, of_broadcast, of_factor, of_other_input, of_transpose, of_missing_path, of_some_rows)
"""In this order: the first that fits is said."""
