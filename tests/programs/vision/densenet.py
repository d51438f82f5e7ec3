"""A small DenseNet: each layer sees all before it, by torch.cat; the blocks are computed again in backward."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(12)
losses = []


class DenseLayer(nn.Sequential):
    def __init__(self, in_channels, growth_rate):
        super().__init__(
            OrderedDict(
                norm=nn.BatchNorm2d(in_channels, momentum=0.0),
                relu=nn.ReLU(inplace=True),
                conv=nn.Conv2d(in_channels, growth_rate, 3, padding=1, bias=False),
            )
        )


class DenseBlock(nn.ModuleDict):
    def __init__(self, num_layers, in_channels, growth_rate):
        super().__init__()
        for i in range(num_layers):
            self.add_module("layer%d" % (i + 1), DenseLayer(in_channels + i * growth_rate, growth_rate))

    def forward(self, x):
        features = [x]
        for name, layer in self.items():
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


class DenseNet(nn.Module):
    def __init__(self, growth_rate=3, num_classes=3):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.block1 = DenseBlock(2, 4, growth_rate)
        self.transition = nn.Sequential(
            nn.BatchNorm2d(10), nn.ReLU(), nn.Conv2d(10, 5, 1), nn.AvgPool2d(2, 2)
        )
        self.block2 = DenseBlock(2, 5, growth_rate)
        self.classifier = nn.Linear(11, num_classes)

    def forward(self, x):
        x = checkpoint(self.block1, self.conv(x), use_reentrant=False)
        x = checkpoint(self.block2, self.transition(x), use_reentrant=False)
        return self.classifier(F.relu(x).mean(dim=(-2, -1)))


model = DenseNet()
set_weights(model, 2, 0.4)
optimizer = torch.optim.NAdam(model.parameters(), lr=0.02)
target = torch.arange(12) % 3
image = torch.from_numpy(rng.standard_normal((12, 1, 8, 8)))
image[target == 0, :, :4] += 1.5
image[target == 1, :, :, 4:] -= 1.5
for step in range(50):
    output = model(image)
    loss = F.cross_entropy(output, target, weight=torch.tensor([1.0, 2.0, 1.5]))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"{sum(p.numel() for p in model.parameters())} parameters, loss {losses[0]:.4f} -> {loss.item():.4f}")
