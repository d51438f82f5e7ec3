"""A language model of words: Transformer encoder with sines for positions and a mask for what comes later."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn import TransformerEncoder, TransformerEncoderLayer

from tests.programs.numpy_weights import set_weights


class PositionalEncoding(nn.Module):
    def __init__(self, d_model, dropout=0.0, max_len=50):
        super(PositionalEncoding, self).__init__()
        self.dropout = nn.Dropout(p=dropout)
        pe = torch.zeros(max_len, d_model)
        position = torch.arange(0, max_len, dtype=torch.float).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2).float() * (-math.log(10000.0) / d_model))
        pe[:, 0::2] = torch.sin(position * div_term)
        pe[:, 1::2] = torch.cos(position * div_term)
        pe = pe.unsqueeze(0).transpose(0, 1)
        self.register_buffer("pe", pe)

    def forward(self, x):
        x = x + self.pe[: x.size(0), :]
        return self.dropout(x)


class TransformerModel(nn.Transformer):
    """A subclass of nn.Transformer of which the encoder alone is used."""

    def __init__(self, ntoken, ninp, nhead, nhid, nlayers, dropout=0.0):
        super().__init__(
            d_model=ninp, nhead=nhead, dim_feedforward=nhid, num_encoder_layers=nlayers, num_decoder_layers=1
        )
        self.model_type = "Transformer"
        self.src_mask = None
        self.pos_encoder = PositionalEncoding(ninp, dropout)
        layers = TransformerEncoderLayer(ninp, nhead, nhid, dropout)
        self.encoder = TransformerEncoder(layers, nlayers)
        self.input_emb = nn.Embedding(ntoken, ninp)
        self.ninp = ninp
        self.out = nn.Linear(ninp, ntoken)
        self.init_weights()

    def _generate_square_subsequent_mask(self, sz):
        return torch.log(torch.tril(torch.ones(sz, sz)))

    def init_weights(self):
        initrange = 0.1
        nn.init.uniform_(self.input_emb.weight, -initrange, initrange)
        self.out.bias.data.zero_()
        self.out.weight.data.uniform_(-initrange, initrange)

    def forward(self, src, has_mask=True):
        if has_mask:
            if self.src_mask is None or self.src_mask.size(0) != len(src):
                self.src_mask = self._generate_square_subsequent_mask(len(src)).to(src.device)
        else:
            self.src_mask = None
        src = self.input_emb(src) * math.sqrt(self.ninp)
        output = self.encoder(self.pos_encoder(src), mask=self.src_mask)
        return F.log_softmax(self.out(output), dim=-1)


def old_mask(sz):
    """The mask as older tutorials write it."""
    mask = (torch.triu(torch.ones(sz, sz)) == 1).transpose(0, 1)
    return mask.float().masked_fill(mask == 0, float("-inf")).masked_fill(mask == 1, float(0.0))


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
ntokens, bptt, batch_size = 9, 7, 5
rng = np.random.default_rng(1)
stream = torch.tensor((np.arange(150) * 2 + rng.integers(0, 2, 150)) % ntokens, dtype=torch.long)
data = stream[: 150 // batch_size * batch_size].view(batch_size, 150 // batch_size).t().contiguous()

model = TransformerModel(ntokens, 8, 2, 16, 2).to(device)
set_weights(model)
assert "pos_encoder.pe" in model.state_dict()
assert torch.equal(old_mask(4), model._generate_square_subsequent_mask(4).to(torch.float32))
assert torch.equal(old_mask(4), nn.Transformer.generate_square_subsequent_mask(4).to(torch.float32))

criterion = nn.NLLLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.95)
losses = []
for epoch in range(3):
    model.train()
    total_loss = 0.0
    for i in range(0, data.size(0) - 1, bptt):
        seq_len = min(bptt, len(data) - 1 - i)
        x, targets = data[i : i + seq_len].to(device), data[i + 1 : i + 1 + seq_len].reshape(-1).to(device)
        optimizer.zero_grad()
        output = model(x).view(-1, ntokens)
        loss = criterion(output, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        total_loss += loss.item()
        losses.append(loss.item())
    print(
        f"epoch {epoch} lr {scheduler.get_last_lr()[0]:.3f} loss {total_loss:5.2f} ppl {math.exp(total_loss / 5):.2f}"
    )
    scheduler.step()

model.eval()
with torch.no_grad():
    word = torch.zeros(1, 1, dtype=torch.long).to(device)
    for _ in range(5):
        scores = model(word, False)[-1].squeeze().div(1e-3).cpu()
        word_weights = scores.sub(scores.max()).exp()
        next_word = torch.multinomial(word_weights, 1)[0]
        word = torch.cat([word, torch.tensor([[next_word]]).to(device)], 0)
    losses.append(criterion(model(word[:-1]).view(-1, ntokens), word[1:].view(-1)).item())
