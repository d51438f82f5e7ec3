"""Losses and distances of ``nn.functional`` that are put together from operations.

The more common ones, such as ``mse_loss`` and ``cross_entropy``, stand in ``tinygrad_edu.ops``. ``reduction``
is "mean" (the default), "sum", or "none" for one loss an element or sample.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import require_bools, require_numbers, wrong_type
from tinygrad_edu.autograd.grad_mode import no_grad
from tinygrad_edu.ops.common import require_floating_point, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.loss import check_reduction, legacy_reduction, reduce_loss


@rounded_once
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-06, keepdim: bool = False
) -> Tensor:
    """Return the p-norm of x1 - x2 + eps over the last dimension: (*, d) -> (*)."""
    require_tensor("pairwise_distance", x1, "x1")
    require_tensor("pairwise_distance", x2, "x2")
    require_numbers("pairwise_distance", p=p, eps=eps)
    return ops.norm(x1 - x2 + eps, p, -1, keepdim)


@rounded_once
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return 1 - cos(input1, input2) where the target is 1, and max(0, cos - margin) where it is -1.

    The inputs are (n, d) and the target (n,), or (d,) and ().
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensor("cosine_embedding_loss", input1, "input1")
    require_tensor("cosine_embedding_loss", input2, "input2")
    require_tensor("cosine_embedding_loss", target, "target")
    require_numbers("cosine_embedding_loss", margin=margin)
    name = "cosine_embedding_loss"
    if input1.shape != input2.shape or target.ndim != input1.ndim - 1:
        raise RuntimeError(
            f"{name}: expected inputs (n, d) and (n, d) and a target (n,), got {list(input1.shape)}, "
            f"{list(input2.shape)} and {list(target.shape)}"
        )
    tiny = 1e-12  # PyTorch's, so that a vector of zeros has a cosine
    squares = ((input1 * input1).sum(-1) + tiny) * ((input2 * input2).sum(-1) + tiny)
    cosine = (input1 * input2).sum(-1) / ops.sqrt(squares)
    apart = ops.where(target == -1, ops.clamp(cosine - margin, min=0), cosine * 0)
    return reduce_loss(name, ops.where(target == 1, 1 - cosine, apart), reduction)


@rounded_once
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin), with d the p-norm of the difference.

    With ``swap``, the distance of positive and negative takes the place of d(anchor, negative) where it is
    smaller.

    References
    ----------
    Balntas et al., "Learning shallow convolutional feature descriptors with triplet losses", 2016.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensor("triplet_margin_loss", anchor, "anchor")
    require_tensor("triplet_margin_loss", positive, "positive")
    require_tensor("triplet_margin_loss", negative, "negative")
    require_numbers("triplet_margin_loss", margin=margin, p=p, eps=eps)
    require_bools("triplet_margin_loss", swap=swap)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    distance = functools.partial(pairwise_distance, p=p, eps=eps)
    losses = _triplet_losses(anchor, positive, negative, distance, margin, swap)
    return reduce_loss("triplet_margin_loss", losses, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin) for any distance d.

    ``distance_function`` is d, by default :func:`pairwise_distance`; for ``swap`` see :func:`triplet_margin_loss`.
    """
    name = "triplet_margin_with_distance_loss"
    check_reduction(name, reduction)
    require_numbers(name, margin=margin)
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    for argument, x in {"anchor": anchor, "positive": positive, "negative": negative}.items():
        require_tensor(name, x, argument)
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"{name}: The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got {anchor.ndim}, {positive.ndim} and {negative.ndim}"
        )
    distance = pairwise_distance if distance_function is None else distance_function
    losses = _triplet_losses(anchor, positive, negative, distance, margin, swap)
    return reduce_loss(name, losses, reduction)


def _triplet_losses(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
) -> Tensor:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = ops.minimum(far, distance(positive, negative))
    return ops.clamp(margin + near - far, min=0)


@rounded_once
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ln(1 + e^(-target input)), for targets 1 and -1; computed without overflow."""
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_floating_point("soft_margin_loss", input, error=RuntimeError)
    require_tensor("soft_margin_loss", target, "target")
    return reduce_loss("soft_margin_loss", ops.softplus(-target * input, threshold=math.inf), reduction)


@rounded_once
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-08,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of counts under Poisson distributions.

    Parameters
    ----------
    input : Tensor
        ln of the expected counts; the counts themselves without ``log_input``.
    target : Tensor
        The counts, of the same shape.
    log_input : bool
        loss = e^input - target input; otherwise input - target ln(input + eps).
    full : bool
        Add Stirling's approximation of ln(target!), which does not depend on the input.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensor("poisson_nll_loss", input)
    require_tensor("poisson_nll_loss", target, "target")
    require_bools("poisson_nll_loss", log_input=log_input, full=full)
    require_numbers("poisson_nll_loss", eps=eps)
    if log_input:
        losses = ops.exp(input) - target * input
    else:
        losses = input - target * ops.log(input + eps)
    if full:
        count = ops.clamp(target, min=1)  # below 2 the term is left out
        stirling = count * ops.log(count) - count + 0.5 * ops.log(2 * math.pi * count)
        losses = losses + ops.where(target > 1, stirling, 0.0)
    return reduce_loss("poisson_nll_loss", losses, reduction)


@rounded_once
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-06,
    reduction: str = "mean",
) -> Tensor:
    """Return the negative log-likelihood of the target under normal distributions.

    loss = (ln var + (input - target)^2 / var) / 2, with var at least ``eps``; ``full`` adds ln(2 pi) / 2.

    Parameters
    ----------
    input, target : Tensor
        The expected values, and those observed, of one shape.
    var : Tensor or float
        The variances: of that shape, with 1 in place of one dimension, or without the last one.
    """
    require_tensor("gaussian_nll_loss", input)
    require_tensor("gaussian_nll_loss", target, "target")
    require_bools("gaussian_nll_loss", full=full)
    require_numbers("gaussian_nll_loss", eps=eps)
    name = "gaussian_nll_loss"
    if isinstance(var, Tensor):
        require_floating_point(name, var, error=RuntimeError)
    elif not isinstance(var, float):
        raise wrong_type(name, "var", "a Tensor or a float", var)
    variance: Tensor = var if isinstance(var, Tensor) else creation.full_like(input.detach(), var)
    if bool((variance < 0).any()):
        raise ValueError(f"{name}: var has negative entry/entries, the smallest is {variance.min().item()}")
    if tuple(variance.shape) == tuple(input.shape[:-1]) and variance.ndim < input.ndim:
        variance = ops.unsqueeze(variance, -1)
    odd = [b for a, b in zip(input.shape, variance.shape, strict=False) if a != b]
    if variance.ndim != input.ndim or odd not in ([], [1]):
        raise ValueError(
            f"{name}: var is of incorrect size: expected {list(input.shape)}, got {list(variance.shape)}"
        )
    with no_grad():  # the derivative of var goes through the clamp, as in PyTorch
        correction = ops.where(variance < eps, eps - variance, 0.0)
    variance = variance + correction
    losses = 0.5 * (ops.log(variance) + ops.square(input - target) / variance)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduce_loss(name, losses, reduction)
