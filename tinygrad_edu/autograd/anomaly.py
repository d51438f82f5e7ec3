"""Anomaly detection: finding the first NaN, and the line of the user's program it comes from.

References
----------
https://docs.pytorch.org/docs/stable/autograd.html#anomaly-detection
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tinygrad_edu.autograd.callers import user_line
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.observer import Observer, attach, detach
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.numpy_dtypes import is_inexact

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node


class NanFinder(Observer):
    """Every node notes the line of the user's program that made it; with ``check_nan``, the first NaN stops it."""

    def __init__(self, check_nan: bool) -> None:
        self.check_nan = check_nan

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        output = run()
        if self.check_nan:
            check_output(node, arrays, output)
        node.made_at = user_line()
        return output

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Array | None]
    ) -> tuple[Any, ...]:
        grad_inputs = run()
        if self.check_nan:
            check_no_nan(grad_inputs, node)
        return grad_inputs


NAN_FINDERS = NanFinder(check_nan=True), NanFinder(check_nan=False)


def finder_in_use() -> NanFinder | None:
    """Return the one that looks on in this thread, if anomaly detection is on."""
    return next((finder for finder in NAN_FINDERS if finder in this_thread.mode.observers), None)


def is_anomaly_enabled() -> bool:
    """Tell whether anomaly detection is on in this thread."""
    return finder_in_use() is not None


def use_finder(finder: NanFinder | None) -> None:
    """Have this one look on in this thread, or none."""
    for other in NAN_FINDERS:
        detach(other)
    if finder is not None:
        attach(finder)


def choose_finder(mode: bool, check_nan: bool) -> NanFinder | None:
    """Return the one that does what is wanted; None if detection is to be off."""
    checking, noting = NAN_FINDERS
    if not mode:
        return None
    return checking if check_nan else noting


class set_detect_anomaly:
    """Switch anomaly detection on or off; as a context manager it restores the old setting at the end.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = finder_in_use()
        use_finder(choose_finder(mode, check_nan))

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __exit__(self, *exc_info: object) -> None:
        use_finder(self._before)


class detect_anomaly(contextlib.ContextDecorator):
    """Stop at the first NaN, in forward or backward, and say which operation made it.

    Every operation also notes the line of the user's program that called it, so errors can name it.
    This costs time: use it to look for a fault. Without ``check_nan`` a NaN is no reason to stop.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.detect_anomaly
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before: list[NanFinder | None] = []

    def __enter__(self) -> None:
        self._before.append(finder_in_use())
        use_finder(choose_finder(True, self.check_nan))

    def __exit__(self, *exc_info: object) -> None:
        use_finder(self._before.pop())


def has_nan(array: Any) -> bool:
    """Tell whether an array, or a Tensor, holds a NaN; anything else does not."""
    array = getattr(array, "array", array)
    if getattr(array, "dtype", None) is None or not is_inexact(array.dtype):
        return False
    return bool(array_module(array).isnan(array).any())


def describe(array: Any) -> str:
    """Return the shape and the range of the finite values of an array."""
    array = getattr(array, "array", array)
    if not hasattr(array, "shape"):
        return repr(array)
    finite = array[array_module(array).isfinite(array)]
    extent = (
        f"values from {float(finite.min()):.6g} to {float(finite.max()):.6g}"
        if finite.size
        else "no finite value"
    )
    return f"{list(array.shape)} with {extent}"


def check_output(node: Node, arrays: tuple[Any, ...], output: Any) -> None:
    """Raise if a forward made a NaN, in its output or in one of them."""
    if any(has_nan(array) for array in (output if isinstance(output, tuple) else (output,))):
        given = [x for x in arrays if x is not None]
        origin = (
            "its input has one already" if any(has_nan(x) for x in given) else "none of its inputs has one"
        )
        raise RuntimeError(
            f"{node.operation_name()}: the forward returned a NaN ({origin}). "
            f"Inputs: {'; '.join(describe(x) for x in given)}. Called at {user_line()}"
        )


def check_no_nan(grad_inputs: tuple[Array | None, ...], node: Node) -> None:
    """Raise if a backward made a NaN."""
    for index, grad in enumerate(grad_inputs):
        if grad is not None and has_nan(grad):
            made_at = "(not recorded: switch anomaly detection on before the forward)"
            raise RuntimeError(
                f"Function '{node.name()}' returned nan values in its {index}th output: the gradient of shape "
                f"{list(grad.shape)} has a NaN. The operation was called at {node.made_at or made_at}"
            )
