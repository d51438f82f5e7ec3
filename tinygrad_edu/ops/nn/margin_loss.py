"""Losses of scores that should lie apart by a margin: one right class, several, or a yes or no for each.

The gradient at a corner, where a score lies exactly at the margin, is 0, as it is that of relu.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

from tinygrad_edu.arguments import as_number
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import (
    check_positions,
    optional_tensors,
    raw,
    require_dtype_of,
    require_floating_point,
    require_tensors,
)
from tinygrad_edu.ops.elementwise.select import where
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.indexing.gather import gather
from tinygrad_edu.ops.nn.activation import logsigmoid, relu
from tinygrad_edu.ops.nn.loss import check_reduction, legacy_reduction, reduce_loss
from tinygrad_edu.ops.reduce.reduction import sum
from tinygrad_edu.ops.shape.layout import reshape, unsqueeze


def _rows_of_scores(name: str, input: Array, target: Array) -> Array:
    """Return scores (n, c), (c,) or () as (n, c), with n = 1 if there is none; the target is of class numbers."""
    require_tensors(name, input=input, target=target)
    require_floating_point(name, input)
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(
            f"{name}: Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )
    return input if input.ndim == 2 else reshape(input, (1, -1))


def _check_class_weight(name: str, input: Array, weight: Array | None, classes: int) -> None:
    optional_tensors(name, weight=weight)
    if weight is None:
        return
    if weight.ndim != 1:
        raise ValueError(f"{name}: weight must be one-dimensional, got {list(weight.shape)}")
    if weight.shape[0] != classes:
        raise RuntimeError(f"{name}: inconsistent weight size, expected {classes} but got {weight.shape[0]}")
    require_dtype_of(name, input, weight=weight)
    if weight.requires_grad:
        raise RuntimeError(
            f"The function '{name}' is not differentiable with respect to argument 'weight'. Expected a tensor "
            "without requires_grad, got one with it. Hint: weight.detach()"
        )


@rounded_once
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss of several classes: w_t / c times the sum over i != t of max(0, margin - x_t + x_i)^p.

    Parameters
    ----------
    input : Tensor
        Scores x, (n, c) or (c,).
    target : Tensor
        int64, (n,) or (): the right class t of each row.
    p : {1, 2}
        The power.
    margin : float
        By how much the score of the right class should be above the others.
    weight : Tensor, optional
        (c,): how much each class counts.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses, one a row.

    Raises
    ------
    RuntimeError
        If a shape does not fit, or a class does not exist.

    Notes
    -----
    A class i whose max is above 0 has the derivative w_t / c p max^(p - 1), and the right one minus their sum.

    References
    ----------
    Crammer and Singer, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines", 2001;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multi_margin_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scores = torch.tensor([[0.1, 0.2, 0.4, 0.8]])
    >>> torch.nn.functional.multi_margin_loss(scores, torch.tensor([3]))  # (0.3 + 0.4 + 0.6) / 4
    tensor(0.3250)
    """
    name = "multi_margin_loss"
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(name, reduction)
    margin = as_number(name, "margin", margin)
    if as_number(name, "p", p) not in (1, 2):
        raise ValueError(f"{name}: only p == 1 and p == 2 supported, got {p}")
    rows = _rows_of_scores(name, input, target)
    n, classes = rows.shape
    if target.ndim > 1 or raw(target).size != n:
        raise RuntimeError(
            f"{name}: expected a target of {n} classes, one for each row of scores, got {list(target.shape)}"
        )
    _check_class_weight(name, input, weight, classes)
    check_positions(name, raw(target), classes, dtypes=("int64",), error=RuntimeError)
    labels = reshape(target, (-1, 1))
    excess = relu(margin - gather(rows, 1, labels) + rows)
    others = tensor_from_array(raw(labels) != array_module(raw(rows)).arange(classes))
    powers = where(others, excess if p == 1 else excess * excess, 0.0)
    if weight is not None:
        powers = powers * weight[labels]
    losses = sum(powers, 1) / classes
    return reduce_loss(name, losses if target.ndim else reshape(losses, ()), reduction)


@rounded_once
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge loss of several right classes j: 1 / c times the sum of max(0, 1 - x_j + x_i) over the wrong i.

    Parameters
    ----------
    input : Tensor
        Scores x, (n, c) or (c,).
    target : Tensor
        int64, of the same shape: the right classes of each row, and -1 behind the last of them.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses, one a row.

    Raises
    ------
    RuntimeError
        If a shape does not fit, or a class does not exist.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_margin_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scores, right = torch.tensor([0.1, 0.2, 0.4, 0.8]), torch.tensor([3, 0, -1, 1])
    >>> torch.nn.functional.multilabel_margin_loss(scores, right)  # (0.4 + 0.6 + 1.1 + 1.3) / 4
    tensor(0.8500)
    """
    name = "multilabel_margin_loss"
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    check_reduction(name, reduction)
    rows = _rows_of_scores(name, input, target)
    if tuple(target.shape) != tuple(input.shape) and (input.ndim or raw(target).size != 1):
        raise RuntimeError(
            f"{name}: inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    n, classes = rows.shape
    check_positions(name, raw(target), classes, lowest=-1, dtypes=("int64",), error=RuntimeError)
    labels = raw(target).reshape(n, classes)
    xp = array_module(labels)
    given = xp.cumprod(labels >= 0, 1).astype(bool)  # up to the first -1
    right = ((labels[:, :, None] == xp.arange(classes)) & given[:, :, None]).any(1)  # (n, c)
    of_right = gather(rows, 1, tensor_from_array(labels * given))  # (n, j)
    excess = relu(1 - unsqueeze(of_right, 2) + unsqueeze(rows, 1))  # (n, j, i)
    pairs = tensor_from_array(given[:, :, None] & ~right[:, None, :])
    losses = sum(where(pairs, excess, 0.0), (1, 2)) / classes
    return reduce_loss(name, losses if input.ndim == 2 else reshape(losses, ()), reduction)


@rounded_once
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Mean over the classes of -(t ln sigmoid(x) + (1 - t) ln sigmoid(-x)): a yes or no for each.

    Parameters
    ----------
    input : Tensor
        Scores x, (*, c).
    target : Tensor
        t, from 0 to 1, broadcast to the same shape.
    weight : Tensor, optional
        (c,): how much each class counts.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses, (*).

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.multilabel_soft_margin_loss.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.multilabel_soft_margin_loss(torch.zeros(2, 3), torch.ones(2, 3))  # ln 2
    tensor(0.6931)
    """
    name = "multilabel_soft_margin_loss"
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    require_tensors(name, input=input, target=target)
    optional_tensors(name, weight=weight)
    if input.ndim == 0:
        raise IndexError(f"{name}: expected scores (*, c), got a single number")
    losses = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        losses = losses * weight
    return reduce_loss(name, sum(losses, input.ndim - 1) / input.shape[-1], reduction)
