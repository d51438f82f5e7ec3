# %% [markdown]
# # Lesson 5: changing a Tensor that backward still needs
#
# Some operations keep their inputs for the backward: the derivative of `a * b` with respect to a is b. If b is
# overwritten in between, the derivative would be computed from the wrong numbers. So each Tensor counts how often
# it was changed.

# %%
import tinygrad_edu as torch

a = torch.tensor([1.0, 2.0], requires_grad=True)
b = torch.tensor([3.0, 4.0])
print("version of b:", b._version)
loss = (a * b).sum()
b.add_(1)
print("version of b:", b._version)

# %% [markdown]
# The product kept b at version 0; now it is at 1. Better an error than a wrong gradient:

# %%
try:
    loss.backward()
except RuntimeError as error:
    print(error)

# %% [markdown]
# An operation that does not need what was changed does not mind. The derivative of a sum is 1, whatever the
# numbers are:

# %%
b = torch.tensor([3.0, 4.0])
loss = (a + b).sum()
b.add_(1)
loss.backward()
assert a.grad.tolist() == [1.0, 1.0]

# %% [markdown]
# ## Leaves
#
# A leaf that wants a gradient must not be changed while the graph watches: there would be no "before" to give the
# gradient to. An optimizer changes it under `no_grad`.

# %%
try:
    a.add_(1)
except RuntimeError as error:
    print(error)
with torch.no_grad():
    a.add_(1)
print(a)

# %% [markdown]
# ## Views share
#
# A view is another look at the same numbers, and shares their version.

# %%
base = torch.zeros(2, 3)
first_row = base[0]
first_row.fill_(7)
print(base, base._version)
assert base._version == first_row._version == 1

# %% [markdown]
# ## Try
#
# 1. `y = x.exp()` keeps its result, `y = x.sin()` keeps its input. After which in-place change does each
#    backward fail?
# 2. Why does `y = x.clone(); y.mul_(2); (y * y).sum().backward()` work?
# 3. What does `detach()` share, and what not?


# %%
def fails(operation, what_is_changed):
    x = torch.tensor([0.5], requires_grad=True)
    z = x * 1  # no leaf, so that it may be changed
    y = operation(z)
    {"input": z, "output": y}[what_is_changed].mul_(2)
    try:
        y.sum().backward()
    except RuntimeError:
        return True
    return False


assert fails(torch.exp, "output") and not fails(torch.exp, "input")  # 1.
assert fails(torch.sin, "input") and not fails(torch.sin, "output")

x = torch.tensor([3.0], requires_grad=True)
y = x.clone()
y.mul_(2)  # 2. before anybody has kept y: clone keeps nothing, and the graph has a node for the change
(y * y).sum().backward()
assert x.grad.item() == 2 * 6 * 2

cut = x.detach()
cut.fill_(5)
assert x.item() == 5 and not cut.requires_grad  # 3. the numbers are shared, the history is not
