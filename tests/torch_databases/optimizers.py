"""``optim_db``: a few steps on a small problem, parameters and state compared after each."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu
from tests.torch_databases.compare import Outcome, difference
from tests.torch_databases.convert import Converter, NotShared
from tests.torch_databases.databases import OptimizerErrorEnum, entry_name, look_up, torch
from tests.torch_databases.operators import Report, chosen

STEPS = 4


def run_optimizer(entry: Any, dtypes: list[str] | None = None, limit: int | None = None) -> Report:
    """Run an entry of ``optim_db`` on both engines, in float32 and float64."""
    report = Report(entry_name(entry))
    ours = look_up(tinygrad_edu, report.name)
    if ours is None:
        report.found = False
        return report
    for dtype in ("float32", "float64"):
        if dtypes is not None and dtype not in dtypes:
            continue
        inputs = list(entry.optim_inputs_func(device="cpu"))
        for _, sample in chosen(inputs, report.name, limit):
            options = Converter().convert(sample.kwargs)
            expected = Outcome(train, torch, entry.optim_cls, sample.kwargs, dtype)
            found = Outcome(train, tinygrad_edu, ours, options, dtype)
            report.count(f"{dtype} {sample.kwargs}", difference(found, expected))
    if dtypes is None or "float32" in dtypes:
        run_error_inputs(entry, ours, report)
    return report


def train(engine: Any, optimizer_class: Any, options: dict[str, Any], dtype: str) -> list[Any]:
    """Return parameters and state after every step down a valley with given slopes."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in ((3, 4), (2, 2))]
    parameters = [engine.nn.Parameter(engine.from_numpy(array.copy())) for array in arrays]
    optimizer = optimizer_class(parameters, **options)
    seen: list[Any] = []
    for _ in range(STEPS):

        def closure() -> Any:
            optimizer.zero_grad()
            loss = sum((p * p * p.detach().cos()).sum() for p in parameters)
            loss.backward()
            return loss

        seen.append(optimizer.step(closure).detach())
        seen += [p.detach().clone() for p in parameters]
        for p in parameters:
            state = optimizer.state[p]
            seen += sorted(state)
            seen += [
                state[key].clone() if hasattr(state[key], "clone") else state[key] for key in sorted(state)
            ]
    return seen


def run_error_inputs(entry: Any, ours: Any, report: Report) -> None:
    """Build what PyTorch refuses."""
    if entry.optim_error_inputs_func is None:
        return
    for error in entry.optim_error_inputs_func("cpu", torch.float32):
        sample = error.optimizer_error_input
        if error.error_on != OptimizerErrorEnum.CONSTRUCTION_ERROR or issubclass(error.error_type, Warning):
            continue
        theirs_params = sample.params
        if theirs_params is None:
            theirs_params = [torch.nn.Parameter(torch.ones(2, 2))]
        try:
            converter = Converter()
            params, options = converter.convert(theirs_params), converter.convert(sample.kwargs)
        except NotShared:
            continue
        expected = Outcome(entry.optim_cls, theirs_params, **sample.kwargs)
        if expected.error is not None:
            found = Outcome(ours, params, **options)
            report.count_error(f"error input {sample.desc!r} {sample.kwargs}", difference(found, expected))
