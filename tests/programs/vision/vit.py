"""A tiny vision transformer: patches by a convolution, a class token, encoder layers, warm-up and cosine schedule."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(14)
losses = []


class ViT(nn.Module):
    def __init__(self, *, image_size=8, patch_size=4, channels=3, num_classes=4, dim=8, depth=2, heads=2):
        super().__init__()
        self.patch_embed = nn.Conv2d(channels, dim, kernel_size=patch_size, stride=patch_size)
        num_patches = (image_size // patch_size) ** 2
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos_embed = nn.Parameter(torch.randn(1, num_patches + 1, dim))
        layer = nn.TransformerEncoderLayer(
            dim,
            heads,
            dim_feedforward=2 * dim,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, depth, norm=nn.LayerNorm(dim), enable_nested_tensor=False)
        self.head = nn.Linear(dim, num_classes)
        nn.init.trunc_normal_(self.pos_embed, std=0.02)

    def forward(self, img):
        x = self.patch_embed(img).flatten(2).transpose(1, 2)
        cls_tokens = self.cls_token.expand(x.shape[0], -1, -1)
        x = torch.cat((cls_tokens, x), dim=1) + self.pos_embed
        return self.head(self.encoder(x)[:, 0])


def mixup(x, y, alpha=0.4):
    lam, index = rng.beta(alpha, alpha), torch.from_numpy(rng.permutation(len(x)))
    return lam * x + (1 - lam) * x[index], lam * y + (1 - lam) * y[index]


model = ViT()
set_weights(model, 4)
decay = [p for p in model.parameters() if p.dim() > 1]
no_decay = [p for p in model.parameters() if p.dim() <= 1]
optimizer = torch.optim.AdamW(
    [{"params": decay, "weight_decay": 0.05}, {"params": no_decay, "weight_decay": 0.0}], lr=1e-2
)
warmup = LinearLR(optimizer, start_factor=0.1, total_iters=5)
scheduler = SequentialLR(optimizer, [warmup, CosineAnnealingLR(optimizer, T_max=45)], milestones=[5])
labels = torch.arange(16) % 4
images = torch.from_numpy(rng.standard_normal((16, 3, 8, 8)))
for label in range(4):
    images[label::4, :, 4 * (label // 2) :, 4 * (label % 2) :] += 1
for step in range(50):
    x, y = mixup(images, F.one_hot(labels, 4).to(images.dtype))
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
model.eval()
with torch.inference_mode():
    losses.append(F.cross_entropy(model(images), labels).item())
print(scheduler.get_last_lr(), f"{losses[0]:.4f} -> {losses[-1]:.4f}")
