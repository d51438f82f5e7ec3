"""DCGAN: images from noise by transposed convolutions, against a convolutional discriminator."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(22)
losses = []
nz, ngf, ndf, nc = 5, 4, 4, 1


class Generator(nn.Module):
    def __init__(self):
        super(Generator, self).__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 2, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super(Discriminator, self).__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 2, 1, 0, bias=False),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


netG, netD = Generator(), Discriminator()
set_weights(netG, 2, 0.3)
set_weights(netD, 3, 0.3)
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
fixed_noise = torch.from_numpy(rng.standard_normal((4, nz, 1, 1)))
rows = np.linspace(-1, 1, 8)
for i in range(25):
    real = torch.from_numpy(np.sin(rng.uniform(1, 3, (8, 1, 1, 1)) * rows[:, None] + rows))
    netD.zero_grad()
    errD_real = F.binary_cross_entropy_with_logits(netD(real), torch.ones(8))
    errD_real.backward()
    fake = netG(torch.from_numpy(rng.standard_normal((8, nz, 1, 1))))
    output = netD(fake.detach())
    errD_fake = F.binary_cross_entropy_with_logits(output, torch.zeros_like(output))
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    errG = F.softplus(-netD(fake)).mean()
    errG.backward()
    optimizerG.step()
    losses += [errD_real.item() + errD_fake.item(), errG.item()]
    if i % 10 == 0:
        print(
            "[%d/25] Loss_D: %.4f Loss_G: %.4f D(x): %.4f" % (i, *losses[-2:], output.sigmoid().mean().item())
        )
with torch.no_grad():
    images = netG.eval()(fixed_noise)
losses.append(images.std().item())
