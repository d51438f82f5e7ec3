# %% [markdown]
# # Lesson 2: broadcasting, and the sum that undoes it
#
# A small array meets a larger one and is stretched: its one row is used for every row. Nothing is copied, but
# each number is used several times. What is used several times gets several gradients, and they are added.

# %%
import tinygrad_edu as torch

x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])  # (2, 3)
bias = torch.tensor([10.0, 20.0, 30.0], requires_grad=True)  # (3,), used for both rows
y = x + bias
print(y)

# %%
weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
(weights * y).sum().backward()
print("bias.grad =", bias.grad)
assert torch.equal(bias.grad, torch.tensor([1.0 + 4.0, 2.0 + 5.0, 3.0 + 6.0]))  # summed over the rows

# %% [markdown]
# ## The rule
#
# Write the shapes under each other, from the right. Two sizes go together if they are equal or one of them is 1
# (or is not there). The gradient is summed over every dimension that was stretched.

# %%
column = torch.ones(2, 1, requires_grad=True)
row = torch.ones(1, 3, requires_grad=True)
(column * row).sum().backward()
print("column:", column.grad.tolist(), " row:", row.grad.tolist())
assert column.grad.tolist() == [[3.0], [3.0]] and row.grad.tolist() == [[2.0, 2.0, 2.0]]

# %%
try:
    torch.ones(2, 3) + torch.ones(2)
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## The mistake everybody makes once
#
# Targets of shape (n,) and predictions of shape (n, 1) go together, to (n, n). No error, only a wrong loss.

# %%
prediction = torch.tensor([[1.0], [2.0], [3.0]])
target = torch.tensor([1.0, 2.0, 3.0])  # the prediction is perfect
print("shape of the difference:", tuple((prediction - target).shape))
print("loss:", ((prediction - target) ** 2).mean().item(), "and with equal shapes:", end=" ")
print(((prediction - target.unsqueeze(1)) ** 2).mean().item())

# %% [markdown]
# ## Try
#
# 1. Which shape has `torch.ones(4, 1, 3) * torch.ones(5, 1)`, and over which dimensions is each gradient summed?
# 2. What is the gradient of a single number that is added to a (100, 50) array, if the loss is the sum? If it is
#    the mean?
# 3. Mend the prediction above without touching the target.

# %%
p, q = torch.ones(4, 1, 3, requires_grad=True), torch.ones(5, 1, requires_grad=True)
(p * q).sum().backward()
assert (p * q).shape == (4, 5, 3)
assert (p.grad == 5).all() and (q.grad == 12).all()  # 1. p over dimension 1; q over 0 and 2: 4 * 3 numbers

number = torch.tensor(0.5, requires_grad=True)
(torch.zeros(100, 50) + number).sum().backward()
assert number.grad.item() == 5000  # 2. each of the 5,000 uses gives 1
number.grad = None
(torch.zeros(100, 50) + number).mean().backward()
assert abs(number.grad.item() - 1) < 1e-5

assert ((prediction.squeeze(1) - target) ** 2).mean().item() == 0  # 3.
