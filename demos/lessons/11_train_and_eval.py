# %% [markdown]
# # Lesson 11: two layers that behave differently when it counts
#
# `model.train()` and `model.eval()` change a flag in every module. Two kinds of layers look at it: dropout and
# batch normalisation. Forgetting it is one of the most common mistakes there are.

# %%
import tinygrad_edu as torch
from tinygrad_edu import nn

torch.manual_seed(0)
dropout = nn.Dropout(p=0.5)
x = torch.ones(8)
print("train:", dropout(x).tolist())
dropout.eval()
print("eval: ", dropout(x).tolist())

# %% [markdown]
# What is kept is doubled, so that the mean stays 1: what follows sees numbers of the same size in both modes
# (Srivastava et al., 2014; dividing by 1 - p at training is called *inverted* dropout).

# %%
dropout.train()
many = dropout(torch.ones(100_000))
print("mean:", many.mean().item(), " kinds of numbers:", sorted(set(many.tolist())))
assert abs(many.mean().item() - 1) < 0.02

# %% [markdown]
# ## Batch normalisation
#
# While training, it uses the mean and variance of the batch, and keeps a running average of them; afterwards it
# uses the average. So an answer for one image does not depend on who else is in the batch.

# %%
norm = nn.BatchNorm1d(1, momentum=0.1)
for step in range(3):
    batch = 5 + 2 * torch.randn(1000, 1)
    norm(batch)
    print(
        f"after batch {step}: running mean {norm.running_mean.item():.3f}, variance {norm.running_var.item():.3f}"
    )

# %% [markdown]
# The average forgets its start (0 and 1) slowly: after k batches (1 - 0.1)**k of it is left. Three batches are
# not enough to evaluate with.

# %%
single = torch.tensor([[5.0]])
norm.eval()
print("eval, one image:", norm(single).item())
norm.train()
try:
    norm(single)
except ValueError as error:
    print("train, one image:", error)

# %% [markdown]
# ## Try
#
# 1. What does a forgotten `eval()` do to the accuracy of a network with dropout? Measure it on any data.
# 2. How many batches until the running mean is within 1 % of 5?
# 3. `momentum=None` takes the plain mean of all batches. What changes?

# %%
norm = nn.BatchNorm1d(1)
batches = 0
while abs(norm.running_mean.item() - 5) > 0.05:
    norm(torch.full((2, 1), 5.0) + torch.tensor([[-0.1], [0.1]]))
    batches += 1
assert batches == 44  # 2. the first k with 0.9**k < 0.01
norm = nn.BatchNorm1d(1, momentum=None)
norm(torch.tensor([[4.0], [6.0]]))
assert (
    norm.running_mean.item() == 5
)  # 3. right at once; but it never forgets what the untrained layers below gave it

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 2))
points = torch.randn(500, 2)
labels = (points[:, 0] * points[:, 1] > 0).long()
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
for _ in range(200):
    loss = nn.functional.cross_entropy(net(points), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
forgotten = (net(points).argmax(1) == labels).float().mean().item()
right = (net.eval()(points).argmax(1) == labels).float().mean().item()
print(f"1. accuracy {right:.3f}, with eval() forgotten {forgotten:.3f}")
assert right > forgotten
