"""When a list is still right: what it was written down for must be as it was.

Everything is compared by identity but for plain numbers and text, which are compared by value. What is compared
with is kept, so that no other object can have its place in memory.
"""

from __future__ import annotations

import contextlib
import itertools
from operator import is_
from typing import Any

from tinygrad_edu import dtypes, kernel_table, threads
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.backend import _default, device_of
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.numpy_dtypes import BFLOAT16
from tinygrad_edu.replay.arrays import is_plain_array

MISSING = object()
READABLE = 0x500
"""Those flags of an array that say whether its numbers are aligned, and whether they may be written to."""

PLAIN = (bool, int, float, complex, str, bytes)


class NotForReplay(Exception):
    """Arguments for which nothing is recorded."""


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are one, or equal numbers of one type."""
    return a is b or (type(a) is type(b) and isinstance(a, PLAIN) and a == b and repr(a) == repr(b))


def describe(value: Any, tensors: list[Any], kept: list[Any]) -> Any:
    """Return what a list depends on in an argument; collect its tensors, and what is known by identity.

    Raises
    ------
    NotForReplay
        For a tensor that is sparse, or comes from an ``inference_mode()`` that is over.
    """
    if isinstance(value, Tensor):
        array = value.array
        plain = type(value) in (Tensor, Parameter) and value._is_strided and is_plain_array(array)
        if not plain or array.dtype == BFLOAT16:
            raise NotForReplay("an argument is no dense tensor of a dtype of NumPy")
        if value._inference and not this_thread.mode.inference:
            raise NotForReplay("an argument is a tensor of inference_mode(), and that is over")
        known = next((i for i, other in enumerate(tensors) if other.array is array), len(tensors))
        if known == len(tensors):
            tensors.append(value)
        flags = getattr(array.flags, "num", 0) & READABLE
        kind = array.shape, array.strides, array.dtype, flags, device_of(array)
        return known, *kind, value.requires_grad, value.is_leaf
    if isinstance(value, PLAIN):
        return type(value), repr(value)
    if type(value) in (list, tuple):
        return type(value), tuple([describe(x, tensors, kept) for x in value])
    if type(value) is dict:
        return dict, tuple([(key, describe(x, tensors, kept)) for key, x in value.items()])
    kept.append(value)
    return id(value)


def surroundings() -> tuple[Any, ...]:
    """Return the switches that the result depends on."""
    mode = this_thread.mode
    return (
        mode.grad_enabled,
        mode.inference,
        dtypes.get_default_dtype(),
        kernel_table._rung.name,
        _default.device,
        threads.get_num_threads(),
    )


def ids(values: Any) -> tuple[int, ...]:
    """Return the identities of the elements of a container."""
    return tuple(map(id, values))


class Guards:
    """What must be as it was."""

    def __init__(self) -> None:
        self._items: list[tuple[Any, str, Any]] = []
        self._attributes: list[tuple[Any, str, Any]] = []
        self._containers: list[Any] = []
        self._sizes: list[int] = []  # of each of them
        self._elements: list[Any] = []  # of all of them
        self._guarded: dict[int, Any] = {}
        self._leaves: list[tuple[Any, Any, bool]] = []
        self._modules: list[Any] = []
        self._optimizers: list[tuple[Any, list[tuple[int, ...]], bool]] = []
        self.grads_before: list[tuple[Any, bool]] = []
        self.hooks_of_leaves = True
        self.surroundings = surroundings()

    def add_item(self, place: Any, name: str) -> None:
        """Guard a global or an attribute, or that there is none."""
        self._items.append((place, name, place.get(name, MISSING)))

    def add_attribute(self, owner: Any, name: str) -> None:
        """Guard what is no element of a ``__dict__``: the class of an object, what a closure holds."""
        with contextlib.suppress(ValueError):  # a closure may be empty yet
            self._attributes.append((owner, name, getattr(owner, name)))

    def add_container(self, container: Any, keys: bool = True) -> None:
        """Guard the elements of a container."""
        if id(container) not in self._guarded:
            self._guarded[id(container)] = container
            is_dict = isinstance(container, dict)
            self._add_elements(container.values() if is_dict else container)
            if keys and is_dict:
                self._add_elements(container.keys())

    def _add_elements(self, container: Any) -> None:
        """Note what is in a list, a set, or a view of a dict, which shows what is in it at present."""
        self._containers.append(container)
        self._sizes.append(len(container))
        self._elements += container

    def add_leaf(self, leaf: Any) -> None:
        """Guard a parameter or a buffer: its memory, and whether it needs a gradient."""
        self._leaves.append((leaf, leaf.array, leaf._requires_grad))

    def add_module(self, module: Any) -> None:
        """Guard a module: its attributes, its parameters, what its class does, and that it has no hooks."""
        self._modules.append(module)
        self.add_attribute(type(module), "forward")
        self.add_container(module.__dict__, keys=False)
        for name, value in module.__dict__.items():
            if type(value) in (list, dict, set) and not name.endswith("_hooks"):
                self.add_container(value)

    def add_optimizer(self, optimizer: Any, steps: bool = True) -> None:
        """Guard which parameters an optimizer has, and that its steps have no hooks; options are read anew."""
        expected_ids = [ids(group["params"]) for group in optimizer.param_groups]
        self._optimizers.append((optimizer, expected_ids, steps))

    def hold_before(self) -> bool:
        """Tell whether everything is as it was when the call began, gradients that it looked for included."""
        for tensor, had_grad in self.grads_before:
            if (tensor._grad is not None) is not had_grad:
                return False
        return self.hold()

    def hold(self) -> bool:
        """Tell whether everything is as it was, before the call and after it."""
        if surroundings() != self.surroundings:
            return False
        for place, name, value in self._items:
            present = place.get(name, MISSING)
            if present is not value and not same(present, value):
                return False
        if list(map(len, self._containers)) != self._sizes:
            return False
        if not all(map(is_, itertools.chain.from_iterable(self._containers), self._elements)):
            return False
        for leaf, array, requires_grad in self._leaves:
            if leaf.array is not array or leaf._requires_grad is not requires_grad:
                return False
            if self.hooks_of_leaves and (leaf._hooks or leaf._post_accumulate_hooks):
                return False
        for owner, name, value in self._attributes:
            present = getattr(owner, name)
            if present is not value and not same(present, value):
                return False
        for module in self._modules:
            if module._has_hooks():
                return False
        for optimizer, expected_ids, steps in self._optimizers:
            if [ids(group["params"]) for group in optimizer.param_groups] != expected_ids:
                return False
            if steps and (optimizer._hooks["step_pre"] or optimizer._hooks["step_post"]):
                return False
        return True
