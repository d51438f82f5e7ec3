"""Forecasting a time series: windows by unfold, dilated causal convolutions with weight norm, a forecast by steps."""

import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.parametrizations import weight_norm

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(65)
losses = []


class Chomp1d(nn.Module):
    def __init__(self, chomp_size):
        super(Chomp1d, self).__init__()
        self.chomp_size = chomp_size

    def forward(self, x):
        return x[:, :, : -self.chomp_size].contiguous()


class TemporalBlock(nn.Module):
    def __init__(self, n_inputs, n_outputs, kernel_size, dilation):
        super(TemporalBlock, self).__init__()
        padding = (kernel_size - 1) * dilation
        self.conv = weight_norm(
            nn.Conv1d(n_inputs, n_outputs, kernel_size, padding=padding, dilation=dilation)
        )
        self.net = nn.Sequential(self.conv, Chomp1d(padding), nn.ReLU())
        self.downsample = nn.Conv1d(n_inputs, n_outputs, 1) if n_inputs != n_outputs else None

    def forward(self, x):
        res = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.net(x) + res)


class TCN(nn.Module):
    def __init__(self, num_channels, kernel_size=2):
        super(TCN, self).__init__()
        sizes = zip([1] + num_channels[:-1], num_channels)
        self.tcn = nn.Sequential(
            *[TemporalBlock(n_in, n_out, kernel_size, 2**i) for i, (n_in, n_out) in enumerate(sizes)]
        )
        self.linear = nn.Linear(num_channels[-1], 1)

    def forward(self, x):
        return self.linear(self.tcn(x.unsqueeze(1))[:, :, -1]).squeeze(-1)


t = np.arange(120)
series = torch.from_numpy(np.sin(2 * np.pi * t / 12) + 0.01 * t + 0.05 * rng.standard_normal(120))
seq_len = 16
windows = series[:100].unfold(0, seq_len + 1, 1)
x, y = windows[:, :-1], windows[:, -1]
model = TCN([8, 8, 8], kernel_size=3)
set_weights(model, 5, 0.4)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
for step in range(50):
    offset = x[:, -1]
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x - offset[:, None]), y - offset)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 10 == 0:
        print(f"step {step:2d} loss {loss.item():.4f}")
history = series[:100].clone()
with torch.no_grad():
    for _ in range(20):
        window = history[-seq_len:]
        history = torch.cat([history, (model((window - window[-1])[None]) + window[-1])])
error = (history[100:] - series[100:]).abs()
losses += [error.mean().item(), error.quantile(0.9).item()]
print(
    f"mean error {error.mean().item():.4f}, the last period repeated {(series[88:108] - series[100:]).abs().mean():.4f}"
)
