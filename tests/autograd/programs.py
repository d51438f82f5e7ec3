"""Small random programs of views, in-place changes and arithmetic, which run on any engine with PyTorch's API."""

from __future__ import annotations

import contextlib
import random
import warnings
from typing import Any

import numpy as np

SHAPES = [(4,), (2, 3), (2, 2, 2), (3, 1), (1, 4), ()]

UNARY = ["sin", "exp", "neg", "square", "relu", "tanh", "sigmoid", "clone", "abs", "contiguous"]
UNARY_INPLACE = ["sin_", "exp_", "neg_", "square_", "relu_", "tanh_", "zero_", "sigmoid_", "abs_"]
BINARY = ["add", "sub", "mul", "maximum"]
BINARY_INPLACE = ["add_", "sub_", "mul_", "copy_", "div_"]
VIEWS = ["select", "slice", "transpose", "flatten", "unsqueeze", "squeeze", "expand", "view", "last", "step"]
SET_ITEM = ["set", "set_number", "set_add", "set_mask", "set_list"]
OTHER = ["detach", "touch", "retain_grad", "number_inplace", "hook", "sum", "clamp_"]

Step = tuple[Any, ...]


def random_program(rng: random.Random, length: int) -> list[Step]:
    """Return steps; tensors are named by their position in the pool, modulo its size when the step runs."""
    steps: list[Step] = []
    for _ in range(rng.randint(1, 2)):
        values = [round(rng.uniform(0.3, 1.7), 3) for _ in range(12)]
        steps.append(("leaf", rng.choice(SHAPES), values, rng.random() < 0.7))
    steps.append((rng.choice(["clone", "sin", "exp"]), 0, 0, 0, False))
    groups = [UNARY, UNARY_INPLACE, BINARY, BINARY_INPLACE, VIEWS, SET_ITEM, OTHER]
    for _ in range(length):
        name = rng.choice(rng.choices(groups, [2, 3, 3, 4, 6, 3, 2])[0])
        i, j, k = rng.randrange(100), rng.randrange(100), rng.randrange(100)
        no_grad = rng.random() < 0.07 and name not in VIEWS  # a view made in no_grad mode is tested elsewhere
        steps.append((name, i, j, k, no_grad))
    return steps


def apply_step(torch: Any, pool: list[Any], step: Step, seen: list[Any]) -> Any:
    """Run one step; return a new tensor for the pool, or None."""
    name = step[0]
    if name == "leaf":
        _, shape, values, requires_grad = step
        array = np.array(values[: int(np.prod(shape))]).reshape(shape)
        return torch.tensor(array.tolist(), dtype=torch.float64, requires_grad=requires_grad)
    _, i, j, k, no_grad = step
    x = choose_changeable(pool, i, k) if name.endswith("_") or name in SET_ITEM else pool[i % len(pool)]
    y = choose_fitting(pool, j, x, name)
    with torch.no_grad() if no_grad else contextlib.nullcontext():
        return apply_named(torch, name, x, y, k, seen)


def choose_changeable(pool: list[Any], start: int, k: int) -> Any:
    """Return a tensor that may be changed in place; seldom one that may not."""
    candidates = [pool[(start + n) % len(pool)] for n in range(len(pool))]
    allowed = [x for x in candidates if not (x.requires_grad and x.is_leaf) and not is_expanded(x)]
    return allowed[0] if allowed and k % 25 else candidates[0]


def is_expanded(x: Any) -> bool:
    return any(stride == 0 and size > 1 for stride, size in zip(x.stride(), x.shape, strict=True))


def overlaps(x: Any, y: Any) -> bool:
    """Tell whether two tensors share memory without being the same: an in-place change is undefined then."""
    same = x.shape == y.shape and x.stride() == y.stride() and x.data_ptr() == y.data_ptr()
    return not same and np.shares_memory(x.numpy(force=True), y.numpy(force=True))


def choose_fitting(pool: list[Any], start: int, x: Any, name: str) -> Any:
    """Return a tensor whose shape fits to that of x, if there is one."""
    shape = tuple(x.shape)[1:] if name == "set" else tuple(x.shape)
    for n in range(len(pool)):
        y = pool[(start + n) % len(pool)]
        with contextlib.suppress(ValueError):
            if np.broadcast_shapes(tuple(y.shape), shape) == shape or name in BINARY:
                np.broadcast_shapes(tuple(y.shape), shape)
                return y.clone() if name.endswith("_") and overlaps(x, y) else y
    return pool[start % len(pool)]


def apply_named(torch: Any, name: str, x: Any, y: Any, k: int, seen: list[Any]) -> Any:
    """Run the operation of this name; return a new tensor for the pool, or None."""
    if name in UNARY:
        return getattr(x, name)()
    if name in UNARY_INPLACE:
        getattr(x, name)()
    elif name in BINARY:
        return getattr(torch, name)(x, y)
    elif name in BINARY_INPLACE:
        getattr(x, name)(y)
    elif name in VIEWS:
        return make_view(name, x, k)
    elif name in SET_ITEM:
        set_item(torch, name, x, y, k)
    elif name == "detach":
        return x.detach()
    elif name == "sum":
        return x.sum(k % x.ndim) if x.ndim else x * 2
    elif name == "touch":
        assert (x.grad_fn is None) == x.is_leaf
    elif name == "number_inplace":
        x.mul_(0.5 + k % 3)
    elif name == "clamp_":
        x.clamp_(0.2, 1.2)
    elif name == "hook" and x.grad_fn is not None:  # without asking for it first, PyTorch 2.13 may crash
        x.register_hook(scale_and_note(seen, 1 + k % 2))
    elif name != "hook":
        getattr(x, name)()
    return None


def scale_and_note(seen: list[Any], factor: int) -> Any:
    """Return a hook that notes the gradient it gets and multiplies it."""

    def hook(grad: Any) -> Any:
        seen.append(grad.tolist())
        return grad * factor

    return hook


def make_view(name: str, x: Any, k: int) -> Any:
    """Return a view of x; a 0-d tensor has few."""
    if name == "unsqueeze":
        return x.unsqueeze(k % (x.ndim + 1))
    if name == "squeeze":
        return x.squeeze()
    if name == "flatten":
        return x.reshape(-1)
    if name == "expand":
        return x.expand(2, *x.shape)
    if x.ndim == 0:
        return x.view(1)
    if name == "select":
        return x.select(k % x.ndim, k % x.shape[k % x.ndim])
    if name == "slice":
        return x[k % x.shape[0] :]
    if name == "transpose":
        return x.transpose(0, x.ndim - 1)
    if name == "view":
        return x.view(-1, 1)
    if name == "last":
        return x[..., -1]
    return x[::2]


def set_item(torch: Any, name: str, x: Any, y: Any, k: int) -> None:
    """Assign to a part of x."""
    if x.ndim == 0:
        x[...] = 0.7
    elif name == "set":
        x[k % x.shape[0]] = y.clone() if overlaps(x, y) else y
    elif name == "set_number":
        x[..., 0] = 0.7
    elif name == "set_add":
        x[k % x.shape[0] :] += y.clone() if overlaps(x, y) else y
    elif name == "set_mask":
        x[x.detach() > 0.9] = 0.4
    elif x.shape[0] > 1:
        x[[0, x.shape[0] - 1]] = y.clone()


class Outcome:
    """What a program did on one engine."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.failed_at: int | str | None = None
        self.states: list[Any] = []
        self.grads: list[Any] = []
        self.seen: list[Any] = []
        self.loss = 0.0


def run_program(torch: Any, program: list[Step], stop: int | None = None) -> Outcome:
    """Run a program, and backward from the sum of all it has made; note states and gradients."""
    outcome = Outcome()
    pool: list[Any] = []
    try:
        for position, step in enumerate(program[:stop]):
            outcome.failed_at = position
            made = apply_step(torch, pool, step, outcome.seen)
            if made is not None:
                pool.append(made)
            outcome.states.append([describe(x) for x in pool])
        outcome.failed_at = "loss"
        loss = sum(((n + 1) * x).sum() for n, x in enumerate(pool))
        outcome.loss = float(loss.detach()) if hasattr(loss, "detach") else 0.0
        outcome.failed_at = "backward"
        if loss.requires_grad:
            loss.backward()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome.grads = [None if x.grad is None else x.grad.tolist() for x in pool]
        outcome.failed_at = None
    except (RuntimeError, IndexError, TypeError, ValueError) as error:
        outcome.error = error
    return outcome


def describe(x: Any) -> Any:
    """Return what can be seen of a tensor without asking for its history."""
    return tuple(x.shape), x.detach().tolist()


def history(torch: Any, program: list[Step]) -> list[tuple[bool, bool]]:
    """Return requires_grad and is_leaf of all the tensors that a program makes."""
    pool: list[Any] = []
    for step in program:
        made = apply_step(torch, pool, step, [])
        if made is not None:
            pool.append(made)
    return [(x.requires_grad, x.is_leaf) for x in pool]
