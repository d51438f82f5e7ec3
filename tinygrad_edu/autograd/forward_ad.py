"""Dual tensors: a number and how fast it changes (``torch.autograd.forward_ad``).

A dual tensor is a number x together with a direction t; whatever is computed of it changes by J t. PyTorch carries the
second number along from operation to operation. This engine does not go forward: it looks back when it is asked, with
two backwards, as ``torch.func.jvp`` does (``func/directions.py``). The results are the same, and it takes longer.

So that it can look back, a dual tensor ``requires_grad`` here; under ``no_grad`` nothing is recorded, and what was
computed there has no tangent.

References
----------
https://docs.pytorch.org/docs/stable/autograd.html#forward-mode-automatic-differentiation
"""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.autograd.api import grad
from tinygrad_edu.autograd.grad_mode import enable_grad
from tinygrad_edu.func.directions import Linear
from tinygrad_edu.func.gradients import Fresh
from tinygrad_edu.type_names import type_name


class UnpackedDualTensor(NamedTuple):
    """What :func:`unpack_dual` returns: the number, and how fast it changes, or None."""

    primal: Tensor
    tangent: Tensor | None


class _Level(Fresh):
    """The dual tensors that were made, and their directions."""

    def __init__(self) -> None:
        super().__init__([], "make_dual")
        self.tangents: list[Tensor] = []

    def add(self, tensor: Tensor, tangent: Tensor) -> Tensor:
        """Make a dual tensor."""
        (dual,) = Fresh([tensor], "make_dual").leaves
        self.leaves.append(dual)
        self.tangents.append(tangent)
        self.tree = self.leaves
        return dual

    def depends(self, tensor: Tensor) -> bool:
        """Tell whether a tensor was computed of one of the dual tensors."""
        if not tensor.requires_grad or not self.leaves:
            return False
        found = grad(
            tensor, self.leaves, tensor.new_zeros(tensor.shape), retain_graph=True, allow_unused=True
        )
        return any(gradient is not None for gradient in found)


_levels: list[_Level] = []  # at most one: PyTorch does not nest them either


def enter_dual_level() -> int:
    """Begin a level, within which dual tensors can be made; return its number."""
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append(_Level())
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """End the level: its dual tensors become usual ones."""
    if level is not None and level != len(_levels) - 1:
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    if not _levels:
        raise RuntimeError("exit_dual_level: expected a level to exit, but none was entered")
    _levels.pop().end()


class dual_level(contextlib.ContextDecorator):
    """A level for the time of a ``with`` block.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.forward_ad.dual_level.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 10.0]))
    ...     forward_ad.unpack_dual(x * x)
    UnpackedDualTensor(primal=tensor([1., 4.]), tangent=tensor([ 2., 40.]))
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """Return a dual tensor: the numbers of ``tensor``, in its memory, that change in the direction ``tangent``.

    Raises
    ------
    RuntimeError
        Outside of a level; if the two are not of one shape; if the tensor is a dual one already.
    ValueError
        If one of the two holds whole numbers.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.forward_ad.make_dual.html
    """
    if not _levels:
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first."
        )
    if level not in (None, 0):
        raise RuntimeError(f"make_dual: expected the level that was entered, 0, got {level}")
    for name, value in (("primal", tensor), ("tangent", tangent)):
        if not (value.is_floating_point() or value.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {value.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"make_dual: expected a tangent of the tensor's size {list(tensor.shape)}, got {list(tangent.shape)}"
        )
    if _levels[-1].depends(tensor):
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not "
            "supported."
        )
    return _levels[-1].add(tensor, tangent)


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """Return the numbers, and how fast they change: a tangent of None if they do not depend on a dual tensor.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.autograd.forward_ad.unpack_dual.html
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"unpack_dual: expected a Tensor, got {type_name(tensor)}")
    if not _levels or not _levels[-1].depends(tensor):
        return UnpackedDualTensor(tensor, None)
    made = _levels[-1]
    for dual, tangent in zip(made.leaves, made.tangents, strict=True):
        if dual is tensor:
            return UnpackedDualTensor(made.finished(tensor), tangent)
    with enable_grad():
        (change,) = Linear([tensor], made).times(made.tangents)
    return UnpackedDualTensor(made.finished(tensor), made.finished(change))
