"""The public functions take Tensors; an array in place of one is refused, as in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
from tests.device import tensor_from_array
from tests.ops.op_table import SAMPLES, TABLE, ids
from tests.ops.samples import Call
from tinygrad_edu import ops

# The operators of Tensor take an array on either side, as in ``array * tensor``, and hand it to these.
OPERATORS = {
    *("add", "sub", "mul", "div", "floor_divide", "remainder", "fmod", "pow", "atan2"),
    *("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor"),
    *("bitwise_and", "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"),
}
# Parts of methods of Tensor, which have a Tensor in hand.
PARTS = {"SetItem", "cast", "full_of", "move", "copy_of"}
CHECKED = [entry for entry in TABLE if entry.name not in OPERATORS | PARTS]

# Arguments that may be numbers, or an index: an array is as good.
NUMBERS = {
    "where": {1, 2},
    "masked_fill": {2},
    "clamp": {1, 2, "min", "max"},
    "lerp": {2},
    "fill": {1},
    "histogram": {1},
    "repeat_interleave": {1},
    "getitem": {1},
}
MESSAGE = r"must be Tensor, not numpy.ndarray|but got numpy.ndarray"


@pytest.mark.parametrize("entry", CHECKED, ids=[entry.name for entry in CHECKED])
def test_arrays_in_place_of_tensors(entry):
    call = Call(entry.samples[0], lambda array, grad: array)
    with pytest.raises(TypeError, match=MESSAGE):
        call.run(entry.call or getattr(ops, entry.name))


BESIDE = [(entry, sample) for entry, sample in SAMPLES if entry in CHECKED and entry.call is None]


@pytest.mark.parametrize(("entry", "sample"), BESIDE, ids=ids(BESIDE))
def test_one_array_beside_tensors(entry, sample):
    call, function = Call(sample, tensor_from_array), getattr(ops, entry.name)
    for place, argument in [*enumerate(call.args), *call.options.items()]:
        if isinstance(argument, torch.Tensor) and place not in NUMBERS.get(entry.name, ()):
            args, options = list(call.args), dict(call.options)
            (args if isinstance(place, int) else options)[place] = np.ones(argument.shape)
            with pytest.raises(TypeError, match=MESSAGE):
                function(*args, **options)


def test_the_message_names_the_type():
    with pytest.raises(
        TypeError,
        match=r"^exp\(\): argument 'input' must be Tensor, not numpy.ndarray [(]torch.from_numpy",
    ):
        torch.exp(np.ones(2))
    with pytest.raises(TypeError, match=r"(?m)^exp\(\): argument 'input' must be Tensor, not list$"):
        torch.exp([1.0])
