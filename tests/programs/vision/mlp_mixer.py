"""An MLP-Mixer: patches by unfold, a perceptron over the patches, and one over the channels, in turn."""

from functools import partial

import numpy as np
import torch
from torch import nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(15)
losses = []


class PreNormResidual(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.fn = fn
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.fn(self.norm(x)) + x


class Patches(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, image):
        b, c = image.shape[:2]
        patches = image.unfold(2, self.size, self.size).unfold(3, self.size, self.size)
        return patches.permute(0, 2, 3, 4, 5, 1).reshape(b, -1, self.size**2 * c)


def feed_forward(dim, expansion_factor=2, dense=nn.Linear):
    inner_dim = int(dim * expansion_factor)
    return nn.Sequential(dense(dim, inner_dim), nn.GELU(approximate="tanh"), dense(inner_dim, dim))


def mlp_mixer(image_size=8, channels=2, patch_size=2, dim=6, depth=2, num_classes=3):
    num_patches = (image_size // patch_size) ** 2
    chan_first, chan_last = partial(nn.Conv1d, kernel_size=1), nn.Linear
    blocks = []
    for _ in range(depth):
        blocks.append(PreNormResidual(dim, feed_forward(num_patches, 1, chan_first)))
        blocks.append(PreNormResidual(dim, feed_forward(dim, 2, chan_last)))
    return nn.Sequential(
        Patches(patch_size),
        nn.Linear(patch_size**2 * channels, dim),
        *blocks,
        nn.LayerNorm(dim),
        nn.Unflatten(1, (1, num_patches)),
        nn.AdaptiveAvgPool2d((1, None)),
        nn.Flatten(),
        nn.Linear(dim, num_classes),
    )


model = mlp_mixer()
set_weights(model, 5, 0.3)
optimizer = torch.optim.RAdam(model.parameters(), lr=0.02)
criterion = nn.MultiMarginLoss(margin=0.5)
labels = torch.arange(12) % 3
y, x = np.mgrid[:8, :8]
waves = np.stack([np.sin(x), np.sin(y), np.sin(x + y)])
images = torch.from_numpy(waves[labels.numpy()][:, None] + 0.5 * rng.standard_normal((12, 2, 8, 8)))
for step in range(50):
    optimizer.zero_grad()
    loss = criterion(model(images), labels)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 10 == 0:
        print(f"step {step:3d} | loss {loss.item():.4f}")
