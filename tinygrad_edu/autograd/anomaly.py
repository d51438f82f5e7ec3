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
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.errors.layers import running_layer
from tinygrad_edu.autograd.errors.nonfinite import (
    backward_note,
    describe,
    forward_note,
    has_inf,
    has_nan,
    numbers_of,
)
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.observer import Observer, attach, detach
from tinygrad_edu.backend import Array

if TYPE_CHECKING:
    from tinygrad_edu.autograd.node import Node


class NanFinder(Observer):
    """Every node notes the line of the user's program that made it, and the layer; the first NaN or Inf stops it.

    An infinity counts where it is made: what had one before, such as a mask of -inf, may go on having it.

    Parameters
    ----------
    check_nan, check_inf : bool
        Whether a NaN, or an infinity, stops it.
    """

    def __init__(self, check_nan: bool, check_inf: bool = False) -> None:
        self.check_nan = check_nan
        self.check_inf = check_inf

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        output = run()
        outputs = output if isinstance(output, tuple) else (output,)
        if self.check_nan:
            check_output(node, arrays, outputs)
        if self.check_inf and not getattr(node, "moves_only", False):
            check_infinite_output(node, arrays, outputs)
        node.made_at, node.made_in = user_line(), running_layer()
        return output

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Array | None]
    ) -> tuple[Any, ...]:
        came_in, saved = list(grad_outputs), node.saved
        grad_inputs = run()
        if self.check_nan:
            check_no_nan(grad_inputs, node, came_in, saved)
        if self.check_inf and not any(map(has_inf, came_in)):
            check_no_inf(grad_inputs, node, came_in, saved)
        return grad_inputs


NAN_FINDERS = NanFinder(check_nan=True), NanFinder(check_nan=False), NanFinder(check_nan=True, check_inf=True)


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
    checking, noting, _ = NAN_FINDERS
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
        use_finder(self.finder())

    def __exit__(self, *exc_info: object) -> None:
        use_finder(self._before.pop())

    def finder(self) -> NanFinder | None:
        """Return the one that is to look on."""
        return choose_finder(True, self.check_nan)


def check_output(node: Node, arrays: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
    """Raise if a forward made a NaN, in one of its outputs."""
    bad = next((x for x in outputs if has_nan(x)), None)
    if bad is not None:
        given = [x for x in arrays if x is not None]
        origin = (
            "its input has one already" if any(has_nan(x) for x in given) else "none of its inputs has one"
        )
        raise_of_forward(node, arrays, bad, "a NaN", origin)


def check_infinite_output(node: Node, arrays: tuple[Any, ...], outputs: tuple[Any, ...]) -> None:
    """Raise if a forward made an infinity from finite numbers."""
    bad = next((x for x in outputs if has_inf(x)), None)
    if bad is not None and not any(has_inf(x) for x in arrays):
        raise_of_forward(node, arrays, bad, "an Inf", "none of its inputs has one")


def raise_of_forward(node: Node, arrays: tuple[Any, ...], output: Any, what: str, origin: str) -> None:
    """Raise the error of a forward, with a note of the element, and one of the user's line."""
    inputs = "; ".join(describe(x) for x in arrays if x is not None)
    error = RuntimeError(
        f"{node.operation_name()}: the forward returned {what} ({origin}). Inputs: {inputs}. Called at {user_line()}"
    )
    explained(error)
    with contextlib.suppress(Exception):  # whatever goes wrong here, the NaN is what is to be seen
        error.add_note(forward_note(node, arrays, numbers_of(output), what == "a NaN"))
    raise error


def check_no_nan(
    grad_inputs: tuple[Array | None, ...], node: Node, came_in: list[Array | None], saved: Any
) -> None:
    """Raise if a backward made a NaN."""
    for index, grad in enumerate(grad_inputs):
        if grad is not None and has_nan(grad):
            raise_of_backward(node, index, grad, "nan values", "a NaN", came_in, saved)


def check_no_inf(
    grad_inputs: tuple[Array | None, ...], node: Node, came_in: list[Array | None], saved: Any
) -> None:
    """Raise if a backward made an infinity from finite numbers."""
    for index, grad in enumerate(grad_inputs):
        if grad is not None and has_inf(grad):
            raise_of_backward(node, index, grad, "infinite values", "an Inf", came_in, saved)


def raise_of_backward(
    node: Node, index: int, grad: Any, values: str, what: str, came_in: list[Array | None], saved: Any
) -> None:
    """Raise the error of a backward, in PyTorch's words, with a note of the element."""
    made_at = node.made_at or "(not recorded: switch anomaly detection on before the forward)"
    error = RuntimeError(
        f"Function '{node.name()}' returned {values} in its {index}th output: the gradient of shape "
        f"{list(grad.shape)} has {what}. The operation was called at {made_at}"
    )
    with contextlib.suppress(Exception):
        error.add_note(backward_note(node, grad, came_in, saved, what == "a NaN"))
    error.__dict__["is_explained"] = True  # the line that matters is the one of the forward
    raise error
