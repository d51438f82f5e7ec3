"""Loss functions on yes or no: the binary cross-entropies.

References
----------
https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions
"""

from __future__ import annotations

from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import call
from tinygrad_edu.autograd.tensor_base import Tensor
from tinygrad_edu.backend import Array, array_module, is_on_host
from tinygrad_edu.ops.common import (
    optional_tensors,
    raw,
    require_dtype_of,
    require_floating_point,
    require_tensor,
)
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.activation import softplus
from tinygrad_edu.ops.nn.loss import legacy_reduction, reduce_loss
from tinygrad_edu.ops.promotion import promote


@rounded_once
def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target ln p + (1 - target) ln(1 - p)) for probabilities p.

    Parameters
    ----------
    input : Tensor
        The probabilities p, from 0 to 1, of any shape.
    target : Tensor
        Numbers from 0 to 1, of the same shape.
    weight : Tensor, optional
        Factors for the losses, broadcast to them.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.

    Raises
    ------
    ValueError
        If the shapes differ.
    RuntimeError
        If an input is not a probability.

    Notes
    -----
    The logarithms are at least -100, as in PyTorch. Better use :func:`binary_cross_entropy_with_logits`,
    which is exact for all inputs.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.nn.functional.binary_cross_entropy(torch.tensor([0.25]), torch.tensor([1.0]))
    tensor(1.3863)
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    name = "binary_cross_entropy"
    check_equal_size(name, input, target)
    optional_tensors(name, weight=weight)
    require_floating_point(name, input)
    require_dtype_of(name, input, target=target)
    call(check_probabilities, name, "input", raw(input))
    call(check_probabilities, name, "target", raw(target))
    losses = BinaryCrossEntropy.apply(*promote(name, input, target))
    return reduce_loss(name, losses if weight is None else losses * weight, reduction)


def check_probabilities(name: str, argument: str, x: Array) -> None:
    """Raise unless all numbers are from 0 to 1; NaN is not. On a GPU they are not looked at."""
    if is_on_host(x) and x.size and not (x.min() >= 0 and x.max() <= 1):
        raise RuntimeError(
            f"{name}: all elements of {argument} should be between 0 and 1, got {x.min()} to {x.max()}"
        )


class BinaryCrossEntropy(Op):
    """-(t ln p + (1 - t) ln(1 - p)); the derivatives are (p - t) / (p (1 - p)) and ln(1 - p) - ln p.

    The logarithms of the loss are at least -100 and the denominator is at least 1e-12, so that the loss and
    the gradient of p are finite at p = 0 and p = 1.
    """

    def forward(self, p: Array, t: Array) -> Array:
        self.save_for_backward(p, t)
        return -(t * log_from_minus_100(p) + (1 - t) * log_from_minus_100(1 - p))

    def backward(self, grad_output: Array) -> tuple[Array | None, Array | None]:
        p, t = self.saved
        xp = array_module(p)
        grad_p = grad_t = None
        if self.needs_input_grad[0]:
            grad_p = grad_output * (p - t) / xp.clip(p * (1 - p), 1e-12, None)
        if self.needs_input_grad[1]:
            grad_t = grad_output * (xp.log(1 - p) - xp.log(p))
        return grad_p, grad_t


def log_from_minus_100(p: Array) -> Array:
    """Return ln p, or -100 where it is less."""
    xp = array_module(p)
    return xp.maximum(xp.log(p), -100.0)


def check_equal_size(name: str, input: Array, target: Array) -> None:
    """Raise unless input and target have one shape."""
    require_tensor(name, input)
    require_tensor(name, target, "target")
    if tuple(input.shape) != tuple(target.shape):
        raise explained(
            ValueError(
                f"{name}: Using a target size ({target.shape}) that is different to the input size "
                f"({input.shape}) is not allowed. Please ensure they have the same size."
            )
        )


@rounded_once
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Binary cross-entropy of sigmoid(input), computed without overflow.

    Parameters
    ----------
    input : Tensor
        Scores (logits), of any shape.
    target : Tensor
        Numbers from 0 to 1, of the same shape.
    weight : Tensor, optional
        Factors for the losses, broadcast to them.
    reduction : {"mean", "sum", "none"}
        What becomes of the losses.
    pos_weight : Tensor, optional
        How much a target of 1 counts against one of 0, broadcast to the losses.

    Notes
    -----
    With softplus(x) = ln(1 + e^x) and the weight w of the ones, loss = (1 - t) x + (1 + (w - 1) t)
    softplus(-x); without weights the derivative is sigmoid(x) - t.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.binary_cross_entropy_with_logits.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> scores = torch.tensor([0.0, 1000.0])
    >>> targets = torch.tensor([1.0, 1.0])
    >>> torch.nn.functional.binary_cross_entropy_with_logits(scores, targets, reduction="none")
    tensor([0.6931, 0.0000])
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_reduction(size_average, reduce)
    name = "binary_cross_entropy_with_logits"
    check_equal_size(name, input, target)
    optional_tensors(name, weight=weight, pos_weight=pos_weight)
    log_term = softplus(-input, threshold=float("inf"))
    if pos_weight is not None:
        log_term = log_term * ((pos_weight - 1) * target + 1)
    losses = (1 - target) * input + log_term
    return reduce_loss(name, losses if weight is None else losses * weight, reduction)
