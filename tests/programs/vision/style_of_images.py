"""Optimising an image itself with L-BFGS and a closure, against Gram matrices of fixed features; hooks collect them."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(5)
losses = []


def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    G = torch.mm(features, features.t())
    return G.div(a * b * c * d)


cnn = nn.Sequential()
for i, (n_in, n_out) in enumerate([(3, 6), (6, 6)]):
    cnn.add_module("conv_{}".format(i), nn.Conv2d(n_in, n_out, 3, padding=1))
    cnn.add_module("relu_{}".format(i), nn.ReLU(inplace=False))
    cnn.add_module("pool_{}".format(i), nn.AvgPool2d(2))
cnn = cnn.eval()
set_weights(cnn, 1, 0.5)
for p in cnn.parameters():
    p.requires_grad_(False)
features = {}
handles = []
for name, layer in cnn.named_children():
    if isinstance(layer, nn.ReLU):
        handles.append(layer.register_forward_hook(lambda m, i, o, name=name: features.__setitem__(name, o)))

style, content = (torch.from_numpy(rng.rand(1, 3, 8, 8)) for _ in range(2))
cnn(style)
style_grams = {k: gram_matrix(v).detach() for k, v in features.items()}
cnn(content)
target = features["relu_1"].detach()
input_img = content.clone().requires_grad_(True)
optimizer = optim.LBFGS([input_img], max_iter=4)
run = [0]
while run[0] <= 12:

    def closure():
        with torch.no_grad():
            input_img.clamp_(0, 1)
        optimizer.zero_grad()
        cnn(input_img)
        style_score = sum(F.mse_loss(gram_matrix(features[k]), g) for k, g in style_grams.items())
        content_score = F.mse_loss(features["relu_1"], target)
        loss = 1000 * style_score + content_score
        loss.backward()
        run[0] += 1
        losses.append(loss.item())
        return loss

    optimizer.step(closure)
for handle in handles:
    handle.remove()
