"""Functions of layers whose name PyTorch has twice, with other arguments in ``torch`` than in ``nn.functional``.

There ``torch.batch_norm`` and its like are the C++ functions that ``nn.functional`` calls: arguments come in another
order and have no defaults, and a reduction is a number: 0 (none, also by default), 1 (mean) or 2 (sum). Here they call
``nn.functional``.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, as_ints
from tinygrad_edu.nn import functional as F
from tinygrad_edu.ops.common import require_tensors
from tinygrad_edu.ops.nn.recurrent import gru_layer, lstm_layer, rnn_layer
from tinygrad_edu.ops.nn.recurrent_formula import Steps
from tinygrad_edu.random import Generator

REDUCTIONS = ("none", "mean", "sum")


def _reduction(name: str, number: int) -> str:
    """Return the word for the number of a reduction."""
    number = as_int(name, "reduction", number)
    if not 0 <= number < len(REDUCTIONS):
        raise ValueError(f"{name}: expected reduction to be 0 (none), 1 (mean) or 2 (sum), got {number}")
    return REDUCTIONS[number]


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Normalise every channel over the batch: ``nn.functional.batch_norm``; ``cudnn_enabled`` changes nothing.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> torch.batch_norm(torch.tensor([[0.0], [2.0]]), None, None, None, None, True, 0.1, 1e-12, False)
    tensor([[-1.],
            [ 1.]])
    """
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    use_input_stats: bool,
    momentum: float,
    eps: float,
    cudnn_enabled: bool,
) -> Tensor:
    """Normalise every channel of every sample: ``nn.functional.instance_norm``; ``cudnn_enabled`` changes nothing."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def native_layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what ``layer_norm`` does, and the mean and 1 / sqrt(variance + eps) of each piece, without gradients."""
    normalized_shape = as_ints("native_layer_norm", "normalized_shape", normalized_shape)
    output = F.layer_norm(input, normalized_shape, weight, bias, eps)
    dims = tuple(range(-len(normalized_shape), 0))
    var, mean = ops.var_mean(input.detach(), dims, correction=0, keepdim=True)
    return output, mean, ops.rsqrt(var + eps)


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Take rows of a table: ``nn.functional.embedding``, with the table first; a padding of -1 is none."""
    padding = as_int("embedding", "padding_idx", padding_idx)
    return F.embedding(
        indices,
        weight,
        None if padding < 0 else padding,
        scale_grad_by_freq=scale_grad_by_freq,
        sparse=sparse,
    )


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set elements to 0 with probability ``p`` if ``train`` is true: ``nn.functional.dropout``."""
    return F.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Do :func:`dropout` in place."""
    return F.dropout(input, p, train, inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Do ``nn.functional.alpha_dropout`` if ``train`` is true."""
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """Do :func:`alpha_dropout` in place."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Set whole channels of (n, c, *) to 0 with probability ``p`` if ``train`` is true."""
    return ops.dropout_channels(input, p, train)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Do ``nn.functional.feature_alpha_dropout`` if ``train`` is true."""
    return F.feature_alpha_dropout(input, p, train)


def rrelu(
    input: Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """Do ``nn.functional.rrelu``, with random slopes of a generator."""
    require_tensors("rrelu", input=input)
    return F.rrelu_(input.clone(), lower, upper, training, generator)


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """Return maxima over windows, and where they are: ``nn.functional.adaptive_max_pool1d_with_indices``."""
    return F.adaptive_max_pool1d_with_indices(input, output_size)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    pos_weight: Tensor | None = None,
    reduction: int = 0,
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("binary_cross_entropy_with_logits", reduction)
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=word, pos_weight=pos_weight)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("cosine_embedding_loss", reduction)
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=word)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int = 0) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    return F.hinge_embedding_loss(
        input, target, margin, reduction=_reduction("hinge_embedding_loss", reduction)
    )


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int = 0
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("margin_ranking_loss", reduction)
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=word)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-06,
    swap: bool = False,
    reduction: int = 0,
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("triplet_margin_loss", reduction)
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=word)


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("poisson_nll_loss", reduction)
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=word)


def kl_div(input: Tensor, target: Tensor, reduction: int = 0, *, log_target: bool = False) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    return F.kl_div(input, target, reduction=_reduction("kl_div", reduction), log_target=log_target)


def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: int = 0,
    zero_infinity: bool = False,
) -> Tensor:
    """Do what ``nn.functional`` does; the reduction is 0 (none), 1 (mean) or 2 (sum)."""
    word = _reduction("ctc_loss", reduction)
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, word, zero_infinity)


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return the next state of a ``GRUCell`` with these parameters: (B, hidden size)."""
    require_tensors("gru_cell", input=input, hx=hx, w_ih=w_ih, w_hh=w_hh)
    return gru_layer(F.linear(input, w_ih, b_ih), w_hh, b_hh, hx, steps=_one_step(input))[0]


def lstm_cell(
    input: Tensor,
    hx: Any,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the next (h, c) of an ``LSTMCell`` with these parameters, from the present one."""
    h, c = hx
    require_tensors("lstm_cell", input=input, h=h, c=c, w_ih=w_ih, w_hh=w_hh)
    gates = F.linear(input, w_ih, _sum(b_ih, b_hh))
    h, _, c = lstm_layer(gates, w_hh, None, h, c, steps=_one_step(input))
    return h, c


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return the next state of an ``RNNCell`` with these parameters: (B, hidden size)."""
    require_tensors("rnn_tanh_cell", input=input, hx=hx, w_ih=w_ih, w_hh=w_hh)
    gates = F.linear(input, w_ih, _sum(b_ih, b_hh))
    return rnn_layer(gates, w_hh, hx, steps=_one_step(input), relu=False)[0]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Return the next state of an ``RNNCell`` with ReLU and these parameters: (B, hidden size)."""
    require_tensors("rnn_relu_cell", input=input, hx=hx, w_ih=w_ih, w_hh=w_hh)
    gates = F.linear(input, w_ih, _sum(b_ih, b_hh))
    return rnn_layer(gates, w_hh, hx, steps=_one_step(input), relu=True)[0]


def _sum(b_ih: Tensor | None, b_hh: Tensor | None) -> Tensor | None:
    return b_ih if b_hh is None else b_hh if b_ih is None else b_ih + b_hh


def _one_step(rows: Tensor) -> Steps:
    """Return a sequence of one step."""
    return Steps((len(rows),), reverse=False)
