"""``learn.record``: an observer that writes a ``Tape`` while the user's program runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.observer import NOTHING, Block, attach, detach
from tinygrad_edu.learn.backward_recorder import BackwardRecorder
from tinygrad_edu.learn.explaining import Explainer
from tinygrad_edu.learn.finishing import finish
from tinygrad_edu.learn.forward_recorder import ForwardRecorder
from tinygrad_edu.learn.frames import user_frames
from tinygrad_edu.learn.tape import Tape


@contextlib.contextmanager
def record(backward: int = 1, max_bytes: int = 256 * 2**20) -> Iterator[Recording]:
    """Record what this thread runs in a ``with`` block: a backward, and the forward that led to it.

    Parameters
    ----------
    backward : int
        Which backward of those that run in the block, counted from 1. What runs after it is not recorded.
    max_bytes : int
        How many bytes of numbers are copied at most; of larger arrays, a corner and the extent are kept.

    Yields
    ------
    Recording
        A ``Tape`` that can be saved as a page. It is filled when the backward has run, or else at the end of the
        block, with the forward alone.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn
    >>> w = torch.tensor(2.0, requires_grad=True)
    >>> with learn.record() as tape:
    ...     loss = (w * 3.0 - 5.0) ** 2
    ...     loss.backward()
    >>> [step.op for step in tape.forward], [step.name for step in tape.backward]
    (['Mul', 'Sub', 'Pow'], ['PowBackward0', 'SubBackward0', 'MulBackward0', 'AccumulateGrad'])
    >>> tape.backward[-1].accumulation.after.item()
    6.0
    """
    if backward < 1:
        raise ValueError(f"record: expected backward to count from 1, got {backward}")
    if max_bytes < 0:
        raise ValueError(f"record: expected max_bytes to be 0 or more, got {max_bytes}")
    tape = Recording(backward_number=backward, max_bytes=max_bytes)
    frames = user_frames()
    recorder = Recorder(tape, frames[0] if frames else None)
    attach(recorder)
    try:
        yield tape
    finally:
        detach(recorder)
        recorder.close()


class Recording(Tape):
    """A tape that can show itself: ``tape.save("out.html")``; in a notebook, it is shown as the result of a cell."""

    def page(self) -> str:
        """Return the stepper's page, one piece of HTML that needs no network."""
        from tinygrad_edu.learn.stepper.page import stepper_page

        return stepper_page(self)

    def save(self, file: str | Path) -> None:
        """Write the stepper's page into a file that a browser can open."""
        Path(file).write_text(self.page(), encoding="utf-8")

    def _repr_html_(self) -> str:
        from tinygrad_edu.learn.html import in_frame

        return in_frame(self.page(), "The stepper", height=760)


class Recorder(Explainer):
    """Writes a tape; and notes the lines of nodes and cuts, for errors and ``why_no_grad``.

    Parameters
    ----------
    tape : Tape
    outermost : frame, optional
        The user's frame beyond which nobody looks.
    when_finished : callable, optional
        Called when the wanted backward has been recorded.
    """

    def __init__(
        self, tape: Tape, outermost: FrameType | None = None, when_finished: Callable[[], None] | None = None
    ) -> None:
        super().__init__(broadcasts=False)
        self.tape = tape
        self.when_finished = when_finished
        self._forward = ForwardRecorder(tape.max_bytes, outermost)
        self._backward: BackwardRecorder | None = None  # of the wanted one
        self._running = 0  # backwards, one in another

    def module(self, module: Any) -> Block:
        """Note that the forward of a module runs."""
        return NOTHING if self.tape.finished else self._forward.module(module)

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Note what went into a node, and what came out."""
        return run() if self.tape.finished else self._forward.see(run, node, arrays, options)

    @contextlib.contextmanager
    def block(self, name: str, kind: str) -> Iterator[None]:
        """Note that a whole backward begins and ends; others that run within it belong to it."""
        if kind != "backward" or self.tape.finished:
            yield
            return
        self._running += 1
        outer = self._running == 1
        if outer:
            self.tape.begun += 1
            if self.tape.begun == self.tape.backward_number:
                self._backward = BackwardRecorder(self._forward)
                self.tape.called_at = self._forward.lines()
        try:
            yield
        finally:
            self._running -= 1
        if outer and self._backward is not None:
            self._finish(True)
        elif outer:
            self._forward.prune()

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Any]
    ) -> tuple[Any, ...]:
        """Note what a node makes of the gradients that have arrived, if it is the wanted backward."""
        if self._backward is None or self.tape.finished:
            return run()
        return self._backward.see(run, node, grad_outputs)

    def _finish(self, whole: bool) -> None:
        finish(self.tape, self._forward.steps, self._backward, whole)
        detach(self)
        if whole and self.when_finished is not None:
            self.when_finished()

    def close(self) -> None:
        """Fill the tape with what there is, if the wanted backward has not come, or was broken off."""
        if not self.tape.finished:
            self._finish(False)
