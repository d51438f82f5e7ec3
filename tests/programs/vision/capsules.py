"""A capsule network: squashed vectors, routing by agreement, the margin loss, a decoder from the masked capsules."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(17)
losses = []


def squash(x, dim=-1):
    squared_norm = (x**2).sum(dim=dim, keepdim=True)
    scale = squared_norm / (1 + squared_norm)
    return scale * x / (squared_norm.sqrt() + 1e-8)


class DigitCaps(nn.Module):
    def __init__(self, in_caps, in_dim, num_caps, dim_caps, num_routing=3):
        super().__init__()
        self.num_routing = num_routing
        self.W = nn.Parameter(0.01 * torch.randn(num_caps, in_caps, dim_caps, in_dim))

    def forward(self, x):
        u_hat = torch.einsum("nido,bio->bnid", self.W, x)
        temp_u_hat = u_hat.detach()
        b = x.new_zeros(*u_hat.shape[:3], 1)
        for route_iter in range(self.num_routing - 1):
            c = b.softmax(dim=1)
            v = squash((c * temp_u_hat).sum(dim=2))
            b = b + torch.matmul(temp_u_hat, v.unsqueeze(-1))
        c = b.softmax(dim=1)
        return squash((c * u_hat).sum(dim=2))


class CapsNet(nn.Module):
    def __init__(self, num_classes=3):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3)
        self.primary = nn.Conv2d(6, 8, 3, stride=2)
        self.digits = DigitCaps(2 * 2 * 2, 4, num_classes, 5)
        self.decoder = nn.Sequential(
            nn.Linear(5 * num_classes, 16), nn.ReLU(), nn.Linear(16, 49), nn.Sigmoid()
        )

    def forward(self, x, labels):
        out = F.relu(self.conv(x))
        out = squash(self.primary(out).view(x.size(0), 4, -1).transpose(1, 2))
        out = self.digits(out)
        logits = torch.linalg.vector_norm(out, dim=-1)
        masked = out * F.one_hot(labels, out.size(1)).unsqueeze(-1)
        return logits, self.decoder(masked.flatten(start_dim=1))


def margin_loss(logits, labels, lmbda=0.5):
    left = (0.9 - logits).clamp(min=0) ** 2
    right = torch.clamp(logits - 0.1, min=0.0).square()
    t = F.one_hot(labels, logits.size(1))
    return (t * left + lmbda * (1 - t) * right).sum(dim=1).mean()


model = CapsNet()
set_weights(model, 7, 0.4)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.98)
labels = torch.arange(9) % 3
images = 0.3 * rng.rand(9, 1, 7, 7)
for i, label in enumerate(labels):
    images[i, 0, 2 * int(label) : 2 * int(label) + 3] += 0.7
images = torch.from_numpy(images)
for step in range(50):
    logits, reconstruction = model(images, labels)
    loss = margin_loss(logits, labels) + 0.05 * F.mse_loss(reconstruction, images.view(9, -1))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
print(f"{losses[0]:.4f} -> {losses[-1]:.4f}", logits.argmax(1).tolist())
