"""The table of all operations, and how a test calls them: here, in NumPy and in PyTorch."""

from __future__ import annotations

import numpy as np

from tests.device import tensor_from_array, to_numpy
from tests.ops import (
    table_arrange,
    table_elementwise,
    table_index,
    table_linalg,
    table_margin_loss,
    table_nn,
    table_order,
    table_shape,
    table_special,
    table_volumes,
)
from tests.ops.samples import Call, Entry, Sample, flatten
from tinygrad_edu import ops

TABLE: list[Entry] = [
    *table_elementwise.ENTRIES,
    *table_shape.ENTRIES,
    *table_nn.ENTRIES,
    *table_margin_loss.ENTRIES,
    *table_volumes.ENTRIES,
    *table_arrange.ENTRIES,
    *table_order.ENTRIES,
    *table_index.ENTRIES,
    *table_special.ENTRIES,
    *table_linalg.ENTRIES,
]

DIFFERENTIABLE = [entry for entry in TABLE if entry.differentiable]
SAMPLES = [(entry, sample) for entry in TABLE for sample in entry.samples]
DIFFERENTIABLE_SAMPLES = [(entry, sample) for entry, sample in SAMPLES if entry.differentiable]


def sample_id(value: object) -> str:
    """Return the id of a parametrised (entry, sample): what the sample is called."""
    return value.label if isinstance(value, Sample) else ""


def ids(pairs: list[tuple[Entry, Sample]]) -> list[str]:
    return [sample.label for _, sample in pairs]


def prepare(entry: Entry, sample: Sample, **options):
    """Return a ``Call`` with Tensors of ours, and a function that runs it."""
    call = Call(sample, tensor_from_array, **options)
    function = entry.call or getattr(ops, entry.name)
    return call, lambda *_: call.run(function)


def as_arrays(output):
    """Return the outputs as NumPy arrays."""
    return [to_numpy(x) for x in flatten(output)]


def expected_arrays(entry: Entry, sample: Sample, **options):
    """Return what NumPy gives."""
    call = Call(sample, lambda array, grad: array, **options)
    with np.errstate(all="ignore"):
        return [np.asarray(x) for x in flatten(call.run(entry.reference))]


def torch_function(entry: Entry, torch):
    """Return the function of PyTorch that an entry stands for."""
    if entry.torch_call is not None:
        return entry.torch_call(torch)
    if entry.torch_name:
        return getattr(torch.Tensor, entry.torch_name.partition(".")[2])
    for place in (torch.nn.functional, torch, torch.Tensor, torch.special):
        if hasattr(place, entry.name):
            return getattr(place, entry.name)
    raise LookupError(entry.name)
