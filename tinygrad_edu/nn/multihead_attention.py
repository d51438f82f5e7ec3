"""Attention with several heads.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2;
https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


class MultiheadAttention(Module):
    """Several heads, each of which attends to a part of the features; their findings are mixed by a linear layer.

    Parameters
    ----------
    embed_dim : int
        e, the number of features.
    num_heads : int
        How many heads share them; a divisor of e.
    dropout : float
        Probability with which a weight of the attention is set to 0 in training.
    bias : bool
        Whether the projections have a bias.
    add_bias_kv : bool
        Whether to learn one more key and value, behind those of the sequence.
    add_zero_attn : bool
        Whether to put a key and a value of zeros behind them.
    kdim, vdim : int, optional
        Features of keys and values; by default e.
    batch_first : bool
        Whether sequences are (n, l, e), not (l, n, e).
    device, dtype
        Of the parameters.

    Notes
    -----
    MultiHead(Q, K, V) = Concat(head_1, ..., head_h) W^O with head_i = Attention(Q W_i^Q, K W_i^K, V W_i^V). The W_i of
    all heads are one matrix, and where keys and values have e features, those for Q, K and V are one, too:
    ``in_proj_weight`` (3 e, e).

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, section 3.2.2;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.MultiheadAttention.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> attention = torch.nn.MultiheadAttention(embed_dim=8, num_heads=2, batch_first=True)
    >>> words = torch.randn(1, 5, 8)
    >>> found, weights = attention(words, words, words)
    >>> found.shape, weights.shape
    (torch.Size([1, 5, 8]), torch.Size([1, 5, 5]))
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        embed_dim = as_int("MultiheadAttention", "embed_dim", embed_dim)
        num_heads = as_int("MultiheadAttention", "num_heads", num_heads)
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(
                f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and "
                f"num_heads={num_heads} instead"
            )
        if embed_dim % num_heads:
            raise AssertionError(
                f"embed_dim must be divisible by num_heads, got embed_dim={embed_dim} and num_heads={num_heads}"
            )
        self.embed_dim, self.num_heads, self.head_dim = embed_dim, num_heads, embed_dim // num_heads
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self.dropout, self.batch_first, self.add_zero_attn = dropout, batch_first, add_zero_attn
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        options = {"device": device, "dtype": dtype}
        self._add_projections(bias, options)
        self.out_proj = Linear(embed_dim, embed_dim, bias=bias, **options)
        for name in ("bias_k", "bias_v"):
            empty = Parameter(creation.empty(1, 1, embed_dim, **options)) if add_bias_kv else None
            self.register_parameter(name, empty)
        self._reset_parameters()

    def _add_projections(self, bias: bool, options: dict[str, Any]) -> None:
        """Add the weights for queries, keys and values: one matrix if all have e features, else three."""
        e, one = self.embed_dim, self._qkv_same_embed_dim
        shapes = {
            "in_proj_weight": (3 * e, e) if one else None,
            "q_proj_weight": None if one else (e, e),
            "k_proj_weight": None if one else (e, self.kdim),
            "v_proj_weight": None if one else (e, self.vdim),
            "in_proj_bias": (3 * e,) if bias else None,
        }
        for name, shape in shapes.items():
            empty = None if shape is None else Parameter(creation.empty(shape, **options))
            self.register_parameter(name, empty)

    def _reset_parameters(self) -> None:
        for name in ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight"):
            if getattr(self, name) is not None:
                init.xavier_uniform_(getattr(self, name))
        if self.in_proj_bias is not None:
            init.zeros_(self.in_proj_bias)
            init.zeros_(self.out_proj.bias)
        for name in ("bias_k", "bias_v"):
            if getattr(self, name) is not None:
                init.xavier_normal_(getattr(self, name))

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend.

        Parameters
        ----------
        query : Tensor
            (l, n, e); (n, l, e) with ``batch_first``; (l, e) without a batch.
        key, value : Tensor
            (s, n, kdim) and (s, n, vdim), in the same order.
        key_padding_mask : Tensor, optional
            (n, s): True where a key is only padding; or numbers to be added to its scores.
        need_weights : bool
            Whether to return the weights, too. Without them memory grows with the length, not with its square.
        attn_mask : Tensor, optional
            (l, s) or (n * num_heads, l, s): True where a query must not look; or numbers to be added.
        average_attn_weights : bool
            Whether to average the weights over the heads.
        is_causal : bool
            A hint that ``attn_mask``, which must be given, is the causal mask.

        Returns
        -------
        output : Tensor
            As ``query``.
        weights : Tensor or None
            (n, l, s), or (n, num_heads, l, s) if not averaged.
        """
        moved = self.batch_first and query.ndim == 3
        if moved:
            # The same tensor three times stays one: its projections are then one product.
            swapped = {id(x): ops.transpose(x, 0, 1) for x in (query, key, value)}
            query, key, value = swapped[id(query)], swapped[id(key)], swapped[id(value)]
        output, weights = F.multi_head_attention_forward(
            query, key, value, self.embed_dim, self.num_heads, self.in_proj_weight, self.in_proj_bias,
            self.bias_k, self.bias_v, self.add_zero_attn, self.dropout, self.out_proj.weight, self.out_proj.bias,
            training=self.training, key_padding_mask=key_padding_mask, need_weights=need_weights,
            attn_mask=attn_mask, use_separate_proj_weight=not self._qkv_same_embed_dim,
            q_proj_weight=self.q_proj_weight, k_proj_weight=self.k_proj_weight,
            v_proj_weight=self.v_proj_weight, average_attn_weights=average_attn_weights, is_causal=is_causal,
        )  # fmt: skip
        return (ops.transpose(output, 0, 1) if moved else output), weights
