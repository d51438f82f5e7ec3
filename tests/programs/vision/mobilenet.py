"""Inverted residuals of a MobileNet: depthwise convolutions, squeeze and excitation, an average of the weights."""

import numpy as np
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(13)
losses = []


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(
            nn.Conv2d(channels, channels // reduction, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels // reduction, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x):
        return x * self.fc(self.pool(x))


class InvertedResidual(nn.Module):
    def __init__(self, inp, oup, stride, expand_ratio, act=nn.ReLU6):
        super().__init__()
        hidden_dim = inp * expand_ratio
        self.use_res_connect = stride == 1 and inp == oup
        self.conv = nn.Sequential(
            nn.Conv2d(inp, hidden_dim, 1, bias=False),
            nn.BatchNorm2d(hidden_dim),
            act(),
            nn.Conv2d(hidden_dim, hidden_dim, 3, stride, padding=1, groups=hidden_dim, bias=False),
            nn.BatchNorm2d(hidden_dim),
            act(),
            SqueezeExcite(hidden_dim),
            nn.Conv2d(hidden_dim, oup, 1, bias=False),
            nn.BatchNorm2d(oup),
        )

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


model = nn.Sequential(
    nn.Conv2d(3, 4, 3, stride=2, padding=1),
    InvertedResidual(4, 4, 1, 2),
    InvertedResidual(4, 6, 2, 2, nn.Hardswish),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(6, 3),
)
set_weights(model, 3, 0.5)
ema_model = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.003, alpha=0.9, momentum=0.9, eps=1e-3)
criterion = nn.CrossEntropyLoss()
labels = torch.arange(9) % 3
images = torch.from_numpy(rng.rand(9, 3, 16, 16))
images[torch.arange(9), labels] += 1
for step in range(50):
    loss = criterion(model(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema_model.update_parameters(model)
    losses.append(loss.item())
update_bn([images], ema_model)
with torch.no_grad():
    losses.append(criterion(ema_model.eval()(images), labels).item())
print(f"loss {losses[0]:.4f} -> {losses[-2]:.4f}, of the averaged weights {losses[-1]:.4f}")
