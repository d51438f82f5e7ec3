"""Several tasks on one trunk: a head for each, and losses weighted by learned uncertainties."""

import numpy as np
import torch
from torch import nn

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(43)
losses = []


class MultiTaskNet(nn.Module):
    def __init__(self, in_features, hidden, heads):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(in_features, hidden),
            nn.Mish(),
            nn.LayerNorm(hidden),
            nn.Linear(hidden, hidden),
            nn.Mish(),
        )
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, size) for name, size in heads.items()})
        self.log_vars = nn.ParameterDict({name: nn.Parameter(torch.zeros(())) for name in heads})

    def forward(self, x):
        shared = self.trunk(x)
        return {name: head(shared) for name, head in self.heads.items()}


def make_data(count):
    x = torch.from_numpy(rng.standard_normal((count, 5)))
    radius = x[:, :2].norm(dim=1)
    return x, {
        "kind": torch.bucketize(radius, torch.tensor([0.8, 1.6])),
        "value": (x[:, 2] * x[:, 3]).unsqueeze(1),
        "flags": (x[:, [0, 4]] > 0).to(x.dtype),
        "count": torch.poisson(torch.zeros(count, 1)) + (radius[:, None] * 2).floor(),
    }


model = MultiTaskNet(5, 16, {"kind": 3, "value": 1, "flags": 2, "count": 1})
set_weights(model, 5)
criteria = {
    "kind": nn.CrossEntropyLoss(),
    "value": nn.MSELoss(),
    "flags": nn.BCEWithLogitsLoss(),
    "count": nn.PoissonNLLLoss(log_input=True, full=True),
}
optimizer = torch.optim.Adam(
    [
        {"params": model.trunk.parameters()},
        {"params": model.heads.parameters(), "lr": 0.02},
        {"params": model.log_vars.parameters(), "lr": 0.05, "weight_decay": 1e-4},
    ],
    lr=0.01,
)
x, y = make_data(40)
for step in range(50):
    output = model(x)
    task_losses = {name: criterion(output[name], y[name]) for name, criterion in criteria.items()}
    total = torch.stack(
        [torch.exp(-model.log_vars[n]) * loss + model.log_vars[n] for n, loss in task_losses.items()]
    )
    optimizer.zero_grad()
    total.sum().backward()
    optimizer.step()
    losses.append(total.sum().item())
    if step % 10 == 0:
        print(step, {name: round(loss.item(), 4) for name, loss in task_losses.items()})
losses += [v.item() for v in model.log_vars.values()]
