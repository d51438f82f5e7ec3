"""A generator against a discriminator, each with its optimizer; weights are initialised by model.apply."""

import numpy as np
import torch
import torch.nn as nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(2)
losses = []
real_label, fake_label = 1.0, 0.0


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        nn.init.normal_(m.weight.data, 0.0, 0.02)
    elif classname.find("BatchNorm") != -1:
        nn.init.constant_(m.weight.data, 1.0)
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self, nz=4):
        super().__init__()

        def block(in_feat, out_feat, normalize=True):
            layers = [nn.Linear(in_feat, out_feat)]
            if normalize:
                layers.append(nn.BatchNorm1d(out_feat, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(*block(nz, 8, normalize=False), *block(8, 16), nn.Linear(16, 6), nn.Tanh())

    def forward(self, z):
        return self.model(z)


netG = Generator()
netD = nn.Sequential(nn.Linear(6, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Sigmoid())
for net, seed in ((netG, 0), (netD, 1)):
    net.apply(weights_init)
    set_weights(net, seed)
criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
for i in range(6):
    netD.zero_grad()
    real = torch.from_numpy(rng.standard_normal((8, 6))).tanh()
    label = torch.full((8,), real_label, dtype=real.dtype)
    errD_real = criterion(netD(real).view(-1), label)
    errD_real.backward()
    noise = torch.from_numpy(rng.standard_normal((8, 4)))
    fake = netG(noise)
    label.fill_(fake_label)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(real_label)
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optimizerG.step()
    losses += [(errD_real + errD_fake).item(), errG.item()]
    print("[%d] Loss_D: %.4f Loss_G: %.4f" % (i, losses[-2], losses[-1]))
