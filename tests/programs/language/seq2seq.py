"""Sequence to sequence without attention: a GRU reads, another writes, with the teacher's words or its own."""

import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, TensorDataset

from tests.programs.numpy_weights import set_weights

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SOS_token, EOS_token = 0, 1
MAX_LENGTH = 6


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size, dropout_p=0.0):
        super(EncoderRNN, self).__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.dropout = nn.Dropout(dropout_p)

    def forward(self, input):
        embedded = self.dropout(self.embedding(input))
        output, hidden = self.gru(embedded)
        return output, hidden


class DecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size):
        super(DecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, encoder_outputs, encoder_hidden, target_tensor=None):
        batch_size = encoder_outputs.size(0)
        decoder_input = torch.empty(batch_size, 1, dtype=torch.long, device=device).fill_(SOS_token)
        decoder_hidden = encoder_hidden
        decoder_outputs = []
        for i in range(MAX_LENGTH):
            decoder_output, decoder_hidden = self.forward_step(decoder_input, decoder_hidden)
            decoder_outputs.append(decoder_output)
            if target_tensor is not None:
                decoder_input = target_tensor[:, i].unsqueeze(1)
            else:
                _, topi = decoder_output.topk(1)
                decoder_input = topi.squeeze(-1).detach()
        decoder_outputs = torch.cat(decoder_outputs, dim=1)
        decoder_outputs = F.log_softmax(decoder_outputs, dim=-1)
        return decoder_outputs, decoder_hidden, None

    def forward_step(self, input, hidden):
        output = F.relu(self.embedding(input))
        output, hidden = self.gru(output, hidden)
        return self.out(output), hidden


def get_dataloader(batch_size, words=9, pairs=24):
    rng = np.random.default_rng(4)
    input_ids = np.zeros((pairs, MAX_LENGTH), dtype=np.int32)
    target_ids = np.zeros((pairs, MAX_LENGTH), dtype=np.int32)
    for idx in range(pairs):
        inp = list(rng.integers(2, words, int(rng.integers(2, MAX_LENGTH - 1))))
        tgt = inp[::-1]
        inp.append(EOS_token)
        tgt.append(EOS_token)
        input_ids[idx, : len(inp)] = inp
        target_ids[idx, : len(tgt)] = tgt
    train_data = TensorDataset(
        torch.LongTensor(input_ids.astype(np.int64)).to(device),
        torch.LongTensor(target_ids.astype(np.int64)).to(device),
    )
    assert len(RandomSampler(train_data)) == pairs
    return words, DataLoader(train_data, sampler=SequentialSampler(train_data), batch_size=batch_size)


def train_epoch(dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, criterion, forcing):
    total_loss = 0
    for input_tensor, target_tensor in dataloader:
        encoder_optimizer.zero_grad()
        decoder_optimizer.zero_grad()
        encoder_outputs, encoder_hidden = encoder(input_tensor)
        decoder_outputs, _, _ = decoder(encoder_outputs, encoder_hidden, target_tensor if forcing else None)
        loss = criterion(decoder_outputs.view(-1, decoder_outputs.size(-1)), target_tensor.view(-1))
        loss.backward()
        encoder_optimizer.step()
        decoder_optimizer.step()
        total_loss += loss.item()
    return total_loss / len(dataloader)


def evaluate(encoder, decoder, input_tensor):
    with torch.no_grad():
        encoder_outputs, encoder_hidden = encoder(input_tensor)
        decoder_outputs, _, _ = decoder(encoder_outputs, encoder_hidden)
        _, topi = decoder_outputs.topk(1)
        decoded = []
        for idx in topi.squeeze():
            if idx.item() == EOS_token:
                decoded.append("<EOS>")
                break
            decoded.append(idx.item())
    return decoded


random.seed(0)
n_words, train_dataloader = get_dataloader(8)
encoder = EncoderRNN(n_words, 12).to(device)
decoder = DecoderRNN(12, n_words).to(device)
set_weights(encoder, 1)
set_weights(decoder, 2)
encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.02)
decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.02)
losses = []
for epoch in range(8):
    forcing = random.random() < 0.7
    loss = train_epoch(
        train_dataloader, encoder, decoder, encoder_optimizer, decoder_optimizer, nn.NLLLoss(), forcing
    )
    losses.append(loss)
    print(f"epoch {epoch} teacher forcing {forcing} loss {loss:.4f}")
encoder.eval()
decoder.eval()
print(evaluate(encoder, decoder, torch.tensor([[2, 3, 4, 1, 0, 0]], dtype=torch.long, device=device)))
