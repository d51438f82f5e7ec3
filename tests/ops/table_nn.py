"""The table of operations: products, convolution, pooling, normalisation, softmax, losses, embedding."""

from __future__ import annotations

import functools

import numpy as np

import tests.ops.numpy_reference as reference
from tests.ops.samples import SAME, Entry, S, ints, real, unit
from tinygrad_edu import ops
from tinygrad_edu.ops.half import rounded_once


def addmm(x, a, b, beta=1, alpha=1):
    return beta * x + alpha * (a @ b)


PRODUCTS = [
    Entry("matmul", np.matmul, [
        S(real(2, 3), real(3, 4)), S(real(3), real(3)), S(real(2, 3), real(3)), S(real(3), real(3, 2)),
        S(real(2, 2, 3), real(3, 2)), S(real(2, 1, 2, 3), real(3, 3, 2)), S(real(3), real(2, 3, 2)),
        S(real(0, 3), real(3, 2)),
        S(real(2, 0), real(0, 3)), S(real(2, 2), SAME), S(real(1, 1), real(1, 1))], integers=True),
    Entry("mm", np.matmul, [S(real(2, 3), real(3, 2))]),
    Entry("bmm", np.matmul, [S(real(2, 2, 3), real(2, 3, 2)), S(real(0, 2, 3), real(0, 3, 2))]),
    Entry("mv", np.matmul, [S(real(2, 3), real(3))]),
    Entry("dot", np.dot, [S(real(3), real(3)), S(real(2), SAME)]),
    Entry("outer", np.outer, [S(real(2), real(3))], integers=True),
    Entry("addmm", addmm, [S(real(2, 2), real(2, 3), real(3, 2)),
        S(real(2), real(2, 3), real(3, 2), beta=0.5, alpha=2.0)]),
    Entry("baddbmm", addmm, [S(real(2, 2, 2), real(2, 2, 3), real(2, 3, 2), beta=0.5, alpha=2.0)]),
    Entry("linear", lambda x, w, b=None: x @ w.T if b is None else x @ w.T + b, [
        S(real(2, 3), real(4, 3), real(4)), S(real(2, 3), real(4, 3)), S(real(3), real(4, 3), real(4)),
        S(real(2, 2, 3), real(4, 3), real(4)), S(real(0, 3), real(2, 3), real(2)), S(real(2, 0), real(2, 0)),
        S(real(2, 3), real(3)), S(real(2, 3), real(0, 3), real(0))]),
    Entry("einsum", lambda equation, *xs: np.einsum(equation, *xs), [
        S("ij,jk->ik", real(2, 3), real(3, 2)), S("ij,kj", real(2, 3), real(4, 3)), S("ii->i", real(3, 3)),
        S("ii", real(3, 3)), S("bij,bjk->bik", real(2, 2, 3), real(2, 3, 2)),
        S("...ij,...jk->...ik", real(2, 1, 2, 2), real(3, 2, 2)),
        S("i,j,k->ijk", real(2), real(2), real(3)), S("ijk->kji", real(2, 3, 2)),
        S("bhqd,bhkd->bhqk", real(1, 2, 2, 3), real(1, 2, 3, 3)),
        S("ij->", real(2, 3)), S("ij,ij->", real(2, 3), SAME), S("iij->j", real(2, 2, 3)),
        S("i...,i...->...", real(3, 2), real(3, 1)),
        S("ij,jk,kl->il", real(2, 2), real(2, 3), real(3, 2)), S("...->...", real(2, 3)),
        S(",i->i", real(), real(3))],
        integers=True),
]  # fmt: skip

CONVOLUTIONS = [
    Entry("conv2d", reference.conv, [
        S(real(2, 2, 4, 4), real(3, 2, 3, 3), real(3)), S(real(2, 4, 4), real(1, 2, 2, 2)),
        S(real(1, 2, 5, 4), real(2, 2, 3, 2), stride=(2, 1), padding=(1, 2)),
        S(real(1, 1, 6, 6), real(1, 1, 2, 3), dilation=(2, 2)),
        S(real(1, 4, 3, 3), real(4, 2, 2, 2), real(4), groups=2),
        S(real(1, 3, 3, 3), real(6, 1, 2, 2), groups=3, padding=1),
        S(real(1, 1, 4, 3), real(1, 1, 2, 3), padding="same"), S(real(1, 1, 3, 3), real(1, 1, 2, 2), None, 1,
            "valid"),
        S(real(0, 1, 3, 3), real(1, 1, 2, 2), real(1)), S(real(2, 3, 2, 2), real(2, 3, 1, 1)),
        S(real(1, 1, 5, 5), real(1, 1, 3, 3), stride=3, padding=2, dilation=2)], kernels=True),
    Entry("conv1d", reference.conv, [
        S(real(2, 2, 5), real(3, 2, 3), real(3)), S(real(2, 5), real(1, 2, 2)),
        S(real(1, 2, 6), real(2, 1, 3), stride=2, padding=1, groups=2),
        S(real(1, 1, 6), real(1, 1, 3), dilation=2, padding="same"),
        S(real(1, 1, 5), real(1, 1, 2), padding="same")], kernels=True),
    Entry("conv_transpose2d", reference.conv_transpose, [
        S(real(2, 2, 3, 3), real(2, 3, 2, 2), real(3)),
        S(real(1, 2, 2, 3), real(2, 1, 3, 3), stride=2, padding=1, output_padding=1),
        S(real(1, 4, 2, 2), real(4, 1, 2, 2), groups=2),
        S(real(1, 1, 3, 3), real(1, 1, 2, 2), dilation=2, stride=(1, 2))], kernels=True),
]  # fmt: skip


def pool_samples(*options):
    """Samples of 2-d pooling; what is left over is for both kinds of it."""
    return [
        S(real(2, 2, 4, 4), 2), S(real(2, 5, 4), (3, 2), stride=1), S(real(1, 1, 5, 5), 3, 2, 1),
        S(real(1, 2, 5, 6), 2, ceil_mode=True),
        S(real(1, 1, 5, 5), 2, 2, 1, ceil_mode=True), S(real(1, 1, 4, 7), (2, 3), (1, 2), (1, 0)),
        *options]  # fmt: skip


POOLING = [
    Entry("max_pool2d", functools.partial(reference.max_pool, 2), pool_samples(
        S(real(1, 1, 6, 6), 2, dilation=2), S(real(1, 1, 5, 5), 3, 2, 1, return_indices=True),
        S(real(0, 1, 4, 4), 2)), kernels=True),
    Entry("max_pool1d", functools.partial(reference.max_pool, 1), [
        S(real(2, 2, 6), 2), S(real(2, 7), 3, 2, 1, ceil_mode=True),
        S(real(1, 1, 7), 2, 1, 0, 3, return_indices=True)], kernels=True),
    Entry("avg_pool2d", functools.partial(reference.avg_pool, 2), pool_samples(
        S(real(1, 1, 4, 4), 3, 1, 1, count_include_pad=False), S(real(1, 1, 4, 4), 2, divisor_override=3),
        S(real(1, 1, 5, 5), 2, 2, 1, True, False)), kernels=True),
    Entry("avg_pool1d", functools.partial(reference.avg_pool, 1), [
        S(real(2, 2, 6), 2), S(real(2, 7), 3, 2, 1, ceil_mode=True),
        S(real(1, 1, 7), 3, 1, 1, count_include_pad=False)], kernels=True),
    Entry("adaptive_avg_pool2d", functools.partial(reference.adaptive_pool, 2, np.mean), [
        S(real(2, 1, 5, 4), (2, 3)), S(real(1, 4, 4), 1), S(real(1, 1, 5, 3), (None, 2)), S(real(1, 1, 2, 2),
            (3, 3))], kernels=True),
    Entry("adaptive_avg_pool1d", functools.partial(reference.adaptive_pool, 1, np.mean),
        [S(real(2, 1, 7), 3), S(real(2, 5), 2)], kernels=True),
    Entry("adaptive_max_pool2d", functools.partial(reference.adaptive_pool, 2, np.max), [
        S(real(2, 1, 5, 4), (2, 3)), S(real(1, 4, 4), 1), S(real(1, 1, 5, 3), (None, 2))], kernels=True),
    Entry("adaptive_max_pool1d", functools.partial(reference.adaptive_pool, 1, np.max), [S(real(2, 1, 7), 3),
        S(real(2, 5), 2)], kernels=True),
]  # fmt: skip


def positive_stats(n):
    """Running statistics, which have no gradient."""
    return real(n, grad=False), real(n, low=0.5, high=2.0, grad=False)


def instance_norm_torch(torch):
    return lambda x, weight=None, bias=None, eps=1e-5: torch.nn.functional.instance_norm(
        x, None, None, weight, bias, eps=eps
    )


NORMALISATION = [
    Entry("layer_norm", reference.layer_norm, [
        S(real(2, 4), (4,)), S(real(2, 4), (4,), real(4), real(4)), S(real(2, 2, 3),
            (2, 3), real(2, 3), real(2, 3), 1e-3),
        S(real(2, 3), (3,), real(3)), S(real(0, 3), (3,))], float32_tolerance=1e-4),
    Entry("rms_norm", reference.rms_norm, [
        S(real(2, 4), (4,)), S(real(2, 4), (4,), real(4)), S(real(2, 2, 3),
            (2, 3), real(2, 3), 1e-3)], float32_tolerance=1e-4),
    Entry("batch_norm", reference.batch_norm, [
        S(real(4, 2), None, None, training=True), S(real(3, 2), *positive_stats(2), real(2), real(2), True),
        S(real(2, 2, 3), *positive_stats(2), real(2), real(2), training=True, momentum=0.3, eps=1e-3),
        S(real(2, 2, 2, 2), *positive_stats(2), real(2), real(2)), S(real(2, 2), *positive_stats(2)),
        S(real(2, 2), *positive_stats(2), None, real(2))],
        float32_tolerance=1e-4),
    Entry("group_norm", reference.group_norm, [
        S(real(2, 4, 3), 2), S(real(2, 4, 2, 2), 2, real(4), real(4)),
        S(real(2, 4), 1, real(4), real(4), 1e-3), S(real(0, 4, 2), 2)],
        float32_tolerance=1e-4),
    Entry("instance_norm", reference.instance_norm, [S(real(2, 2, 4)), S(real(2, 3, 2, 2), real(3), real(3))],
          torch_call=instance_norm_torch, float32_tolerance=1e-4),
    Entry("normalize", lambda x, p=2.0, dim=1, eps=1e-12: x / np.maximum(reference.norm(x, p, dim, True),
        eps), [
        S(real(2, 3)), S(real(2, 3), 1.0, 0), S(real(3), dim=0, eps=5.0)]),
    Entry("cosine_similarity", lambda a, b, dim=1,
        eps=1e-8: (a * b).sum(dim) / np.sqrt((a * a).sum(dim) * (b * b).sum(dim)), [
        S(real(2, 3), real(2, 3)), S(real(3, 2), real(3, 2), 0), S(real(2, 3), real(1, 3), dim=-1)]),
]  # fmt: skip

SOFTMAX = [
    Entry("softmax", reference.softmax, [
        S(real(2, 3), 1), S(real(3, 2, 2), 0), S(real(3), -1), S(real(2, 4, 2), dim=1), S(real(0, 3), 1),
        S(real(2, 1), 1)], kernels=True),
    Entry("log_softmax", reference.log_softmax, [
        S(real(2, 3), 1), S(real(3, 2, 2), 0), S(real(3), -1), S(real(2, 4, 2), dim=1), S(real(0, 3), 1),
        S(real(2, 1), 1)], kernels=True),
]  # fmt: skip

SEEN = np.array([[True, False, True], [False, False, False]])

ATTENTION = [
    Entry("scaled_dot_product_attention", reference.attention, [
        S(real(2, 3), real(4, 3), real(4, 2)), S(real(2, 2, 3), real(2, 4, 3), real(2, 4, 3)),
        S(real(1, 2, 3, 2), real(1, 2, 3, 2), real(1, 2, 3, 2), is_causal=True),
        S(real(2, 1, 1, 2, 2), real(2, 1, 1, 3, 2), real(2, 1, 1, 3, 1), scale=0.3),
        S(real(2, 3), real(3, 3), real(3, 2), SEEN), S(real(1, 2, 2, 3), real(1, 2, 3, 3), real(1, 2, 3, 2), SEEN),
        S(real(2, 2, 3), real(2, 3, 3), real(2, 3, 2), real(2, 3)),  # a mask that is learned
        S(real(2, 2, 3), real(2, 3, 3), real(2, 3, 2), real(2, 1, 3, grad=False)),
        S(real(2, 2, 3), real(3, 3), real(3, 2)), S(real(4, 2, 3), real(2, 3, 3), real(2, 3, 2), enable_gqa=True),
        S(real(3, 2), SAME, SAME, is_causal=True)], kernels=True),
]  # fmt: skip


def simple_loss(losses):
    return lambda a, b, reduction="mean", **options: reference.reduce_loss(losses(a, b, **options), reduction)


def weighted_loss(losses):
    def loss(a, b, weight=None, reduction="mean", **options):
        result = losses(a, b, **options)
        return reference.reduce_loss(result if weight is None else result * weight, reduction)

    return loss


def reductions(make_first, make_second, *more):
    return [S(make_first(2, 3), make_second(2, 3), reduction=r) for r in ("mean", "sum", "none")] + list(more)


def smooth_l1(a, b, beta=1.0):
    error = np.abs(a - b)
    return np.where(error < beta, error**2 / (2 * beta), error - beta / 2) if beta else error


def huber(a, b, delta=1.0):
    error = np.abs(a - b)
    return np.where(error < delta, error**2 / 2, delta * (error - delta / 2))


def bce(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def bce_with_logits(x, t, pos_weight=None):
    p = 1 / (1 + np.exp(-x))
    return -((1 if pos_weight is None else pos_weight) * t * np.log(p) + (1 - t) * np.log(1 - p))


def kl_div(x, t, reduction="mean", log_target=False):
    losses = np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)
    return losses.sum() / x.shape[0] if reduction == "batchmean" else reference.reduce_loss(losses, reduction)


def torch_losses(name):
    """PyTorch's losses with the deprecated arguments left out."""
    return lambda torch: lambda *args, **options: getattr(torch.nn.functional, name)(*args, **options)


def weight(n):
    """Weights of classes; PyTorch gives them no gradient."""
    return real(n, low=0.4, high=2.6, grad=False)


def class_samples(logits):
    """Samples of the two losses on class numbers."""
    targets = np.array([0, 2, -100, 1])
    return [
        *[S(logits(4, 3), ints(4), reduction=r) for r in ("mean", "sum", "none")],
        S(logits(4, 3), ints(4), weight(3), reduction="mean"), S(logits(4, 3), targets),
        S(logits(4, 3), targets, reduction="none"),
        S(logits(4, 3), ints(4), weight(3), ignore_index=1),
        S(logits(4, 3), ints(4), ignore_index=2, reduction="sum"),
        S(logits(2, 3, 2), ints(2, 2)), S(logits(2, 3, 2, 2), ints(2, 2, 2), weight(3), reduction="none"),
        S(logits(3), ints()),
    ]  # fmt: skip


def of_scores(library):
    """The loss of what log_softmax makes of the input: only then is PyTorch's gradient, and ours, the derivative."""
    return rounded_once(
        lambda x, *args, **options: library.ctc_loss(library.log_softmax(x, -1), *args, **options)
    )


LOSSES = [
    Entry("mse_loss", simple_loss(lambda a, b: (a - b) ** 2), reductions(real, real, S(real(), real()))),
    Entry("l1_loss", simple_loss(lambda a, b: np.abs(a - b)), reductions(real, real)),
    Entry("smooth_l1_loss", simple_loss(smooth_l1), reductions(real, real, S(real(6), real(6), beta=0.5),
        S(real(6), real(6), beta=0))),
    Entry("huber_loss", simple_loss(huber), reductions(real, real, S(real(6), real(6), delta=0.6))),
    Entry("cross_entropy", reference.cross_entropy, [
        *class_samples(real), S(real(4, 3), ints(4), label_smoothing=0.2),
        S(real(4, 3), np.array([0, 2, -100, 1]), weight(3), label_smoothing=0.2),
        S(real(4, 3), np.array([0, 2, -100, 1]), weight(3), label_smoothing=0.2, reduction="none"),
        S(real(2, 3), unit(2, 3)), S(real(2, 3, 2), unit(2, 3, 2), weight(3), label_smoothing=0.1),
        S(real(3), unit(3)),
        S(real(2, 3), unit(2, 3), reduction="none"),
        S(real(2, 3), unit(2, 3), reduction="sum")], kernels=True),
    Entry("nll_loss", reference.nll, class_samples(real)),
    Entry("binary_cross_entropy", weighted_loss(bce), reductions(unit, unit,
        S(unit(2, 3), unit(2, 3), real(3, grad=False)))),
    Entry("binary_cross_entropy_with_logits", weighted_loss(bce_with_logits), reductions(
        real, unit, S(real(2, 3), unit(2, 3), weight(3)), S(real(2, 3), unit(2, 3), pos_weight=weight(3)))),
    Entry("kl_div", kl_div, [
        *[S(real(2, 3), unit(2, 3), reduction=r) for r in ("sum", "none", "batchmean")],
        S(real(2, 3), real(2, 3), reduction="batchmean", log_target=True)]),
    Entry("hinge_embedding_loss", lambda x, t, margin=1.0, reduction="mean": reference.reduce_loss(
        np.where(t == 1, x, np.maximum(margin - x, 0)), reduction), [
        S(real(4), np.array([1.0, -1, -1, 1])),
        S(real(4), np.array([1.0, -1, -1, 1]), margin=0.6, reduction="none")]),
    Entry("margin_ranking_loss", lambda a, b, t, margin=0.0, reduction="mean": reference.reduce_loss(
        np.maximum(-t * (a - b) + margin, 0), reduction), [
        S(real(4), real(4), np.array([1.0, -1, -1, 1])),
        S(real(4), real(4), np.array([1.0, -1, -1, 1]), margin=0.6, reduction="sum")]),
    Entry("ctc_loss", reference.ctc_loss, [
        *[S(real(4, 2, 3), np.array([[1, 2], [2, 77]]), (4, 3), (2, 1), reduction=r) for r in ("mean", "sum", "none")],
        S(real(5, 2, 3), np.array([2, 2, 0]), np.array([5, 2]), np.array([2, 1]), 1, "none"),
        S(real(3, 3, 3), np.array([[1, 1], [1, 1], [0, 0]]), (3, 2, 0), (2, 2, 0), zero_infinity=True),
        S(real(3, 2, 2), np.zeros((2, 0), np.int64), (3, 2), (0, 0), reduction="sum"),
        S(real(3, 3), np.array([2], np.int32), np.array(3), np.array(1), reduction="none"),
        S(real(3, 3), np.array([0, 2]), (3,), (2,), 1)],
        call=of_scores(ops), torch_call=lambda torch: of_scores(torch.nn.functional), second=False),
]  # fmt: skip


def same_dropout(function):
    """Dropout with the same random numbers at every call, so that differences can be taken."""

    def call(*args, **options):
        import tinygrad_edu

        tinygrad_edu.manual_seed(3)
        return function(*args, **options)

    return call


OTHERS = [
    Entry("embedding", lambda i, w, padding_idx=None: w[i], [
        S(np.array([1, 0, 1]), real(3, 2)), S(np.array([[0, 2], [2, 2]]), real(3, 2)),
        S(ints(0), real(3, 2))]),
    Entry("embedding_bag", reference.embedding_bag, [
        *[S(np.array([1, 0, 1, 2, 2]), real(4, 2), np.array([0, 2, 2]), mode=mode) for mode in ("sum", "mean", "max")],
        *[S(np.array([[3, 1, 1], [0, 3, 2], [3, 3, 3]]), real(4, 2), mode=mode, padding_idx=-1)
          for mode in ("sum", "mean", "max")],
        S(np.array([1, 0, 2]), real(3, 2), np.array([0, 1, 3]), mode="sum", per_sample_weights=real(3),
          include_last_offset=True, padding_idx=0),
        S(np.array([[1, 0], [2, 2]], np.int32), real(3, 4), mode="sum", per_sample_weights=real(2, 2)),
        S(ints(0), real(3, 2), np.array([0, 0]), mode="max"), S(ints(0, 3), real(3, 2))], kernels=True),
    Entry("dropout", None, [S(real(3, 4), 0.5), S(real(3, 4), 0.5, False), S(real(4), 0.0), S(real(4), 1.0)],
          call=same_dropout(ops.dropout), parity=False, kernels=True),
    Entry("dropout_channels", None, [S(real(3, 4, 2), 0.5), S(real(3, 4, 2), 0.5, False)],
          call=same_dropout(ops.dropout_channels), parity=False, kernels=True),
]  # fmt: skip

ENTRIES = [*PRODUCTS, *CONVOLUTIONS, *POOLING, *NORMALISATION, *SOFTMAX, *ATTENTION, *LOSSES, *OTHERS]
