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

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node


class NanFinder(Observer):
    """Stops at the first NaN; every node notes the line of the user's program that made it."""

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        output = run()
        check_output(node, arrays, output)
        node.made_at = user_line()
        return output

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Array | None]
    ) -> tuple[Any, ...]:
        grad_inputs = run()
        check_no_nan(grad_inputs, node)
        return grad_inputs


NAN_FINDER = NanFinder()


def is_anomaly_enabled() -> bool:
    """Tell whether anomaly detection is on in this thread."""
    return NAN_FINDER in this_thread.mode.observers


def switch_detection(on: bool) -> None:
    """Switch anomaly detection on or off in this thread."""
    detach(NAN_FINDER)
    if on:
        attach(NAN_FINDER)


class set_detect_anomaly:
    """Switch anomaly detection on or off; as a context manager it restores the old setting at the end.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.set_detect_anomaly
    """

    def __init__(self, mode: bool) -> None:
        self._before = is_anomaly_enabled()
        switch_detection(mode)

    def __enter__(self) -> None:
        """Keep what the constructor has set."""

    def __exit__(self, *exc_info: object) -> None:
        switch_detection(self._before)


class detect_anomaly(contextlib.ContextDecorator):
    """Stop at the first NaN, in forward or backward, and say which operation made it.

    Every operation also notes the line of the user's program that called it, so errors can name it.
    This costs time: use it to look for a fault.

    References
    ----------
    https://docs.pytorch.org/docs/stable/autograd.html#torch.autograd.detect_anomaly
    """

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(is_anomaly_enabled())
        switch_detection(True)

    def __exit__(self, *exc_info: object) -> None:
        switch_detection(self._before.pop())


def has_nan(array: Any) -> bool:
    """Tell whether an array, or a Tensor, holds a NaN; anything else does not."""
    array = getattr(array, "array", array)
    if getattr(array, "dtype", None) is None or array.dtype.kind not in "fc":
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
