"""WGAN with gradient penalty: the norm of a gradient is part of the loss, so gradients of gradients are computed."""

import numpy as np
import torch
import torch.autograd as autograd
import torch.nn as nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(23)
losses = []
LAMBDA, CRITIC_ITERS, BATCH_SIZE = 0.5, 3, 16


def noise(*shape):
    return torch.from_numpy(rng.standard_normal(shape))


def inf_train_gen():
    angles = np.arange(8) * np.pi / 4
    while True:
        centers = np.stack([np.cos(angles), np.sin(angles)], axis=1)[rng.randint(0, 8, BATCH_SIZE)]
        yield torch.from_numpy(centers + 0.02 * rng.standard_normal((BATCH_SIZE, 2)))


def calc_gradient_penalty(netD, real_data, fake_data):
    alpha = torch.from_numpy(rng.rand(BATCH_SIZE, 1)).expand(real_data.size())
    interpolates = (alpha * real_data + (1 - alpha) * fake_data).requires_grad_(True)
    disc_interpolates = netD(interpolates)
    gradients = autograd.grad(
        outputs=disc_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones(disc_interpolates.size()),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    return ((gradients.norm(2, dim=1) - 1) ** 2).mean() * LAMBDA


netG = nn.Sequential(nn.Linear(2, 16), nn.ReLU(True), nn.Linear(16, 2))
netD = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
set_weights(netG, 4)
set_weights(netD, 5)
optimizerD = torch.optim.Adam(netD.parameters(), lr=1e-2, betas=(0.5, 0.9))
optimizerG = torch.optim.Adam(netG.parameters(), lr=1e-2, betas=(0.5, 0.9))
data = inf_train_gen()
for iteration in range(25):
    for p in netD.parameters():
        p.requires_grad = True
    for _ in range(CRITIC_ITERS):
        real_data = next(data)
        with torch.no_grad():
            fake_data = netG(noise(BATCH_SIZE, 2))
        netD.zero_grad()
        penalty = calc_gradient_penalty(netD, real_data, fake_data)
        D_cost = netD(fake_data).mean() - netD(real_data).mean() + penalty
        D_cost.backward()
        optimizerD.step()
    for p in netD.parameters():
        p.requires_grad = False
    netG.zero_grad()
    G_cost = -netD(netG(noise(BATCH_SIZE, 2))).mean()
    G_cost.backward()
    optimizerG.step()
    losses += [D_cost.item(), G_cost.item()]
    if iteration % 8 == 0:
        print(f"iteration {iteration}: critic {D_cost.item():.4f} generator {G_cost.item():.4f}")
