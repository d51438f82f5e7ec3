# %% [markdown]
# # Lesson 8: what Adam does in a curved valley
#
# Rosenbrock's banana (1960): `(1 - x)**2 + 100 (y - x**2)**2`. Getting down into the valley is easy; following
# its bend to the minimum at (1, 1) is not, because the slope across it is a hundred times that along it.

# %%
import tinygrad_edu as torch


def banana(point):
    x, y = point
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def descend(make_optimizer, steps=2000):
    point = torch.tensor([-1.5, 1.5], dtype=torch.float64, requires_grad=True)
    optimizer = make_optimizer([point])
    path = [point.tolist()]
    for _ in range(steps):
        optimizer.zero_grad()
        banana(point).backward()
        optimizer.step()
        path.append(point.tolist())
    return path


optimizers = {
    "SGD": lambda parameters: torch.optim.SGD(parameters, lr=0.001),
    "momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.001, momentum=0.9),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.05),
}
paths = {name: descend(make) for name, make in optimizers.items()}
for name, path in paths.items():
    x, y = path[-1]
    print(f"{name:9s} ends at ({x:.4f}, {y:.4f}), loss {banana(path[-1]):.1e}")

# %% [markdown]
# ## One step of Adam by hand
#
# Adam keeps a mean of the gradients and a mean of their squares, and divides: whatever the size of a gradient,
# the first step has the length of the learning rate in each direction. So a steep direction is not walked faster
# than a flat one.

# %%
point = torch.tensor([-1.5, 1.5], dtype=torch.float64, requires_grad=True)
banana(point).backward()
g = point.grad
mean, square = 0.1 * g, 0.001 * g**2  # beta 0.9 and 0.999, from zero
step = 0.05 * (mean / 0.1) / ((square / 0.001).sqrt() + 1e-8)
print("gradient:", g.tolist(), " step:", step.tolist())
by_hand = point.detach() - step
assert torch.allclose(by_hand, torch.tensor(paths["Adam"][1], dtype=torch.float64), atol=1e-12)

# %% [markdown]
# ## The picture

# %%
try:
    from matplotlib import pyplot as plt
except ImportError:
    print("no picture: it needs matplotlib")
else:
    x, y = torch.meshgrid(torch.linspace(-2, 2, 200), torch.linspace(-1, 3, 200), indexing="xy")
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained", sharey=True)
    for ax, (name, path) in zip(axes, paths.items(), strict=True):
        ax.contourf(x, y, torch.log10(banana((x, y)) + 1e-3), levels=20, cmap="Greys")
        ax.plot(*zip(*path, strict=True), ".-", color="tab:orange", markersize=2, linewidth=0.8)
        ax.plot(1, 1, "*", color="tab:blue", markersize=12)
        ax.set(title=f"{name}, {len(path) - 1} steps", xlim=(-2, 2), ylim=(-1, 3))
    figure.savefig("lesson_08.png", dpi=80)

# %% [markdown]
# ## Try
#
# 1. Find a learning rate at which plain SGD flies out of the valley. Why just there? (The curvature across is
#    about 2,000.)
# 2. How does Newton's method do? (`torch.optim.LBFGS` guesses the curvature from the gradients.)

# %%
path = descend(lambda parameters: torch.optim.SGD(parameters, lr=0.005), steps=20)
assert not abs(path[-1][0]) < 10  # 1. more than 2 / curvature: each step is thrown further than it came from

point = torch.tensor([-1.5, 1.5], dtype=torch.float64, requires_grad=True)
optimizer = torch.optim.LBFGS([point], line_search_fn="strong_wolfe", max_iter=100)


def loss_again():
    optimizer.zero_grad()
    loss = banana(point)
    loss.backward()
    return loss


optimizer.step(loss_again)
print("LBFGS:", point.tolist(), "after", optimizer.state[point]["func_evals"], "evaluations")
assert torch.allclose(point, torch.ones(2, dtype=torch.float64), atol=1e-4)  # 2.
