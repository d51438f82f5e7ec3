"""LoRA: a correction of low rank is learned for frozen weights, as a parametrization, and then merged into them."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.utils.parametrize as parametrize

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(47)
losses = []


class LoRAParametrization(nn.Module):
    def __init__(self, features_in, features_out, rank=2, alpha=2.0):
        super().__init__()
        self.lora_A = nn.Parameter(
            torch.from_numpy(rng.standard_normal((rank, features_out)) / math.sqrt(rank))
        )
        self.lora_B = nn.Parameter(torch.zeros((features_in, rank)))
        self.scale = alpha / rank
        self.enabled = True

    def forward(self, original_weights):
        if not self.enabled:
            return original_weights
        return (
            original_weights
            + torch.matmul(self.lora_B, self.lora_A).view(original_weights.shape) * self.scale
        )


class Net(nn.Module):
    def __init__(self, hidden_size=16):
        super().__init__()
        self.linear1 = nn.Linear(6, hidden_size)
        self.linear2 = nn.Linear(hidden_size, hidden_size)
        self.linear3 = nn.Linear(hidden_size, 4)

    def forward(self, x):
        x = F.tanh(self.linear1(x))
        return self.linear3(F.tanh(self.linear2(x)))


net = Net()
set_weights(net, 10, 0.4)
original_weights = {name: param.clone().detach() for name, param in net.named_parameters()}
for layer in (net.linear1, net.linear2, net.linear3):
    features_in, features_out = layer.weight.shape
    parametrize.register_parametrization(layer, "weight", LoRAParametrization(features_in, features_out))
total, lora = 0, 0
for name, param in net.named_parameters():
    param.requires_grad = "lora" in name
    total += param.nelement()
    lora += param.nelement() if "lora" in name else 0
print(f"{total} parameters, {lora} of them are learned ({100 * lora / total:.2f}%)")
x = torch.from_numpy(rng.standard_normal((32, 6)))
labels = (x[:, 0] > 0).long() * 2 + (x[:, 1] > 0).long()
optimizer = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], lr=0.02)
for step in range(50):
    loss = F.cross_entropy(net(x), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
learned = net(x)
for layer in (net.linear1, net.linear2, net.linear3):
    layer.parametrizations.weight[0].enabled = False
    assert torch.equal(layer.weight, layer.parametrizations.weight.original)
    layer.parametrizations.weight[0].enabled = True
    parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)
assert not parametrize.is_parametrized(net)
assert torch.allclose(net(x), learned)
difference = net.linear2.weight - original_weights["linear2.weight"]
losses.append(torch.linalg.matrix_norm(difference).item())
print("rank", torch.linalg.matrix_rank(difference).item(), f"loss {losses[0]:.4f} -> {loss.item():.4f}")
