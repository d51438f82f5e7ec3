"""SimCLR: two views of each image, the NT-Xent loss among all of a batch, then a linear probe on frozen features."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(19)
losses = []


class SimCLR(nn.Module):
    def __init__(self, feature_dim=6, projection_dim=4):
        super().__init__()
        self.f = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(inplace=True),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16, feature_dim),
        )
        self.g = nn.Sequential(nn.Linear(feature_dim, 8), nn.ELU(inplace=True), nn.Linear(8, projection_dim))

    def forward(self, x):
        feature = self.f(x)
        return F.normalize(feature, dim=-1), F.normalize(self.g(feature), dim=-1)


def augment(x):
    if rng.rand() < 0.5:
        x = torch.flip(x, dims=[-1])
    x = torch.roll(x, shifts=tuple(rng.randint(-1, 2, 2).tolist()), dims=(2, 3))
    return x + 0.1 * torch.from_numpy(rng.standard_normal(tuple(x.shape)))


def nt_xent(out_1, out_2, temperature=0.5):
    out = torch.cat([out_1, out_2], dim=0)
    sim_matrix = torch.exp(torch.mm(out, out.t().contiguous()) / temperature)
    mask = (torch.ones_like(sim_matrix) - torch.eye(len(out), device=sim_matrix.device)).bool()
    sim_matrix = sim_matrix.masked_select(mask).view(len(out), -1)
    pos_sim = torch.exp(torch.sum(out_1 * out_2, dim=-1) / temperature)
    pos_sim = torch.cat([pos_sim, pos_sim], dim=0)
    return (-torch.log(pos_sim / sim_matrix.sum(dim=-1))).mean()


model = SimCLR()
set_weights(model, 9, 0.4)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-6)
labels = torch.arange(12) % 3
images = torch.from_numpy(rng.rand(3, 1, 8, 8)).repeat(4, 1, 1, 1)
for step in range(40):
    out_1, out_2 = [model(augment(images))[1] for _ in range(2)]
    loss = nt_xent(out_1, out_2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval().requires_grad_(False)
probe = nn.Linear(6, 3)
set_weights(probe, 10)
optimizer = torch.optim.SGD(probe.parameters(), lr=1.0)
for step in range(20):
    loss = F.cross_entropy(probe(model(images)[0]), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"contrast {losses[0]:.4f} -> {losses[39]:.4f}, probe {losses[-1]:.4f}")
