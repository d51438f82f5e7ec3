"""GPT-2, with the names of the parameters that Hugging Face's files have: three lines take them in.

    >>> state = load_file("model.safetensors")  # of the model "gpt2" on the Hugging Face Hub, for example
    >>> model = GPT2()  # the smallest one; medium: GPT2(layers=24, heads=16, width=1024)
    >>> model.load_state_dict(state)

A program that wants it puts this file beside itself. What it reads and writes are numbers of tokens: the table that
makes texts of them is not part of a network.

References
----------
A. Radford et al.: "Language Models are Unsupervised Multitask Learners", 2019
https://huggingface.co/docs/transformers/model_doc/gpt2
"""

from __future__ import annotations

from typing import Any

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn


class Conv1D(nn.Module):
    """A linear layer whose weight is (in, out): that of ``nn.Linear``, transposed."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(in_features, out_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (..., out) of (..., in)."""
        return x @ self.weight + self.bias


class Attention(nn.Module):
    """Every place looks at itself and those before it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = Conv1D(width, 3 * width)
        self.c_proj = Conv1D(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        n, t, width = x.shape
        query, key, value = (
            part.view(n, t, self.heads, width // self.heads).transpose(1, 2)
            for part in self.c_attn(x).split(width, dim=2)
        )
        found = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.c_proj(found.transpose(1, 2).reshape(n, t, width))


class MLP(nn.Module):
    """Each place thinks for itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = Conv1D(width, 4 * width)
        self.c_proj = Conv1D(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    """One layer: attention, then the MLP, each of what is normalized, and added to what was there."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.ln_2 = nn.LayerNorm(width)
        self.mlp = MLP(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (n, t, width), as x."""
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    """Tokens and their places as vectors, some blocks, and a score for each token that may come next."""

    def __init__(
        self, layers: int = 12, heads: int = 12, width: int = 768, tokens: int = 50257, context: int = 1024
    ) -> None:
        super().__init__()
        self.wte = nn.Embedding(tokens, width)
        self.wpe = nn.Embedding(context, width)
        self.h = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.ln_f = nn.LayerNorm(width)

    def forward(self, numbers: torch.Tensor) -> torch.Tensor:
        """Return the scores of what comes next, (n, t, tokens), of (n, t) numbers of tokens."""
        x = self.wte(numbers) + self.wpe(torch.arange(numbers.shape[1], device=numbers.device))
        for block in self.h:
            x = block(x)
        return self.ln_f(x) @ self.wte.weight.t()  # the same vectors say what a token is, and what fits there

    @torch.no_grad()
    def generate(self, numbers: torch.Tensor, count: int) -> torch.Tensor:
        """Return (n, t) numbers and ``count`` more, each time those with the highest score."""
        for _ in range(count):
            seen = numbers[:, -self.wpe.num_embeddings :]
            numbers = torch.cat([numbers, self(seen)[:, -1:].argmax(dim=2)], dim=1)
        return numbers

    def load_state_dict(self, state_dict: dict[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take in weights, also of files that say ``transformer.`` before every name.

        Left out are the masks that older files have (``attn.bias``), and the output's weight, which is the input's.
        """
        names = {name: name.removeprefix("transformer.") for name in state_dict}
        left_out = (".attn.bias", ".attn.masked_bias", "lm_head.weight")
        state = {names[name]: state_dict[name] for name in names if not name.endswith(left_out)}
        return super().load_state_dict(state, strict=strict, assign=assign)
