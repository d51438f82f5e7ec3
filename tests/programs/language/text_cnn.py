"""A convolutional network for sentences: filters of three widths over the words, and the maximum over time."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(52)
losses = []
PAD = 0


class TextCNN(nn.Module):
    def __init__(self, embed_num, embed_dim=6, class_num=2, kernel_num=4, kernel_sizes=(2, 3, 4)):
        super(TextCNN, self).__init__()
        self.embed = nn.Embedding(embed_num, embed_dim, padding_idx=PAD, max_norm=1.5)
        self.convs = nn.ModuleList([nn.Conv2d(1, kernel_num, (K, embed_dim)) for K in kernel_sizes])
        self.dropout = nn.Dropout(0.0)
        self.fc1 = nn.Linear(len(kernel_sizes) * kernel_num, class_num)

    def forward(self, x):
        x = self.embed(x).unsqueeze(1)
        x = [F.relu(conv(x)).squeeze(3) for conv in self.convs]
        x = [F.max_pool1d(i, i.size(2)).squeeze(2) for i in x]
        return self.fc1(self.dropout(torch.cat(x, 1)))


def review():
    """Return the numbers of words and the mood: "not" before a word of praise turns it round."""
    words, praise = rng.randint(4, 12, rng.randint(5, 10)), rng.randint(0, 2)
    negated, place = rng.rand() < 0.5, rng.randint(1, 4)
    words[place] = 2 + praise
    words[place - 1] = 1 if negated else words[place - 1]
    return torch.from_numpy(words), int(praise) ^ int(negated)


def collate_batch(batch):
    text_list, label_list = zip(*batch)
    return pad_sequence(text_list, batch_first=True, padding_value=PAD), torch.tensor(label_list)


reviews = [review() for _ in range(40)]
loader = DataLoader(reviews, batch_size=8, collate_fn=collate_batch)
model = TextCNN(embed_num=12)
set_weights(model, 2, 0.4)
model.embed.weight.data[PAD] = 0
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.15)
for epoch in range(10):
    corrects = 0
    for feature, target in loader:
        optimizer.zero_grad()
        logit = model(feature)
        loss = F.cross_entropy(logit, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        corrects += (torch.max(logit, 1)[1].view(target.size()).data == target.data).sum()
    print("\rBatch[{}] - loss: {:.4f} acc: {:.3f}%".format(epoch, loss.item(), 100.0 * corrects.item() / 40))
assert model.embed.weight[PAD].eq(0).all()
