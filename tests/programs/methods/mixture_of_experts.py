"""A sparse mixture of experts: a gate sends each point to the best two; a loss keeps the experts equally busy."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(49)
losses = []


class Expert(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.w1, self.w2, self.w3 = nn.Linear(dim, hidden), nn.Linear(hidden, dim), nn.Linear(dim, hidden)

    def forward(self, x):
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class SparseMoE(nn.Module):
    def __init__(self, dim=6, num_experts=4, k=2, noisy=True):
        super().__init__()
        self.k, self.num_experts, self.noisy = k, num_experts, noisy
        self.gate = nn.Linear(dim, num_experts, bias=False)
        self.noise = nn.Linear(dim, num_experts, bias=False)
        self.experts = nn.ModuleList(Expert(dim, 8) for _ in range(num_experts))

    def forward(self, x):
        logits = self.gate(x)
        if self.training and self.noisy:
            logits = logits + torch.from_numpy(rng.standard_normal(tuple(logits.shape))) * F.softplus(
                self.noise(x)
            )
        top, indices = torch.topk(logits, self.k, dim=-1)
        sparse_logits = torch.full_like(logits, float("-inf")).scatter(-1, indices, top)
        gates = F.softmax(sparse_logits, dim=-1)
        final = torch.zeros_like(x)
        expert_mask = F.one_hot(indices, num_classes=self.num_experts).permute(2, 1, 0)
        for i, expert in enumerate(self.experts):
            _, rows = torch.where(expert_mask[i])
            if rows.numel():
                final.index_add_(0, rows, expert(x[rows]) * gates[rows, i, None])
        density = gates.mean(dim=0)
        load = torch.bincount(indices.flatten(), minlength=self.num_experts) / indices.numel()
        return final, (density * load).sum() * self.num_experts


model = nn.ModuleDict({"moe": SparseMoE(), "norm": nn.LayerNorm(6), "head": nn.Linear(6, 4)})
set_weights(model, 12, 0.4)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
centres = torch.from_numpy(2 * rng.standard_normal((8, 6)))
for step in range(50):
    kind = torch.from_numpy(rng.randint(0, 8, 32))
    x = centres[kind] + torch.from_numpy(0.5 * rng.standard_normal((32, 6)))
    update, balance = model["moe"](x)
    loss = F.cross_entropy(model["head"](model["norm"](x + update)), kind % 4)
    optimizer.zero_grad()
    (loss + 0.01 * balance).backward()
    optimizer.step()
    losses += [loss.item(), balance.item()]
    if step % 10 == 0:
        print(f"step {step:2d} loss {loss.item():.4f} balance {balance.item():.4f}")
