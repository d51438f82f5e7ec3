"""Knowledge distillation: a small student learns from the softened answers and the features of a larger teacher."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(41)
losses = []


class Net(nn.Module):
    def __init__(self, width):
        super(Net, self).__init__()
        self.features = nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.classifier = nn.Linear(width, 3)

    def forward(self, x):
        hidden = self.features(x)
        return self.classifier(hidden), hidden


def distillation_loss(student_logits, teacher_logits, T):
    soft_targets = nn.functional.softmax(teacher_logits / T, dim=-1)
    soft_prob = nn.functional.log_softmax(student_logits / T, dim=-1)
    return F.kl_div(soft_prob, soft_targets, reduction="batchmean") * (T**2)


teacher, student, regressor = Net(24), Net(6), nn.Linear(6, 24, bias=False)
set_weights(teacher, 1, 0.4)
set_weights(student, 2, 0.4)
set_weights(regressor, 3)
labels = torch.from_numpy(rng.randint(0, 3, 45))
x = torch.from_numpy(rng.standard_normal((45, 4)))
x[torch.arange(45), labels] += 2
optimizer = torch.optim.Adam(teacher.parameters(), lr=0.02)
for step in range(20):
    loss = F.cross_entropy(teacher(x)[0], labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
teacher.eval()
student.train()
optimizer = torch.optim.Adam([*student.parameters(), *regressor.parameters()], lr=0.02)
for step in range(50):
    with torch.no_grad():
        teacher_logits, teacher_hidden = teacher(x)
    student_logits, student_hidden = student(x)
    hint = F.cosine_embedding_loss(regressor(student_hidden), teacher_hidden, target=torch.ones(x.size(0)))
    loss = 0.25 * distillation_loss(student_logits, teacher_logits, T=2.0) + 0.25 * hint
    loss = loss + 0.75 * F.cross_entropy(student_logits, labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
agreement = (student_logits.argmax(1) == teacher_logits.argmax(1)).sum().item() / len(x)
print(f"teacher {losses[19]:.4f}, student {losses[20]:.4f} -> {losses[-1]:.4f}, agreement {agreement:.3f}")
