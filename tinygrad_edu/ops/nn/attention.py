"""Attention: every query takes a weighted mean of the values, with weights from how well the keys answer it.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, equation 1;
https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html
"""

from __future__ import annotations

import math

from tinygrad_edu import kernel_table
from tinygrad_edu.autograd.errors.explaining import explained
from tinygrad_edu.autograd.op import Op
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.autograd.tensor_base import Tensor, tensor_from_array
from tinygrad_edu.backend import Array, array_module
from tinygrad_edu.ops.common import cast, check_broadcast, raw, require_tensor
from tinygrad_edu.ops.elementwise.compare import eq, logical_not
from tinygrad_edu.ops.elementwise.select import masked_fill, where
from tinygrad_edu.ops.half import rounded_once
from tinygrad_edu.ops.linalg.matmul import matmul, product
from tinygrad_edu.ops.nn.dropout import check_probability, dropout
from tinygrad_edu.ops.nn.softmax import softmax
from tinygrad_edu.ops.reduce.reduction import all, sum
from tinygrad_edu.ops.shape.join import repeat_interleave
from tinygrad_edu.ops.shape.layout import expand, reshape, transpose


@rounded_once
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention: softmax(query key^T * scale + mask) value.

    Parameters
    ----------
    query : Tensor
        (*batch, l, e): l queries.
    key : Tensor
        (*batch, s, e): s keys.
    value : Tensor
        (*batch, s, v): what belongs to each key.
    attn_mask : Tensor, optional
        (..., l, s), broadcast against the scores. Booleans say which keys a query may look at; floating-point numbers
        are added to the scores. A query that may look at nothing gets zeros.
    dropout_p : float
        With which probability a weight is set to 0. There is no training mode: pass 0 in evaluation.
    is_causal : bool
        Whether query i looks at the keys 0 to i alone.
    scale : float, optional
        By default 1 / sqrt(e).
    enable_gqa : bool
        Whether key and value have fewer heads (dimension -3) than query, each of which several heads share.

    Returns
    -------
    Tensor
        (*batch, l, v).

    Raises
    ------
    RuntimeError
        If shapes or dtypes do not fit together, or if there are both a mask and ``is_causal``.

    Notes
    -----
    With P = softmax(Q K^T s + M) and O = P V: dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dP * P)), softmax's
    derivative; dQ = dS K s; dK = dS^T Q s.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, equation 1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.scaled_dot_product_attention.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> query, key = torch.tensor([[100.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> torch.nn.functional.scaled_dot_product_attention(query, key, torch.tensor([[7.0], [9.0]]))
    tensor([[7.]])
    """
    check_attention(query, key, value, attn_mask, is_causal)
    check_probability(dropout_p)
    if enable_gqa:
        key, value = share_heads(query, key), share_heads(query, value)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else 1.0
    mask = None if attn_mask is None else as_additive(attn_mask, query)
    if dropout_p == 0 and has_attention_kernels(query, key, value, mask):
        heads = [as_heads(x) for x in (query, key, value)]
        output = Attention.apply(*heads, spread_mask(mask, query, key), causal=is_causal, scale=float(scale))
        return reshape(output, (*query.shape[:-1], value.shape[-1]))
    weights = attention_weights(query, key, mask, is_causal, scale)
    return matmul(dropout(weights, dropout_p), value)


class Attention(Op):
    """O = P V with P = softmax(Q K^T s + M), of (n, heads, length, features), without keeping P.

    dV = P^T dO; dP = dO V^T; dS = P * (dP - rowsum(dP * P)); dQ = dS K s; dK = dS^T Q s.
    """

    def forward(
        self, query: Array, key: Array, value: Array, mask: Array | None, *, causal: bool, scale: float
    ) -> Array:
        self.causal, self.scale = causal, scale
        kernels = kernel_table.attention(query)
        output, logsumexp = kernels.attention_forward(query, key, value, mask, causal, scale)
        self.save_for_backward(query, key, value, mask, output, logsumexp)
        return output

    def backward(self, grad_output: Array) -> tuple[Array, Array, Array, None]:
        query, key, value, mask, output, logsumexp = self.saved
        options = self.causal, self.scale
        if kernel_table.has_kernels(grad_output):
            arrays = grad_output, query, key, value, mask, output, logsumexp
            return *kernel_table.attention(query).attention_backward(*arrays, *options), None
        weights = attention_weights(query, key, mask, *options)
        grad_value = product(weights.swapaxes(-2, -1), grad_output)
        grad_weights = product(grad_output, value.swapaxes(-2, -1))
        grad_scores = weights * (grad_weights - sum(weights * grad_weights, -1, keepdim=True)) * self.scale
        return product(grad_scores, key), product(grad_scores.swapaxes(-2, -1), query), grad_value, None


def has_attention_kernels(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> bool:
    """Tell whether the kernels can do it: they repeat no batches, and have no gradient for a mask."""
    same_batch = query.shape[:-2] == key.shape[:-2] == value.shape[:-2]
    learned_mask = mask is not None and mask.requires_grad
    return same_batch and not learned_mask and kernel_table.has_kernels(raw(query))


def as_heads(x: Tensor) -> Tensor:
    """Return (*batch, length, features) as (n, heads, length, features)."""
    if x.ndim == 4:
        return x
    return reshape(x, (-1, *x.shape[-3:]) if x.ndim > 4 else (1, math.prod(x.shape[:-2]), *x.shape[-2:]))


def spread_mask(mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
    """Return what is added to the scores, (n, heads, l, s): a view that repeats the mask, if it can be one."""
    if mask is None:
        return None
    return as_heads(expand(mask, (*query.shape[:-1], key.shape[-2])))


def attention_weights(query: Tensor, key: Tensor, mask: Tensor | None, causal: bool, scale: float) -> Tensor:
    """Return softmax(query key^T * scale + mask), (*batch, l, s); a row in which nothing is left becomes zeros."""
    scores = matmul(query * scale, transpose(key, -2, -1))
    if causal:
        scores = masked_fill(scores, logical_not(causal_mask(query, key)), -math.inf)
    if mask is None:
        return softmax(scores, -1)
    scores = scores + mask
    empty = all(eq(scores, -math.inf), -1, keepdim=True)
    return masked_fill(softmax(masked_fill(scores, empty, 0.0), -1), empty, 0.0)


def as_additive(mask: Tensor, query: Tensor) -> Tensor:
    """Return a mask as numbers to be added: where a boolean one is False, -infinity."""
    if raw(mask).dtype.kind != "b":
        return mask
    return cast(where(mask, 0.0, -math.inf), raw(query).dtype)


def causal_mask(query: Tensor, key: Tensor) -> Tensor:
    """Return which keys a query may look at, (l, s): those that do not come after it."""
    xp, sizes = array_module(raw(query)), (query.shape[-2], key.shape[-2], 0, bool)
    return tensor_from_array(tell_called(xp.tri, sizes, xp.tri(*sizes)))


def share_heads(query: Tensor, x: Tensor) -> Tensor:
    """Repeat the heads of keys or values so that there are as many as the query has: (..., heads, s, e)."""
    heads, shared = query.shape[-3], x.shape[-3]
    if shared == 0 or heads % shared:
        raise RuntimeError(
            "scaled_dot_product_attention: expected the number of heads in key and value to divide the number of "
            f"heads in query, got {shared} and {heads}"
        )
    return x if heads == shared else repeat_interleave(x, heads // shared, -3)


def check_attention(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, is_causal: bool
) -> None:
    """Raise unless queries, keys, values and mask fit together."""
    name = "scaled_dot_product_attention"
    for argument, x in (("query", query), ("key", key), ("value", value)):
        require_tensor(name, x, argument)
        if x.ndim < 2:
            raise explained(
                RuntimeError(
                    f"{name}: Expected query, key, and value to all be  at least 2 dimensional, but got {argument} of "
                    f"shape {list(x.shape)}"
                )
            )
    dtypes = [raw(x).dtype for x in (query, key, value)]
    if len(set(dtypes)) > 1:
        raise explained(
            RuntimeError(
                f"{name}: Expected query, key, and value to have the same dtype, but got query.dtype: {dtypes[0]} "
                f"key.dtype: {dtypes[1]} and value.dtype: {dtypes[2]}"
            )
        )
    if query.shape[-1] != key.shape[-1] or key.shape[-2] != value.shape[-2]:
        raise explained(
            RuntimeError(
                f"{name}: expected query (*, l, e), key (*, s, e) and value (*, s, v), got {list(query.shape)}, "
                f"{list(key.shape)} and {list(value.shape)}"
            )
        )
    if attn_mask is not None:
        check_attention_mask(name, query, key, attn_mask, is_causal)


def check_attention_mask(name: str, query: Tensor, key: Tensor, attn_mask: Tensor, is_causal: bool) -> None:
    """Raise unless the mask can be used."""
    require_tensor(name, attn_mask, "attn_mask")
    if is_causal:
        raise RuntimeError(f"{name}: Explicit attn_mask should not be set when is_causal=True")
    dtype = raw(attn_mask).dtype
    if dtype.kind != "b" and dtype != raw(query).dtype:
        raise explained(
            RuntimeError(
                f"{name}: Expected attn_mask dtype to be bool or to match query dtype, but got attn_mask.dtype: "
                f"{dtype} and query.dtype: {raw(query).dtype}"
            )
        )
    scores = (query.shape[-2], key.shape[-2])
    check_broadcast(f"{name}: attn_mask", tuple(attn_mask.shape[-2:]), scores)
