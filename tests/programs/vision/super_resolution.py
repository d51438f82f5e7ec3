"""Super-resolution with an efficient sub-pixel convolution: PixelShuffle turns channels into a finer image."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.nn.init as init
from torch.utils.data import DataLoader, Dataset

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(16)
losses = []


class Net(nn.Module):
    def __init__(self, upscale_factor):
        super(Net, self).__init__()
        self.relu = nn.ReLU()
        self.conv1 = nn.Conv2d(1, 8, (5, 5), (1, 1), (2, 2))
        self.conv2 = nn.Conv2d(8, 6, (3, 3), (1, 1), (1, 1), padding_mode="reflect")
        self.conv3 = nn.Conv2d(6, upscale_factor**2, (3, 3), (1, 1), (1, 1))
        self.pixel_shuffle = nn.PixelShuffle(upscale_factor)
        self._initialize_weights()

    def forward(self, x):
        x = self.relu(self.conv1(x))
        x = self.relu(self.conv2(x))
        return self.pixel_shuffle(self.conv3(x))

    def _initialize_weights(self):
        init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
        init.orthogonal_(self.conv3.weight)


class Waves(Dataset):
    def __init__(self, count, size=12):
        y, x = np.mgrid[:size, :size] / size
        self.images = [np.sin(rng.uniform(1, 6) * x + rng.uniform(1, 6) * y)[None] for _ in range(count)]

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        target = torch.from_numpy(self.images[index])
        small = F.interpolate(
            target[None], scale_factor=0.5, mode="bicubic", align_corners=False, antialias=True
        )
        return small[0], target


upscale_factor = 2
model = Net(upscale_factor)
set_weights(model, 6)
assert torch.equal(F.pixel_unshuffle(F.pixel_shuffle(torch.ones(1, 4, 3, 3), 2), 2), torch.ones(1, 4, 3, 3))
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
loader = DataLoader(Waves(10), batch_size=2)
for epoch in range(10):
    epoch_loss = 0
    for iteration, batch in enumerate(loader, 1):
        input, target = batch[0], batch[1]
        optimizer.zero_grad()
        loss = criterion(model(input), target) + 0.1 * F.l1_loss(
            model(input).diff(dim=-1), target.diff(dim=-1)
        )
        epoch_loss += loss.item()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print(
        "===> Epoch {}: Avg. PSNR: {:.4f} dB".format(epoch, 10 * math.log10(1 / (epoch_loss / len(loader))))
    )
