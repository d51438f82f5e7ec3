"""A hypernetwork: one network writes the weights of another, for each task a different set."""

import numpy as np
import torch
import torch.nn as nn
from torch.func import functional_call, vmap

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(48)
losses = []


class HyperNetwork(nn.Module):
    def __init__(self, target, num_tasks, embedding_dim=4, hidden=16):
        super().__init__()
        self.shapes = {name: p.shape for name, p in target.named_parameters()}
        self.task_embedding = nn.Embedding(num_tasks, embedding_dim)
        self.body = nn.Sequential(nn.Linear(embedding_dim, hidden), nn.LeakyReLU(0.1))
        self.heads = nn.ModuleList([nn.Linear(hidden, shape.numel()) for shape in self.shapes.values()])

    def forward(self, task):
        hidden = self.body(self.task_embedding(task))
        return {
            name: head(hidden).unflatten(-1, shape)
            for head, (name, shape) in zip(self.heads, self.shapes.items())
        }


target = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1)).requires_grad_(False)
num_tasks = 5
hyper = HyperNetwork(target, num_tasks)
set_weights(hyper, 11, 0.4)
optimizer = torch.optim.Adam(hyper.parameters(), lr=0.02)
phases = torch.arange(num_tasks) * (2 * np.pi / num_tasks)
tasks = torch.arange(num_tasks)
for step in range(50):
    x = torch.from_numpy(rng.uniform(-2, 2, (num_tasks, 16, 1)))
    y = torch.sin(x + phases[:, None, None])
    prediction = vmap(lambda weights, x: functional_call(target, weights, (x,)))(hyper(tasks), x)
    loss = (prediction - y).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 10 == 0:
        print(f"step {step:2d} loss {loss.item():.4f}")
one = functional_call(target, {name: w[2] for name, w in hyper(tasks).items()}, x[2])
assert torch.allclose(one, vmap(lambda w, x: functional_call(target, w, (x,)))(hyper(tasks), x)[2])
losses.append(one.mean().item())
