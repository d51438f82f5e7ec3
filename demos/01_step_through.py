"""One training step that is small enough to step through: docs/10_stepping.md walks through it.

python -m pdb demos/01_step_through.py
"""

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn

torch.manual_seed(0)
images = torch.randn(2, 1, 4, 4)
labels = torch.tensor([0, 1])

model = nn.Sequential(nn.Conv2d(1, 2, kernel_size=3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

with torch.use_kernels("reference"):  # plain Python loops, so that a debugger can step into the kernels
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    optimizer.step()

print(f"loss before the step: {loss.item():.4f}")
