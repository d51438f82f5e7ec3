"""A neuron with a way round it, small enough to follow every number: docs/17_stepper.md looks at it.

python -m tinygrad_edu.learn step demos/neuron.py
"""

import tinygrad_edu as torch

w = torch.tensor(0.5, requires_grad=True)
b = torch.tensor(-1.0, requires_grad=True)
x = torch.tensor(3.0)
target = torch.tensor(1.0)

h = torch.tanh(w * x + b)
y = h + w * x
loss = (y - target) ** 2
loss.backward()

print(f"w.grad {w.grad.item():.3f}, b.grad {b.grad.item():.3f}")
