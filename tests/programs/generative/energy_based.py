"""An energy-based model: samples walk down the energy by Langevin dynamics, from a buffer of earlier samples."""

import random

import numpy as np
import torch
import torch.nn as nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(26)
random.seed(26)
losses = []


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


class Sampler:
    def __init__(self, model, shape, sample_size, max_len=64):
        self.model, self.shape, self.sample_size, self.max_len = model, shape, sample_size, max_len
        self.examples = [self.uniform(1) for _ in range(sample_size)]

    def uniform(self, count):
        return torch.from_numpy(rng.uniform(-1, 1, (count, *self.shape)))

    def sample_new_exmps(self, steps=5, step_size=0.5):
        n_new = rng.binomial(self.sample_size, 0.25)
        old = random.choices(self.examples, k=self.sample_size - n_new)
        inp = torch.cat([self.uniform(n_new), *old], dim=0).detach()
        inp = self.generate_samples(inp, steps, step_size)
        self.examples = list(inp.chunk(self.sample_size, dim=0)) + self.examples
        self.examples = self.examples[: self.max_len]
        return inp

    def generate_samples(self, inp, steps, step_size):
        is_training = self.model.training
        self.model.eval()
        for p in self.model.parameters():
            p.requires_grad = False
        inp.requires_grad = True
        for _ in range(steps):
            inp.data.add_(torch.from_numpy(0.01 * rng.standard_normal(tuple(inp.shape))))
            inp.data.clamp_(min=-1.0, max=1.0)
            out = -self.model(inp)
            out.sum().backward()
            inp.grad.data.clamp_(-0.1, 0.1)
            inp.data.add_(inp.grad.data, alpha=-step_size)
            inp.grad.detach_()
            inp.grad.zero_()
            inp.data.clamp_(min=-1.0, max=1.0)
        for p in self.model.parameters():
            p.requires_grad = True
        self.model.train(is_training)
        return inp.detach()


model = nn.Sequential(nn.Linear(2, 12), Swish(), nn.Linear(12, 12), Swish(), nn.Linear(12, 1))
set_weights(model, 8, 0.3)
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3, betas=(0.0, 0.999))
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.97)
sampler = Sampler(model, (2,), 16)
for step in range(50):
    angle = rng.uniform(0, 2 * np.pi, 16)
    real = torch.from_numpy(0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    fake = sampler.sample_new_exmps()
    real_out, fake_out = model(torch.cat([real, fake])).chunk(2, dim=0)
    reg_loss = 0.1 * (real_out**2 + fake_out**2).mean()
    cdiv_loss = fake_out.mean() - real_out.mean()
    optimizer.zero_grad()
    (reg_loss + cdiv_loss).backward()
    nn.utils.clip_grad_value_(model.parameters(), 0.1)
    optimizer.step()
    scheduler.step()
    losses += [reg_loss.item(), cdiv_loss.item()]
print("contrastive divergence %.4f" % losses[-1], len(sampler.examples))
