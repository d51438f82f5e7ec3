# %% [markdown]
# # Lesson 4: the gradient of a gradient
#
# With `create_graph=True`, backward is itself written down as a graph: the gradient that comes out is a Tensor
# with a history, and can be differentiated again.

# %%
import tinygrad_edu as torch

x = torch.tensor(2.0, requires_grad=True)
y = x**4
(first,) = torch.autograd.grad(y, x, create_graph=True)
(second,) = torch.autograd.grad(first, x, create_graph=True)
(third,) = torch.autograd.grad(second, x)
print("x^4 at 2:", y.item(), first.item(), second.item(), third.item())
assert (first.item(), second.item(), third.item()) == (4 * 8, 12 * 4, 24 * 2)

# %% [markdown]
# ## What it is good for: Newton's method
#
# Gradient descent asks for the slope and guesses the length of a step. Newton's method divides by the curvature,
# and on a parabola is there in one step; near a minimum the number of right digits doubles with each.

# %%
x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
for step in range(6):
    loss = x.exp() - 2 * x  # the minimum is at ln 2
    (slope,) = torch.autograd.grad(loss, x, create_graph=True)
    (curvature,) = torch.autograd.grad(slope, x)
    with torch.no_grad():
        x -= slope / curvature
    print(f"step {step}: x = {x.item():.15f}")
assert abs(x.item() - 0.6931471805599453) < 1e-15

# %% [markdown]
# ## A penalty on a gradient
#
# A loss may contain a gradient: here a network is asked to be right and flat where the data is.

# %%
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
points = torch.linspace(-1, 1, 8).unsqueeze(1).requires_grad_()
values = net(points)
(slopes,) = torch.autograd.grad(values.sum(), points, create_graph=True)
loss = ((values - points.detach()) ** 2).mean() + 0.1 * (slopes**2).mean()
loss.backward()
print("gradient of the first weights, penalty included:", net[0].weight.grad[:3, 0].tolist())

# %% [markdown]
# ## Try
#
# 1. Leave out `create_graph=True` in the first cell. What does the second call say?
# 2. What is the second derivative of ReLU at 1, and at 0?
# 3. Compute the full Hessian of `x[0]**2 * x[1]` at (1, 2) with two calls of `grad` for the second derivatives.

# %%
x = torch.tensor(2.0, requires_grad=True)
(first,) = torch.autograd.grad(x**4, x)
try:
    torch.autograd.grad(first, x)
except RuntimeError as error:
    print("1.", error)

x = torch.tensor([1.0, 0.0], requires_grad=True)
(first,) = torch.autograd.grad(torch.relu(x**2).sum(), x, create_graph=True)
(second,) = torch.autograd.grad(first.sum(), x)
assert second.tolist() == [2.0, 0.0]  # 2. of ReLU itself it is 0 in both places: here x**2 has bent the line

x = torch.tensor([1.0, 2.0], requires_grad=True)
(first,) = torch.autograd.grad(x[0] ** 2 * x[1], x, create_graph=True)
rows = [torch.autograd.grad(first[i], x, retain_graph=True)[0].tolist() for i in range(2)]
assert rows == [[4.0, 2.0], [2.0, 0.0]]  # 3.
