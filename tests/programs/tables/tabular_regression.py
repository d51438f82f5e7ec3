"""Regression on a table: standardised columns, three quantiles by the pinball loss, a one-cycle schedule, R squared."""

import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(64)
losses = []
quantiles = torch.tensor([0.1, 0.5, 0.9])


class ResidualMLP(nn.Module):
    def __init__(self, in_features, width, blocks):
        super().__init__()
        self.stem = nn.Linear(in_features, width)
        self.blocks = nn.ModuleList()
        for _ in range(blocks):
            gated = nn.Sequential(nn.Linear(width, 2 * width), nn.GLU(), nn.Linear(width, width))
            self.blocks.append(nn.Sequential(nn.BatchNorm1d(width), gated))
        self.head = nn.Linear(width, len(quantiles))

    def forward(self, x):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return self.head(x)


def pinball(prediction, target):
    error = target.unsqueeze(1) - prediction
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()


def r2_score(y, prediction):
    return 1 - ((y - prediction) ** 2).sum() / ((y - y.mean()) ** 2).sum()


table = rng.uniform(0, 10, (80, 4))
price = 3 * table[:, 0] - 0.5 * table[:, 1] ** 1.5 + 2 * np.sin(table[:, 2]) + rng.standard_normal(80)
X, y = torch.from_numpy(table), torch.from_numpy(price)
std, mean = torch.std_mean(X[:64], dim=0)
X = (X - mean) / std
y_std, y_mean = torch.std_mean(y[:64])
y = (y - y_mean) / y_std
train_set = TensorDataset(X[:64], y[:64])
loader = DataLoader(train_set, batch_sampler=BatchSampler(SequentialSampler(train_set), 16, drop_last=True))
model = ResidualMLP(4, 12, 2)
set_weights(model, 4, 0.3)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.02, steps_per_epoch=len(loader), epochs=13
)
for epoch in range(13):
    model.train()
    for xb, yb in loader:
        loss = pinball(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    model.eval()
    with torch.no_grad():
        prediction = model(X[64:])
    losses.append(nn.functional.huber_loss(prediction[:, 1], y[64:], delta=0.5).item())
inside = ((prediction[:, 0] < y[64:]) & (y[64:] < prediction[:, 2])).double().mean()
print("R2 %.4f, between the quantiles %.2f" % (r2_score(y[64:], prediction[:, 1]).item(), inside.item()))
