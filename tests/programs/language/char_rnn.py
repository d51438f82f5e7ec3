"""Classifies names by their letters with a recurrent cell written by hand."""

import math
import random
import string
import time

import numpy as np
import torch
import torch.nn as nn

from tests.programs.numpy_weights import set_weights

all_letters = string.ascii_letters + " .,;'"
n_letters = len(all_letters)
category_lines = {
    "one": ["anna", "ana", "nana", "hanna"],
    "two": ["bobo", "rob", "bo", "toto"],
    "three": ["x.x", "zz", "xyz", "O'zz"],
}
all_categories = list(category_lines)
n_categories = len(all_categories)
random.seed(3)


def letterToIndex(letter):
    return all_letters.find(letter)


def letterToTensor(letter):
    tensor = torch.zeros(1, n_letters)
    tensor[0][letterToIndex(letter)] = 1
    return tensor


def lineToTensor(line):
    """One-hot letters, of shape (length, 1, letters)."""
    tensor = torch.zeros(len(line), 1, n_letters)
    for li, letter in enumerate(line):
        tensor[li][0][letterToIndex(letter)] = 1
    return tensor


class RNN(nn.Module):
    def __init__(self, input_size, hidden_size, output_size):
        super(RNN, self).__init__()
        self.hidden_size = hidden_size
        self.i2h = nn.Linear(input_size + hidden_size, hidden_size)
        self.i2o = nn.Linear(input_size + hidden_size, output_size)
        self.softmax = nn.LogSoftmax(dim=1)

    def forward(self, input, hidden):
        combined = torch.cat((input, hidden), 1)
        hidden = torch.tanh(self.i2h(combined))
        output = self.softmax(self.i2o(combined))
        return output, hidden

    def initHidden(self):
        return torch.zeros(1, self.hidden_size)


def categoryFromOutput(output):
    top_n, top_i = output.topk(1)
    category_i = top_i[0].item()
    return all_categories[category_i], category_i


def randomTrainingExample():
    category = random.choice(all_categories)
    line = random.choice(category_lines[category])
    category_tensor = torch.tensor([all_categories.index(category)], dtype=torch.long)
    return category, line, category_tensor, lineToTensor(line)


def train(category_tensor, line_tensor):
    hidden = rnn.initHidden()
    rnn.zero_grad()
    for i in range(line_tensor.size()[0]):
        output, hidden = rnn(line_tensor[i], hidden)
    loss = criterion(output, category_tensor)
    loss.backward()
    for p in rnn.parameters():
        p.data.add_(p.grad.data, alpha=-learning_rate)
    return output, loss.item()


def timeSince(since):
    s = time.time() - since
    return "%dm %ds" % (math.floor(s / 60), s % 60)


rnn = RNN(n_letters, 16, n_categories)
set_weights(rnn)
criterion = nn.NLLLoss()
learning_rate = 0.1
assert letterToTensor("b").argmax(1).item() == 1
assert lineToTensor("Jones").size() == (5, 1, n_letters)

start = time.time()
losses, current_loss = [], 0
for step in range(1, 41):
    category, line, category_tensor, line_tensor = randomTrainingExample()
    output, loss = train(category_tensor, line_tensor)
    losses.append(loss)
    current_loss += loss
    if step % 10 == 0:
        guess, guess_i = categoryFromOutput(output)
        correct = "right" if guess == category else f"wrong ({category})"
        print("%d (%s) %.4f %s / %s %s" % (step, timeSince(start), current_loss / 10, line, guess, correct))
        current_loss = 0

confusion = torch.zeros(n_categories, n_categories)
with torch.no_grad():
    for _ in range(30):
        category, line, category_tensor, line_tensor = randomTrainingExample()
        hidden = rnn.initHidden()
        for letter in line_tensor:
            output, hidden = rnn(letter, hidden)
        _, guess_i = categoryFromOutput(output)
        confusion[all_categories.index(category)][guess_i] += 1
    for i in range(n_categories):
        confusion[i] = confusion[i] / max(confusion[i].sum(), 1)
    topv, topi = output.topk(3, 1, True)
    for i in range(3):
        print("(%.2f) %s" % (topv[0][i].item(), all_categories[topi[0][i].item()]))
losses.append(float(np.trace(confusion.numpy())))
