"""Sequence to sequence with attention: two ways of scoring, Bahdanau's sum and the older Linear over positions."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim

from tests.programs.numpy_weights import set_weights

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SOS_token, EOS_token, MAX_LENGTH = 0, 1, 7


class EncoderRNN(nn.Module):
    def __init__(self, input_size, hidden_size):
        super(EncoderRNN, self).__init__()
        self.hidden_size = hidden_size
        self.embedding = nn.Embedding(input_size, hidden_size)
        self.gru = nn.GRU(hidden_size, hidden_size)

    def forward(self, input, hidden):
        embedded = self.embedding(input).view(1, 1, -1)
        return self.gru(embedded, hidden)

    def initHidden(self):
        return torch.zeros(1, 1, self.hidden_size, device=device)


class AttnDecoderRNN(nn.Module):
    def __init__(self, hidden_size, output_size, dropout_p=0.0, max_length=MAX_LENGTH):
        super(AttnDecoderRNN, self).__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.attn = nn.Linear(hidden_size * 2, max_length)
        self.attn_combine = nn.Linear(hidden_size * 2, hidden_size)
        self.dropout = nn.Dropout(dropout_p)
        self.gru = nn.GRU(hidden_size, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden, encoder_outputs):
        embedded = self.dropout(self.embedding(input).view(1, 1, -1))
        attn_weights = F.softmax(self.attn(torch.cat((embedded[0], hidden[0]), 1)), dim=1)
        attn_applied = torch.bmm(attn_weights.unsqueeze(0), encoder_outputs.unsqueeze(0))
        output = torch.cat((embedded[0], attn_applied[0]), 1)
        output = F.relu(self.attn_combine(output).unsqueeze(0))
        output, hidden = self.gru(output, hidden)
        return F.log_softmax(self.out(output[0]), dim=1), hidden, attn_weights


class BahdanauDecoder(nn.Module):
    def __init__(self, hidden_size, output_size):
        super().__init__()
        self.embedding = nn.Embedding(output_size, hidden_size)
        self.Wa = nn.Linear(hidden_size, hidden_size)
        self.Ua = nn.Linear(hidden_size, hidden_size)
        self.Va = nn.Linear(hidden_size, 1)
        self.gru = nn.GRU(2 * hidden_size, hidden_size, batch_first=True)
        self.out = nn.Linear(hidden_size, output_size)

    def forward(self, input, hidden, encoder_outputs):
        keys = encoder_outputs.unsqueeze(0)
        query = hidden.permute(1, 0, 2)
        scores = self.Va(torch.tanh(self.Wa(query) + self.Ua(keys))).squeeze(2).unsqueeze(1)
        weights = F.softmax(scores, dim=-1)
        context = torch.bmm(weights, keys)
        embedded = self.embedding(input).view(1, 1, -1)
        output, hidden = self.gru(torch.cat((embedded, context), dim=2), hidden)
        return F.log_softmax(self.out(output).squeeze(1), dim=1), hidden, weights.squeeze(1)


def tensorFromIndexes(indexes):
    return torch.tensor([*indexes, EOS_token], dtype=torch.long, device=device).view(-1, 1)


def train(input_tensor, target_tensor, encoder, decoder, optimizers, criterion, use_teacher_forcing):
    encoder_hidden = encoder.initHidden()
    for optimizer in optimizers:
        optimizer.zero_grad()
    encoder_outputs = torch.zeros(MAX_LENGTH, encoder.hidden_size, device=device)
    loss = 0
    for ei in range(input_tensor.size(0)):
        encoder_output, encoder_hidden = encoder(input_tensor[ei], encoder_hidden)
        encoder_outputs[ei] = encoder_output[0, 0]
    decoder_input = torch.tensor([[SOS_token]], device=device)
    decoder_hidden = encoder_hidden
    for di in range(target_tensor.size(0)):
        decoder_output, decoder_hidden, _ = decoder(decoder_input, decoder_hidden, encoder_outputs)
        loss += criterion(decoder_output, target_tensor[di])
        if use_teacher_forcing:
            decoder_input = target_tensor[di]
        else:
            topv, topi = torch.topk(decoder_output, 1)
            decoder_input = topi.squeeze().detach()
            if decoder_input.item() == EOS_token:
                break
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item() / target_tensor.size(0)


losses = []
for decoder_class in (AttnDecoderRNN, BahdanauDecoder):
    random.seed(5)
    encoder, decoder = EncoderRNN(9, 10).to(device), decoder_class(10, 9).to(device)
    set_weights(encoder, 1)
    set_weights(decoder, 2)
    optimizers = [optim.SGD(m.parameters(), lr=0.1) for m in (encoder, decoder)]
    for step in range(12):
        words = [random.randrange(2, 9) for _ in range(random.randrange(2, MAX_LENGTH - 1))]
        pair = tensorFromIndexes(words), tensorFromIndexes(words[::-1])
        losses.append(train(*pair, encoder, decoder, optimizers, nn.NLLLoss(), random.random() < 0.5))
        print(f"{decoder_class.__name__} {step} {losses[-1]:.4f}")
    with torch.no_grad():
        attentions = torch.zeros(MAX_LENGTH, MAX_LENGTH)
        encoder_outputs, hidden = torch.zeros(MAX_LENGTH, 10, device=device), encoder.initHidden()
        decoder_input = torch.tensor([[SOS_token]], device=device)
        for di in range(3):
            output, hidden, attention = decoder(decoder_input, hidden, encoder_outputs)
            attentions[di] = attention.data
            decoder_input = output.data.topk(1)[1].squeeze().detach()
        losses.append(attentions[:3].sum().item())
