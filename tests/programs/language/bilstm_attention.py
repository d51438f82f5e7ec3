"""Feelings of short sentences: a BiLSTM with attention, in the style of the years of Variables."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

from tests.programs.numpy_weights import set_weights

dtype = torch.cuda.FloatTensor if torch.cuda.is_available() else torch.DoubleTensor
long_type = torch.cuda.LongTensor if torch.cuda.is_available() else torch.LongTensor
torch.set_default_tensor_type(dtype)

embedding_dim, n_hidden, num_classes = 4, 5, 2
sentences = [
    "i love you",
    "he loves me",
    "she likes baseball",
    "i hate you",
    "sorry for that",
    "this is awful",
]
labels = [1, 1, 1, 0, 0, 0]
word_list = list(dict.fromkeys(" ".join(sentences).split()))
word_dict = {w: i for i, w in enumerate(word_list)}
vocab_size = len(word_dict)
inputs = [np.asarray([word_dict[n] for n in sen.split()]) for sen in sentences]
input_batch = Variable(torch.LongTensor(np.array(inputs)).type(long_type))
target_batch = Variable(torch.LongTensor([out for out in labels]).type(long_type))
assert isinstance(input_batch, long_type)
assert not isinstance(input_batch, torch.FloatTensor)
assert isinstance(input_batch, Variable)


class BiLSTM_Attention(nn.Module):
    def __init__(self):
        super(BiLSTM_Attention, self).__init__()
        self.embedding = nn.Embedding(vocab_size, embedding_dim)
        self.lstm = nn.LSTM(embedding_dim, n_hidden, bidirectional=True)
        self.out = nn.Linear(n_hidden * 2, num_classes)

    def attention_net(self, lstm_output, final_state):
        hidden = final_state.view(-1, n_hidden * 2, 1)
        attn_weights = torch.bmm(lstm_output, hidden).squeeze(2)
        soft_attn_weights = F.softmax(attn_weights, 1)
        context = torch.bmm(lstm_output.transpose(1, 2), soft_attn_weights.unsqueeze(2)).squeeze(2)
        return context, soft_attn_weights.data.cpu().numpy()

    def forward(self, X):
        input = self.embedding(X).permute(1, 0, 2)
        hidden_state = Variable(torch.zeros(1 * 2, len(X), n_hidden).type(dtype))
        cell_state = Variable(torch.zeros(1 * 2, len(X), n_hidden).type(dtype))
        output, (final_hidden_state, final_cell_state) = self.lstm(input, (hidden_state, cell_state))
        output = output.permute(1, 0, 2)
        attn_output, attention = self.attention_net(output, final_hidden_state)
        return self.out(attn_output), attention


class TextRNN(nn.Module):
    """One-hot words, weights that are plain parameters of a named tensor type."""

    def __init__(self):
        super(TextRNN, self).__init__()
        self.rnn = nn.RNN(input_size=vocab_size, hidden_size=n_hidden)
        self.W = nn.Parameter(torch.randn([n_hidden, num_classes]).type(dtype))
        self.b = nn.Parameter(torch.randn([num_classes]).type(dtype))

    def forward(self, hidden, X):
        outputs, hidden = self.rnn(X.transpose(0, 1), hidden)
        return torch.mm(outputs[-1], self.W) + self.b


model = BiLSTM_Attention()
set_weights(model, scale=0.4)
criterion = nn.CrossEntropyLoss()
optimizer = optim.Adam(model.parameters(), lr=0.02)
losses = []
for epoch in range(20):
    optimizer.zero_grad()
    output, attention = model(input_batch)
    loss = criterion(output, target_batch)
    losses.append(loss.item())
    if (epoch + 1) % 5 == 0:
        print("Epoch:", "%04d" % (epoch + 1), "cost =", "{:.6f}".format(loss))
    loss.backward()
    optimizer.step()
losses.extend(attention[0].tolist())

test = Variable(torch.LongTensor(np.array([inputs[3]])).type(long_type))
predict, _ = model(test)
predict = predict.data.max(1, keepdim=True)[1]
print("i hate you", "is bad" if predict[0][0] == 0 else "is good")

one_hot = torch.Tensor(np.eye(vocab_size)[np.array(inputs)]).type(dtype)
assert one_hot.type() == torch.zeros(1).type()
model = TextRNN()
set_weights(model, 3, 0.4)
optimizer = optim.Adam(model.parameters(), lr=0.02)
for epoch in range(10):
    optimizer.zero_grad()
    hidden = torch.zeros(1, one_hot.size(0), n_hidden).type_as(one_hot)
    loss = criterion(model(hidden, one_hot), target_batch)
    losses.append(loss.item())
    loss.backward()
    optimizer.step()
print("TextRNN", losses[-1])
