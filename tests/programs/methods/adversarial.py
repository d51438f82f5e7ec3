"""Adversarial examples: the fast gradient sign method attacks a model; then it is trained against PGD."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(42)
losses = []
epsilons = [0, 0.05, 0.1, 0.2, 0.3]


def fgsm_attack(image, epsilon, data_grad):
    sign_data_grad = data_grad.sign()
    perturbed_image = image + epsilon * sign_data_grad
    return torch.clamp(perturbed_image, 0, 1)


def pgd_attack(model, images, labels, eps=0.15, alpha=0.05, iters=4):
    ori_images = images.data
    images = (images + torch.from_numpy(rng.uniform(-eps, eps, tuple(images.shape)))).clamp(0, 1).detach()
    for _ in range(iters):
        images.requires_grad = True
        cost = nn.CrossEntropyLoss()(model(images), labels)
        (grad,) = torch.autograd.grad(cost, images)
        adv_images = images + alpha * grad.sign()
        eta = torch.clamp(adv_images - ori_images, min=-eps, max=eps)
        images = torch.clamp(ori_images + eta, min=0, max=1).detach_()
    return images


def test(model, data, target, epsilon):
    data = data.clone()
    data.requires_grad = True
    loss = F.nll_loss(F.log_softmax(model(data), dim=1), target)
    model.zero_grad()
    loss.backward()
    perturbed_data = fgsm_attack(data, epsilon, data.grad.data)
    output = model(perturbed_data)
    losses.append(F.cross_entropy(output, target).item())
    final_pred = output.max(1, keepdim=True)[1]
    print(
        "Epsilon: {}\tTest Accuracy = {:.4f}".format(
            epsilon, final_pred.eq(target.view_as(final_pred)).double().mean()
        )
    )


model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.CELU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 9, 3))
set_weights(model, 4)
target = torch.arange(24) % 3
data = torch.from_numpy(rng.uniform(0, 0.6, (24, 1, 8, 8)))
for label in range(3):
    data[label::3, :, 2 * label : 2 * label + 3] += 0.4
optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
for step in range(50):
    inputs = pgd_attack(model, data, target) if step >= 20 else data
    optimizer.zero_grad()
    loss = F.cross_entropy(model(inputs), target)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step in (19, 49):
        for eps in epsilons:
            test(model, data, target, eps)
