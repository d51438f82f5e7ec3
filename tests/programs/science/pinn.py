"""A physics-informed network: Burgers' equation u_t + u u_x = nu u_xx holds because its residual is the loss."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn as nn
from torch.autograd import grad

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(71)
losses = []
nu = 0.1


class DNN(nn.Module):
    def __init__(self, layers):
        super(DNN, self).__init__()
        layer_list = []
        for i, (n_in, n_out) in enumerate(zip(layers[:-2], layers[1:-1])):
            layer_list.append(("layer_%d" % i, nn.Linear(n_in, n_out)))
            layer_list.append(("activation_%d" % i, nn.Tanh()))
        layer_list.append(("output", nn.Linear(layers[-2], layers[-1])))
        self.layers = nn.Sequential(OrderedDict(layer_list))

    def forward(self, x, t):
        return self.layers(torch.cat([x, t], dim=1))


def derivative(u, x):
    return grad(u, x, grad_outputs=torch.ones_like(u), retain_graph=True, create_graph=True)[0]


def residual(net, x, t):
    u = net(x, t)
    u_t, u_x = derivative(u, t), derivative(u, x)
    u_xx = derivative(u_x, x)
    return u_t + u * u_x - nu * u_xx


def points(count, low, high):
    return torch.tensor(rng.uniform(low, high, (count, 1)), requires_grad=True)


net = DNN([2, 12, 12, 1])
set_weights(net, 1, 0.5)
x_f, t_f = points(32, -1, 1), points(32, 0, 1)
x_0 = points(16, -1, 1)
u_0 = -torch.sin(np.pi * x_0).detach()
t_b, ones = points(8, 0, 1), torch.ones(8, 1)


def loss_fn():
    f = residual(net, x_f, t_f)
    loss_i = torch.mean((net(x_0, torch.zeros_like(x_0)) - u_0) ** 2)
    loss_b = net(ones, t_b).pow(2).mean() + net(-ones, t_b).pow(2).mean()
    return loss_i + loss_b + torch.mean(f**2)


optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for step in range(40):
    optimizer.zero_grad()
    loss = loss_fn()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
optimizer = torch.optim.LBFGS(net.parameters(), max_iter=10, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    loss = loss_fn()
    loss.backward()
    losses.append(loss.item())
    return loss


optimizer.step(closure)
print("Adam %.4f -> %.4f, L-BFGS -> %.4f" % (losses[0], losses[39], losses[-1]))
losses.append(residual(net, x_f, t_f).abs().max().item())
