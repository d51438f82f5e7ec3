"""A siamese network: triplets, cosine similarity, hard negatives by topk and gather, groups of parameters, EMA."""

import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(7)
losses = []


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(6, 12), nn.PReLU(), nn.LayerNorm(12))
        self.head = nn.Linear(12, 4)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, x):
        self.steps += 1
        return F.normalize(self.head(self.backbone(x)), p=2, dim=1)


net = Encoder()
set_weights(net)
ema = copy.deepcopy(net)
for p in ema.parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(
    [
        {"params": net.backbone.parameters(), "lr": 0.01},
        {"params": net.head.parameters()},
    ],
    lr=0.1,
    momentum=0.9,
)
scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=[lambda e: 0.9**e, lambda e: 0.5**e])
triplet = nn.TripletMarginLoss(margin=0.5)
x = torch.from_numpy(rng.standard_normal((12, 6)))
labels = torch.arange(12) // 3
for epoch in range(6):
    z = net(x)
    sim = z @ z.T
    same = labels[:, None] == labels[None, :]
    hardest, index = sim.masked_fill(same, float("-inf")).topk(2, dim=1)
    negatives = z[index[:, 0]]
    positives = z.roll(-1, 0).where((labels.roll(-1) == labels).unsqueeze(1), z.roll(1, 0))
    logits = sim.fill_diagonal_(-1e9) / 0.1 if epoch % 2 else sim / 0.1
    loss = triplet(z, positives, negatives) + F.cross_entropy(logits, labels) + F.relu(hardest).mean()
    loss = loss + (1 - F.cosine_similarity(z, positives)).mean() + torch.gather(sim, 1, index).std()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    with torch.no_grad():
        for p, q in zip(net.parameters(), ema.parameters()):
            q.data.mul_(0.9).add_(p.data, alpha=0.1)
    losses.append(loss.item())
losses.append(float(torch.cdist(ema(x), net(x)).max()))
losses.append(float(net.steps))
