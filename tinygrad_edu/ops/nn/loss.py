"""Loss functions on numbers; those on classes have their own file.

``reduction`` is ``"mean"`` (the default), ``"sum"``, or ``"none"`` for one loss an element or sample.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import warnings

from tinygrad_edu.arguments import as_number, require_bools, require_numbers, wrong_type
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array
from tinygrad_edu.ops.common import (
    as_floating,
    kind_of,
    reject_complex,
    require_floating_point,
    require_tensor,
    require_tensors,
)
from tinygrad_edu.ops.elementwise.arithmetic import absolute, square
from tinygrad_edu.ops.elementwise.select import clamp, where
from tinygrad_edu.ops.elementwise.unary import exp, log
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.promotion import promote
from tinygrad_edu.ops.reduce.reduction import mean, sum


def reduce_loss(name: str, losses: Array, reduction: str) -> Array:
    """Return the mean or the sum of the losses, or the losses."""
    check_reduction(name, reduction)
    if reduction == "none":
        return losses
    return mean(losses) if reduction == "mean" else sum(losses)


def legacy_reduction(size_average: bool | None, reduce: bool | None) -> str:
    """Return the reduction that PyTorch's deprecated flags stand for, with its warning; None counts as True."""
    average, reduced = [flag is None or bool(flag) for flag in (size_average, reduce)]
    reduction = ("mean" if average else "sum") if reduced else "none"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{reduction}' instead.",
        stacklevel=3,
    )
    return reduction


def check_reduction(name: str, reduction: str) -> None:
    """Raise unless it is one of the three that there are."""
    if not isinstance(reduction, str):
        raise wrong_type(name, "reduction", "str", reduction)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{name}: {reduction} is not a valid value for reduction; expected one of none, mean, sum"
        )


def same_size(name: str, input: Array, target: Array) -> tuple[Array, Array]:
    """Return input and target in one dtype; warn if their sizes differ, for that is rarely meant."""
    require_tensor(name, input)
    require_tensor(name, target, "target")
    if tuple(input.shape) != tuple(target.shape):
        warnings.warn(
            f"{name}: Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. Please ensure "
            "they have the same size.",
            stacklevel=4,  # the caller of the decorated function
        )
    return promote(name, input, target)


@rounded_once
def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Squared error: (input - target)^2; the derivative is 2 (input - target), / n for the mean.

    Parameters
    ----------
    input, target : Tensor
        Floating-point numbers of one shape; other shapes are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    Returns
    -------
    Tensor
        A number, or with "none" the losses, of the broadcast shape.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.mse_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.mse_loss(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 4.0]))
    tensor(2.)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    a, b = same_size("mse_loss", input, target)
    return reduce_loss("mse_loss", square(as_floating("mse_loss", a - b)), reduction)


@rounded_once
def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Absolute error: |input - target|; the derivative is its sign.

    The arguments are those of :func:`mse_loss`.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.l1_loss.html
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    a, b = same_size("l1_loss", input, target)
    return reduce_loss("l1_loss", absolute(a - b), reduction)


@rounded_once
def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared error / (2 beta) where the error is below beta, else absolute error - beta / 2.

    Parameters
    ----------
    input, target : Tensor
        Floating-point numbers of one shape; other shapes are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.
    beta : float
        Where the parabola ends and the straight lines begin; 0 gives the absolute error.

    References
    ----------
    Girshick, "Fast R-CNN", 2015, equation 3;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.smooth_l1_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> a, b = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 3.0])
    >>> torch.nn.functional.smooth_l1_loss(a, b, reduction="none")
    tensor([0.1250, 2.5000])
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    beta = as_number("smooth_l1_loss", "beta", beta)
    reject_complex("smooth_l1_loss", input, target)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    a, b = same_size("smooth_l1_loss", input, target)
    error = absolute(a - b)
    return reduce_loss(
        "smooth_l1_loss", where(error < beta, square(error) / (2 * beta), error - beta / 2), reduction
    )


@rounded_once
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """Squared error / 2 where the error is below delta, else delta (absolute error - delta / 2).

    Parameters
    ----------
    input, target : Tensor
        Floating-point numbers of one shape; other shapes are broadcast, with a warning.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.
    delta : float
        Where the parabola ends and the straight lines begin; above 0.

    References
    ----------
    Huber, "Robust Estimation of a Location Parameter", 1964;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.huber_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> a, b = torch.tensor([0.0, 0.0]), torch.tensor([0.5, 3.0])
    >>> torch.nn.functional.huber_loss(a, b, reduction="none", delta=2.0)
    tensor([0.1250, 4.0000])
    """
    delta = as_number("huber_loss", "delta", delta)
    require_floating_point("huber_loss", input, error=RuntimeError)
    if kind_of(target) == "c":
        raise explained(RuntimeError(f"huber_loss: expected a real target, got {target.dtype}"))
    if delta <= 0:
        raise RuntimeError(f"huber_loss does not support non-positive values for delta, got {delta}")
    a, b = same_size("huber_loss", input, target)
    error = absolute(a - b)
    return reduce_loss(
        "huber_loss", where(error < delta, square(error) * 0.5, (error - delta / 2) * delta), reduction
    )


@rounded_once
def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence: target (ln target - input), for log-probabilities as the input.

    Parameters
    ----------
    input : Tensor
        Log-probabilities, of any shape.
    target : Tensor
        Probabilities, or with ``log_target`` their logarithms; broadcast against the input.
    reduction : {"mean", "batchmean", "sum", "none"}
        "batchmean" divides the sum by the size of the first dimension, which is the divergence of the
        definition; "mean" divides by the number of all elements, and warns.
    log_target : bool
        Whether the target, too, is given as logarithms.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.kl_div.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    >>> torch.nn.functional.kl_div(q.log(), p, reduction="batchmean")
    tensor(0.1438)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensor("kl_div", target, "target")
    require_bools("kl_div", log_target=log_target)
    for x in (input, target):
        require_floating_point("kl_div", x, error=RuntimeError)
    input, target = promote("kl_div", input, target)
    if log_target:
        losses = exp(target) * (target - input)
    else:
        nothing = target == 0  # 0 ln 0 is 0 here
        losses = where(nothing, 0.0, target * log(where(nothing, 1.0, target))) - target * input
    if reduction == "batchmean":
        return sum(losses) / (input.shape[0] if input.ndim else 1)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. "
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition.",
            stacklevel=3,  # the caller of the decorated function
        )
    return reduce_loss("kl_div", losses, reduction)


@rounded_once
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """The input where the target is 1, max(0, margin - input) where it is -1.

    Parameters
    ----------
    input : Tensor
        Distances, say, of any shape.
    target : Tensor
        1 for pairs that should be close, -1 for pairs that should not.
    margin : float
        Distances of dissimilar pairs above it cost nothing.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.hinge_embedding_loss.html
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_numbers("hinge_embedding_loss", margin=margin)
    require_tensors("hinge_embedding_loss", input=input, target=target)
    losses = where(target == -1, 0.0, input) + where(target == 1, 0.0, clamp(margin - input, min=0))
    return reduce_loss("hinge_embedding_loss", losses, reduction)


@rounded_once
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, -target (input1 - input2) + margin): the first input should rank higher, or lower.

    Parameters
    ----------
    input1, input2 : Tensor
        Scores of one shape.
    target : Tensor
        1 if the first should be higher, -1 if lower.
    margin : float
        By how much.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.margin_ranking_loss.html
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_numbers("margin_ranking_loss", margin=margin)
    require_tensors("margin_ranking_loss", input1=input1, input2=input2, target=target)
    if not input1.ndim == input2.ndim == target.ndim:
        raise explained(
            RuntimeError(
                "margin_ranking_loss: All input tensors should have same dimension but got sizes "
                f"{list(input1.shape)}, {list(input2.shape)} and {list(target.shape)}"
            )
        )
    return reduce_loss("margin_ranking_loss", clamp(-target * (input1 - input2) + margin, min=0), reduction)
