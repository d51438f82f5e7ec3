"""A small U-Net for masks: transposed convolutions, skipped connections, a Dice loss, a schedule with warm restarts."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(6)
losses = []


class DoubleConv(nn.Module):
    def __init__(self, in_ch, out_ch):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(in_ch, out_ch, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(out_ch),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_ch, out_ch, kernel_size=3, padding=1, bias=False),
            nn.GroupNorm(2, out_ch),
            nn.SiLU(),
        )

    def forward(self, x):
        return self.net(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2 = DoubleConv(1, 4), DoubleConv(4, 8)
        self.pool = nn.MaxPool2d(2, 2)
        self.up = nn.ConvTranspose2d(8, 4, kernel_size=2, stride=2)
        self.upsample = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.out = DoubleConv(16, 4)
        self.head = nn.Conv2d(4, 1, 1)

    def forward(self, x):
        x1 = self.down1(x)
        x2 = self.down2(self.pool(x1))
        up = torch.cat([self.up(x2), x1, self.upsample(x2)], dim=1)
        return self.head(self.out(up))


def dice_loss(pred, target, smooth=1.0):
    pred = pred.sigmoid()
    intersection = (pred * target).sum(dim=(2, 3))
    union = pred.sum(dim=(2, 3)) + target.sum(dim=(2, 3))
    return (1 - (2.0 * intersection + smooth) / (union + smooth)).mean()


model = UNet()
set_weights(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=3)
images = torch.from_numpy(rng.rand(4, 1, 8, 8))
masks = (images > 0.6).to(images.dtype)
for step in range(6):
    optimizer.zero_grad()
    logits = model(images)
    loss = F.binary_cross_entropy_with_logits(logits, masks) + dice_loss(logits, masks)
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
total_params = sum(p.numel() for p in model.parameters() if p.requires_grad)
losses.append(float(total_params))
