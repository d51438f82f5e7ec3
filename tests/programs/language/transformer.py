"""The Transformer written out: masks from padding, attention by hand, a decoder that looks at the encoder."""

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim

from tests.programs.numpy_weights import set_weights

sentences = ["ich mochte ein bier P", "S i want a beer", "i want a beer E"]
src_vocab = {"P": 0, "ich": 1, "mochte": 2, "ein": 3, "bier": 4}
tgt_vocab = {"P": 0, "i": 1, "want": 2, "a": 3, "beer": 4, "S": 5, "E": 6}
d_model, d_ff, d_k, n_layers, n_heads = 8, 16, 4, 2, 2


def make_batch():
    input_batch = [[src_vocab[n] for n in sentences[0].split()]]
    output_batch = [[tgt_vocab[n] for n in sentences[1].split()]]
    target_batch = [[tgt_vocab[n] for n in sentences[2].split()]]
    return torch.LongTensor(input_batch), torch.LongTensor(output_batch), torch.LongTensor(target_batch)


def get_sinusoid_encoding_table(n_position, d_model):
    def angle(position, i):
        return position / np.power(10000, 2 * (i // 2) / d_model)

    table = np.array([[angle(p, i) for i in range(d_model)] for p in range(n_position)])
    table[:, 0::2] = np.sin(table[:, 0::2])
    table[:, 1::2] = np.cos(table[:, 1::2])
    return torch.FloatTensor(table).type(torch.get_default_dtype())


def get_attn_pad_mask(seq_q, seq_k):
    batch_size, len_q = seq_q.size()
    batch_size, len_k = seq_k.size()
    return seq_k.data.eq(0).unsqueeze(1).expand(batch_size, len_q, len_k)


def get_attn_subsequent_mask(seq):
    subsequent_mask = np.triu(np.ones([seq.size(0), seq.size(1), seq.size(1)]), k=1)
    return torch.from_numpy(subsequent_mask).byte()


class MultiHeadAttention(nn.Module):
    def __init__(self):
        super(MultiHeadAttention, self).__init__()
        self.W_Q = nn.Linear(d_model, d_k * n_heads)
        self.W_K = nn.Linear(d_model, d_k * n_heads)
        self.W_V = nn.Linear(d_model, d_k * n_heads)
        self.linear = nn.Linear(n_heads * d_k, d_model)
        self.layer_norm = nn.LayerNorm(d_model)

    def forward(self, Q, K, V, attn_mask):
        residual, batch_size = Q, Q.size(0)
        q_s = self.W_Q(Q).view(batch_size, -1, n_heads, d_k).transpose(1, 2)
        k_s = self.W_K(K).view(batch_size, -1, n_heads, d_k).transpose(1, 2)
        v_s = self.W_V(V).view(batch_size, -1, n_heads, d_k).transpose(1, 2)
        attn_mask = attn_mask.unsqueeze(1).repeat(1, n_heads, 1, 1)
        scores = torch.matmul(q_s, k_s.transpose(-1, -2)) / np.sqrt(d_k)
        scores.masked_fill_(attn_mask, -1e9)
        attn = nn.Softmax(dim=-1)(scores)
        context = torch.matmul(attn, v_s).transpose(1, 2).contiguous().view(batch_size, -1, n_heads * d_k)
        return self.layer_norm(self.linear(context) + residual), attn


class PoswiseFeedForwardNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(in_channels=d_model, out_channels=d_ff, kernel_size=1)
        self.conv2 = nn.Conv1d(in_channels=d_ff, out_channels=d_model, kernel_size=1)
        self.layer_norm = nn.LayerNorm(d_model)

    def forward(self, inputs):
        output = nn.ReLU()(self.conv1(inputs.transpose(1, 2)))
        return self.layer_norm(self.conv2(output).transpose(1, 2) + inputs)


class Layer(nn.Module):
    def __init__(self, with_memory):
        super().__init__()
        self.attn = nn.ModuleList([MultiHeadAttention() for _ in range(1 + with_memory)])
        self.ff = PoswiseFeedForwardNet()

    def forward(self, x, mask, memory=None, memory_mask=None):
        x, attn = self.attn[0](x, x, x, mask)
        if memory is not None:
            x, attn = self.attn[1](x, memory, memory, memory_mask)
        return self.ff(x), attn


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.src_emb = nn.Embedding(len(src_vocab), d_model)
        self.tgt_emb = nn.Embedding(len(tgt_vocab), d_model)
        self.pos_emb = nn.Embedding.from_pretrained(get_sinusoid_encoding_table(6, d_model), freeze=True)
        self.encoder = nn.ModuleList([Layer(False) for _ in range(n_layers)])
        self.decoder = nn.ModuleList([Layer(True) for _ in range(n_layers)])
        self.projection = nn.Linear(d_model, len(tgt_vocab), bias=False)

    def forward(self, enc_inputs, dec_inputs):
        enc_mask = get_attn_pad_mask(enc_inputs, enc_inputs)
        x = self.src_emb(enc_inputs) + self.pos_emb(torch.LongTensor([[1, 2, 3, 4, 0]]))
        for layer in self.encoder:
            x, _ = layer(x, enc_mask)
        pad_mask = get_attn_pad_mask(dec_inputs, dec_inputs)
        dec_mask = torch.gt((pad_mask + get_attn_subsequent_mask(dec_inputs)), 0)
        memory_mask = get_attn_pad_mask(dec_inputs, enc_inputs)
        y = self.tgt_emb(dec_inputs) + self.pos_emb(torch.LongTensor([[5, 1, 2, 3, 4]]))
        for layer in self.decoder:
            y, attn = layer(y, dec_mask, x, memory_mask)
        logits = self.projection(y)
        return logits.view(-1, logits.size(-1)), attn


model = Transformer()
positions = model.pos_emb.weight.data.clone()
set_weights(model)
model.pos_emb.weight.data.copy_(positions)
criterion = nn.CrossEntropyLoss(ignore_index=0)
optimizer = optim.Adam(model.parameters(), lr=0.01)
enc_inputs, dec_inputs, target_batch = make_batch()
losses = []
for epoch in range(12):
    optimizer.zero_grad()
    outputs, attention = model(enc_inputs, dec_inputs)
    loss = criterion(outputs, target_batch.contiguous().view(-1))
    print("Epoch:", "%04d" % (epoch + 1), "cost =", "{:.6f}".format(loss))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
losses.append(attention[0, 0, :, :4].sum().item())  # nothing looks at the padding
assert attention[..., 4].sum().item() == 0
predict = outputs.data.max(1, keepdim=True)[1]
print([n.item() for n in predict.squeeze()])
