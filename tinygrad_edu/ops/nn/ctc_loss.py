"""Connectionist temporal classification: the loss of a word of which nobody knows when each letter was said.

A network says at every time step how likely each letter is, and a *blank* beside them. A path is one choice a step, and
it spells the word that is left when repeated letters are taken once and blanks are taken away: ``a a _ b b`` and
``_ a _ _ b`` both spell *ab*. The probability of the word is the sum over all paths that spell it. They are too many to
go through, but they all run through one lattice: the word with blanks between its letters from top to bottom, time from
left to right. A path stays where it is, goes one on, or two, over a blank between different letters::

    time       1   2   3   4   5
    blank      o   o   o   o   o      begins in one of the first two states,
    a          o   o   o   o   o      ends in one of the last two.
    blank      o   o   o   o   o
    b          o   o   o   o   o
    blank      o   o   o   o   o

What arrives at a node, alpha, is a sum over at most three nodes of the step before; what leads on from it to the end,
beta, a sum over at most three of the step after. Everything is in logarithms, for products of hundreds of
probabilities are too small for floating point: a product is a sum, a sum is ``log_sum_exp``, and nothing is -infinity.

References
----------
.. [1] A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, "Connectionist Temporal Classification: Labelling Unsegmented
   Sequence Data with Recurrent Neural Networks", ICML 2006, sections 4.1 and 4.2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.arguments import as_int, as_ints, require_bools
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.tensor_base import Tensor, TensorBase, tensor_from_array
from tinygrad_edu.backend import Array, array_module, device_of, is_on_host, on_card_of, to_device
from tinygrad_edu.numpy_dtypes import is_floating
from tinygrad_edu.ops.common import raw, require_tensor
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.nn.loss import check_reduction, reduce_loss
from tinygrad_edu.ops.shape.layout import reshape
from tinygrad_edu.ops.summation import add_at


class Lattice(NamedTuple):
    """The words of a batch, spread out: n of them, the longest of s letters, so 2 s + 1 states.

    Attributes
    ----------
    labels : int64 array, (n, 2 s + 1)
        l' of [1]_: blank, letter, blank, letter, ..., blank; behind a shorter word, more blanks.
    may_skip : bool array, (n, 2 s + 1)
        Whether a path may come to a state from the one before the last: if there is another letter.
    input_lengths, target_lengths : int64 array, (n, 1)
        How many steps and how many letters there are.
    """

    labels: Array
    may_skip: Array
    input_lengths: Array
    target_lengths: Array


def lattice_of(words: Array, input_lengths: Array, target_lengths: Array, blank: int) -> Lattice:
    """Return the lattice of words (n, s), shorter ones padded with blanks, and of lengths (n,)."""
    xp = array_module(words)
    labels = xp.full((len(words), 2 * words.shape[1] + 1), blank)
    labels[:, 1::2] = words
    may_skip = xp.zeros(labels.shape, bool)
    may_skip[:, 2:] = labels[:, 2:] != labels[:, :-2]
    return Lattice(labels, may_skip, input_lengths[:, None], target_lengths[:, None])


def log_sum_exp(xp: Any, *terms: Array) -> Array:
    """Return ln(e^a + e^b + ...) of arrays of one shape, without overflow; terms may be -infinity, also all of them."""
    stacked = xp.stack(terms)
    largest = stacked.max(0)
    shift = xp.where(largest == -xp.inf, 0, largest)
    return xp.log(xp.exp(stacked - shift).sum(0)) + shift


def from_before(x: Array, states: int) -> Array:
    """Return what stands so many states before, and -infinity where there is none."""
    shifted = array_module(x).full_like(x, -np.inf)
    shifted[:, states:] = x[:, :-states]
    return shifted


def from_behind(x: Array, states: int) -> Array:
    """Return what stands so many states behind, and -infinity where there is none."""
    shifted = array_module(x).full_like(x, -np.inf)
    shifted[:, :-states] = x[:, states:]
    return shifted


def forward_variables(emitted: Array, lattice: Lattice) -> Array:
    """Return ln alpha: how likely it is to be in a state at a step, having spelled everything before it.

    alpha_t(s) = y_t(s) (alpha_{t-1}(s) + alpha_{t-1}(s-1) + alpha_{t-1}(s-2) if it may skip): equations 6 and 7. A row
    for the time before the first step, when every path waits at the first blank, makes the first row by the same
    rule: y_1 for the first blank and for the first letter, and nothing for all others.

    Parameters
    ----------
    emitted : array, (t, n, states)
        ln y: how likely its label is at every step, for every state.

    Returns
    -------
    array, (t + 1, n, states)
    """
    xp = array_module(emitted)
    alpha = xp.full((len(emitted) + 1, *emitted.shape[1:]), -xp.inf, emitted.dtype)
    alpha[0, :, 0] = 0
    for t in range(len(emitted)):
        skipped = xp.where(lattice.may_skip, from_before(alpha[t], 2), -xp.inf)
        alpha[t + 1] = log_sum_exp(xp, alpha[t], from_before(alpha[t], 1), skipped) + emitted[t]
    return alpha


def log_probability(alpha: Array, lattice: Lattice) -> Array:
    """Return ln p(word) = ln(alpha_T(last blank) + alpha_T(last letter)): equation 8; (n,)."""
    xp = array_module(alpha)
    sequence = xp.arange(alpha.shape[1])[:, None]
    last = 2 * lattice.target_lengths
    at_blank = alpha[lattice.input_lengths, sequence, last]
    at_letter = xp.where(last > 0, alpha[lattice.input_lengths, sequence, last - 1], -xp.inf)
    return log_sum_exp(xp, at_blank, at_letter)[:, 0]


def backward_variables(emitted: Array, lattice: Lattice) -> Array:
    """Return ln beta: how likely it is to spell the rest of the word after a step, being in a state at it.

    beta_t(s) is the sum of y_{t+1} beta_{t+1} over the states s, s+1, and s+2 if it may skip: equations 10 and 11.
    (In [1]_, beta_t has y_t as a factor, by which equation 14 divides again; here it is left out.) After the last
    step every path waits at the last blank.

    Parameters
    ----------
    emitted : array, (t, n, states)
        ln y, as for ``forward_variables``.

    Returns
    -------
    array, (t, n, states)
        -infinity at all steps that a shorter sequence does not have.
    """
    xp = array_module(emitted)
    beta = xp.empty_like(emitted)
    states = xp.arange(emitted.shape[2])
    end = xp.where(states == 2 * lattice.target_lengths, 0, -xp.inf).astype(emitted.dtype)
    ahead = xp.full_like(end, -xp.inf)  # y_{t+1} beta_{t+1}
    for t in reversed(range(len(emitted))):
        ahead = xp.where(lattice.input_lengths == t + 1, end, ahead)
        skipped = from_behind(xp.where(lattice.may_skip, ahead, -xp.inf), 2)
        beta[t] = log_sum_exp(xp, ahead, from_behind(ahead, 1), skipped)
        ahead = beta[t] + emitted[t]
    return beta


def emissions(log_probs: Array, labels: Array) -> Array:
    """Return ln y of the label of every state at every step: (t, n, classes) -> (t, n, states)."""
    return log_probs[:, array_module(labels).arange(len(labels))[:, None], labels]


class CTCLoss(Op):
    """-ln p(word) of every sequence: (t, n, classes) -> (n,)."""

    def forward(self, log_probs: Array, *, lattice: Lattice, zero_infinity: bool) -> Array:
        alpha = forward_variables(emissions(log_probs, lattice.labels), lattice)
        losses = -log_probability(alpha, lattice)
        self.lattice, self.zero_infinity = lattice, zero_infinity
        self.save_for_backward(log_probs, alpha, losses)
        return array_module(losses).where(losses == np.inf, 0, losses) if zero_infinity else losses

    def backward(self, grad_losses: Array) -> Array:
        log_probs, alpha, losses = self.saved
        return CTCLossBackward.compute(
            grad_losses, log_probs, raw(alpha), raw(losses), lattice=self.lattice, zero=self.zero_infinity
        )


class CTCLossBackward(Op):
    """The gradient of the scores whose log-softmax is ln y: y_t(k) - the share of paths with label k at step t.

    That is equation 16: the share is the sum over the states s of label k of alpha_t(s) beta_t(s) / Z_t, where Z_t is
    the sum over all states. Every Z_t is p(word), by equation 14; but what rounding has done to alpha and beta is in
    the Z_t of the same step, too, and cancels. As in PyTorch, it is also what the log-probabilities get: log-softmax,
    which comes next, leaves it as it is, for its sum over the labels is 0.
    """

    def forward(
        self,
        grad_losses: Array,
        log_probs: Array,
        alpha: Array,
        losses: Array,
        *,
        lattice: Lattice,
        zero: bool,
    ) -> Array:
        xp = array_module(log_probs)
        emitted = emissions(log_probs, lattice.labels)
        through = alpha[1:] + backward_variables(emitted, lattice)  # ln of alpha beta
        z = log_sum_exp(xp, *xp.moveaxis(through, 2, 0))
        shares = xp.exp(through - z[..., None])
        steps, sequences = xp.arange(len(log_probs))[:, None], xp.arange(len(losses))
        place = steps[..., None], sequences[:, None], lattice.labels
        grad = xp.exp(log_probs) - add_at(place, shares, log_probs.shape)
        impossible = losses == np.inf  # there is no path to take a share of
        grad = xp.where(impossible[:, None], 0 if zero else xp.nan, grad * grad_losses[:, None])
        return xp.where((steps < lattice.input_lengths[:, 0])[..., None], grad, 0).astype(log_probs.dtype)

    def backward(self, grad_output: Array) -> Any:
        raise RuntimeError(
            "ctc_loss: expected to be differentiated once, got a second derivative, which is not implemented"
        )


@rounded_once
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """-ln p(target | input), over all ways in which the letters of the target may lie in time.

    Parameters
    ----------
    log_probs : Tensor
        (t, n, classes), or (t, classes) for one sequence: ln of how likely each letter, or the blank, is at each
        step, from ``log_softmax``.
    targets : Tensor
        Letters: (n, s), shorter ones padded with anything, or all of them one after the other in a vector.
    input_lengths, target_lengths : Tensor, or tuple of int
        (n,), or () for one sequence: how many steps and how many letters each sequence has.
    blank : int
        The class that is no letter.
    reduction : {"mean", "sum", "none"}
        "mean" divides each loss by the length of its target, and takes the mean of that.
    zero_infinity : bool
        Count a loss that is infinite, because the target does not fit into the input, as 0, and its gradient, too.

    Returns
    -------
    Tensor
        A number, or with "none" (n,).

    Raises
    ------
    RuntimeError
        If the shapes, lengths or the blank do not fit.
    IndexError
        If a letter is no class.

    Notes
    -----
    A target of s letters, r of them equal to the one before, needs s + r steps; in fewer the loss is infinite and the
    gradient NaN. The gradient is y - the shares of the paths: that of the scores before ``log_softmax``, as in
    PyTorch; for log-probabilities that do not come from there it is not the derivative, from which y is missing.

    References
    ----------
    Graves et al., "Connectionist Temporal Classification", ICML 2006;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html

    Examples
    --------
    Two steps, two classes, all as likely: of the four paths ``__``, ``_a``, ``a_``, ``aa`` three spell *a*.

    >>> import tinygrad_edu as torch
    >>> log_probs = torch.full((2, 1, 2), 0.5).log()
    >>> torch.nn.functional.ctc_loss(log_probs, torch.tensor([[1]]), (2,), (1,)).exp()  # 1 / (3 / 4)
    tensor(1.3333)
    """
    check_reduction("ctc_loss", reduction)
    require_bools("ctc_loss", zero_infinity=zero_infinity)
    scores = check_scores(log_probs, targets)
    steps, letters = check_lengths(scores.shape, input_lengths, target_lengths)
    blank = as_int("ctc_loss", "blank", blank)
    if not 0 <= blank < scores.shape[2]:
        raise RuntimeError(f"ctc_loss: blank must be in label range, 0 to {scores.shape[2] - 1}, got {blank}")
    with on_card_of(scores):
        words = padded_words(to_device(raw(targets), device_of(scores)), letters, blank)
        check_letters(words, scores.shape[2])
        input_counts, counts = [
            to_device(np.asarray(n, np.int64), device_of(scores)) for n in (steps, letters)
        ]
        lattice = lattice_of(words, input_counts, counts, blank)
        batch = reshape(log_probs, scores.shape)
        losses = CTCLoss.apply(batch, lattice=lattice, zero_infinity=zero_infinity)
        if reduction == "mean":
            divisors = array_module(scores).maximum(counts, 1).astype(scores.dtype)
            losses = losses / tensor_from_array(divisors)
    if reduction == "none":
        return losses if log_probs.ndim == 3 else reshape(losses, ())
    return reduce_loss("ctc_loss", losses, reduction)


def check_scores(log_probs: Any, targets: Any) -> Array:
    """Return the log-probabilities as an array (t, n, classes), checked, and so are the shapes of the targets."""
    require_tensor("ctc_loss", log_probs, "log_probs")
    require_tensor("ctc_loss", targets, "targets")
    scores = raw(log_probs)
    if not is_floating(scores.dtype):
        raise NotImplementedError(f"ctc_loss: expected floating-point log_probs, got {scores.dtype}")
    if scores.ndim not in (2, 3):
        raise RuntimeError(
            f"ctc_loss: expected log_probs (t, n, classes) or (t, classes), got {list(scores.shape)}"
        )
    if not scores.size:
        raise RuntimeError(f"ctc_loss: log_probs tensor must not be empty, got {list(scores.shape)}")
    if targets.ndim not in (1, 2):
        raise RuntimeError(f"ctc_loss: expected targets of 1 to 2 dimensions, got {list(targets.shape)}")
    scores = scores if scores.ndim == 3 else scores[:, None]
    if targets.ndim == 2 and len(targets) != scores.shape[1]:
        raise RuntimeError(
            f"ctc_loss: expected targets of {scores.shape[1]} sequences, got {list(targets.shape)}"
        )
    return scores


def check_lengths(
    shape: tuple[int, ...], input_lengths: Any, target_lengths: Any
) -> tuple[list[int], list[int]]:
    """Return both lengths as lists; raise unless there is one of each for every sequence, and the steps are there."""
    if isinstance(input_lengths, TensorBase) != isinstance(target_lengths, TensorBase):
        raise TypeError(
            "ctc_loss: expected input_lengths and target_lengths both as tensors or both as tuples of ints, got "
            f"{type(input_lengths).__name__} and {type(target_lengths).__name__}"
        )
    steps = as_lengths("input_lengths", input_lengths, shape[1])
    letters = as_lengths("target_lengths", target_lengths, shape[1])
    if max(steps) > shape[0]:
        raise RuntimeError(
            f"ctc_loss: expected input_lengths to have value at most {shape[0]}, got {max(steps)}"
        )
    return steps, letters


def as_lengths(argument: str, lengths: Any, count: int) -> list[int]:
    """Return lengths, on whatever device, as a list of so many."""
    if isinstance(lengths, TensorBase):
        array = raw(lengths)
        if array.dtype.kind not in "iu":
            raise RuntimeError(f"ctc_loss: {argument} must be integral, got {array.dtype}")
        found = array.reshape(-1).tolist()
    else:
        found = list(as_ints("ctc_loss", argument, lengths))
    if len(found) != count:
        raise RuntimeError(f"ctc_loss: {argument} must be of size batch_size, {count}, got {len(found)}")
    if min(found) < 0:
        raise RuntimeError(f"ctc_loss: expected {argument} of at least 0, got {min(found)}")
    return found


def padded_words(targets: Array, letters: list[int], blank: int) -> Array:
    """Return targets of either form as (n, s) of int64, with blanks behind the shorter ones."""
    xp, longest, total = array_module(targets), max(letters), sum(letters)
    if targets.ndim == 2 and targets.shape[1] < longest:
        raise RuntimeError(
            f"ctc_loss: expected targets of at least {longest} letters, the largest of target_lengths, got "
            f"{list(targets.shape)}"
        )
    if targets.ndim == 1 and len(targets) != total:
        raise RuntimeError(
            f"ctc_loss: expected {total} letters, the sum of target_lengths, got {list(targets.shape)}"
        )
    words = xp.full((len(letters), longest), blank)
    start = 0
    for i, count in enumerate(letters):
        words[i, :count] = targets[i, :count] if targets.ndim == 2 else targets[start : start + count]
        start += count
    return words


def check_letters(words: Array, classes: int) -> None:
    """Raise unless all letters are classes; on a GPU, they are not looked at."""
    if is_on_host(words) and words.size and (words.min() < 0 or words.max() >= classes):
        bad = int(words.min() if words.min() < 0 else words.max())
        raise IndexError(f"ctc_loss: Target {bad} is out of bounds: expected 0 to {classes - 1}")
