"""Learning to learn (MAML) with torch.func: the gradient of a step of gradient descent; and per-sample gradients."""

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, hessian, jacrev, vmap
from torch.testing import assert_close

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(4)
losses = []
net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
set_weights(net)
params = {k: v.detach() for k, v in net.named_parameters()}


def loss_fn(params, x, y):
    return ((functional_call(net, params, (x,)) - y) ** 2).mean()


def adapted_loss(params, x1, y1, x2, y2):
    grads = grad(loss_fn)(params, x1, y1)
    new_params = {k: params[k] - 0.1 * grads[k] for k in params}
    return loss_fn(new_params, x2, y2)


for task in range(6):
    amplitude = rng.uniform(0.5, 2.0)
    xs = [torch.from_numpy(rng.uniform(-3, 3, (5, 1))) for _ in range(2)]
    (x1, y1), (x2, y2) = [(x, amplitude * x.sin()) for x in xs]
    losses.append(adapted_loss(params, x1, y1, x2, y2).item())
    meta_grads = grad(adapted_loss)(params, x1, y1, x2, y2)
    params = {k: p - 0.05 * meta_grads[k] for k, p in params.items()}

per_sample = vmap(grad(loss_fn), in_dims=(None, 0, 0))(params, x1, y1)
together = grad(loss_fn)(params, x1, y1)
for name in params:
    assert_close(per_sample[name].mean(0), together[name])
    losses.append(per_sample[name].pow(2).sum().item())


def potential(x):
    return (x[0] ** 2 * x[1] + x[1].exp()).sum()


point = torch.tensor([1.0, 2.0])
losses.append(hessian(potential)(point).det().item())
losses.append(jacrev(lambda x: x.sin() * x.sum())(point).trace().item())
losses.append(torch.autograd.functional.jacobian(lambda x: x.cumsum(0) ** 2, point).sum().item())
