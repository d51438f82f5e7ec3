"""A graph attention network: each node weighs its neighbours, in several heads side by side."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(63)
losses = []


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, alpha=0.2, concat=True):
        super(GraphAttentionLayer, self).__init__()
        self.out_features, self.concat = out_features, concat
        self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(size=(2 * out_features, 1)))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        e = self._prepare_attentional_mechanism_input(Wh)
        zero_vec = -9e15 * torch.ones_like(e)
        attention = torch.where(adj > 0, e, zero_vec)
        attention = F.softmax(attention, dim=1)
        h_prime = torch.matmul(attention, Wh)
        return F.elu(h_prime) if self.concat else h_prime

    def _prepare_attentional_mechanism_input(self, Wh):
        Wh1 = torch.matmul(Wh, self.a[: self.out_features, :])
        Wh2 = torch.matmul(Wh, self.a[self.out_features :, :])
        return self.leakyrelu(Wh1 + Wh2.T)


class GAT(nn.Module):
    def __init__(self, nfeat, nhid, nclass, nheads):
        super(GAT, self).__init__()
        self.attentions = [GraphAttentionLayer(nfeat, nhid) for _ in range(nheads)]
        for i, attention in enumerate(self.attentions):
            self.add_module("attention_{}".format(i), attention)
        self.out_att = GraphAttentionLayer(nhid * nheads, nclass, concat=False)

    def forward(self, x, adj):
        x = torch.cat([att(x, adj) for att in self.attentions], dim=1)
        return F.log_softmax(F.elu(self.out_att(x, adj)), dim=1)


labels = torch.arange(24) // 8
adj = torch.zeros(24, 24)
for _ in range(90):
    i, j = rng.randint(0, 24, 2)
    if labels[i] == labels[j] or rng.rand() < 0.1:
        adj[i, j] = adj[j, i] = 1
adj = adj + torch.diag(torch.ones(24))
features = torch.from_numpy(0.5 * rng.standard_normal((24, 6))) + F.one_hot(labels, 6)
train_mask = torch.zeros(24, dtype=torch.bool)
train_mask[::3] = True
model = GAT(nfeat=6, nhid=4, nclass=3, nheads=2)
set_weights(model, 3, 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02, weight_decay=5e-4)
best, bad_counter = float("inf"), 0
for epoch in range(50):
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[train_mask], labels[train_mask])
    loss_train.backward()
    optimizer.step()
    with torch.no_grad():
        loss_val = F.nll_loss(model(features, adj)[~train_mask], labels[~train_mask]).item()
    losses += [loss_train.item(), loss_val]
    best, bad_counter = (loss_val, 0) if loss_val < best else (best, bad_counter + 1)
print("best %.4f, waited %d" % (best, bad_counter), list(dict(model.named_children())))
