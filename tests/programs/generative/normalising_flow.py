"""A normalising flow of affine couplings (RealNVP), as transforms of torch.distributions, fitted to two moons."""

import numpy as np
import torch
from torch import nn
from torch.distributions import Independent, Normal, Transform, TransformedDistribution, constraints
from torch.distributions.transforms import ComposeTransform

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(24)
losses = []


class AffineCoupling(Transform):
    domain = codomain = constraints.real_vector
    bijective = True

    def __init__(self, net, mask):
        super().__init__()
        self.net, self.mask = net, mask

    def _scale_and_shift(self, fixed):
        log_scale, shift = self.net(fixed * self.mask).chunk(2, dim=-1)
        return log_scale.tanh() * (1 - self.mask), shift * (1 - self.mask)

    def _call(self, x):
        log_scale, shift = self._scale_and_shift(x)
        return x * log_scale.exp() + shift

    def _inverse(self, y):
        log_scale, shift = self._scale_and_shift(y)
        return (y - shift) * torch.exp(-log_scale)

    def log_abs_det_jacobian(self, x, y):
        return self._scale_and_shift(x)[0].sum(-1)


def moons(count):
    angle, upper = rng.uniform(0, np.pi, count), rng.rand(count) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return torch.from_numpy(np.stack([x, y], 1) + 0.05 * rng.standard_normal((count, 2)))


nets = nn.ModuleList([nn.Sequential(nn.Linear(2, 12), nn.SiLU(), nn.Linear(12, 4)) for _ in range(4)])
set_weights(nets, 6)
masks = [torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])] * 2
flow = ComposeTransform([AffineCoupling(net, mask) for net, mask in zip(nets, masks)])
base = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
model = TransformedDistribution(base, [flow])
optimizer = torch.optim.Adam(nets.parameters(), lr=0.02)
for step in range(50):
    optimizer.zero_grad()
    loss = -model.log_prob(moons(32)).mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % 10 == 0:
        print(f"step {step:2d}  nats {loss.item():.4f}")
with torch.no_grad():
    z = torch.from_numpy(rng.standard_normal((64, 2)))
    x = flow(z)
    assert torch.allclose(flow.inv(x), z, atol=1e-4)
    losses.append(x.std(0).prod().item())
