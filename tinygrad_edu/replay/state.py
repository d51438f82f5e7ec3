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
        self.arrays, self.leaves, self.optimizers = arrays, leaves, optimizers
        self.numbers = [copied(array) for array in arrays]
        self.leaf_numbers = [copied(leaf.array) for leaf in leaves]
        self.grads = [
            (leaf._grad, None if leaf._grad is None else copied(leaf._grad.array)) for leaf in leaves
        ]
        self.states = [copy_of_state(optimizer) for optimizer in optimizers]
        self.counts = [optimizer.step_count for optimizer in optimizers]
        self.random = default_generator.get_state()

    def bring_back(self) -> None:
        """Make everything what it was."""
        for array, numbers in zip(self.arrays, self.numbers, strict=True):
            put(array, numbers)
        for leaf, numbers in zip(self.leaves, self.leaf_numbers, strict=True):
            put(leaf.array, numbers)
        for leaf, (grad, numbers) in zip(self.leaves, self.grads, strict=True):
            leaf._grad = grad
            if grad is not None:
                put(grad.array, numbers)
        for optimizer, state, count in zip(self.optimizers, self.states, self.counts, strict=True):
            optimizer.step_count = count
            for param in [param for param in optimizer.state if param not in state]:
                del optimizer.state[param]
            for param, values in state.items():
                bring_back_values(optimizer.state[param], values)
        default_generator.set_state(self.random)

    def content(self) -> list[Any]:
        """Return all that was kept, for ``equal``."""
        grads = [numbers for _, numbers in self.grads]
        states = [list(values.items()) for state in self.states for values in state.values()]
        return [self.numbers, self.leaf_numbers, grads, states, self.counts, repr(self.random)]


def put(array: Any, numbers: Any) -> None:
    """Write numbers into an array, unless they are there already: it may be read-only."""
    if not same_bits(array, numbers):
        with on_card_of(array):
            array[...] = numbers


def copy_of_state(optimizer: Any) -> dict[Any, dict[str, Any]]:
    """Return the state of an optimizer, tensors as copies of their arrays."""
    return {
        param: {
            name: copied(value.array) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        for param, values in optimizer.state.items()
    }


def bring_back_values(present: dict[str, Any], before: dict[str, Any]) -> None:
    """Make the state of one parameter what it was, its tensors in their own memory."""
    for name in [name for name in present if name not in before]:
        del present[name]
    for name, value in before.items():
        if isinstance(present.get(name), Tensor):
            put(present[name].array, value)
        else:
            present[name] = value


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
