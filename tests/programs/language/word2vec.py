"""word2vec: skip-gram with negative sampling; the embeddings' gradients are sparse, and so is their optimizer."""

from collections import Counter

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(51)
losses = []
text = """the king and the queen rule the land the man and the woman work the land
the king is a man the queen is a woman the dog and the cat sleep a dog runs a cat runs
the man feeds the dog the woman feeds the cat the king eats the bread the queen eats the bread"""
words = text.split()
counts = Counter(words)
vocab = sorted(counts)
word_to_ix = {word: i for i, word in enumerate(vocab)}
frequencies = np.array([counts[word] for word in vocab]) ** 0.75
unigram = frequencies / frequencies.sum()


def skipgrams(words, window=2):
    for i, word in enumerate(words):
        for j in range(max(0, i - window), min(len(words), i + window + 1)):
            if i != j:
                yield word_to_ix[word], word_to_ix[words[j]]


class SkipGramModel(nn.Module):
    def __init__(self, emb_size, emb_dimension):
        super(SkipGramModel, self).__init__()
        self.u_embeddings = nn.Embedding(emb_size, emb_dimension, sparse=True)
        self.v_embeddings = nn.Embedding(emb_size, emb_dimension, sparse=True)

    def forward(self, pos_u, pos_v, neg_v):
        emb_u, emb_v, emb_neg_v = self.u_embeddings(pos_u), self.v_embeddings(pos_v), self.v_embeddings(neg_v)
        score = torch.sum(torch.mul(emb_u, emb_v), dim=1)
        score = -F.logsigmoid(torch.clamp(score, max=10, min=-10))
        neg_score = torch.bmm(emb_neg_v, emb_u.unsqueeze(2)).squeeze()
        neg_score = -torch.sum(F.logsigmoid(-torch.clamp(neg_score, max=10, min=-10)), dim=1)
        return torch.mean(score + neg_score)


pairs = np.array(list(skipgrams(words)))
model = SkipGramModel(len(vocab), 8)
set_weights(model, 1)
optimizer = torch.optim.SparseAdam(list(model.parameters()), lr=0.05)
for step in range(50):
    batch = torch.from_numpy(pairs[rng.randint(0, len(pairs), 32)])
    negatives = torch.from_numpy(rng.choice(len(vocab), (32, 5), p=unigram))
    optimizer.zero_grad()
    loss = model(batch[:, 0], batch[:, 1], negatives)
    loss.backward()
    assert model.u_embeddings.weight.grad.is_sparse
    optimizer.step()
    losses.append(loss.item())
    if step % 10 == 0:
        print("step %d loss %.4f" % (step, loss.item()))
with torch.no_grad():
    vectors = F.normalize(model.u_embeddings.weight)
    similarity = vectors @ vectors[word_to_ix["king"]]
    print("near king:", [vocab[i] for i in similarity.argsort(descending=True)[1:4]])
    losses.append(similarity.abs().mean().item())
