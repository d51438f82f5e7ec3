"""Recommending by matrix factorisation: factors and biases of users and items, with sparse gradients; then ALS."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(61)
losses = []


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=3):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors, sparse=True)
        self.item_factors = nn.Embedding(n_items, n_factors, sparse=True)
        self.user_biases = nn.Embedding(n_users, 1, sparse=True)
        self.item_biases = nn.Embedding(n_items, 1, sparse=True)
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, user, item):
        pred = self.mean + self.user_biases(user) + self.item_biases(item)
        pred += (self.user_factors(user) * self.item_factors(item)).sum(dim=1, keepdim=True)
        return pred.squeeze()


n_users, n_items = 12, 10
taste = rng.standard_normal((n_users, 2)) @ rng.standard_normal((2, n_items))
ratings = torch.from_numpy(np.clip(np.round(3 + taste), 1, 5))
users, items = torch.from_numpy(rng.rand(n_users, n_items) < 0.7).nonzero(as_tuple=True)
known = ratings[users, items]
model = MatrixFactorization(n_users, n_items)
set_weights(model, 1)
model.mean.fill_(known.mean())
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
loader = DataLoader(TensorDataset(users, items, known), batch_size=32)
for epoch in range(17):
    for row, col, rating in loader:
        loss = nn.functional.mse_loss(model(row, col), rating)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(f"epoch {epoch:2d} rmse {loss.sqrt().item():.4f}")

# Alternating least squares solves for the users' factors with the items' held fixed, and the other way round.
mask = torch.zeros(n_users, n_items)
mask[users, items] = 1
U, V = model.user_factors.weight.detach().clone(), model.item_factors.weight.detach().clone()
R = (ratings - model.mean) * mask
ridge = 0.1 * torch.eye(3)
for sweep in range(5):
    U = torch.linalg.solve(torch.einsum("ui,if,ig->ufg", mask, V, V) + ridge, (R @ V).unsqueeze(-1)).squeeze(
        -1
    )
    V = torch.linalg.solve(
        torch.einsum("ui,uf,ug->ifg", mask, U, U) + ridge, (R.t() @ U).unsqueeze(-1)
    ).squeeze(-1)
    losses.append((((U @ V.T - R) * mask) ** 2).sum().div(mask.sum()).item())
print("als", ["%.4f" % loss for loss in losses[-5:]])
