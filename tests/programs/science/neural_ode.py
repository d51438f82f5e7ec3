"""A neural ODE learns a spiral: Runge-Kutta steps forward, and the adjoint equation back, in a function of its own."""

import numpy as np
import torch
import torch.nn as nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(72)
losses = []


def rk4_step(f, t, h, *y):
    """Return y(t + h) of dy/dt = f(t, *y) by the classical method of Runge and Kutta."""
    k1 = f(t, *y)
    k2 = f(t + h / 2, *[a + h / 2 * k for a, k in zip(y, k1)])
    k3 = f(t + h / 2, *[a + h / 2 * k for a, k in zip(y, k2)])
    k4 = f(t + h, *[a + h * k for a, k in zip(y, k3)])
    return [a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4)]


class ODEAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx, func, y0, t, *params):
        ctx.func = func
        ys = [y0]
        with torch.no_grad():
            for start, end in zip(t[:-1], t[1:]):
                ys += rk4_step(lambda t, y: (func(t, y),), start, end - start, ys[-1])
        ys = torch.stack(ys)
        ctx.save_for_backward(t, ys, *params)
        return ys

    @staticmethod
    def backward(ctx, grad_ys):
        t, ys, *params = ctx.saved_tensors

        def augmented(t, y, a, *_):
            with torch.enable_grad():
                y = y.detach().requires_grad_(True)
                f = ctx.func(t, y)
                vjp_y, *vjp_params = torch.autograd.grad(f, (y, *params), -a)
            return f.detach(), vjp_y, *vjp_params

        a, grads = grad_ys[-1], [torch.zeros_like(p) for p in params]
        for i in range(len(t) - 1, 0, -1):
            _, a, *grads = rk4_step(augmented, t[i], t[i - 1] - t[i], ys[i], a, *grads)
            a = a + grad_ys[i - 1]
        return None, a, None, *grads


class ODEFunc(nn.Module):
    def __init__(self):
        super(ODEFunc, self).__init__()
        self.net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))

    def forward(self, t, y):
        return self.net(y**3)


true_A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 2.0, 9)
with torch.no_grad():
    true_y = [torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, -1.5]])]
    for start, end in zip(t[:-1], t[1:]):
        true_y += rk4_step(lambda t, y: (torch.mm(y**3, true_A),), start, end - start, true_y[-1])
true_y = torch.stack(true_y)
func = ODEFunc()
set_weights(func, 2, 0.1)
optimizer = torch.optim.RMSprop(func.parameters(), lr=5e-3)
for itr in range(50):
    s = int(rng.randint(0, len(t) - 4))
    optimizer.zero_grad()
    pred_y = ODEAdjoint.apply(func, true_y[s], t[:4], *func.parameters())
    loss = torch.mean(torch.abs(pred_y - true_y[s : s + 4]))
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if itr % 10 == 0:
        print("Iter {:04d} | Total Loss {:.6f}".format(itr, loss.item()))
