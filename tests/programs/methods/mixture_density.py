"""A mixture density network: for each input a whole distribution, where one answer would be the mean of several."""

import numpy as np
import torch
import torch.nn as nn
from torch.distributions import Categorical, MixtureSameFamily, Normal

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(50)
losses = []


class MDN(nn.Module):
    def __init__(self, n_hidden, n_gaussians):
        super(MDN, self).__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.z_pi = nn.Linear(n_hidden, n_gaussians)
        self.z_mu = nn.Linear(n_hidden, n_gaussians)
        self.z_sigma = nn.Linear(n_hidden, n_gaussians)

    def forward(self, x):
        z_h = self.z_h(x)
        components = Normal(self.z_mu(z_h), nn.functional.elu(self.z_sigma(z_h)) + 1 + 1e-3)
        return MixtureSameFamily(Categorical(logits=self.z_pi(z_h)), components)


def by_hand(mixture, y):
    """Return the same logarithm of the density, written out."""
    mu, sigma = mixture.component_distribution.loc, mixture.component_distribution.scale
    log_normal = -0.5 * ((y[:, None] - mu) / sigma) ** 2 - sigma.log() - 0.5 * np.log(2 * np.pi)
    return torch.logsumexp(mixture.mixture_distribution.logits + log_normal, dim=1)


model = MDN(n_hidden=16, n_gaussians=4)
set_weights(model, 13, 0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
y = rng.uniform(-1, 1, 64)
x = y + 0.3 * np.sin(2 * np.pi * y) + 0.05 * rng.standard_normal(64)
x, y = torch.from_numpy(x).unsqueeze(1), torch.from_numpy(y)
for epoch in range(50):
    mixture = model(x)
    loss = -mixture.log_prob(y).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if epoch % 10 == 0:
        print(f"epoch {epoch:2d} nll {loss.item():.4f} mean {mixture.mean.mean().item():.4f}")
assert torch.allclose(mixture.log_prob(y), by_hand(mixture, y))
losses += [mixture.variance.mean().item(), mixture.cdf(y).mean().item()]
