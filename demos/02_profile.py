"""Where the time of a training step goes: docs/11_profiling.md reads the tables with you.

python demos/02_profile.py
"""

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.profiler import profile, schedule

torch.manual_seed(0)
images = torch.randn(64, 1, 28, 28)
labels = torch.randint(0, 10, (64,))

model = nn.Sequential(
    nn.Conv2d(1, 32, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(64 * 7 * 7, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
optimizer = torch.optim.Adam(model.parameters())

# Steps 0 and 1 compile the kernels and allocate the optimizer's state; the ten after them are recorded.
with profile(schedule=schedule(wait=1, warmup=1, active=10, repeat=1)) as prof:
    for _ in range(12):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        prof.step()

print(prof.key_averages().table(sort_by="self_cpu_time_total", row_limit=8))
print(prof.kernel_averages().table(sort_by="self_cpu_time_total", row_limit=5))
