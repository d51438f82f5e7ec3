"""``module_db``: layers, built alike, with the same parameters, in training and in evaluation."""

from __future__ import annotations

import warnings
from typing import Any

import tinygrad_edu
from tests.torch_databases.compare import Outcome, difference
from tests.torch_databases.convert import Converter, NotShared, clone, describe, our_dtype
from tests.torch_databases.databases import ModuleErrorEnum, entry_name, look_up, torch
from tests.torch_databases.operators import Report, backward, chosen, shared_dtypes

RANDOM = ("Dropout", "RReLU", "FractionalMaxPool")


def run_module(entry: Any, dtypes: list[str] | None = None, limit: int | None = None) -> Report:
    """Run an entry of ``module_db`` on both engines."""
    report = Report(entry_name(entry))
    if look_up(tinygrad_edu, entry.name) is None:
        report.found = False
        return report
    for dtype in shared_dtypes(entry, dtypes):
        for training in (True, False):
            torch.manual_seed(0)
            inputs = entry.module_inputs_func(entry, "cpu", dtype, dtype.is_floating_point, training)
            mode = "training" if training else "evaluation"
            for number, sample in chosen(list(inputs), f"{report.name}{dtype}", limit):
                run_sample(entry, sample, dtype, training, f"{str(dtype)[6:]} {mode} {number}", report)
    if entry.module_error_inputs_func is not None and (dtypes is None or "float32" in dtypes):
        run_error_inputs(entry, report)
    return report


def run_sample(entry: Any, sample: Any, dtype: Any, training: bool, label: str, report: Report) -> None:
    """Build the layer in both engines, give ours PyTorch's parameters, and compare everything."""
    made, forward = sample.constructor_input, sample.forward_input
    try:
        converter = Converter()
        ours_made = converter.convert([list(made.args), made.kwargs])
        arguments = clone([list(forward.args), forward.kwargs]) if forward is not None else [[], {}]
        ours_forward = converter.convert(arguments)
    except NotShared:
        report.left_out += 1
        return
    label = f"{label}, ({describe([list(made.args), made.kwargs])}) of {describe(arguments)}"
    theirs = Outcome(entry.module_cls, *made.args, **made.kwargs)
    ours = Outcome(look_up(tinygrad_edu, entry.name), *ours_made[0], **ours_made[1])
    if theirs.error is not None or ours.error is not None:
        report.count(label, difference(ours, theirs))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch calls complex layers new
        module = theirs.value.to(dtype).train(training)
    values = not any(word in entry.name for word in RANDOM) or not training
    expected = Outcome(run_forward, module, arguments, torch.from_numpy)
    found = Outcome(
        copy_and_run, ours.value.train(training).to(our_dtype(dtype)), module, ours_forward, converter
    )
    report.count(label, difference(found, expected, values))


def copy_and_run(ours: Any, theirs: Any, arguments: list[Any], converter: Converter) -> Any:
    """Give our layer the state that PyTorch's had before it ran, and run it."""
    if "Lazy" in type(ours).__name__:
        ours(*arguments[0], **arguments[1])
    ours.load_state_dict(converter.convert(theirs.state_before))
    return run_forward(ours, arguments, tinygrad_edu.from_numpy)


def run_forward(module: Any, arguments: list[Any], from_numpy: Any) -> list[Any]:
    """Return the output, the gradients of inputs and parameters, and the state after it."""
    args, options = arguments
    if any("Uninitialized" in type(x).__name__ for x in module.parameters()):
        module(*args, **options)  # a lazy layer finds its shapes
    module.state_before = {k: v.detach().clone() for k, v in module.state_dict().items()}
    output = module(*args, **options)
    tensors = [x for x in (output if isinstance(output, tuple) else (output,)) if hasattr(x, "requires_grad")]
    wanted = [x for x in tensors if x.requires_grad and x.dtype.is_floating_point]
    if wanted:
        backward(wanted, from_numpy)
    inputs = [x.grad for x in (*args, *options.values()) if getattr(x, "requires_grad", False)]
    gradients = {name: p.grad for name, p in module.named_parameters()}
    state = module.state_dict()
    return [output, inputs, list(gradients), list(gradients.values()), list(state), list(state.values())]


def run_error_inputs(entry: Any, report: Report) -> None:
    """Build or call what PyTorch refuses."""
    torch.manual_seed(0)
    for number, error in enumerate(
        entry.module_error_inputs_func(entry, "cpu", torch.float32, False, training=True)
    ):
        sample = error.module_error_input
        made, forward = sample.constructor_input, sample.forward_input
        try:
            converter = Converter()
            ours_made = converter.convert([list(made.args), made.kwargs])
            ours_forward = converter.convert([list(forward.args), forward.kwargs]) if forward else None
        except NotShared:
            continue
        calls = error.error_on == ModuleErrorEnum.FORWARD_ERROR
        theirs = Outcome(
            build, entry.module_cls, made.args, made.kwargs, forward and [forward.args, forward.kwargs], calls
        )
        ours = Outcome(build, look_up(tinygrad_edu, entry.name), *ours_made, ours_forward, calls)
        if theirs.error is not None:
            label = f"error input {number} {describe([list(made.args), made.kwargs])}"
            report.count_error(label, difference(ours, theirs))


def build(module_class: Any, args: Any, kwargs: Any, forward: Any, calls: bool) -> Any:
    module = module_class(*args, **kwargs)
    return module(*forward[0], **forward[1]) if calls else module
