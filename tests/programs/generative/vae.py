"""A variational autoencoder, with the noise of the reparametrisation from NumPy."""

import numpy as np
import torch
from torch import nn, optim
from torch.nn import functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(1)
losses = []


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 16)
        self.fc21 = nn.Linear(16, 4)
        self.fc22 = nn.Linear(16, 4)
        self.fc3 = nn.Linear(4, 16)
        self.fc4 = nn.Linear(16, 20)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.as_tensor(rng.standard_normal(tuple(std.shape)), dtype=std.dtype, device=std.device)
        return eps.mul(std).add_(mu)

    def decode(self, z):
        h3 = F.relu(self.fc3(z))
        return torch.sigmoid(self.fc4(h3))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 20))
        z = self.reparameterize(mu, logvar)
        return self.decode(z), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x.view(-1, 20), reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return BCE + KLD


model = VAE()
set_weights(model)
optimizer = optim.Adam(model.parameters(), lr=1e-2)
data = torch.from_numpy(rng.rand(24, 4, 5))
for epoch in range(3):
    model.train()
    for batch in data.split(8):
        optimizer.zero_grad(set_to_none=True)
        recon_batch, mu, logvar = model(batch)
        loss = loss_function(recon_batch, batch, mu, logvar)
        loss.backward()
        optimizer.step()
        losses.append(loss.item() / len(batch))
with torch.inference_mode():
    sample = model.decode(torch.zeros(2, 4)).cpu().view(2, 4, 5)
    losses.append(sample.mean().item())
