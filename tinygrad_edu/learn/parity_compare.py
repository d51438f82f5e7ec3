"""Running one recipe on two engines, comparing the numbers, and taking the time."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_edu as torch
from tinygrad_edu import Tensor, backend, cuda
from tinygrad_edu.learn.parity_recipe import Case
from tinygrad_edu.numpy_dtypes import is_inexact

# How far two devices may be apart, as a share of the largest number of an array. They add up in different
# orders, and round functions differently in the last one or two digits: float32 has 1.2e-7, float64 2.2e-16.
TOLERANCES = {torch.float32: 1e-5, torch.float64: 1e-12}

SHORTEST_SAMPLE = 1e-3  # seconds: shorter calls are timed several at a time
MOST_CALLS = 50


class NoSuchEngine(Exception):
    """Says in one sentence why an engine cannot be used on this machine."""


class Engine:
    """A device, and which kernels compute there.

    Parameters
    ----------
    name : str
        ``"cpu"``, ``"gpu"``, ``"cuda:1"`` and the like, or ``"cpu-reference"``: the CPU with the plain Python
        loops of the kernels' first rung.

    Raises
    ------
    NoSuchEngine
        If there is no such device.

    Examples
    --------
    >>> Engine("cpu-reference").device
    device(type='cpu')
    """

    def __init__(self, name: str) -> None:
        self.is_reference = name == "cpu-reference"
        try:
            self.device = backend.resolve_device("cpu" if self.is_reference else name)
        except RuntimeError as error:
            raise NoSuchEngine(str(error)) from error
        self.name = name if self.is_reference else str(self.device)
        self.kernels = "reference" if self.is_reference else "fast"

    def synchronize(self) -> None:
        """Wait until all the work is done; on the CPU it always is."""
        if self.device.type == "cuda":
            cuda.synchronize(self.device)

    def describe(self) -> str:
        """Return the name, and which card it is."""
        if self.device.type == "cuda":
            return f"{self.name} ({cuda.get_device_name(self.device)})"
        return self.name


@dataclass
class Result:
    """What one engine has made of a case: arrays of the host, and seconds."""

    outputs: list[np.ndarray[Any, Any]]
    gradients: list[np.ndarray[Any, Any]]
    forward: float = 0.0
    total: float = 0.0  # forward and backward


@dataclass
class Error:
    """How far two lists of arrays are apart."""

    absolute: float = 0.0
    relative: float = 0.0
    message: str = ""


@dataclass
class Row:
    """One line of the report; times in seconds, of (device, against)."""

    name: str
    kind: str
    size: str
    dtype: str
    tolerance: float
    verdict: str = "PASS"
    forward: Error | None = None
    backward: Error | None = None
    forward_seconds: tuple[float, float] = (0.0, 0.0)
    total_seconds: tuple[float, float] = (0.0, 0.0)
    message: str = ""

    @property
    def speedup(self) -> float | None:
        """Return how many times faster the device is, gradients included; None if no time was taken."""
        device, against = self.total_seconds
        return against / device if device > 0 else None


def compare(recipe: Any, size: str, dtype: torch.dtype, engines: list[Engine], seconds: float) -> Row:
    """Run a recipe on both engines and fill in a row; an exception becomes the row's message.

    Parameters
    ----------
    recipe : Recipe, or one of ``parity_programs``
        What to run.
    size : {"small", "typical"}
        Which of its calls.
    dtype : torch.dtype
        float32 or float64.
    engines : list of two Engine
        The device, and what it is compared with.
    seconds : float
        How long to time each of the two; 0 takes no time at all.
    """
    name = str(dtype).removeprefix("torch.")
    row = Row(recipe.name, recipe.kind, size, name, TOLERANCES[dtype] * recipe.rounding)
    try:
        results = [run(recipe, size, dtype, engine, seconds) for engine in engines]
    except Exception as error:
        row.verdict, row.message = "ERROR", f"{type(error).__name__}: {error}".splitlines()[0]
        return row
    device, against = results
    row.forward = difference(device.outputs, against.outputs)
    if device.gradients or against.gradients:
        row.backward = difference(device.gradients, against.gradients)
    row.forward_seconds = device.forward, against.forward
    row.total_seconds = device.total, against.total
    for part, found in (("forward", row.forward), ("backward", row.backward)):
        if found is not None and not found.relative <= row.tolerance:
            row.verdict = "FAIL"
            row.message = row.message or f"{part}: {found.message}"
    return row


def run(recipe: Any, size: str, dtype: torch.dtype, engine: Engine, seconds: float) -> Result:
    """Run a recipe on one engine: once for its numbers, then for the time."""
    with torch.use_kernels(engine.kernels), torch.random.fork_rng():
        torch.manual_seed(0)
        case = recipe.prepare(size, engine.device, dtype)
        outputs = flatten(case.run())
        gradients = differentiate(case, outputs)
        check_device([*outputs, *gradients], engine)
        result = Result([to_host(x) for x in outputs], [to_host(x) for x in gradients])
        if seconds > 0:
            result.forward = time_calls(case.run, engine, seconds)
            result.total = result.forward
            if gradients:
                weights = output_gradients(differentiable(outputs))
                result.total = time_calls(Both(case, weights).run, engine, seconds)
    return result


class Both:
    """Forward and backward of a case, as one call."""

    def __init__(self, case: Case, weights: list[Tensor]) -> None:
        self.case, self.weights = case, weights

    def run(self) -> None:
        """Run them; the gradients are made anew."""
        for leaf in self.case.leaves:
            leaf.grad = None
        torch.autograd.backward(differentiable(flatten(self.case.run())), self.weights)


def flatten(output: Any) -> list[Any]:
    """Return the tensors and numbers of an output, which may be a tuple of them, or of tuples."""
    if isinstance(output, tuple | list):
        return [item for part in output for item in flatten(part)]
    return [output]


def differentiable(outputs: list[Any]) -> list[Tensor]:
    """Return the outputs that have a history."""
    return [x for x in outputs if isinstance(x, Tensor) and x.requires_grad]


def differentiate(case: Case, outputs: list[Any]) -> list[Tensor]:
    """Return the gradients of all leaves, for random gradients of the outputs."""
    wanted = differentiable(outputs)
    if not wanted or not case.leaves:
        return []
    torch.autograd.backward(wanted, output_gradients(wanted))
    return [leaf.grad for leaf in case.leaves if leaf.grad is not None]


def output_gradients(outputs: list[Tensor]) -> list[Tensor]:
    """Make a gradient for every output: normal random numbers, the same on every device."""
    rng = np.random.default_rng(1)
    return [
        torch.tensor(rng.standard_normal(tuple(x.shape)), dtype=x.dtype, device=x.device) for x in outputs
    ]


def check_device(results: list[Any], engine: Engine) -> None:
    """Raise if a result does not lie where it was computed: the host may have done the work in secret."""
    for result in results:
        if isinstance(result, Tensor) and result.device != engine.device:
            raise RuntimeError(f"expected a result on {engine.device}, got one on {result.device}")


def to_host(result: Any) -> np.ndarray[Any, Any]:
    """Return a result as a NumPy array of its own: an optimizer's parameters change while the time is taken."""
    return np.array(backend.to_numpy(result.detach().array) if isinstance(result, Tensor) else result)


# ---- errors -------------------------------------------------------------------------------------------------


def difference(results: list[np.ndarray[Any, Any]], expected: list[np.ndarray[Any, Any]]) -> Error:
    """Return the largest errors of a list of arrays.

    The relative error of an array is the largest deviation over the largest number that was expected, so that
    numbers which should be 0 and come out as rounding errors of larger ones do not count as entirely wrong.
    """
    if len(results) != len(expected):
        return Error(np.inf, np.inf, f"{len(results)} arrays instead of {len(expected)}")
    worst = Error()
    for number, (x, y) in enumerate(zip(results, expected, strict=True)):
        error = array_difference(x, y)
        worst.absolute = max(worst.absolute, error.absolute)
        if error.relative > worst.relative:
            worst.relative = error.relative
            worst.message = f"array {number}: {error.message or 'out of tolerance'}"
    return worst


def array_difference(result: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> Error:
    """Return the errors of one array; NaN and infinity must be in the same places."""
    if result.shape != expected.shape:
        return Error(np.inf, np.inf, f"shape {result.shape} instead of {expected.shape}")
    if result.dtype != expected.dtype:
        return Error(np.inf, np.inf, f"{result.dtype} instead of {expected.dtype}")
    if not is_inexact(result.dtype):
        wrong = int(np.count_nonzero(result != expected))
        far = float(np.abs(result.astype(float) - expected.astype(float)).max()) if wrong else 0.0
        return Error(far, np.inf, f"{wrong} of {result.size} whole numbers differ") if wrong else Error()
    finite = np.isfinite(expected)
    if (
        not np.array_equal(result[~finite], expected[~finite], equal_nan=True)
        or not np.isfinite(result[finite]).all()
    ):
        return Error(np.inf, np.inf, "NaN or infinity in different places")
    if not finite.any():
        return Error()
    absolute = float(np.abs(result[finite] - expected[finite]).max())
    largest = float(np.abs(expected[finite]).max())
    return Error(absolute, absolute / largest if largest > 0 else absolute)


# ---- time ---------------------------------------------------------------------------------------------------


def time_calls(call: Callable[[], Any], engine: Engine, seconds: float) -> float:
    """Return the median time of a call, in seconds, from when it is asked for to when the device is idle.

    Two calls run before, which compile kernels and fill pools of memory. A sample is several calls if one is
    short, with one wait at the end: so the host may run ahead of the device, as it does in a program.
    """
    for _ in range(2):
        call()
    one = sample(call, engine, 1)
    calls = min(MOST_CALLS, max(1, round(SHORTEST_SAMPLE / max(one, 1e-9))))
    samples: list[float] = []
    end = time.perf_counter() + seconds
    while len(samples) < 3 or time.perf_counter() < end:
        samples.append(sample(call, engine, calls))
    return statistics.median(samples)


def sample(call: Callable[[], Any], engine: Engine, calls: int) -> float:
    """Return the seconds that one of several calls takes."""
    engine.synchronize()
    started = time.perf_counter()
    for _ in range(calls):
        call()
    engine.synchronize()
    return (time.perf_counter() - started) / calls
