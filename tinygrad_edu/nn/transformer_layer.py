"""One layer of a Transformer's encoder, and one of its decoder.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, section 3.1; Xiong et al., "On Layer Normalization in the Transformer
Architecture", 2020 (``norm_first``); https://docs.pytorch.org/docs/stable/nn.html#transformer-layers
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu._tensor import Tensor
from tinygrad_edu.nn import functional as F
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.linear import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.multihead_attention import MultiheadAttention
from tinygrad_edu.nn.normalization import LayerNorm

Activation = str | Callable[[Tensor], Tensor]


class _TransformerLayer(Module):
    """What both kinds of layers share: attention among the sequence's own places, and a network for each place."""

    def _add_common(
        self,
        sizes: tuple[int, int, int],
        dropout: float,
        activation: Activation,
        bias: bool,
        attentions: tuple[str, ...],
        batch_first: bool,
        options: dict[str, Any],
    ) -> None:
        d_model, nhead, dim_feedforward = sizes
        for name in attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout=dropout, bias=bias, batch_first=batch_first, **options
            )
            self.add_module(name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias=bias, **options)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias=bias, **options)
        self.activation = activation_of(activation)

    def _add_norms(
        self, count: int, d_model: int, eps: float, bias: bool, dropout: float, options: dict[str, Any]
    ) -> None:
        """Add a normalisation and a dropout for each of the layer's parts."""
        for i in range(1, count + 1):
            self.add_module(f"norm{i}", LayerNorm(d_model, eps=eps, bias=bias, **options))
        for i in range(1, count + 1):
            self.add_module(f"dropout{i}", Dropout(dropout))

    def _feed_forward(self, x: Tensor) -> Tensor:
        """Two linear layers, the same for every place: (*, d_model) -> (*, d_model)."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))

    def _self_attention(
        self, x: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool
    ) -> Tensor:
        return self.dropout1(
            self.self_attn(
                x,
                x,
                x,
                attn_mask=mask,
                key_padding_mask=padding,
                need_weights=False,
                is_causal=is_causal,
            )[0]
        )


class TransformerEncoderLayer(_TransformerLayer):
    """Self-attention, then a network for each place; around both a shortcut, and a normalisation.

    Parameters
    ----------
    d_model : int
        The number of features.
    nhead : int
        Heads of the attention.
    dim_feedforward : int
        Width of the network's hidden layer.
    dropout : float
        Probability of dropout: of attention weights, in the hidden layer and before each addition.
    activation : {"relu", "gelu"} or callable
        Between the network's two linear layers.
    layer_norm_eps : float
        Added to the variance by the normalisations.
    batch_first : bool
        Whether sequences are (n, l, d_model), not (l, n, d_model).
    norm_first : bool
        Whether to normalise before each part, on the way into it, and not after the addition.
    bias : bool
        Whether linear layers and normalisations have a bias.
    device, dtype
        Of the parameters.

    Notes
    -----
    x = norm1(x + attention(x)), x = norm2(x + network(x)); with ``norm_first``: x = x + attention(norm1(x)), x = x +
    network(norm2(x)).

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, section 3.1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoderLayer.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2, batch_first=True)
    >>> layer(torch.rand(10, 5, 8)).shape
    torch.Size([10, 5, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        sizes = (d_model, nhead, dim_feedforward)
        self._add_common(sizes, dropout, activation, bias, ("self_attn",), batch_first, options)
        self.norm_first = norm_first
        self._add_norms(2, d_model, layer_norm_eps, bias, dropout, options)

    def forward(
        self,
        src: Tensor,
        src_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Run the layer; the masks are those of :class:`MultiheadAttention`."""
        x, masks = src, (src_mask, src_key_padding_mask, is_causal)
        if self.norm_first:
            x = x + self._self_attention(self.norm1(x), *masks)
            return x + self.dropout2(self._feed_forward(self.norm2(x)))
        x = self.norm1(x + self._self_attention(x, *masks))
        return self.norm2(x + self.dropout2(self._feed_forward(x)))


class TransformerDecoderLayer(_TransformerLayer):
    """Self-attention, attention to what the encoder says, then a network for each place.

    The parameters are those of :class:`TransformerEncoderLayer`.

    Notes
    -----
    x = norm1(x + attention(x)), x = norm2(x + attention(x, memory)), x = norm3(x + network(x)); with ``norm_first`` the
    normalisations are on the way into each part.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, section 3.1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoderLayer.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2)
    >>> memory, target = torch.rand(10, 3, 8), torch.rand(20, 3, 8)
    >>> layer(target, memory).shape
    torch.Size([20, 3, 8])
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        sizes, attentions = (d_model, nhead, dim_feedforward), ("self_attn", "multihead_attn")
        self._add_common(sizes, dropout, activation, bias, attentions, batch_first, options)
        self.norm_first = norm_first
        self._add_norms(3, d_model, layer_norm_eps, bias, dropout, options)

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run the layer on a target and what the encoder made of the source; masks as in the encoder's."""
        x = tgt
        own = (tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        other = (memory, memory_mask, memory_key_padding_mask, memory_is_causal)
        if self.norm_first:
            x = x + self._self_attention(self.norm1(x), *own)
            x = x + self._attention_to(self.norm2(x), *other)
            return x + self.dropout3(self._feed_forward(self.norm3(x)))
        x = self.norm1(x + self._self_attention(x, *own))
        x = self.norm2(x + self._attention_to(x, *other))
        return self.norm3(x + self.dropout3(self._feed_forward(x)))

    def _attention_to(
        self, x: Tensor, memory: Tensor, mask: Tensor | None, padding: Tensor | None, is_causal: bool
    ) -> Tensor:
        found, _ = self.multihead_attn(
            x,
            memory,
            memory,
            attn_mask=mask,
            key_padding_mask=padding,
            is_causal=is_causal,
            need_weights=False,
        )
        return self.dropout2(found)


def activation_of(activation: Activation) -> Callable[[Tensor], Tensor]:
    """Return an activation function by its name, or the function itself."""
    named: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if not isinstance(activation, str):
        return activation
    if activation not in named:
        raise RuntimeError(f"activation should be relu/gelu, not {activation}")
    return named[activation]
