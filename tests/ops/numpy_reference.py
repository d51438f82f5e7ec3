"""Convolution, pooling and losses in NumPy, as plainly as possible: what the operations are compared with."""

from __future__ import annotations

import itertools
import math

import numpy as np


def as_tuple(value, length):
    return (value,) * length if isinstance(value, int) else tuple(value)


def conv(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation of (n, c, *spatial) with (out, c / groups, *kernel), position by position."""
    dims = weight.ndim - 2
    if x.ndim == dims + 1:
        return conv(x[None], weight, bias, stride, padding, dilation, groups)[0]
    stride, dilation = as_tuple(stride, dims), as_tuple(dilation, dims)
    kernel = weight.shape[2:]
    if padding == "valid":
        padding = 0
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        borders = [(total // 2, total - total // 2) for total in totals]
    else:
        borders = [(p, p) for p in as_tuple(padding, dims)]
    x = np.pad(x, [(0, 0), (0, 0), *borders])
    sizes = [
        (size - d * (k - 1) - 1) // s + 1
        for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    ]
    out_channels, in_group = weight.shape[:2]
    y = np.zeros((x.shape[0], out_channels, *sizes))
    for o in range(out_channels):
        first = o // (out_channels // groups) * in_group
        channels = x[:, first : first + in_group]
        for position in itertools.product(*map(range, sizes)):
            window = tuple(
                slice(i * s, i * s + d * (k - 1) + 1, d)
                for i, s, d, k in zip(position, stride, dilation, kernel, strict=True)
            )
            patch = channels[(slice(None), slice(None), *window)]
            y[(slice(None), o, *position)] = (patch * weight[o]).sum(tuple(range(1, patch.ndim)))
    return y if bias is None else y + bias.reshape(-1, *[1] * dims)


def conv_transpose(x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Every input element stamps the kernel into the output."""
    dims = weight.ndim - 2
    stride, padding, dilation, extra = (
        as_tuple(v, dims) for v in (stride, padding, dilation, output_padding)
    )
    n, channels, *size = x.shape
    out_group, *kernel = weight.shape[1:]
    spans = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    sizes = [(s - 1) * t + span + e for s, t, span, e in zip(size, stride, spans, extra, strict=True)]
    full = np.zeros((n, out_group * groups, *sizes))
    for c, *position in itertools.product(range(channels), *map(range, size)):
        first = c // (channels // groups) * out_group
        stamp = x[(slice(None), c, *position)].reshape(n, *[1] * (dims + 1)) * weight[c]
        window = [
            slice(i * t, i * t + span, d)
            for i, t, span, d in zip(position, stride, spans, dilation, strict=True)
        ]
        full[(slice(None), slice(first, first + out_group), *window)] += stamp
    y = full[(..., *[slice(p, have - p) for p, have in zip(padding, sizes, strict=True)])]
    return y if bias is None else y + bias.reshape(-1, *[1] * dims)


def pooled(size, k, s, p, d, ceil_mode):
    span = size + 2 * p - d * (k - 1) - 1
    count = (math.ceil(span / s) if ceil_mode else span // s) + 1
    return count - 1 if ceil_mode and (count - 1) * s >= size + p else count


def pool(dims, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """Yield (output position, the padded position ranges, what of the image lies in the window)."""
    kernel = as_tuple(kernel_size, dims)
    stride = kernel if stride is None else as_tuple(stride, dims)
    padding, dilation = as_tuple(padding, dims), as_tuple(dilation, dims)
    spatial = x.shape[-dims:]
    geometry = list(zip(spatial, kernel, stride, padding, dilation, strict=True))
    sizes = [pooled(*g, ceil_mode) for g in geometry]
    for position in itertools.product(*map(range, sizes)):
        starts = [i * s - p for i, (_, _, s, p, _) in zip(position, geometry, strict=True)]
        picks = [
            [q for q in range(start, start + d * (k - 1) + 1, d) if 0 <= q < size]
            for start, (size, k, _, _, d) in zip(starts, geometry, strict=True)
        ]
        # what would count with the padding: it ends at size + padding
        full = math.prod(
            min(start + k, size + p) - start
            for start, (size, k, _, p, _) in zip(starts, geometry, strict=True)
        )
        yield sizes, position, picks, full


def max_pool(dims, x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    values, indices = None, None
    for sizes, position, picks, _ in pool(dims, x, kernel_size, stride, padding, dilation, ceil_mode):
        if values is None:
            values = np.empty((*x.shape[:-dims], *sizes))
            indices = np.empty(values.shape, np.int64)
        patch = x[(..., *np.ix_(*picks))].reshape(*x.shape[:-dims], math.prod(map(len, picks)))
        numbers = np.arange(math.prod(x.shape[-dims:])).reshape(x.shape[-dims:])[np.ix_(*picks)].ravel()
        values[(..., *position)] = patch.max(-1)
        indices[(..., *position)] = numbers[patch.argmax(-1)]
    return (values, indices) if return_indices else values


def avg_pool(
    dims,
    x,
    kernel_size,
    stride=None,
    padding=0,
    ceil_mode=False,
    count_include_pad=True,
    divisor_override=None,
):
    values = None
    for sizes, position, picks, full in pool(dims, x, kernel_size, stride, padding, 1, ceil_mode):
        if values is None:
            values = np.empty((*x.shape[:-dims], *sizes))
        patch = x[(..., *np.ix_(*picks))].reshape(*x.shape[:-dims], math.prod(map(len, picks)))
        divisor = divisor_override or (full if count_include_pad else patch.shape[-1])
        values[(..., *position)] = patch.sum(-1) / divisor
    return values


def adaptive_pool(dims, reduce, x, output_size):
    spatial = x.shape[-dims:]
    wanted = (output_size,) * dims if isinstance(output_size, int) else output_size
    wanted = [have if want is None else want for want, have in zip(wanted, spatial, strict=True)]
    values = np.empty((*x.shape[:-dims], *wanted))
    for position in itertools.product(*map(range, wanted)):
        window = tuple(
            slice(i * size // count, -(-(i + 1) * size // count))
            for i, size, count in zip(position, spatial, wanted, strict=True)
        )
        values[(..., *position)] = reduce(x[(..., *window)], tuple(range(-dims, 0)))
    return values


def softmax(x, dim, dtype=None):
    e = np.exp(x - x.max(dim, keepdims=True)) if x.size else x
    return e / e.sum(dim, keepdims=True)


def log_softmax(x, dim, dtype=None):
    return np.log(softmax(x, dim))


def reduce_loss(losses, reduction):
    return {"mean": np.mean, "sum": np.sum, "none": lambda x: x}[reduction](losses)


def nll(log_p, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    """Negative log-likelihood of (c,), (n, c) or (n, c, d1, ...), one position after the other."""
    if log_p.ndim == 1:
        log_p, target = log_p[None], np.asarray(target)[None]
        out_shape = ()
    else:
        out_shape = target.shape
    classes = log_p.shape[1]
    weight = np.ones(classes) if weight is None else weight
    rows = np.moveaxis(log_p, 1, -1).reshape(-1, classes)
    losses, weights = [], []
    for row, t in zip(rows, target.ravel(), strict=True):
        kept = t != ignore_index
        own = -weight[t] * row[t] if kept else 0.0
        even = -(weight * row).sum() / classes if kept else 0.0
        losses.append((1 - label_smoothing) * own + label_smoothing * even)
        weights.append(weight[t] if kept else 0.0)
    losses = np.array(losses)
    if reduction == "mean":
        return losses.sum() / np.sum(weights)
    return losses.sum() if reduction == "sum" else losses.reshape(out_shape)


def cross_entropy(x, target, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    class_dim = 0 if x.ndim == 1 else 1
    log_p = log_softmax(x, class_dim)
    if target.dtype.kind != "f":
        return nll(log_p, target, weight, ignore_index, reduction, label_smoothing)
    classes = x.shape[class_dim]
    smoothed = target * (1 - label_smoothing) + label_smoothing / classes
    scale = 1 if weight is None else weight.reshape(-1, *[1] * (x.ndim - class_dim - 1))
    losses = -(smoothed * log_p * scale).sum(class_dim)
    return losses.sum() / losses.size if reduction == "mean" else reduce_loss(losses, reduction)


def normalize_over(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def scale_and_shift(x, weight, bias, shape):
    x = x if weight is None else x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)


def layer_norm(x, normalized_shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    return scale_and_shift(normalize_over(x, axes, eps), weight, bias, normalized_shape)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    axes = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    eps = np.finfo(x.dtype).eps if eps is None else eps
    return scale_and_shift(
        x / np.sqrt((x * x).mean(axes, keepdims=True) + eps), weight, None, normalized_shape
    )


def batch_norm(x, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    shape = (1, -1) + (1,) * (x.ndim - 2)
    if training:
        x_hat = normalize_over(x, tuple(d for d in range(x.ndim) if d != 1), eps)
    else:
        x_hat = (x - running_mean.reshape(shape)) / np.sqrt(running_var.reshape(shape) + eps)
    return scale_and_shift(x_hat, weight, bias, shape)


def group_norm(x, num_groups, weight=None, bias=None, eps=1e-5):
    grouped = x.reshape(x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups)
    x_hat = normalize_over(grouped, 2, eps).reshape(x.shape)
    return scale_and_shift(x_hat, weight, bias, (1, -1) + (1,) * (x.ndim - 2))


def instance_norm(x, weight=None, bias=None, eps=1e-5):
    return scale_and_shift(
        normalize_over(x, tuple(range(2, x.ndim)), eps), weight, bias, (1, -1) + (1,) * (x.ndim - 2)
    )


def norm(x, p=2, dim=None, keepdim=False):
    axes = tuple(range(x.ndim)) if dim is None else dim
    size = np.abs(x)
    if p in (math.inf, -math.inf):
        return (np.max if p > 0 else np.min)(size, axes, keepdims=keepdim)
    if p == 0:
        return (x != 0).sum(axes, keepdims=keepdim).astype(x.dtype)
    p = 2 if p == "fro" else p
    return (size**p).sum(axes, keepdims=keepdim) ** (1 / p)


def logsumexp(x, dim, keepdim=False):
    dim = tuple(dim) if isinstance(dim, list) else dim
    return np.log(np.exp(x).sum(dim, keepdims=keepdim))


def gather(x, dim, index):
    y = np.empty(index.shape)
    for position in np.ndindex(index.shape):
        source = list(position)
        source[dim] = index[position]
        y[position] = x[tuple(source)]
    return y


def scatter(x, dim, index, src, *, add=False):
    y = x.copy()
    for position in np.ndindex(index.shape):
        place = list(position)
        place[dim] = index[position]
        value = src[position] if isinstance(src, np.ndarray) else src
        y[tuple(place)] = y[tuple(place)] + value if add else value
    return y


def attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
):
    if enable_gqa:
        repeats = query.shape[-3] // key.shape[-3]
        key, value = key.repeat(repeats, -3), value.repeat(repeats, -3)
    scores = query @ key.swapaxes(-1, -2) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = np.tri(*scores.shape[-2:], dtype=bool)
    if attn_mask is not None:
        scores = np.where(attn_mask, scores, -np.inf) if attn_mask.dtype == bool else scores + attn_mask
    weights = np.exp(scores - np.maximum(scores.max(-1, keepdims=True), -1e30))
    totals = weights.sum(-1, keepdims=True)
    return (weights / np.where(totals == 0, 1, totals)) @ value


def embedding_bag(
    indices, weight, offsets=None, mode="mean", per_sample_weights=None, include_last_offset=False,
    padding_idx=None, scale_grad_by_freq=False,
):  # fmt: skip
    """Bag after bag, row after row; the frequencies are for the gradient alone."""
    factors = np.ones(indices.shape) if per_sample_weights is None else per_sample_weights
    if offsets is None:
        offsets = np.arange(0, indices.size, indices.shape[1])
    starts = list(offsets[:-1] if include_last_offset else offsets)
    bags = []
    for start, stop in zip(starts, [*starts, indices.size][1:], strict=True):
        bag = zip(indices.ravel()[start:stop], factors.ravel()[start:stop], strict=True)
        rows = [a * weight[i] for i, a in bag if padding_idx is None or i != padding_idx % len(weight)]
        bags.append(getattr(np, mode)(rows, axis=0) if rows else np.zeros(weight.shape[1]))
    return np.array(bags).reshape(-1, weight.shape[1])


def spelled(path, blank):
    """Return the word that a path spells: repeated labels once, without blanks."""
    return [k for i, k in enumerate(path) if k != blank and (i == 0 or path[i - 1] != k)]


def ctc_loss(scores, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """Go through all paths: classes^t of them; the input are scores, before log_softmax."""
    single = scores.ndim == 2
    p = np.exp(log_softmax(scores[:, None] if single else scores, -1))
    steps, letters = np.atleast_1d(input_lengths), np.atleast_1d(target_lengths)
    starts = np.cumsum(letters) - letters
    losses = []
    for n in range(len(steps)):
        row = targets[n] if targets.ndim == 2 else targets[starts[n] :]
        word, total = list(row[: letters[n]]), 0.0
        for path in itertools.product(range(p.shape[2]), repeat=int(steps[n])):
            if spelled(path, blank) == word:
                total += np.prod([p[t, n, k] for t, k in enumerate(path)])
        losses.append(-np.log(total) if total or not zero_infinity else 0.0)
    if reduction == "mean":
        return np.mean(np.array(losses) / np.maximum(letters, 1))
    return reduce_loss(np.array(losses[0] if single else losses), reduction)
