"""Everything that a step changes: kept, brought back, and compared bit by bit.

The check of a list needs it: the list runs, all is brought back, the program runs as always, and both must have
left the same.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.backend import on_card_of
from tinygrad_edu.random import default_generator
from tinygrad_edu.replay.arrays import copied, is_array, same_bits, same_numbers


class State:
    """A copy of everything that a step changes."""

    def __init__(self, arrays: list[Any], leaves: list[Any], optimizers: list[Any]) -> None:
        self.leaves, self.optimizers = leaves, optimizers
        self.grads = [leaf._grad for leaf in leaves]
        self.states = [{param: {**values} for param, values in opt.state.items()} for opt in optimizers]
        self.counts = [optimizer.step_count for optimizer in optimizers]
        self.random = default_generator.get_state()
        held = [*leaves, *self.grads, *[value for _, value in self.remembered()]]
        self.arrays = [*arrays, *[tensor.array for tensor in held if isinstance(tensor, Tensor)]]
        self.numbers = [copied(array) for array in self.arrays]

    def remembered(self) -> list[tuple[str, Any]]:
        """Return what the optimizers remember, with its names."""
        return [item for state in self.states for values in state.values() for item in values.items()]

    def bring_back(self) -> None:
        """Make everything what it was, tensors in their own memory."""
        for array, numbers in zip(self.arrays, self.numbers, strict=True):
            put(array, numbers)
        for leaf, grad in zip(self.leaves, self.grads, strict=True):
            leaf._grad = grad
        for optimizer, state, count in zip(self.optimizers, self.states, self.counts, strict=True):
            optimizer.step_count = count
            for param in [param for param in optimizer.state if param not in state]:
                del optimizer.state[param]
            for param, values in state.items():
                optimizer.state[param].clear()
                optimizer.state[param].update(values)
        default_generator.set_state(self.random)

    def content(self) -> list[Any]:
        """Return all that was kept, for ``equal``."""
        grads = [grad is None for grad in self.grads]
        states = [(name, None if isinstance(value, Tensor) else value) for name, value in self.remembered()]
        return [self.numbers, grads, states, self.counts, repr(self.random)]


def put(array: Any, numbers: Any) -> None:
    """Write numbers into an array, unless they are there already: it may be read-only."""
    if not same_bits(array, numbers):
        with on_card_of(array):
            array[...] = numbers


def equal(a: Any, b: Any) -> bool:
    """Tell whether two results are the same, bit by bit; containers are compared element by element."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.requires_grad == b.requires_grad and equal(a.array, b.array)
    if is_array(a) and is_array(b):
        return same_numbers(a, b)
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return bool(a is b or a == b)
