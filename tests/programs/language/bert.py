"""BERT written out: masked words and the next sentence, gelu by hand, positions picked with gather."""

import math
from random import Random

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

from tests.programs.numpy_weights import set_weights

maxlen, batch_size, max_pred = 14, 4, 3
n_layers, n_heads, d_model, d_ff, d_k, n_segments = 2, 2, 8, 16, 4, 2
vocab_size = 12  # 0 [PAD], 1 [CLS], 2 [SEP], 3 [MASK]


def make_batch(random):
    batch, positive, negative = [], 0, 0
    while positive != batch_size / 2 or negative != batch_size / 2:
        is_next = random.random() < 0.5
        first = [4 + (random.randrange(8)) for _ in range(4)]
        second = [4 + (w + 1) % 8 for w in first] if is_next else [random.randrange(4, 12) for _ in range(4)]
        input_ids = [1, *first, 2, *second, 2]
        segment_ids = [0] * 6 + [1] * 5
        masked_pos = sorted(random.sample([1, 2, 3, 4, 6, 7, 8, 9], 2))
        masked_tokens = [input_ids[pos] for pos in masked_pos]
        for pos in masked_pos:
            if random.random() < 0.8:
                input_ids[pos] = 3
        n_pad = maxlen - len(input_ids)
        input_ids.extend([0] * n_pad)
        segment_ids.extend([0] * n_pad)
        masked_tokens.extend([0] * (max_pred - len(masked_pos)))
        masked_pos.extend([0] * (max_pred - len(masked_pos)))
        if is_next and positive < batch_size / 2:
            batch.append([input_ids, segment_ids, masked_tokens, masked_pos, True])
            positive += 1
        elif not is_next and negative < batch_size / 2:
            batch.append([input_ids, segment_ids, masked_tokens, masked_pos, False])
            negative += 1
    return batch


def get_attn_pad_mask(seq_q, seq_k):
    batch_size, len_q = seq_q.size()
    batch_size, len_k = seq_k.size()
    pad_attn_mask = seq_k.data.eq(0).unsqueeze(1)
    return pad_attn_mask.expand(batch_size, len_q, len_k)


def gelu(x):
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


class Embedding(nn.Module):
    def __init__(self):
        super(Embedding, self).__init__()
        self.tok_embed = nn.Embedding(vocab_size, d_model)
        self.pos_embed = nn.Embedding(maxlen, d_model)
        self.seg_embed = nn.Embedding(n_segments, d_model)
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, seg):
        pos = torch.arange(x.size(1), dtype=torch.long)
        pos = pos.unsqueeze(0).expand_as(x)
        return self.norm(self.tok_embed(x) + self.pos_embed(pos) + self.seg_embed(seg))


class EncoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.W_QKV = nn.ModuleList(nn.Linear(d_model, d_k * n_heads) for _ in range(3))
        self.out = nn.Linear(n_heads * d_k, d_model)
        self.norm = nn.LayerNorm(d_model)
        self.fc1 = nn.Linear(d_model, d_ff)
        self.fc2 = nn.Linear(d_ff, d_model)

    def forward(self, x, mask):
        B = x.size(0)
        q, k, v = (w(x).view(B, -1, n_heads, d_k).transpose(1, 2) for w in self.W_QKV)
        scores = torch.matmul(q, k.transpose(-1, -2)) / np.sqrt(d_k)
        scores.masked_fill_(mask.unsqueeze(1).repeat(1, n_heads, 1, 1), -1e9)
        context = torch.matmul(nn.Softmax(dim=-1)(scores), v)
        context = context.transpose(1, 2).contiguous().view(B, -1, n_heads * d_k)
        x = self.norm(self.out(context) + x)
        return self.fc2(gelu(self.fc1(x)))


class BERT(nn.Module):
    def __init__(self):
        super(BERT, self).__init__()
        self.embedding = Embedding()
        self.layers = nn.ModuleList([EncoderLayer() for _ in range(n_layers)])
        self.fc = nn.Linear(d_model, d_model)
        self.activ1 = nn.Tanh()
        self.linear = nn.Linear(d_model, d_model)
        self.norm = nn.LayerNorm(d_model)
        self.classifier = nn.Linear(d_model, 2)
        embed_weight = self.embedding.tok_embed.weight
        n_vocab, n_dim = embed_weight.size()
        self.decoder = nn.Linear(n_dim, n_vocab, bias=False)
        self.decoder.weight = embed_weight
        self.decoder_bias = nn.Parameter(torch.zeros(n_vocab))

    def forward(self, input_ids, segment_ids, masked_pos):
        output = self.embedding(input_ids, segment_ids)
        mask = get_attn_pad_mask(input_ids, input_ids)
        for layer in self.layers:
            output = layer(output, mask)
        logits_clsf = self.classifier(self.activ1(self.fc(output[:, 0])))
        masked_pos = masked_pos[:, :, None].expand(-1, -1, output.size(-1))
        h_masked = torch.gather(output, 1, masked_pos)
        h_masked = self.norm(gelu(self.linear(h_masked)))
        return self.decoder(h_masked) + self.decoder_bias, logits_clsf


model = BERT()
set_weights(model)
criterion = nn.CrossEntropyLoss(ignore_index=0)
optimizer = optim.Adam(model.parameters(), lr=0.01)
batch = make_batch(Random(7))
input_ids, segment_ids, masked_tokens, masked_pos, isNext = map(torch.LongTensor, zip(*batch))
assert torch.equal(torch.BoolTensor([row[4] for row in batch]), isNext.bool())
assert torch.ByteTensor([1, 0]).dtype == torch.uint8
losses = []
for epoch in range(12):
    optimizer.zero_grad()
    logits_lm, logits_clsf = model(input_ids, segment_ids, masked_pos)
    loss_lm = criterion(logits_lm.transpose(1, 2), masked_tokens)
    loss_lm = (loss_lm.type(torch.get_default_dtype())).mean()
    loss = loss_lm + nn.CrossEntropyLoss()(logits_clsf, isNext)
    print("Epoch:", "%04d" % (epoch + 1), "cost =", "{:.6f}".format(loss))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
guess = logits_lm.data.max(2)[1][0].data.numpy()
print([pos for pos in masked_tokens[0].data.numpy() if pos != 0], [pos for pos in guess if pos != 0])
