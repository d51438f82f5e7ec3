# %% [markdown]
# # Lesson 12: a memory budget
#
# Where does the memory of a training step go? Four parts: the weights, their gradients, what the optimizer
# remembers, and what forward keeps for backward. Only the last grows with the batch.

# %%
import tracemalloc

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.utils.checkpoint import checkpoint

MEGA = 1e6
net = nn.Sequential(*[part for _ in range(32) for part in (nn.Linear(128, 128), nn.Tanh())])
weights = sum(p.numel() * p.element_size() for p in net.parameters())
print(f"weights {weights / MEGA:.1f} MB, gradients as much, Adam's two averages twice as much")

# %% [markdown]
# Each Linear keeps its input, each Tanh its output: and the output of a Tanh *is* the input of the next Linear,
# one array for both. The 32 results of Linear are not kept by anybody. By hand, for a batch of 1,024:

# %%
batch = 1024
by_hand = 32 * batch * 128 * 4
print(f"kept for backward, by hand: {by_hand / MEGA:.1f} MB")


def measure(run):
    """Return the bytes that a forward leaves behind, and the most there was at a time until the backward's end."""
    for parameter in net.parameters():
        parameter.grad = torch.zeros_like(parameter)  # so that the gradients do not count
    tracemalloc.start()
    loss = run()
    kept = tracemalloc.get_traced_memory()[0]
    loss.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return kept, peak


x = torch.randn(batch, 128)
net(x).sum().backward()  # once before: what is made only once does not count
kept, peak = measure(lambda: net(x).sum())
print(f"measured: {kept / MEGA:.1f} MB after the forward, at most {peak / MEGA:.1f} MB")
assert abs(kept - by_hand) < 0.05 * by_hand

# %% [markdown]
# ## Two ways to need less
#
# Without a backward nothing is kept. And with *checkpointing* only some places keep their input; the rest is
# computed a second time when backward comes there (Chen et al., 2016).

# %%
with torch.no_grad():
    tracemalloc.start()
    net(x).sum()
    print(f"no_grad: {tracemalloc.get_traced_memory()[0] / MEGA:.1f} MB are left")
    tracemalloc.stop()


def in_pieces():
    y = x
    for i in range(0, 64, 8):  # eight pieces of four layers
        y = checkpoint(net[i : i + 8], y, use_reentrant=False)
    return y.sum()


in_pieces().backward()
kept_in_pieces, peak_in_pieces = measure(in_pieces)
print(
    f"checkpoints: {kept_in_pieces / MEGA:.1f} MB after the forward, at most {peak_in_pieces / MEGA:.1f} MB"
)
assert kept_in_pieces < 0.3 * kept and peak_in_pieces < 0.6 * peak

# %% [markdown]
# ## Try
#
# 1. How does what is kept change with the batch, and with the number of layers? Which of the four parts do not?
# 2. Replace Tanh by ReLU. Why is the sum the same?
# 3. How many checkpoints are best for 64 layers, if all are equal? (Between none and one for each.)

# %%
x = torch.randn(2 * batch, 128)
twice, _ = measure(lambda: net(x).sum())
assert abs(twice - 2 * kept) < 0.05 * twice  # 1. with both in proportion; the other three do not

net = nn.Sequential(*[part for _ in range(32) for part in (nn.Linear(128, 128), nn.ReLU())])
net(x).sum().backward()
with_relu, _ = measure(lambda: net(x).sum())
assert abs(with_relu - twice) < 0.05 * twice  # 2. its output is kept, too: as the next input

best = min(range(1, 65), key=lambda pieces: pieces + -(-64 // pieces))
assert (
    best == 8
)  # 3. kept: one input a piece, and while a piece is computed again, its layers: least at the root
