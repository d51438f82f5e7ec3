"""Semi-supervised learning: confident guesses of a mean teacher are labels for the points that have none."""

import copy
import itertools

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, Subset, TensorDataset

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(45)
losses = []


def sigmoid_rampup(current, rampup_length):
    phase = 1.0 - np.clip(current, 0.0, rampup_length) / rampup_length
    return float(np.exp(-5.0 * phase * phase))


def update_ema_variables(model, ema_model, alpha):
    with torch.no_grad():
        for ema_param, param in zip(ema_model.parameters(), model.parameters()):
            ema_param.lerp_(param, 1 - alpha)


y = torch.arange(90) % 3
angle = 2 * np.pi / 3 * y + 0.5 * torch.from_numpy(rng.standard_normal(90))
x = torch.stack([angle.cos(), angle.sin()], dim=1) * 2 + 0.2 * torch.from_numpy(rng.standard_normal((90, 2)))
dataset = TensorDataset(x, y)
labeled = Subset(dataset, range(6))
unlabeled = ConcatDataset([Subset(dataset, range(6, 48)), Subset(dataset, range(48, 90))])
assert len(unlabeled) == 84
model = nn.Sequential(nn.Linear(2, 16), nn.Softsign(), nn.Linear(16, 3))
set_weights(model, 7, 0.5)
teacher = copy.deepcopy(model).requires_grad_(False)
optimizer = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
supervised, unsupervised = DataLoader(labeled, batch_size=6), DataLoader(unlabeled, batch_size=28)
step = 0
for epoch in range(17):
    for (xl, yl), (xu, _) in zip(itertools.cycle(supervised), unsupervised):
        confidence, pseudo = teacher(xu).softmax(-1).max(-1)
        sure = confidence > 0.7
        weak, strong = (xu + s * torch.from_numpy(rng.standard_normal(tuple(xu.shape))) for s in (0.05, 0.2))
        loss = F.cross_entropy(model(xl), yl)
        unlabeled_loss = (F.cross_entropy(model(strong), pseudo, reduction="none") * sure).mean()
        consistency = F.mse_loss(model(weak).softmax(1), teacher(xu).softmax(1))
        loss = loss + sigmoid_rampup(step, 30) * (unlabeled_loss + consistency)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        update_ema_variables(model, teacher, min(1 - 1 / (step + 1), 0.95))
        losses.append(loss.item())
        step += 1
    print("epoch %2d loss %.4f sure %d" % (epoch, loss.item(), int(sure.sum())))
losses.append((teacher(x).argmax(1) == y).double().mean().item())
