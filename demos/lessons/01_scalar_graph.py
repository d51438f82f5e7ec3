# %% [markdown]
# # Lesson 1: a graph of five numbers
#
# Every operation on a Tensor that wants a gradient leaves a node behind. The nodes are the graph; `backward()`
# walks it from the result to the numbers you started with. With one number in each Tensor you can do it by hand,
# so do.

# %%
import tinygrad_edu as torch

a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(-3.0, requires_grad=True)
c = a * b
d = c + a
loss = d**2
print("loss =", loss.item())

# %% [markdown]
# The result remembers which operation made it, and that one remembers where its inputs came from.

# %%
waiting = [loss.grad_fn]
while waiting:
    node = waiting.pop()
    below = [next_node for next_node, _ in node.next_functions if next_node is not None]
    print(node.name(), "<-", [next_node.name() for next_node in below])
    waiting.extend(below)

# %% [markdown]
# By hand, from the end. Each line is one node's local derivative times what has arrived from above:
#
# - `loss = d**2`: d(loss)/dd = 2 d = 2 * (-4) = -8
# - `d = c + a`: a sum hands on what it gets: c gets -8, and a gets -8 (the first way to a)
# - `c = a * b`: a gets b * (-8) = 24 (the second way to a), and b gets a * (-8) = -16
#
# a is reached by two ways; their gradients are added: -8 + 24 = 16.

# %%
loss.backward()
print("a.grad =", a.grad.item(), " b.grad =", b.grad.item())
assert a.grad.item() == 16 and b.grad.item() == -16

# %% [markdown]
# ## A derivative is a slope
#
# Move a by a little and see by how much the loss moves. That is all a gradient promises.

# %%
step = 1e-3
moved = ((2.0 + step) * -3.0 + 2.0 + step) ** 2
print("slope from two points:", (moved - 16.0) / step)

# %% [markdown]
# ## Try
#
# 1. What is `a.grad` if you call `loss.backward()` on a second, equal loss without clearing the gradients?
# 2. Which gradients change if `d = c + a` becomes `d = c - a`?
# 3. Why is `c.grad` None, and what makes it appear?
#
# The answers, as code that is run:

# %%
loss = (a * b + a) ** 2
loss.backward()
assert a.grad.item() == 32  # 1. they are added up: 16 + 16; that is why optimizer.zero_grad() exists

a.grad = b.grad = None
c = a * b
c.retain_grad()  # 3. only leaves keep their gradient; this asks c to keep its own
((c - a) ** 2).backward()
assert (a.grad.item(), b.grad.item()) == (64, -32)  # 2. d is -8 now: a gets 16 + 48, b gets 2 * -16
assert c.grad.item() == -16
