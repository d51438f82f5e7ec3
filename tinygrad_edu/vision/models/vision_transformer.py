"""The Vision Transformer: an image as a sequence of patches."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any

import tinygrad_edu as torch
from tinygrad_edu import Tensor, nn
from tinygrad_edu.vision.models.building import refuse_weights, register_model
from tinygrad_edu.vision.ops import MLP

Layer = Callable[..., nn.Module]
LAYER_NORM: Layer = partial(nn.LayerNorm, eps=1e-6)


class MLPBlock(MLP):
    """The two linear layers of a block, with GELU between them."""

    def __init__(self, in_dim: int, mlp_dim: int, dropout: float) -> None:
        super().__init__(in_dim, [mlp_dim, in_dim], activation_layer=nn.GELU, dropout=dropout)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.normal_(module.bias, std=1e-6)


class EncoderBlock(nn.Module):
    r"""A block of the encoder (the paper's figure 1, right): attention and an MLP, each beside a shortcut.

    .. math::
        z' = z + \operatorname{attention}(\operatorname{norm}(z)), \quad
        z'' = z' + \operatorname{mlp}(\operatorname{norm}(z'))
    """

    def __init__(
        self,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = LAYER_NORM,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.ln_1 = norm_layer(hidden_dim)
        self.self_attention = nn.MultiheadAttention(
            hidden_dim, num_heads, dropout=attention_dropout, batch_first=True
        )
        self.dropout = nn.Dropout(dropout)
        self.ln_2 = norm_layer(hidden_dim)
        self.mlp = MLPBlock(hidden_dim, mlp_dim, dropout)

    def forward(self, input: Tensor) -> Tensor:
        x = self.ln_1(input)
        x, _ = self.self_attention(x, x, x, need_weights=False)
        x = self.dropout(x) + input
        return x + self.mlp(self.ln_2(x))


class Encoder(nn.Module):
    """The position embedding, the blocks, and a last normalization, for sequences (N, S, hidden_dim)."""

    def __init__(
        self,
        seq_length: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float,
        attention_dropout: float,
        norm_layer: Layer = LAYER_NORM,
    ) -> None:
        super().__init__()
        self.pos_embedding = nn.Parameter(torch.empty(1, seq_length, hidden_dim).normal_(std=0.02))
        self.dropout = nn.Dropout(dropout)
        block = partial(
            EncoderBlock, num_heads, hidden_dim, mlp_dim, dropout, attention_dropout, norm_layer=norm_layer
        )
        self.layers = nn.Sequential(OrderedDict((f"encoder_layer_{i}", block()) for i in range(num_layers)))
        self.ln = norm_layer(hidden_dim)

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim != 3:
            raise AssertionError(f"Expected (batch_size, seq_length, hidden_dim) got {input.shape}")
        return self.ln(self.layers(self.dropout(input + self.pos_embedding)))


class VisionTransformer(nn.Module):
    """A Transformer encoder that reads an image (N, 3, image_size, image_size) patch by patch.

    Each patch becomes a vector by one linear map, which is a convolution with the patch as kernel and
    stride. A learned vector, the class token, stands before them, and from what becomes of it the classes
    are told.

    Parameters
    ----------
    image_size, patch_size : int
        Height and width of the image and of a patch.
    num_layers, num_heads, hidden_dim, mlp_dim : int
        Blocks, heads of attention, sizes of the vectors and of the MLPs' middle.
    dropout, attention_dropout : float
        Probabilities of dropout.
    num_classes : int
        The size of the output.
    representation_size : int, optional
        The size of one more layer, with tanh, before the output.
    norm_layer : callable
        What makes the normalizations.

    References
    ----------
    A. Dosovitskiy et al.: "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    ICLR 2021, arXiv:2010.11929, figure 1 and equations 1 to 4.
    https://docs.pytorch.org/vision/stable/models/vision_transformer.html
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_layers: int,
        num_heads: int,
        hidden_dim: int,
        mlp_dim: int,
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        num_classes: int = 1000,
        representation_size: int | None = None,
        norm_layer: Layer = LAYER_NORM,
    ) -> None:
        super().__init__()
        if image_size % patch_size != 0:
            raise AssertionError(
                f"Input shape indivisible by patch size! Got image_size {image_size}, patch_size {patch_size}"
            )
        self.image_size, self.patch_size = image_size, patch_size
        self.hidden_dim, self.mlp_dim = hidden_dim, mlp_dim
        self.dropout, self.attention_dropout = dropout, attention_dropout
        self.num_classes, self.representation_size = num_classes, representation_size
        self.norm_layer = norm_layer
        self.conv_proj = nn.Conv2d(3, hidden_dim, kernel_size=patch_size, stride=patch_size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.seq_length = (image_size // patch_size) ** 2 + 1  # the patches and the class token
        self.encoder = Encoder(
            self.seq_length,
            num_layers,
            num_heads,
            hidden_dim,
            mlp_dim,
            dropout,
            attention_dropout,
            norm_layer,
        )
        self.heads = self._make_heads()
        nn.init.trunc_normal_(self.conv_proj.weight, std=math.sqrt(1 / (3 * patch_size**2)))
        nn.init.zeros_(self.conv_proj.bias)

    def _make_heads(self) -> nn.Sequential:
        """Build what tells the classes; it starts at zero."""
        heads: OrderedDict[str, nn.Module] = OrderedDict()
        size = self.hidden_dim
        if self.representation_size is not None:
            pre_logits = nn.Linear(size, self.representation_size)
            nn.init.trunc_normal_(pre_logits.weight, std=math.sqrt(1 / size))
            nn.init.zeros_(pre_logits.bias)
            heads["pre_logits"], heads["act"] = pre_logits, nn.Tanh()
            size = self.representation_size
        head = nn.Linear(size, self.num_classes)
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        heads["head"] = head
        return nn.Sequential(heads)

    def _process_input(self, x: Tensor) -> Tensor:
        """Turn images (N, 3, H, W) into sequences of patches (N, S, hidden_dim)."""
        for side, size in zip(("height", "width"), x.shape[-2:], strict=True):
            if size != self.image_size:
                raise AssertionError(f"Wrong image {side}! Expected {self.image_size} but got {size}!")
        return self.conv_proj(x).flatten(2).permute(0, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        patches = self._process_input(x)
        class_token = self.class_token.expand(len(patches), -1, -1)
        x = self.encoder(torch.cat([class_token, patches], dim=1))
        return self.heads(x[:, 0])


@register_model
def vit_b_16(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VisionTransformer:
    """ViT-Base of the paper's table 1, with patches of 16 x 16 pixels; ``image_size`` is 224 if left out."""
    refuse_weights("vit_b_16", weights, kwargs)
    return VisionTransformer(kwargs.pop("image_size", 224), 16, 12, 12, 768, 3072, **kwargs)


@register_model
def vit_b_32(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VisionTransformer:
    """ViT-Base of the paper's table 1, with patches of 32 x 32 pixels; ``image_size`` is 224 if left out."""
    refuse_weights("vit_b_32", weights, kwargs)
    return VisionTransformer(kwargs.pop("image_size", 224), 32, 12, 12, 768, 3072, **kwargs)


@register_model
def vit_l_16(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VisionTransformer:
    """ViT-Large of the paper's table 1, with patches of 16 x 16 pixels; ``image_size`` is 224 if left out."""
    refuse_weights("vit_l_16", weights, kwargs)
    return VisionTransformer(kwargs.pop("image_size", 224), 16, 24, 16, 1024, 4096, **kwargs)


@register_model
def vit_l_32(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VisionTransformer:
    """ViT-Large of the paper's table 1, with patches of 32 x 32 pixels; ``image_size`` is 224 if left out."""
    refuse_weights("vit_l_32", weights, kwargs)
    return VisionTransformer(kwargs.pop("image_size", 224), 32, 24, 16, 1024, 4096, **kwargs)


@register_model
def vit_h_14(*, weights: None = None, progress: bool = True, **kwargs: Any) -> VisionTransformer:
    """ViT-Huge of the paper's table 1, with patches of 14 x 14 pixels; ``image_size`` is 224 if left out."""
    refuse_weights("vit_h_14", weights, kwargs)
    return VisionTransformer(kwargs.pop("image_size", 224), 14, 32, 16, 1280, 5120, **kwargs)
