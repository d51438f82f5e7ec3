"""``learn.watch``: an observer that writes a record for each step of the training."""

from __future__ import annotations

import contextlib
import math
import os
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from tinygrad_edu.autograd.grad_mode import is_grad_enabled
from tinygrad_edu.autograd.node import Node
from tinygrad_edu.autograd.observer import NOTHING, Block, Observer, attach, detach
from tinygrad_edu.learn.watching.findings import Finding, findings, report
from tinygrad_edu.learn.watching.records import Record, line
from tinygrad_edu.learn.watching.sites import KINDS, Site, axis_of_units
from tinygrad_edu.learn.watching.statistics import describe, histogram, norm, on_host
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import is_lazy
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.type_names import type_name


def watch(
    model: Any,
    optimizer: Any = None,
    file: str | Path | None = None,
    *,
    histograms_every: int = 10,
    patience: int = 20,
) -> Watch:
    """Watch a training from now on: losses, gradients, weights, activations, and what is wrong with them.

    Parameters
    ----------
    model : Module
        What is trained.
    optimizer : Optimizer, optional
        Whose steps are counted; without it, those of any optimizer of this thread. A loop that updates its parameters
        itself calls ``step()`` of what is returned.
    file : path, optional
        Where a line is written for every step (JSON Lines); ``python -m tinygrad_edu.learn watch FILE`` reads it.
    histograms_every : int
        How many steps lie between two histograms.
    patience : int
        A unit of a ReLU counts as dead if it has not fired for so many steps.

    Returns
    -------
    Watch
        ``report()`` says what is wrong, ``draw()`` draws all of it, ``close()`` ends the watching; so does the end of a
        ``with`` block.

    Raises
    ------
    TypeError
        If ``model`` is no module, or ``optimizer`` no optimizer.
    ValueError
        If the model has lazy layers that have not run yet; if a number is below 1.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu import learn, nn
    >>> model = nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=float("inf"))
    >>> x = torch.ones(4, 2)
    >>> with learn.watch(model, optimizer) as watch:
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         (model(x) ** 2).mean().backward()
    ...         optimizer.step()
    >>> print(watch.findings()[0].kind)
    loss not finite
    """
    check(model, optimizer)
    if histograms_every < 1 or patience < 1:
        expected = "histograms_every and patience to be 1 or more"
        raise ValueError(f"watch: expected {expected}, got {histograms_every} and {patience}")
    if file is not None and not isinstance(
        file, str | os.PathLike
    ):  # open(1) would be the program's own output
        raise TypeError(f"watch(): argument 'file' must be a path, not {type_name(file)}")
    return Watch(model, optimizer, file, histograms_every, patience)


def check(model: Any, optimizer: Any) -> None:
    """Raise unless this is a module whose parameters have been made, and an optimizer or None."""
    if not isinstance(model, Module):
        raise TypeError(f"watch(): argument 'model' must be Module, not {type_name(model)}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"watch(): argument 'optimizer' must be Optimizer, not {type_name(optimizer)}")
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise ValueError(
                f"watch: expected parameters that have been made, but {name} waits for its first input. Hint: run the "
                "model once before"
            )


class Watch(Observer):
    """What ``learn.watch`` returns.

    Attributes
    ----------
    head : dict
        The model's name, and the shapes of its parameters.
    records : list of dict
        One for each step; see ``records.py``.
    """

    def __init__(
        self, model: Any, optimizer: Any, file: str | Path | None, histograms_every: int, patience: int
    ) -> None:
        self.model, self.histograms_every, self.patience = model, histograms_every, patience
        self.parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
        shapes = {name: list(p.shape) for name, p in self.parameters.items()}
        self.head: Record = {"model": type(model).__name__, "parameters": shapes}
        self.records: list[Record] = []
        self._file: IO[str] | None = None if file is None else open(file, "w", encoding="utf-8")  # noqa: SIM115
        self._write(self.head)
        self._losses: list[float] = []
        self._activations: dict[str, Record] = {}
        self._sites: dict[str, Site] = {}
        self._before = self._now()
        self._gradients: dict[str, float | None] = {}
        self._scalars: weakref.WeakKeyDictionary[Node, Any] = weakref.WeakKeyDictionary()
        self._root_seen = True  # whether the first node of the backward that runs has been seen
        self._names = {id(module): name for name, module in model.named_modules()}
        self._running: list[Any] = []  # modules, the innermost last
        self._last: Any = None  # the last module without others in it that has ended
        self._counts: dict[str, int] = {}  # how often a name of a site has come in this forward
        self._optimizer = optimizer
        self._handles = [
            module.register_forward_hook(self._see_output)
            for module in model.modules()
            if not list(module.children())
        ]
        if optimizer is not None:
            self._handles.append(optimizer.register_step_pre_hook(self._before_step))
            self._handles.append(optimizer.register_step_post_hook(self._after_step))
        attach(self)
        self._closed = False

    # ---- beginning and end -----------------------------------------------------------------------------

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Watch no more: take the hooks away, and close the file."""
        if self._closed:
            return
        self._closed = True
        detach(self)
        for handle in self._handles:
            handle.remove()
        if self._file is not None:
            self._file.close()

    # ---- the forward -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def module(self, module: Any) -> Iterator[None]:
        """Note which modules are running."""
        if module is self.model:
            self._last, self._counts = None, {}
        self._running.append(module)
        try:
            yield
        finally:
            self._running.pop()
            if id(module) in self._names and not list(module.children()):
                self._last = module

    def forward(
        self, run: Callable[[], Any], node: Node, arrays: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """Look at the nonlinearities; keep single numbers, one of which may be the loss."""
        output = run()
        if not any(node.needs_input_grad):
            return output
        kind = KINDS.get(type(node).__name__)
        if kind is not None and self.model in self._running:
            made_by = type(self._last).__name__ if self._last is not None else ""
            site = self._sites.setdefault(self._name_of_site(kind), Site(kind))
            site.see(output, len(self.records) + 1, axis_of_units(output, made_by))
        if getattr(output, "size", 0) == 1:
            self._scalars[node] = output
        return output

    def _name_of_site(self, kind: str) -> str:
        innermost = self._running[-1]
        if not list(innermost.children()) and self._names.get(id(innermost)):
            name = self._names[id(innermost)]
        else:
            behind = self._names.get(id(self._last), "") if self._last is not None else ""
            name = f"{kind} after {behind}" if behind else kind
        self._counts[name] = self._counts.get(name, 0) + 1
        return name if self._counts[name] == 1 else f"{name} ({self._counts[name]})"

    def _see_output(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        array = getattr(output, "array", None)
        if array is not None and is_floating(array.dtype) and is_grad_enabled() and module.training:
            record = describe(array)
            if self._with_histograms():
                record["histogram"] = histogram(array)
            self._activations[self._names[id(module)]] = record

    def _with_histograms(self) -> bool:
        return len(self.records) % self.histograms_every == 0

    # ---- the backward ------------------------------------------------------------------------------------

    def block(self, name: str, kind: str) -> Block:
        """See a backward, or a step of an optimizer."""
        if kind == "backward":
            self._root_seen = False
        if kind == "optimizer" and self._optimizer is None:
            return self._step_of_any_optimizer()
        return NOTHING

    @contextlib.contextmanager
    def _step_of_any_optimizer(self) -> Iterator[None]:
        self._before_step()
        yield
        self._after_step()

    def backward(
        self, run: Callable[[], tuple[Any, ...]], node: Node, grad_outputs: list[Any]
    ) -> tuple[Any, ...]:
        """Note the loss: the number from which the backward begins."""
        if not self._root_seen:
            self._root_seen = True
            loss = self._scalars.get(node)
            if loss is not None:
                self._losses.append(float(on_host(loss).item()))
        return run()

    # ---- the step ------------------------------------------------------------------------------------------

    def _before_step(self, *_: Any) -> None:
        self._before = self._now()

    def _after_step(self, *_: Any) -> None:
        self._finish(self._before)

    def step(self) -> None:
        """Note a step that no optimizer has made: call it after the update, and before ``zero_grad``."""
        self._finish(self._before)
        self._before = self._now()

    def _now(self) -> dict[str, np.ndarray[Any, Any]]:
        return {name: on_host(p.array).copy() for name, p in self.parameters.items()}

    def _finish(self, before: dict[str, np.ndarray[Any, Any]]) -> None:
        # Now, and not before the step: a closure may have made the gradients within it.
        self._gradients = {name: gradient_norm(p) for name, p in self.parameters.items()}
        number = len(self.records) + 1
        known = [g for g in self._gradients.values() if g is not None]
        record: Record = {
            "step": number,
            "loss": sum(self._losses) / len(self._losses) if self._losses else None,
            "gradient_norm": math.sqrt(sum(g * g for g in known)) if known else None,
            "parameters": {name: self._of_parameter(name, before.get(name)) for name in self.parameters},
            "activations": self._activations,
            "units": {name: site.record(number, self.patience) for name, site in self._sites.items()},
        }
        self.records.append(record)
        self._write(record)
        self._losses, self._activations = [], {}

    def _of_parameter(self, name: str, before: np.ndarray[Any, Any] | None) -> Record:
        now = on_host(self.parameters[name].array)
        record: Record = {"gradient_norm": self._gradients[name], "norm": norm(now), **describe(now)}
        if before is not None:
            size = norm(before)
            record["update_ratio"] = norm(now - before) / size if size else None
        if self._with_histograms():
            record["histogram"] = histogram(now)
        return record

    def _write(self, record: Record) -> None:
        if self._file is not None:
            self._file.write(line(record))
            self._file.flush()

    # ---- what it says ----------------------------------------------------------------------------------------

    def findings(self) -> list[Finding]:
        """Return what is wrong; the worst first."""
        return findings(self.head, self.records)

    def report(self) -> str:
        """Return what is wrong in words, a sentence a line."""
        return report(self.head, self.records)

    def draw(self, path: str | Path | None = None) -> Any:
        """Draw losses, gradients, updates, units and histograms; return matplotlib's figure, or write it to a file."""
        from tinygrad_edu.learn.watching.picture import draw

        return draw(self.head, self.records, path)

    def __repr__(self) -> str:
        return f"<watch of {self.head['model']}: {len(self.records)} steps>"

    def _repr_html_(self) -> str:
        from tinygrad_edu.learn.watching.picture import as_html

        return as_html(self.head, self.records)


def gradient_norm(parameter: Any) -> float | None:
    """Return the norm of a parameter's gradient; None if it has none."""
    grad = parameter.grad
    if grad is None:
        return None
    return norm(grad.array if grad._is_strided else grad.coalesce().values().array)
