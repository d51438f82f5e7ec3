"""Transformers: stacks of their layers.

References
----------
Vaswani et al., "Attention Is All You Need", 2017, figure 1;
https://docs.pytorch.org/docs/stable/nn.html#transformer-layers
"""

from __future__ import annotations

import copy
import math
from typing import Any

from tinygrad_edu import creation, ops
from tinygrad_edu._tensor import Tensor
from tinygrad_edu.arguments import as_int, wrong_type
from tinygrad_edu.nn import functional as F, init
from tinygrad_edu.nn.container import ModuleList
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.normalization import LayerNorm
from tinygrad_edu.nn.transformer_layer import (
    Activation,
    TransformerDecoderLayer,
    TransformerEncoderLayer,
)
from tinygrad_edu.ops.common import require_tensors


class TransformerEncoder(Module):
    """A stack of encoder layers.

    Parameters
    ----------
    encoder_layer : TransformerEncoderLayer
        Of which so many copies are made.
    num_layers : int
        How many.
    norm : Module, optional
        Run on what the last layer returns.
    enable_nested_tensor, mask_check : bool
        Taken for PyTorch's sake: there is no shorter way for padded sequences here.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerEncoder.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.TransformerEncoderLayer(d_model=8, nhead=2)
    >>> torch.nn.TransformerEncoder(layer, num_layers=2)(torch.rand(10, 3, 8)).shape
    torch.Size([10, 3, 8])
    """

    def __init__(
        self,
        encoder_layer: Module,
        num_layers: int,
        norm: Module | None = None,
        enable_nested_tensor: bool = True,
        mask_check: bool = True,
    ) -> None:
        super().__init__()
        self.layers = copies(encoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm
        self.enable_nested_tensor, self.mask_check = enable_nested_tensor, mask_check

    def forward(
        self,
        src: Tensor,
        mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        is_causal: bool | None = None,
    ) -> Tensor:
        """Run all layers; with ``is_causal=None`` it is looked up whether ``mask`` is the causal one."""
        is_causal = is_causal_mask(mask) if is_causal is None else is_causal
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask, is_causal=is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(Module):
    """A stack of decoder layers.

    Parameters
    ----------
    decoder_layer : TransformerDecoderLayer
        Of which so many copies are made.
    num_layers : int
        How many.
    norm : Module, optional
        Run on what the last layer returns.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.nn.TransformerDecoder.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> layer = torch.nn.TransformerDecoderLayer(d_model=8, nhead=2)
    >>> memory, target = torch.rand(10, 3, 8), torch.rand(20, 3, 8)
    >>> torch.nn.TransformerDecoder(layer, num_layers=2)(target, memory).shape
    torch.Size([20, 3, 8])
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__()
        self.layers = copies(decoder_layer, num_layers)
        self.num_layers = num_layers
        self.norm = norm

    def forward(
        self,
        tgt: Tensor,
        memory: Tensor,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Run all layers on the target; every one attends to the same ``memory``."""
        masks = {
            "tgt_mask": tgt_mask,
            "memory_mask": memory_mask,
            "tgt_key_padding_mask": tgt_key_padding_mask,
            "memory_key_padding_mask": memory_key_padding_mask,
            "tgt_is_causal": is_causal_mask(tgt_mask) if tgt_is_causal is None else tgt_is_causal,
            "memory_is_causal": memory_is_causal,
        }
        for layer in self.layers:
            tgt = layer(tgt, memory, **masks)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder that reads the source, and a decoder that writes the target.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, bias
        See :class:`TransformerEncoderLayer`.
    num_encoder_layers, num_decoder_layers : int
        How many layers there are.
    custom_encoder, custom_decoder : Module, optional
        In place of those that would be made.
    device, dtype
        Of the parameters.

    Notes
    -----
    Embedding, positions and the last linear layer are not part of it. Matrices start as Glorot and Bengio say.

    References
    ----------
    Vaswani et al., "Attention Is All You Need", 2017, figure 1;
    https://docs.pytorch.org/docs/stable/generated/torch.nn.Transformer.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> model = torch.nn.Transformer(d_model=8, nhead=2, num_encoder_layers=1, num_decoder_layers=1)
    >>> model(torch.rand(10, 3, 8), torch.rand(20, 3, 8)).shape
    torch.Size([20, 3, 8])
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = F.relu,
        custom_encoder: Any = None,
        custom_decoder: Any = None,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        options = {"device": device, "dtype": dtype}
        layer_options = {
            "dim_feedforward": dim_feedforward,
            "dropout": dropout,
            "activation": activation,
            "layer_norm_eps": layer_norm_eps,
            "batch_first": batch_first,
            "norm_first": norm_first,
            "bias": bias,
            **options,
        }
        if custom_encoder is None:
            layer: Module = TransformerEncoderLayer(d_model, nhead, **layer_options)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
            custom_encoder = TransformerEncoder(layer, num_encoder_layers, norm)
        if custom_decoder is None:
            layer = TransformerDecoderLayer(d_model, nhead, **layer_options)
            norm = LayerNorm(d_model, eps=layer_norm_eps, bias=bias, **options)
            custom_decoder = TransformerDecoder(layer, num_decoder_layers, norm)
        self.encoder, self.decoder = custom_encoder, custom_decoder
        self._reset_parameters()
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first

    def _reset_parameters(self) -> None:
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter)

    def forward(
        self,
        src: Tensor,
        tgt: Tensor,
        src_mask: Tensor | None = None,
        tgt_mask: Tensor | None = None,
        memory_mask: Tensor | None = None,
        src_key_padding_mask: Tensor | None = None,
        tgt_key_padding_mask: Tensor | None = None,
        memory_key_padding_mask: Tensor | None = None,
        src_is_causal: bool | None = None,
        tgt_is_causal: bool | None = None,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode ``src`` and decode to ``tgt``'s length; (l, n, d_model), or (n, l, d_model) with batch_first."""
        self._check(src, tgt)
        memory = self.encoder(
            src, mask=src_mask, src_key_padding_mask=src_key_padding_mask, is_causal=src_is_causal
        )
        return self.decoder(
            tgt,
            memory,
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
            tgt_is_causal=tgt_is_causal,
            memory_is_causal=memory_is_causal,
        )

    def _check(self, src: Tensor, tgt: Tensor) -> None:
        """Raise unless source and target are of one batch and have d_model features."""
        require_tensors("Transformer", src=src, tgt=tgt)
        batch = 0 if self.batch_first else 1
        if src.ndim == 3 and tgt.ndim == 3 and src.shape[batch] != tgt.shape[batch]:
            raise RuntimeError(
                f"the batch number of src and tgt must be equal, got {src.shape[batch]} and {tgt.shape[batch]}"
            )
        for name, x in (("src", src), ("tgt", tgt)):
            if x.shape[-1] != self.d_model:
                raise RuntimeError(
                    f"the feature number of src and tgt must be equal to d_model, {self.d_model}, got {name} "
                    f"of shape {list(x.shape)}"
                )

    @staticmethod
    def generate_square_subsequent_mask(sz: int, device: Any = None, dtype: Any = None) -> Tensor:
        """Return the causal mask (sz, sz) to be added to scores: -infinity above the diagonal, else 0.

        Examples
        --------
        >>> import tinygrad_edu as torch
        >>> torch.nn.Transformer.generate_square_subsequent_mask(2)
        tensor([[0., -inf],
                [0., 0.]])
        """
        return ops.triu(creation.full((sz, sz), -math.inf, device=device, dtype=dtype), 1)


def copies(module: Module, count: int) -> ModuleList:
    """Return so many deep copies of a module."""
    if not isinstance(module, Module):
        raise wrong_type("Transformer", "layer", "Module", module)
    count = as_int("Transformer", "num_layers", count)
    return ModuleList([copy.deepcopy(module) for _ in range(count)])


def is_causal_mask(mask: Tensor | None) -> bool:
    """Tell whether a mask to be added is the causal one."""
    if mask is None or mask.ndim < 2 or mask.shape[-1] != mask.shape[-2]:
        return False
    causal = Transformer.generate_square_subsequent_mask(mask.shape[-1], mask.device, None)
    return mask.is_floating_point() and ops.equal(ops.expand(causal.to(mask.dtype), mask.shape), mask)
