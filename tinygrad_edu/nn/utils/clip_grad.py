"""Limiting gradients.

References
----------
Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1;
https://docs.pytorch.org/docs/stable/generated/torch.nn.utils.clip_grad_norm_.html
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_number, require_bools, require_numbers, wrong_type
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.ops.common import require_tensor

Parameters = Tensor | Iterable[Tensor]


def as_list(tensors: Parameters) -> list[Tensor]:
    """Return one tensor or several as a list."""
    if not isinstance(tensors, Iterable):
        raise wrong_type("clip_grad", "parameters", "an iterable of Tensors", tensors)
    listed = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    for x in listed:
        require_tensor("clip_grad", x, "parameters")
    return listed


def gradients(parameters: Parameters) -> list[Tensor]:
    """Return the gradients of one parameter or several; those without one are left out."""
    return [p.grad for p in as_list(parameters) if p.grad is not None]


def get_total_norm(
    tensors: Parameters,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of several tensors, as if they were one vector; ``foreach`` changes nothing here.

    Raises
    ------
    RuntimeError
        With ``error_if_nonfinite``, if it is infinite or not a number.
    """
    require_bools("get_total_norm", error_if_nonfinite=error_if_nonfinite)
    norm_type = math.inf if norm_type == "inf" else float(as_number("get_total_norm", "norm_type", norm_type))
    norms = [ops.norm(x, norm_type) for x in as_list(tensors)]
    if not norms:
        return creation.tensor(0.0)
    total = ops.norm(ops.stack([n.to(norms[0].device) for n in norms]), norm_type)
    if error_if_nonfinite and not bool(ops.isfinite(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite norm "
            "anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Parameters, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients, in place, by max_norm / total_norm if that is below 1; ``foreach`` changes nothing."""
    require_numbers("clip_grads_with_norm_", max_norm=max_norm)
    with no_grad():
        factor = ops.clamp(max_norm / (total_norm + 1e-6), max=1.0)
        for grad in gradients(parameters):
            grad.mul_(factor.to(grad.device))


def clip_grad_norm_(
    parameters: Parameters,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their total norm is at most ``max_norm``.

    Parameters
    ----------
    parameters : Tensor or iterable of Tensors
        What has the gradients.
    max_norm : float
        The largest norm that is allowed.
    norm_type : float
        The p of the norm; infinity for the largest absolute value.
    error_if_nonfinite : bool
        Raise if the norm is infinite or not a number.
    foreach : bool, optional
        Changes nothing here; in PyTorch, whether many tensors share a kernel.

    Returns
    -------
    Tensor
        (): the norm before.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> w = torch.ones(4, requires_grad=True)
    >>> (w * 3).sum().backward()
    >>> torch.nn.utils.clip_grad_norm_([w], max_norm=1.0)
    tensor(6.)
    >>> w.grad
    tensor([0.5000, 0.5000, 0.5000, 0.5000])
    """
    listed = as_list(parameters)  # it may be a generator
    with no_grad():
        total = get_total_norm(gradients(listed), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


def clip_grad_value_(parameters: Parameters, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every gradient, in place, to [-clip_value, clip_value]; ``foreach`` changes nothing here."""
    clip_value = as_number("clip_grad_value_", "clip_value", clip_value)
    with no_grad():
        for grad in gradients(parameters):
            grad.clamp_(-clip_value, clip_value)
