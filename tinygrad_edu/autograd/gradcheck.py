"""Checking gradients by finite differences.

The slope of a function along one input element is close to (f(x + eps) - f(x - eps)) / (2 eps). Comparing it
with what ``backward`` says finds almost every mistake in a derivative.

References
----------
https://docs.pytorch.org/docs/stable/generated/torch.autograd.gradcheck.gradcheck.html
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.arguments import reject_options
from tinygrad_edu.autograd.api import as_tuple, grad
from tinygrad_edu.autograd.tensor_base import TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, to_numpy
from tinygrad_edu.numpy_dtypes import is_inexact
from tinygrad_edu.type_names import refuse_strangers, type_name


class GradcheckError(RuntimeError):
    """Raised by ``gradcheck`` when the analytic and the numeric gradient differ."""


def differentiable_outputs(func: Callable[..., Any], inputs: tuple[Any, ...]) -> list[Any]:
    """Return the floating-point and complex outputs of ``func``."""
    returned = func(*inputs)
    outputs = tuple(returned) if isinstance(returned, tuple | list) else (returned,)
    for x in outputs:
        if x is not None and not isinstance(x, TensorBase):
            raise TypeError(
                f"gradcheck: expected a function that returns a Tensor or a tuple of them, got {type_name(x)}"
            )
    return [x for x in outputs if isinstance(x, TensorBase) and is_inexact(x.array.dtype)]


def numeric_jacobian(
    func: Callable[..., Any], inputs: tuple[Any, ...], index: int, eps: float
) -> list[Array]:
    """Return, for every output, d output / d inputs[index] by central differences: (input size, output size).

    A complex output has twice the columns, for its real and then for its imaginary parts. With respect to a complex
    input x + iy, the entry is d output / dx + i d output / dy: what ``backward`` gives, by PyTorch's convention.
    """
    x = inputs[index].array
    rows: list[list[Array]] = []
    for position in np.ndindex(x.shape):
        slopes = slopes_along(func, inputs, x, position, eps)
        if x.dtype.kind == "c":
            across = slopes_along(func, inputs, x, position, eps * 1j)
            slopes = [a + 1j * b for a, b in zip(slopes, across, strict=True)]
        rows.append(slopes)
    sizes = [real_parts(y).size for y in differentiable_outputs(func, inputs)]
    return [np.array([row[k] for row in rows]).reshape(len(rows), size) for k, size in enumerate(sizes)]


def slopes_along(
    func: Callable[..., Any], inputs: tuple[Any, ...], x: Array, position: tuple[int, ...], step: complex
) -> list[Array]:
    """Return how fast every output grows if one element of x, an input's array, goes in the direction of a step."""
    before = x[position].item()
    values = []
    try:
        for change in (step, -step):
            x[position] = before + change
            values.append([real_parts(y) for y in differentiable_outputs(func, inputs)])
    finally:
        x[position] = before
    return [(up - down) / (2 * abs(step)) for up, down in zip(*values, strict=True)]


def real_parts(output: Any) -> Array:
    """Return an output as a vector of float64: of complex numbers the real parts, then the imaginary ones."""
    array = to_numpy(output.detach().array).ravel()
    parts = [array.real, array.imag] if array.dtype.kind == "c" else [array]
    return np.concatenate(parts).astype(np.float64)


def analytic_jacobians(output: Any, inputs: list[Any]) -> list[Array]:
    """Return d output / d x for every input x, by one backward pass for every column: (input size, output size)."""
    columns: list[list[Array]] = [[] for _ in inputs]
    for number in range(real_parts(output).size):
        seed = np.zeros(output.numel(), output.array.dtype)
        seed[number % output.numel()] = 1 if number < output.numel() else 1j
        one = tensor_from_array(seed.reshape(output.shape)).to(output.device)
        grads = grad(output, inputs, one, retain_graph=True, allow_unused=True)
        for of_one, x, found in zip(columns, inputs, grads, strict=True):
            of_one.append(np.zeros(x.numel()) if found is None else to_numpy(found.detach().array).ravel())
    return [
        np.array(of_one).reshape(len(of_one), x.numel()).T for of_one, x in zip(columns, inputs, strict=True)
    ]


def largest_error(func: Callable[..., Any], inputs: Any, eps: float = 1e-6) -> float:
    """Return the largest absolute difference between the analytic and the numeric gradient."""
    worst = 0.0
    for _, _, numeric, analytic in jacobian_pairs(func, as_tuple(inputs), eps):
        if numeric.size:
            worst = max(worst, float(np.abs(numeric - analytic).max()))
    return worst


def jacobian_pairs(
    func: Callable[..., Any], inputs: tuple[Any, ...], eps: float
) -> list[tuple[int, int, Array, Array]]:
    """Return (input, output, numeric Jacobian, analytic Jacobian) for every differentiable pair."""
    pairs = []
    outputs = differentiable_outputs(func, inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, TensorBase) and x.requires_grad]
    analytic = [
        analytic_jacobians(y, [inputs[i] for i in checked]) if y.requires_grad else None for y in outputs
    ]
    for number, i in enumerate(checked):
        for k, numeric in enumerate(numeric_jacobian(func, inputs, i, eps)):
            of_output = analytic[k]
            pairs.append((i, k, numeric, np.zeros_like(numeric) if of_output is None else of_output[number]))
    return pairs


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Compare the gradients of ``func`` with finite differences.

    Parameters
    ----------
    func : callable
        Takes the inputs, returns a Tensor or a tuple of Tensors.
    inputs : Tensor or tuple
        Those with ``requires_grad`` are checked; they should be float64 or complex128, for float32 is too coarse.
    eps : float
        The step.
    atol, rtol : float
        |analytic - numeric| may be at most atol + rtol |numeric|.
    raise_exception : bool
        Raise an error that names the worst element, instead of returning False.
    nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode
        Change nothing: every element is checked, and backward is deterministic, whatever they are.
    check_batched_grad, check_batched_forward_grad, check_forward_ad, masked
        Must be off: there is no batched backward, no forward mode and no sparse tensor.
    check_backward_ad : bool
        Must be True: there is nothing else to check.

    Returns
    -------
    bool
        Whether all gradients agree.

    Raises
    ------
    GradcheckError
        With the input, the index of its element, the analytic and the numeric value.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.gradcheck(torch.log, (x,))
    True
    """
    __tracebackhide__ = True  # pytest shows the line of the test, and not all of this text
    reject_options(
        "gradcheck",
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        masked=masked,
    )
    if not check_backward_ad:
        raise NotImplementedError("gradcheck: expected check_backward_ad=True, got False")
    tensors = as_tuple(inputs, "gradcheck")
    check_inputs(tensors)
    for i, k, numeric, analytic in jacobian_pairs(func, tensors, eps):
        message = compare_jacobians(tensors[i], i, k, numeric, analytic, atol, rtol)
        if message is not None:
            if raise_exception:
                raise GradcheckError(message)
            return False
    return True


def check_inputs(inputs: tuple[Any, ...]) -> None:
    """Raise if none of the inputs requires a gradient; warn if one that does is too coarse."""
    refuse_strangers("gradcheck", *inputs)
    checked = [x for x in inputs if isinstance(x, TensorBase) and x.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them require_grad=True."
        )
    check_memory("gradcheck", inputs)
    if any(x.array.real.itemsize < 8 for x in checked):
        warnings.warn(
            "gradcheck: expected float64 or complex128 inputs; lower precision makes the check likely to fail",
            stacklevel=3,
        )


def check_memory(name: str, tensors: tuple[Any, ...]) -> None:
    """Raise if an element of an input to be checked cannot be moved by itself, or not at all."""
    for i, x in enumerate(tensors):
        if not isinstance(x, TensorBase) or not x.requires_grad:
            continue
        array = x.array
        steps = zip(array.strides, array.shape, strict=True)
        if array.size and any(stride == 0 and size > 1 for stride, size in steps):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. {name} only supports inputs that are non-overlapping "
                "to be able to compute the numerical gradients correctly. You should call .contiguous on the input "
                f"before passing it to {name}."
            )
        if not getattr(array.flags, "writeable", True):
            raise RuntimeError(
                f"{name}: the {i}th input's array is read-only, and has to be changed. Please clone() it first."
            )


def compare_jacobians(
    x: Any, i: int, k: int, numeric: Array, analytic: Array, atol: float, rtol: float
) -> str | None:
    """Return None if two Jacobians agree, else a message that names the worst element."""
    agree = np.isclose(analytic, numeric, rtol=rtol, atol=atol)  # NaN agrees with nothing
    if agree.all():
        return None
    error = np.where(agree, 0.0, np.abs(np.nan_to_num(analytic - numeric, nan=np.inf)))
    row, column = np.unravel_index(int(error.argmax()), error.shape)
    index = tuple(int(j) for j in np.unravel_index(int(row), tuple(x.shape))) if x.ndim else ()
    return (
        f"Jacobian mismatch for output {k} with respect to input {i}: {int((~agree).sum())} of {agree.size} elements "
        f"are wrong. Worst: d output[{int(column)}] / d input{list(index)}: expected (numeric) "
        f"{numeric[row, column]:.8g}, got (analytic) {analytic[row, column]:.8g}.{guess_cause(numeric, analytic)}"
    )


def guess_cause(numeric: Array, analytic: Array) -> str:
    """Return a hint if one factor explains all the wrong elements."""
    with np.errstate(all="ignore"):
        ratio = (analytic / numeric)[np.isfinite(analytic / numeric) & (np.abs(numeric) > 1e-6)]
    if not np.abs(analytic).any():
        return " Hint: the analytic gradient is 0 everywhere."
    if ratio.size and np.allclose(ratio, ratio[0], rtol=1e-3):
        return f" Hint: every analytic value is {ratio[0]:.6g} times the numeric one: a factor is missing."
    return ""


def random_grad_outputs(outputs: list[Any]) -> list[Any]:
    """Return a random gradient for every output; it requires a gradient itself."""
    rng = np.random.default_rng(0)
    arrays = [random_like(rng, y.array) for y in outputs]
    return [tensor_from_array(x).to(y.device).requires_grad_() for x, y in zip(arrays, outputs, strict=True)]


def random_like(rng: np.random.Generator, array: Array) -> Array:
    """Return normal numbers of the shape and dtype of an array, both parts of complex ones."""
    numbers = rng.standard_normal(array.shape)
    if array.dtype.kind == "c":
        numbers = numbers + 1j * rng.standard_normal(array.shape)
    return numbers.astype(array.dtype)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Compare the second derivatives of ``func`` with finite differences of its first.

    Parameters are those of :func:`gradcheck`; ``grad_outputs`` are the gradients the outputs are given, random
    by default.
    """
    __tracebackhide__ = True
    reject_options(
        "gradgradcheck",
        gen_non_contig_grad_outputs=gen_non_contig_grad_outputs,
        check_batched_grad=check_batched_grad,
        check_fwd_over_rev=check_fwd_over_rev,
        masked=masked,
    )
    if not check_rev_over_rev:
        raise NotImplementedError("gradgradcheck: expected check_rev_over_rev=True, got False")
    tensors = as_tuple(inputs, "gradcheck")
    outputs = differentiable_outputs(func, tensors)
    seeds = random_grad_outputs(outputs) if grad_outputs is None else list(as_tuple(grad_outputs))

    def derivatives(*args: Any) -> tuple[Any, ...]:
        return first_derivatives(func, args[: len(tensors)], args[len(tensors) :])

    limits: dict[str, Any] = {"eps": eps, "atol": atol, "rtol": rtol}
    return gradcheck(derivatives, (*tensors, *seeds), raise_exception=raise_exception, **limits)


def first_derivatives(
    func: Callable[..., Any], inputs: tuple[Any, ...], grad_outputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Return the gradients of the inputs, in a graph, for those of the outputs."""
    wanted = [x for x in inputs if isinstance(x, TensorBase) and x.requires_grad]
    outputs = differentiable_outputs(func, inputs)
    used = [(y, g) for y, g in zip(outputs, grad_outputs, strict=True) if y.requires_grad]
    return grad([y for y, _ in used], wanted, [g for _, g in used], create_graph=True, materialize_grads=True)
