"""Denoising diffusion (DDPM) of points on a spiral: a network learns the noise, and takes it away step by step."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(25)
losses = []


def noise_like(x):
    return torch.from_numpy(rng.standard_normal(tuple(x.shape)))


def extract(a, t, x_shape):
    return a.gather(-1, t).reshape(t.shape[0], *((1,) * (len(x_shape) - 1)))


class SinusoidalPosEmb(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, t):
        half_dim = self.dim // 2
        emb = torch.exp(torch.arange(half_dim, device=t.device) * -(math.log(10000) / (half_dim - 1)))
        emb = t[:, None] * emb[None, :]
        return torch.cat((emb.sin(), emb.cos()), dim=-1)


class Denoiser(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.time_mlp = nn.Sequential(
            SinusoidalPosEmb(8), nn.Linear(8, dim), nn.GELU(), nn.Linear(dim, 2 * dim)
        )
        self.inp, self.norm, self.out = nn.Linear(2, dim), nn.RMSNorm(dim), nn.Linear(dim, 2)

    def forward(self, x, t):
        scale, shift = self.time_mlp(t).chunk(2, dim=1)
        h = self.norm(self.inp(x)) * (scale + 1) + shift
        return self.out(F.silu(h))


class Diffusion(nn.Module):
    def __init__(self, model, timesteps=20):
        super().__init__()
        self.model, self.timesteps = model, timesteps
        betas = torch.linspace(1e-3, 0.3, timesteps)
        alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
        previous = F.pad(alphas_cumprod[:-1], (1, 0), value=1.0)
        self.register_buffer("betas", betas)
        self.register_buffer("alphas_cumprod", alphas_cumprod)
        self.register_buffer("posterior_variance", betas * (1.0 - previous) / (1.0 - alphas_cumprod))

    def forward(self, x_start, t):
        noise, a = noise_like(x_start), extract(self.alphas_cumprod, t, x_start.shape)
        return F.mse_loss(self.model(a.sqrt() * x_start + (1 - a).sqrt() * noise, t), noise)

    @torch.no_grad()
    def sample(self, count):
        x = noise_like(torch.empty(count, 2))
        for i in reversed(range(self.timesteps)):
            t = torch.full((count,), i, dtype=torch.long)
            beta, a = extract(self.betas, t, x.shape), extract(self.alphas_cumprod, t, x.shape)
            x = (x - beta * self.model(x, t) / (1 - a).sqrt()) * torch.rsqrt(1 - beta)
            if i > 0:
                x = x + extract(self.posterior_variance, t, x.shape).sqrt() * noise_like(x)
        return x


diffusion = Diffusion(Denoiser())
set_weights(diffusion, 7, 0.3)
optimizer = torch.optim.AdamW(diffusion.parameters(), lr=1e-2)
for step in range(50):
    angle = 2 * np.pi * rng.rand(32)
    x = torch.from_numpy(np.stack([angle * np.cos(angle), angle * np.sin(angle)], 1) / 3)
    loss = diffusion(x, torch.from_numpy(rng.randint(0, diffusion.timesteps, 32)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
samples = diffusion.sample(16)
losses += [samples.mean().item(), samples.norm(dim=1).max().item()]
print(f"loss {losses[0]:.4f} -> {losses[49]:.4f}, state {list(diffusion.state_dict())[:3]}")
