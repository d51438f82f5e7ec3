"""Loss functions on classes: the cross-entropy and the negative log-likelihood.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_edu.arguments import as_int, as_number
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.grad_mode import this_thread
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase
from tinygrad_edu.backend import Array, array_module, is_on_host, on_card_of
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.autocast import under_autocast
from tinygrad_edu.ops.common import optional_tensors, raw, require_floating_point, require_tensors
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.half import in_float32, is_half_alone, rounded_once
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.nn.loss import check_reduction, legacy_reduction, reduce_loss
from tinygrad_edu.ops.nn.softmax import SoftmaxCrossEntropy, check_class_numbers, log_softmax
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.shape.layout import movedim, reshape

INT64 = np.dtype(np.int64)


def as_rows(input: Array, target: Array) -> tuple[Array, Array]:
    """Return scores (n, c, d1, ...) as (n d1 ..., c), and the targets as a vector."""
    dims = raw(input).ndim
    if dims == 2:
        return input, target
    if dims == 1:
        return reshape(input, (1, -1)), reshape(target, (1,))
    return reshape(movedim(input, 1, -1), (-1, input.shape[1])), reshape(target, (-1,))


def check_has_classes(name: str, shape: tuple[int, ...]) -> None:
    """Raise if the scores are a single number."""
    if not shape:
        raise ValueError(f"{name}: Expected 1 or more dimensions (got 0) of the scores")


def error_of_shapes(scores: tuple[int, ...], target: tuple[int, ...]) -> type[Exception]:
    """Return which error PyTorch raises: one for another number of examples, one for other dimensions behind it."""
    return RuntimeError if len(scores) > 1 and scores[:1] == target[:1] else ValueError


def check_class_targets(name: str, scores: Array, labels: Array, weight: Any) -> None:
    """Raise unless the labels (raw) are class numbers, and they and the weights of the classes fit the scores (raw)."""
    shape = scores.shape
    check_has_classes(name, shape)
    expected = () if len(shape) == 1 else (shape[0], *shape[2:])
    if labels.shape != expected:
        raise explained(
            error_of_shapes(shape, labels.shape)(
                f"{name}: expected target of shape {list(expected)} for input {list(shape)}, got {list(labels.shape)}"
            )
        )
    if labels.dtype.kind not in "iu":
        raise explained(
            RuntimeError(f"{name}: expected scalar type Long for class targets but found {labels.dtype}")
        )
    classes = shape[0] if len(shape) == 1 else shape[1]
    if weight is not None and tuple(weight.shape) != (classes,):
        raise explained(
            RuntimeError(
                f"{name}: weight tensor should be defined either for all {classes} classes or no classes but got "
                f"weight tensor of shape: {list(weight.shape)}"
            )
        )
    if weight is not None and raw(weight).dtype != scores.dtype:
        raise explained(
            RuntimeError(f"{name}: expected weight of {scores.dtype}, as the input, got {raw(weight).dtype}")
        )
    if isinstance(weight, TensorBase) and weight.requires_grad and this_thread.mode.grad_enabled:
        raise RuntimeError(
            "The function 'nll_loss_forward' is not differentiable with respect to argument 'weight'. "
            "Expected a tensor without requires_grad, got one with it. Hint: weight.detach()"
        )


def _reduce_weighted(name: str, losses: Array, row_weights: Array, reduction: str) -> Array:
    """Mean over the weights of the rows, as PyTorch: sum of losses / sum of weights."""
    if reduction != "mean":
        return reduce_loss(name, losses, reduction)
    divisor, summand = call(divisor_and_summand, row_weights)
    return sum(losses) / divisor + summand


def divisor_and_summand(row_weights: Array) -> tuple[Array, Array]:
    """Return what makes a mean of a sum over rows: NaN if they count nothing, and the gradient is 0.

    In PyTorch that is so only if all rows are ignored.
    """
    xp = array_module(row_weights)
    total = xp.asarray(row_weights.sum())
    nothing = total == 0
    return xp.where(nothing, total + 1, total), xp.where(nothing, total + xp.nan, total * 0)


def row_weights_of(target: Array, weight: Array | None, ignore_index: int, dtype: Any) -> Array:
    """Return the weight of every row's class, 0 for ignored rows."""
    kept = target != ignore_index
    return kept.astype(dtype) if weight is None else weight[target * kept] * kept


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(input)[target]: the cross-entropy between scores and the true classes.

    Parameters
    ----------
    input : Tensor
        Scores (logits): (c,), (n, c) or (n, c, d1, ...).
    target : Tensor
        Class numbers, of shape (), (n,) or (n, d1, ...); or probabilities of the input's shape and a
        floating-point dtype.
    weight : Tensor, optional
        (c,): how much each class counts.
    ignore_index : int
        Rows with this class count nothing.
    reduction : {"mean", "sum", "none"}
        The mean is taken over the weights.
    label_smoothing : float
        This part of the target is spread evenly over all classes.

    Returns
    -------
    Tensor
        A number, or with "none" one loss a row, of the target's shape.

    Raises
    ------
    ValueError
        If the shape of the target does not fit.
    IndexError
        If a class number is outside.

    Notes
    -----
    With p = softmax(input): loss = -w_t ln p_t, and dloss/dinput_i = w_t (p_i - [i = t]); for probabilities
    as the target, loss = -sum_i w_i t_i ln p_i.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.cross_entropy.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.cross_entropy(torch.zeros(2, 4), torch.tensor([0, 3]))
    tensor(1.3863)
    """
    if this_thread.mode.autocast:
        options = size_average, ignore_index, reduce, reduction, label_smoothing
        return under_autocast(cross_entropy, input, target, weight, *options)
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    name = "cross_entropy"
    require_tensors(name, input=input, target=target)
    optional_tensors(name, weight=weight)
    scores, labels = raw(input), raw(target)
    if not is_floating(scores.dtype):
        raise explained(
            NotImplementedError(f"{name}: expected scores of a floating-point dtype, got {scores.dtype}")
        )
    label_smoothing = as_number(name, "label_smoothing", label_smoothing)
    ignore_index = as_int(name, "ignore_index", ignore_index)
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    if is_half_alone((input, target, weight)):
        options = None, ignore_index, None, reduction, label_smoothing
        return in_float32(cross_entropy, input, target, weight, *options)
    if is_floating(labels.dtype):
        return _cross_entropy_of_probabilities(
            input, target, weight, ignore_index, reduction, label_smoothing
        )
    check_class_targets(name, scores, labels, weight)
    check_reduction(name, reduction)
    target = target if labels.dtype == INT64 else target.long()
    return _cross_entropy_of_classes(input, target, weight, ignore_index, reduction, label_smoothing)


def _cross_entropy_of_classes(
    input: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Array:
    """Return the cross-entropy with class numbers (int64), for arguments that have been checked."""
    rows, classes = as_rows(input, target)
    if not label_smoothing:
        loss = SoftmaxCrossEntropy.apply(
            rows, classes, weight, ignore_index=ignore_index, reduction=reduction
        )
        return reshape(loss, tuple(target.shape)) if reduction == "none" else loss
    with on_card_of(raw(rows)):
        losses = _smoothed_losses(rows, classes, weight, ignore_index, label_smoothing)
        if reduction == "none":
            return reshape(losses, tuple(target.shape))
        row_weights = call(row_weights_of, raw(classes), raw(weight), ignore_index, raw(rows).dtype)
        return _reduce_weighted("cross_entropy", losses, row_weights, reduction)


def _smoothed_losses(
    rows: Array, classes: Array, weight: Array | None, ignore_index: int, label_smoothing: float
) -> Array:
    """Return the loss of every row, with a part of its target spread evenly over all classes."""
    losses = SoftmaxCrossEntropy.apply(rows, classes, weight, ignore_index=ignore_index, reduction="none")
    log_p = log_softmax(rows, 1)
    spread = -sum(log_p if weight is None else log_p * weight, 1)
    spread = where(classes != ignore_index, spread, 0.0)  # not a product: spread may be infinite
    return losses * (1 - label_smoothing) + spread * (label_smoothing / rows.shape[1])


def _cross_entropy_of_probabilities(
    input: Array,
    target: Array,
    weight: Array | None,
    ignore_index: int,
    reduction: str,
    label_smoothing: float,
) -> Array:
    if ignore_index >= 0:
        raise RuntimeError(
            f"ignore_index is not supported for floating point target: expected a negative one, got {ignore_index}"
        )
    if tuple(input.shape) != tuple(target.shape):
        raise explained(
            error_of_shapes(tuple(input.shape), tuple(target.shape))(
                f"cross_entropy: expected target probabilities of shape {list(input.shape)}, got "
                f"{list(target.shape)}"
            )
        )
    check_has_classes("cross_entropy", tuple(input.shape))
    class_dim = 0 if input.ndim == 1 else 1
    classes = input.shape[class_dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    log_p = log_softmax(input, class_dim)
    if weight is not None:
        log_p = log_p * reshape(weight, (-1,) + (1,) * (input.ndim - class_dim - 1))
    losses = -sum(log_p * target, class_dim)
    if reduction == "mean":
        return sum(losses) / int(np.prod(losses.shape))  # of nothing: NaN
    return reduce_loss("cross_entropy", losses, reduction)


@rounded_once
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-input[target]: the negative log-likelihood, given log-probabilities.

    cross_entropy(x, t) is nll_loss(log_softmax(x), t).

    Parameters
    ----------
    input : Tensor
        Log-probabilities: (c,), (n, c) or (n, c, d1, ...).
    target : Tensor
        Class numbers, of shape (), (n,) or (n, d1, ...).
    weight : Tensor, optional
        (c,): how much each class counts.
    ignore_index : int
        Rows with this class count nothing.
    reduction : {"mean", "sum", "none"}
        The mean is taken over the weights.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.nll_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> log_p = torch.tensor([[0.5, 0.5], [0.25, 0.75]]).log()
    >>> torch.nn.functional.nll_loss(log_p, torch.tensor([0, 0]), reduction="none")
    tensor([0.6931, 1.3863])
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensors("nll_loss", input=input, target=target)
    optional_tensors("nll_loss", weight=weight)
    require_floating_point("nll_loss", input)
    check_reduction("nll_loss", reduction)
    ignore_index = as_int("nll_loss", "ignore_index", ignore_index)
    check_class_targets("nll_loss", raw(input), raw(target), weight)
    if is_on_host(raw(target)):
        call(
            check_class_numbers,
            "nll_loss",
            raw(target),
            raw(input).shape[min(input.ndim - 1, 1)],
            ignore_index,
        )
    target = target if raw(target).dtype == INT64 else target.long()
    with on_card_of(raw(input)):
        return _nll_loss_of_rows(input, target, weight, ignore_index, reduction)


def _nll_loss_of_rows(
    input: Array, target: Array, weight: Array | None, ignore_index: int, reduction: str
) -> Array:
    """Return what ``nll_loss`` does, for arguments that have been checked."""
    rows, classes = as_rows(input, target)
    kept = classes != ignore_index
    picked = gather(rows, 1, reshape(classes * kept, (-1, 1)))
    row_weights = call(row_weights_of, raw(classes), raw(weight), ignore_index, raw(rows).dtype)
    losses = where(kept, reshape(picked, (-1,)), 0.0) * call(operator.neg, row_weights)
    if reduction == "none":
        return reshape(losses, tuple(target.shape))
    return _reduce_weighted("nll_loss", losses, row_weights, reduction)
