"""Fine-tuning: a trained body is saved and loaded into a new model, frozen, then set free with a smaller rate."""

import io

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(46)
losses = []


class Net(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(1, 6, 5, padding="same"), nn.BatchNorm1d(6), nn.SELU(), nn.AvgPool1d(4)
        )
        self.fc = nn.Linear(6 * 4, num_classes)

    def forward(self, x):
        return self.fc(torch.flatten(self.body(x), 1))


def signals(frequencies, count=24):
    labels = torch.arange(count) % len(frequencies)
    t = np.linspace(0, 2 * np.pi, 16)
    waves = np.sin(np.array(frequencies)[labels.numpy(), None] * t + rng.uniform(0, 1, (count, 1)))
    return torch.from_numpy(waves + 0.2 * rng.standard_normal((count, 16))).unsqueeze(1), labels


def fit(model, x, y, optimizer, steps):
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())


pretrained = Net(num_classes=4)
set_weights(pretrained, 8, 0.4)
fit(pretrained, *signals([1, 2, 3, 4]), torch.optim.Adam(pretrained.parameters(), lr=0.02), 20)
file = io.BytesIO()
torch.save({"epoch": 20, "state_dict": pretrained.state_dict()}, file)
file.seek(0)
checkpoint = torch.load(file, weights_only=True)

model = Net(num_classes=2)
set_weights(model, 9, 0.4)
body_weights = {k: v for k, v in checkpoint["state_dict"].items() if not k.startswith("fc.")}
missing, unexpected = model.load_state_dict(body_weights, strict=False)
print(missing, unexpected)
for name, param in model.named_parameters():
    param.requires_grad = name.startswith("fc")
model.body.eval()
num_ftrs = model.fc.in_features
x, y = signals([1.5, 3.5])
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1, momentum=0.9)
fit(model, x, y, optimizer, 20)
assert torch.equal(model.body[0].weight, pretrained.body[0].weight)
assert torch.equal(model.body[1].running_mean, checkpoint["state_dict"]["body.1.running_mean"])
model.body.requires_grad_(True)
optimizer.add_param_group({"params": model.body.parameters(), "lr": 0.01})
fit(model, x, y, optimizer, 30)
changed = (model.body[0].weight - pretrained.body[0].weight).abs().max().item()
losses.append(changed)
print(num_ftrs, [group["lr"] for group in optimizer.param_groups], f"{losses[-2]:.4f} {changed:.4f}")
