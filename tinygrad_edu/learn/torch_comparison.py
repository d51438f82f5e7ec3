"""The same function on this engine and on PyTorch: what finite differences cannot find.

Finite differences compare a derivative with its own forward: a forward that is wrong in itself passes. A second
implementation does not share the mistake. PyTorch must be installed; nothing else here needs it.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu
from tinygrad_edu.autograd.api import as_tuple
from tinygrad_edu.autograd.callers import ENGINE_FOLDERS
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.learn.gradcheck_pairs import index_text
from tinygrad_edu.nn.module import Module
from tinygrad_edu.type_names import type_name

TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}
"""(rtol, atol) by dtype: those of ``torch.testing.assert_close``."""

SHOWN = 10


class Difference(NamedTuple):
    """One element that is not the same."""

    place: tuple[int, ...]
    ours: Any
    torch: Any


@dataclass
class Comparison:
    """One result of both engines.

    Attributes
    ----------
    name : str
        "output 0" or "gradient of input 1".
    problem : str
        Another shape or dtype, or an error; empty if there is none.
    differences : list of Difference
        The elements that differ by more than atol + rtol |torch|.
    largest : float
        The largest absolute difference.
    """

    name: str
    problem: str = ""
    differences: list[Difference] = field(default_factory=list)
    largest: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether both are the same."""
        return not self.problem and not self.differences

    def __str__(self) -> str:
        if self.problem:
            return f"{self.name}: {self.problem}"
        if self.ok:
            return f"{self.name}: the same, up to {self.largest:.3g}"
        lines = [f"{self.name}: {len(self.differences)} elements differ, by at most {self.largest:.6g}"]
        lines += [
            f"  {index_text(place) or 'value'}: here {ours:.8g}, PyTorch {other:.8g}"
            for place, ours, other in self.differences[:SHOWN]
        ]
        if len(self.differences) > SHOWN:
            lines.append(f"  ... {len(self.differences) - SHOWN} more; they are in .differences")
        return "\n".join(lines)


@dataclass
class TorchReport:
    """What ``compare_with_torch`` has found; true if everything is the same."""

    comparisons: list[Comparison]

    @property
    def ok(self) -> bool:
        """Whether all outputs and gradients are the same."""
        return all(comparison.ok for comparison in self.comparisons)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return "\n".join(map(str, self.comparisons))

    def __repr__(self) -> str:
        return str(self)


class Answer(NamedTuple):
    """What a function returned on one engine, and its gradients, as arrays with the names of their dtypes."""

    outputs: list[tuple[Any, str]]
    gradients: dict[int, tuple[Any, str] | None]
    error: Exception | None = None
    of_this_engine: bool = False


def compare_with_torch(
    fn: Callable[..., Any], inputs: Any, *, rtol: float | None = None, atol: float | None = None
) -> Any:
    """Run a function on this engine and on PyTorch, and compare its values and its gradients.

    Parameters
    ----------
    fn : callable
        Takes the inputs. If it needs more than operators and methods of tensors, its first parameter is called
        ``torch``, and is given the library: ``lambda torch, x: torch.softmax(x, 0)``. What is random, or has weights of
        its own, cannot be compared: pass weights as inputs.
    inputs : Tensor or tuple
        PyTorch gets Tensors with the same numbers. Gradients are compared of those with ``requires_grad``; what comes
        in from above are the same random numbers for both.
    rtol, atol : float, optional
        |here - PyTorch| may be at most atol + rtol |PyTorch|; by default as in ``torch.testing.assert_close``.

    Returns
    -------
    TorchReport
        True if all is the same; printed, every output and every gradient.

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    TypeError
        If ``fn`` is no function, or a module of this engine, or calls this engine by its name, or returns no Tensor.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> x = torch.tensor([1.0, 2.0], requires_grad=True)
    >>> learn.compare_with_torch(lambda torch, x: torch.softmax(x, 0), x)  # doctest: +SKIP
    output 0: the same, up to 0
    gradient of input 0: the same, up to 5.96e-08
    """
    if not callable(fn) or isinstance(fn, Module):
        raise TypeError(
            f"compare_with_torch: expected a function that runs on both engines, got {type_name(fn)}. Hint: "
            "lambda torch, x, weight: torch.nn.functional.linear(x, weight) is one"
        )
    tensors = as_tuple(inputs, "compare_with_torch")
    theirs = run(fn, real_torch(), tensors, convert_inputs(tensors))
    if has_called_this_engine(theirs):
        raise TypeError(
            "compare_with_torch: expected a function that runs on both engines, but it calls this one on PyTorch's "
            "tensors, too. Hint: its first parameter is to be called torch, and is given the library, as in "
            "lambda torch, x: torch.softmax(x, 0)"
        )
    ours = run(fn, tinygrad_edu, tensors, [fresh(x) for x in tensors])
    if ours.error is not None or theirs.error is not None:
        return TorchReport([of_errors(ours.error, theirs.error)])
    if not ours.outputs or not theirs.outputs:
        raise TypeError("compare_with_torch: expected a function that returns a Tensor or a tuple of them")
    if len(ours.outputs) != len(theirs.outputs):
        problem = f"here {len(ours.outputs)} outputs, PyTorch {len(theirs.outputs)}"
        return TorchReport([Comparison("outputs", problem)])
    pairs = zip(ours.outputs, theirs.outputs, strict=True)
    found = [compare(f"output {k}", a, b, rtol, atol) for k, (a, b) in enumerate(pairs)]
    for i, ours_of_input in ours.gradients.items():
        found.append(compare(f"gradient of input {i}", ours_of_input, theirs.gradients[i], rtol, atol))
    return TorchReport(found)


def real_torch() -> ModuleType:
    """Return PyTorch; raise if it is not installed, or if this engine stands in for it."""
    torch = importlib.import_module("torch")
    if torch is tinygrad_edu or not hasattr(torch, "_C"):
        raise ImportError("compare_with_torch: `torch` is this engine here; run it without tinygrad_edu.run")
    return torch


def fresh(x: Any) -> Any:
    """Return a leaf with the same numbers, also within a list or tuple; anything else as it is."""
    if isinstance(x, list | tuple):
        return type(x)(map(fresh, x))
    return x.detach().clone().requires_grad_(x.requires_grad) if isinstance(x, TensorBase) else x


def convert_inputs(tensors: Sequence[Any]) -> list[Any]:
    """Return the inputs with PyTorch's Tensors, also within lists and tuples."""
    torch = real_torch()
    converted = []
    for x in tensors:
        if isinstance(x, TensorBase):
            dtype = getattr(torch, str(x.dtype).removeprefix("torch."))
            wide = x.detach().cpu().float() if dtype is torch.bfloat16 else x.detach().cpu()
            x = torch.from_numpy(wide.numpy().copy()).to(dtype).requires_grad_(x.requires_grad)
        elif isinstance(x, list | tuple):
            x = type(x)(convert_inputs(x))
        converted.append(x)
    return converted


def has_called_this_engine(theirs: Answer) -> bool:
    """Tell whether what was to run on PyTorch ran here: its error came from this engine, or its results."""
    traceback = None if theirs.error is None else theirs.error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file.startswith(ENGINE_FOLDERS) and file != __file__:
            return True
        traceback = traceback.tb_next
    return theirs.of_this_engine


def run(fn: Callable[..., Any], torch: Any, tensors: Sequence[Any], inputs: Sequence[Any]) -> Answer:
    """Return the outputs and the gradients of a function on one engine."""
    try:
        returned = fn(torch, *inputs) if wants_library(fn) else fn(*inputs)
        results = returned if isinstance(returned, tuple | list) else (returned,)
        if torch is not tinygrad_edu and any(isinstance(y, TensorBase) for y in results):
            return Answer([], {}, of_this_engine=True)
        outputs = [y for y in results if isinstance(y, torch.Tensor)]
        return Answer([as_array(y) for y in outputs], gradients_of(torch, outputs, tensors, inputs))
    except Exception as error:  # that is an answer, too
        return Answer([], {}, error)


def wants_library(fn: Callable[..., Any]) -> bool:
    """Tell whether the first parameter of a function is called ``torch``."""
    try:
        return next(iter(inspect.signature(fn).parameters), "") == "torch"
    except (TypeError, ValueError):  # it has no signature
        return False


def gradients_of(
    torch: Any, outputs: Sequence[Any], tensors: Sequence[Any], inputs: Sequence[Any]
) -> dict[int, tuple[Any, str] | None]:
    """Return the gradient of every input that requires one, by its number; None where no way leads."""
    wanted = [i for i, x in enumerate(tensors) if isinstance(x, TensorBase) and x.requires_grad]
    roots = [y for y in outputs if y.requires_grad]
    if not wanted or not roots:
        return dict.fromkeys(wanted)
    rng = np.random.default_rng(0)
    seeds = [torch.tensor(seed_of(rng, y)).to(device=y.device, dtype=y.dtype) for y in roots]
    grads = torch.autograd.grad(roots, [inputs[i] for i in wanted], seeds, allow_unused=True)
    return {i: None if grad is None else as_array(grad) for i, grad in zip(wanted, grads, strict=True)}


def seed_of(rng: np.random.Generator, output: Any) -> Any:
    """Return random numbers in the shape of an output."""
    numbers = rng.standard_normal(tuple(output.shape))
    return numbers + 1j * rng.standard_normal(tuple(output.shape)) if output.is_complex() else numbers


def as_array(tensor: Any) -> tuple[Any, str]:
    """Return the numbers of a Tensor of either engine as an array of NumPy, and the name of its dtype."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    tensor = tensor.detach().cpu().resolve_conj()
    return (tensor.float() if dtype == "bfloat16" else tensor).numpy(), dtype


def of_errors(ours: Exception | None, theirs: Exception | None) -> Comparison:
    """Compare errors: they should be of the same kind."""
    if ours is None or theirs is None:
        who, error = ("PyTorch", theirs) if ours is None else ("this engine", ours)
        return Comparison("call", f"{who} alone raises {type(error).__name__}: {error}")
    if type(ours) is type(theirs):
        return Comparison(f"call, which raises {type(ours).__name__} on both")
    return Comparison(
        "call", f"this engine raises {type(ours).__name__}: {ours}; PyTorch {type(theirs).__name__}: {theirs}"
    )


def compare(
    name: str,
    ours: tuple[Any, str] | None,
    theirs: tuple[Any, str] | None,
    rtol: float | None,
    atol: float | None,
) -> Comparison:
    """Compare one result of both engines."""
    if ours is None or theirs is None:
        if ours is theirs:
            return Comparison(name)
        return Comparison(name, f"{'this engine' if ours is None else 'PyTorch'} alone has None")
    (a, dtype), (b, dtype_of_torch) = ours, theirs
    if dtype != dtype_of_torch:
        return Comparison(name, f"here of dtype {dtype}, in PyTorch {dtype_of_torch}")
    if a.shape != b.shape:
        return Comparison(name, f"here of shape {list(a.shape)}, in PyTorch {list(b.shape)}")
    default_rtol, default_atol = TOLERANCES.get(dtype, (0.0, 0.0))
    limits = default_rtol if rtol is None else rtol, default_atol if atol is None else atol
    same = np.isclose(a, b, *limits, equal_nan=True)
    places = [tuple(int(i) for i in place) for place in np.argwhere(~same)]
    with np.errstate(invalid="ignore"):
        distance = np.abs(np.subtract(a, b, dtype=np.result_type(a.dtype, np.float64)))
    largest = float(np.nanmax(distance, initial=0.0, where=np.isfinite(distance)))
    return Comparison(name, "", [Difference(place, a[place], b[place]) for place in places], largest)
