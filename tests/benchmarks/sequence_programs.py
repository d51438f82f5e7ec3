"""The timed programs that read sequences: recurrent layers, attention, Transformers."""

from __future__ import annotations

from tests.benchmarks.program import TRAINING_STEP, Program

LSTM = (
    """
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(28, 128), nn.Linear(128, 10)

    def forward(self, x):
        return self.out(self.lstm(x)[0][-1])

model = Reader()
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(28, 64, 28), torch.randint(0, 10, (64,))
"""
    + TRAINING_STEP
)

GRU = (
    """
class Writer(nn.Module):
    def __init__(self):
        super().__init__()
        self.letters, self.gru, self.out = nn.Embedding(65, 128), nn.GRU(128, 128, 3), nn.Linear(128, 65)

    def forward(self, x):
        return self.out(self.gru(self.letters(x))[0]).reshape(-1, 65)

model = Writer()
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randint(0, 65, (64, 32)), torch.randint(0, 65, (64 * 32,))
"""
    + TRAINING_STEP
)

BLOCK = """
class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))

model = Block(128, 8)
optimizer = torch.optim.Adam(model.parameters())
x, y = torch.randn(32, 64, 128), torch.randn(32, 64, 128)

def step():
    optimizer.zero_grad()
    loss = F.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    return loss
"""

ATTENTION = """
query, key, value, grad = (torch.randn(1, 8, 2048, 64) for _ in range(4))
for x in (query, key, value):
    x.requires_grad_()

def step():
    output = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    output.backward(grad)
    return output.detach().square().mean()
"""

GPT = (
    """
class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.to_qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        n, length, width = x.shape
        q, k, v = (
            part.view(n, length, self.heads, width // self.heads).transpose(1, 2)
            for part in self.to_qkv(x).split(width, dim=2)
        )
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(out.transpose(1, 2).contiguous().view(n, length, width))

class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))

class GPT(nn.Module):
    def __init__(self, letters=65, width=128, heads=4, layers=4, context=64):
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, width), nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, letters, bias=False)

    def forward(self, tokens):
        x = self.letters(tokens) + self.places(torch.arange(tokens.shape[1]))
        return self.head(self.norm(self.blocks(x))).reshape(-1, self.head.out_features)

model = GPT()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
x, y = torch.randint(0, 65, (12, 64)), torch.randint(0, 65, (12 * 64,))
"""
    + TRAINING_STEP
)

SEQUENCE_PROGRAMS = {
    "lstm": Program("LSTM 28-128 over 28 steps, batch 64, Linear, Adam: a training step", LSTM, 30),
    "gru": Program("GRU of 3 layers of 128, 64 letters, batch 32, Adam: a training step", GRU, 10),
    "block": Program(
        "LayerNorm, MultiheadAttention(128, 8), MLP with GELU, 32 x 64, Adam: a training step", BLOCK, 20
    ),
    "attention": Program(
        "causal attention, 8 heads of 64, length 2,048: forward and backward", ATTENTION, 10
    ),
    "gpt": Program("GPT of 4 layers, 4 heads, width 128, 12 x 64 letters, AdamW: a training step", GPT, 20),
}
