"""A conditional VAE: encoder and decoder are told the class; KL divergence and noise by torch.distributions."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(21)
losses = []


class CVAE(nn.Module):
    def __init__(self, x_dim, n_classes, hidden, z_dim):
        super().__init__()
        self.n_classes, self.z_dim = n_classes, z_dim
        self.encoder = nn.Sequential(
            nn.Linear(x_dim + n_classes, hidden), nn.Softplus(), nn.Linear(hidden, 2 * z_dim)
        )
        self.decoder = nn.Sequential(
            nn.Linear(z_dim + n_classes, hidden), nn.Softplus(), nn.Linear(hidden, x_dim)
        )

    def encode(self, x, c):
        loc, log_scale = self.encoder(torch.cat([x, c], dim=1)).chunk(2, dim=1)
        return Independent(Normal(loc, log_scale.exp()), 1)

    def decode(self, z, c):
        return Independent(Bernoulli(logits=self.decoder(torch.hstack((z, c)))), 1)

    def elbo(self, x, labels, beta=0.5):
        c = F.one_hot(labels, num_classes=self.n_classes).to(x.dtype)
        posterior = self.encode(x, c)
        eps = torch.from_numpy(rng.standard_normal((len(x), self.z_dim)))
        z = posterior.mean + posterior.stddev * eps
        prior = Independent(Normal(torch.zeros_like(z), torch.ones_like(z)), 1)
        return (self.decode(z, c).log_prob(x) - beta * kl_divergence(posterior, prior)).mean()


model = CVAE(x_dim=12, n_classes=3, hidden=16, z_dim=2)
set_weights(model, 1)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
labels = torch.from_numpy(rng.randint(0, 3, 30))
prototypes = torch.from_numpy(rng.rand(3, 12))
x = (torch.from_numpy(rng.rand(30, 12)) < prototypes[labels]).to(prototypes.dtype)
for epoch in range(17):
    for x_batch, labels_batch in zip(x.split(10), labels.split(10)):
        loss = -model.elbo(x_batch, labels_batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch:2d}  -elbo {loss.item():.4f}")
with torch.no_grad():
    mean = model.decode(torch.zeros(3, 2), torch.eye(3)).mean
    losses.append(F.l1_loss(mean, prototypes).item())
