"""``op_db``: functions, methods and in-place methods, with their gradients and with calls that must fail."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

import tinygrad_edu
from tests.torch_databases.compare import Outcome, difference, difference_of_values
from tests.torch_databases.convert import Converter, NotShared, as_array, clone, describe, flatten
from tests.torch_databases.databases import (
    SHARED_DTYPES,
    entry_name,
    is_of_the_database,
    on_our_engine,
    our_function,
    our_method,
    torch,
)

# Numbers drawn at random, or whatever was in memory: dtypes and shapes are compared.
WITHOUT_VALUES = {
    "bernoulli", "cauchy", "empty", "empty_like", "empty_permuted", "empty_strided", "exponential", "geometric",
    "log_normal", "multinomial", "new_empty", "new_empty_strided", "nn.functional.alpha_dropout",
    "nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d",
    "nn.functional.feature_alpha_dropout", "nn.functional.multi_head_attention_forward",
    "nn.functional.fractional_max_pool2d", "nn.functional.fractional_max_pool3d",
    "nn.functional.rrelu", "normal", "rand_like", "randint",
    "randint_like", "randn", "randn_like", "uniform",
}  # fmt: skip


# Vectors that may have another sign, or phase: compared after what PyTorch's own tests do to them first.
WITH_FREE_SIGNS = {"linalg.eig", "linalg.eigh", "linalg.svd", "pca_lowrank", "svd", "svd_lowrank"}

FEW = 40
"""A sample of the samples is taken from so many times its size: some entries have thousands."""


@dataclass
class Report:
    """What was seen of one entry."""

    name: str
    found: bool = True
    samples: int = 0
    equal: int = 0
    error_inputs: int = 0
    raised: int = 0
    left_out: int = 0  # samples with something that only PyTorch has
    missing_variants: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    def count(self, label: str, different: str | None) -> None:
        """Count a sample, and keep how it differs."""
        self.samples += 1
        if different is None:
            self.equal += 1
        else:
            self.differences.append(f"{label}: {different}")

    def count_error(self, label: str, different: str | None) -> None:
        """Count a call that must fail."""
        self.error_inputs += 1
        if different is None:
            self.raised += 1
        else:
            self.differences.append(f"{label}: {different}")


@dataclass
class Variant:
    """One way to call an entry: as a function, as a method, as a method that changes its tensor."""

    kind: str
    ours: Callable[..., Any]
    theirs: Callable[..., Any]


def variants(entry: Any, report: Report) -> list[Variant]:
    """Return the ways to call an entry that both engines have."""
    function = our_function(entry)
    found = [] if function is None else [Variant("function", function, entry.op)]
    theirs = {"method": entry.method_variant, "in-place method": entry.inplace_variant}
    for kind, method in theirs.items():
        ours = None if method is None else our_method(entry, method)
        if ours is not None:
            found.append(Variant(kind, ours, method))
        elif method is not None:
            report.missing_variants.append(getattr(method, "__name__", f"{entry.name} ({kind})"))
    report.found = bool(found)
    return found


def shared_dtypes(entry: Any, dtypes: list[str] | None) -> list[Any]:
    """Return the dtypes of an entry that this engine has, the chosen ones of them."""
    listed = [dtype for dtype in entry.supported_dtypes("cpu") if dtype in SHARED_DTYPES]
    names = {dtype: str(dtype).removeprefix("torch.") for dtype in listed}
    return sorted([d for d in listed if dtypes is None or names[d] in dtypes], key=str)


def chosen(items: list[Any], name: str, limit: int | None) -> list[tuple[int, Any]]:
    """Return all of a list, or ``limit`` of it, always the same ones, spread over its length."""
    numbered = list(enumerate(items))
    if limit is None or len(items) <= limit:
        return numbered
    step = len(items) / limit
    start = zlib.crc32(name.encode()) % int(step)
    return [numbered[int(start + i * step)] for i in range(limit)]


def run_operator(
    entry: Any, dtypes: list[str] | None = None, limit: int | None = None, dtype_limit: int | None = None
) -> Report:
    """Run an entry of ``op_db`` on both engines: at most ``limit`` samples in at most ``dtype_limit`` dtypes."""
    report = Report(entry_name(entry))
    ways = variants(entry, report)
    if not ways:
        return report
    for _, dtype in chosen(shared_dtypes(entry, dtypes), report.name, dtype_limit):
        backward = entry.supports_autograd and dtype in entry.supported_backward_dtypes("cpu")
        wants_grad = backward and (dtype.is_floating_point or dtype.is_complex)
        try:
            samples = entry.sample_inputs("cpu", dtype, requires_grad=wants_grad)
            samples = list(islice(samples, None if limit is None else FEW * limit))
        except Exception:  # this build of PyTorch lacks what the sample is made with
            continue
        for number, sample in chosen(samples, f"{report.name}{dtype}", limit):
            for way in ways:
                run_sample(entry, way, sample, f"{str(dtype)[6:]} sample {number}", report)
    if dtypes is None or "float32" in dtypes:
        for way in ways[:1]:
            run_error_inputs(entry, way, report)
    return report


def run_sample(entry: Any, way: Variant, sample: Any, label: str, report: Report) -> None:
    """Call one variant with one sample."""
    in_place = way.kind.startswith("in-place")
    try:
        arguments = clone([sample.input, list(sample.args), sample.kwargs])
        converter = Converter()
        ours = converter.convert(arguments)
    except NotShared:
        report.left_out += 1
        return
    label = f"{label}, {way.kind}({describe([sample.input, *sample.args])[1:-1]}, {describe(sample.kwargs)})"
    found = Outcome(call, way.ours, ours, in_place)
    expected = Outcome(call, way.theirs, arguments, in_place)
    if isinstance(found.error, AttributeError) and is_of_the_database(way.theirs):
        report.missing_variants.append(f"{entry.name} ({way.kind})")  # it calls what this engine has not
        return
    try:
        values = entry.name not in WITHOUT_VALUES and not sample.kwargs.get("dropout_p")
        free = entry.name in WITH_FREE_SIGNS
        different = difference(found, expected, values and not free)
        if free and different is None and expected.error is None:
            found = Outcome(on_our_engine(sample.output_process_fn_grad), found.value)
            expected = Outcome(sample.output_process_fn_grad, expected.value)
            different = difference(found, expected)
        if different is None and expected.error is None:
            different = difference_of_gradients(found.value, expected.value, converter, values)
    except NotShared:
        report.left_out += 1
        return
    report.count(label, different)


def call(function: Callable[..., Any], arguments: list[Any], in_place: bool) -> Any:
    """Call a function; where it changes its first argument, give it one that is no leaf."""
    first, others, options = arguments
    if in_place and getattr(first, "requires_grad", False):
        first = first.clone()
    return function(first, *others, **options)


def difference_of_gradients(found: Any, expected: Any, converter: Converter, values: bool) -> str | None:
    """Say how the gradients of the arguments differ, for outputs with given gradients, or who has one."""
    outputs = [x for x in flatten(expected) if isinstance(x, torch.Tensor)]
    ours = [x for x in flatten(found) if isinstance(x, tinygrad_edu.Tensor)]
    for a, b in zip(ours, outputs, strict=True):
        if a.requires_grad != b.requires_grad:
            return f"requires_grad {a.requires_grad}, PyTorch has {b.requires_grad}"
    wanted = [i for i, x in enumerate(outputs) if x.requires_grad]
    leaves = [pair for pair in converter.pairs.values() if pair[0].requires_grad]
    if not wanted or not leaves or not values:
        return None
    theirs = Outcome(backward, [outputs[i] for i in wanted], torch.from_numpy)
    mine = Outcome(backward, [ours[i] for i in wanted], tinygrad_edu.from_numpy)
    different = difference(mine, theirs)
    for b, a in leaves:
        if different is None and theirs.error is None:
            different = difference_of_values(a.grad, b.grad)
    return None if different is None else f"backward {different}"


def backward(outputs: list[Any], from_numpy: Callable[..., Any]) -> None:
    """Run the graph backward from gradients that are the same for both engines; complex outputs count by real parts."""
    total = None
    for output in outputs:
        rng = np.random.default_rng(as_array(output).size)
        weights = rng.uniform(0.5, 1.5, tuple(output.shape))
        if as_array(output).dtype.kind == "c":
            weights = weights + 1j * rng.uniform(0.5, 1.5, tuple(output.shape))
        part = (output * from_numpy(np.asarray(weights, as_array(output).dtype))).sum()
        part = part.real if as_array(output).dtype.kind == "c" else part
        total = part if total is None else total + part.to(total.dtype)
    total.backward()


def error_inputs(entry: Any) -> Iterator[Any]:
    """Yield the calls that must fail; some of them cannot be made on a machine without an accelerator."""
    if entry.error_inputs_func is None:
        return
    iterator = iter(entry.error_inputs("cpu"))
    while True:
        try:
            yield next(iterator)
        except Exception:  # StopIteration too
            return


def run_error_inputs(entry: Any, way: Variant, report: Report) -> None:
    """Call what PyTorch refuses: this engine has to refuse it, with the same class of error."""
    for number, error_input in enumerate(error_inputs(entry)):
        sample = error_input.sample_input
        if "out" in sample.kwargs:  # which no function here has
            continue
        try:
            arguments = [sample.input, list(sample.args), sample.kwargs]
            ours = Converter().convert(arguments)
        except NotShared:
            continue
        expected = Outcome(call, way.theirs, arguments, False)
        if expected.error is None:
            continue
        found = Outcome(call, way.ours, ours, False)
        shown = f"{describe([sample.input, *sample.args])[1:-1]}, {describe(sample.kwargs)}"
        report.count_error(f"error input {number} ({shown})", difference(found, expected))
