"""Attention with several heads as a function, and what becomes of its masks.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2;
https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from tinygrad_edu import creation, dtypes, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn.functional_dropout import dropout
from tinygrad_edu.ops.common import optional_tensors, require_tensors


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Project queries, keys and values, let every head attend on its own, and project what they found.

    The sequences are (l, n, e) or, without a batch, (l, e). :class:`tinygrad_edu.nn.MultiheadAttention` explains the
    arguments; ``static_k`` and ``static_v``, (n * num_heads, s, e / num_heads), take the place of projected keys and
    values.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2.
    """
    batched = check_sequences(query, key, value, key_padding_mask, attn_mask, num_heads)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint.")
    if not batched:
        query, key, value = (ops.unsqueeze(x, 1) for x in (query, key, value))
        key_padding_mask = None if key_padding_mask is None else ops.unsqueeze(key_padding_mask, 0)
    length, n, width = query.shape
    check_width(width, embed_dim_to_check, num_heads)
    separate = (q_proj_weight, k_proj_weight, v_proj_weight)
    weights = separate if use_separate_proj_weight else (in_proj_weight,)
    q, k, v = project(query, key, value, weights, in_proj_bias)
    if bias_k is not None and bias_v is not None:
        k, v = (ops.cat([x, ops.expand(b, (1, n, width))]) for x, b in ((k, bias_k), (v, bias_v)))
    q, k, v = (split_heads(x, num_heads) for x in (q, k, v))  # (n, heads, l or s, head_dim)
    k = k if static_k is None else ops.reshape(static_k, (n, num_heads, -1, width // num_heads))
    v = v if static_v is None else ops.reshape(static_v, (n, num_heads, -1, width // num_heads))
    if add_zero_attn:
        k, v = (ops.pad(x, (0, 0, 0, 1)) for x in (k, v))
    mask = merge_masks(attn_mask, key_padding_mask, k.shape, length, q.dtype)
    p = dropout_p if training else 0.0
    if need_weights:
        found, attention = attend_and_show(q, k, v, mask, p)
        if average_attn_weights:
            attention = ops.mean(attention, 1)  # (n, l, s)
        attention = attention if batched else ops.squeeze(attention, 0)
    else:
        found, attention = ops.scaled_dot_product_attention(q, k, v, mask, p), None
    joined = ops.reshape(ops.permute(found, (2, 0, 1, 3)), (length, n, -1))  # (l, n, e)
    output = ops.linear(joined, out_proj_weight, out_proj_bias)
    return (output if batched else ops.squeeze(output, 1)), attention


def attend_and_show(q: Tensor, k: Tensor, v: Tensor, mask: Any, p: float) -> tuple[Tensor, Tensor]:
    """Return what every head finds, and the weights with which it looked: (n, heads, l, s)."""
    scores = ops.matmul(q / math.sqrt(q.shape[-1]), ops.transpose(k, -2, -1))
    attention = dropout(ops.softmax(scores if mask is None else scores + mask, -1), p)
    return ops.matmul(attention, v), attention


def project(
    query: Tensor, key: Tensor, value: Tensor, weights: tuple[Tensor | None, ...], bias: Tensor | None
) -> tuple[Tensor, ...]:
    """Return x W^T + b of all three; W and b are one above the other, if there is one W."""
    if len(weights) == 1 and query is key and key is value:
        return ops.chunk(ops.linear(query, weights[0], bias), 3, -1)  # one product in place of three
    if len(weights) == 1:
        weights = ops.chunk(weights[0], 3)
    biases = (None, None, None) if bias is None else ops.chunk(bias, 3)
    triples = zip((query, key, value), weights, biases, strict=True)
    return tuple([ops.linear(x, w, b) for x, w, b in triples])


def split_heads(x: Tensor, heads: int) -> Tensor:
    """Give every head its part of the features: (l, n, e) -> (n, heads, l, e / heads)."""
    length, n, width = x.shape
    return ops.permute(ops.reshape(x, (length, n, heads, width // heads)), (1, 2, 0, 3))


def merge_masks(
    attn_mask: Tensor | None,
    key_padding_mask: Tensor | None,
    key_shape: Any,
    length: int,
    dtype: dtypes.dtype,
) -> Tensor | None:
    """Return what is added to the scores (n, heads, l, s): both masks as numbers, -infinity for "not there".

    Keys that were added behind the sequence's own may always be looked at.
    """
    n, heads, size, _ = key_shape
    total = None
    if attn_mask is not None and key_padding_mask is not None and attn_mask.dtype != key_padding_mask.dtype:
        warnings.warn(
            "Support for mismatched key_padding_mask and attn_mask is deprecated. Use same type for both instead.",
            stacklevel=3,
        )
    for name, mask in (("attn_mask", attn_mask), ("key_padding_mask", key_padding_mask)):
        if mask is None:
            continue
        numbers = as_additive(name, mask, dtype)
        numbers = ops.pad(numbers, (0, size - numbers.shape[-1]))
        if name == "key_padding_mask":
            numbers = ops.reshape(numbers, (n, 1, 1, size))
        elif numbers.ndim == 3:
            numbers = ops.reshape(numbers, (n, heads, length, size))
        total = numbers if total is None else total + numbers
    return total


def as_additive(name: str, mask: Tensor, dtype: dtypes.dtype) -> Tensor:
    """Return a mask as numbers to be added; True means "not to be looked at" here, and becomes -infinity."""
    if mask.dtype == dtypes.bool_:
        return ops.masked_fill(creation.zeros(mask.shape, dtype=dtype, device=mask.device), mask, -math.inf)
    if not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported, got {mask.dtype}")
    return mask.to(dtype)


def check_width(width: int, expected: int, num_heads: int) -> None:
    """Raise unless the features are as many as was said, and can be divided among the heads."""
    if width != expected:
        raise AssertionError(f"was expecting embedding dimension of {expected}, but got {width}")
    if width % num_heads:
        raise AssertionError(f"embed_dim {width} not divisible by num_heads {num_heads}")


def check_sequences(
    query: Tensor, key: Tensor, value: Tensor, padding: Tensor | None, attn_mask: Tensor | None, heads: int
) -> bool:
    """Raise unless sequences and masks fit together; tell whether they are batches."""
    require_tensors("multi_head_attention_forward", query=query, key=key, value=value)
    optional_tensors("multi_head_attention_forward", key_padding_mask=padding, attn_mask=attn_mask)
    if query.ndim not in (2, 3):
        raise AssertionError(
            f"query should be unbatched 2D or batched 3D tensor but received {query.ndim}-D query tensor"
        )
    for name, x, dims in (("key", key, query.ndim), ("value", value, query.ndim)):
        if x.ndim != dims:
            raise AssertionError(f"expected {name} of {dims} dimensions, as query has, got {list(x.shape)}")
    if tuple(key.shape[:-1]) != tuple(value.shape[:-1]):
        raise AssertionError(
            f"key's sequence and batch dims {list(key.shape[:-1])} do not match value's {list(value.shape[:-1])}"
        )
    length, size = query.shape[0], key.shape[0]
    n = query.shape[1] if query.ndim == 3 else 1
    if query.ndim == 3 and key.shape[1] != n:
        raise AssertionError(f"expected key of batch size {n}, as query has, got {key.shape[1]}")
    if padding is not None and tuple(padding.shape) != ((n, size) if query.ndim == 3 else (size,)):
        expected = [n, size] if query.ndim == 3 else [size]
        raise AssertionError(f"expected key_padding_mask of shape {expected}, got {list(padding.shape)}")
    if attn_mask is not None and tuple(attn_mask.shape) not in ((length, size), (n * heads, length, size)):
        raise RuntimeError(
            f"expected attn_mask of shape {[length, size]} or {[n * heads, length, size]}, got {list(attn_mask.shape)}"
        )
    return query.ndim == 3
