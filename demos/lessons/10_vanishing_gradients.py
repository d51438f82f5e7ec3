# %% [markdown]
# # Lesson 10: vanishing gradients, seen
#
# The gradient of the first layer is a product over all layers above it. The sigmoid's derivative is at most 1/4:
# each sigmoid layer takes at least three quarters of what is left.

# %%
import tinygrad_edu as torch
from tinygrad_edu import nn


def gradient_norms(activation, depth=12, residual=False, norm=False):
    torch.manual_seed(0)
    layers = [nn.Linear(64, 64) for _ in range(depth)]
    norms = [nn.LayerNorm(64) for _ in range(depth)]
    x = torch.randn(32, 64)
    for layer, normalise in zip(layers, norms, strict=True):
        y = activation(layer(normalise(x) if norm else x))
        x = x + y if residual else y
    (x**2).mean().backward()
    return [layer.weight.grad.norm().item() for layer in layers]


cases = {
    "sigmoid": gradient_norms(torch.sigmoid),
    "tanh": gradient_norms(torch.tanh),
    "ReLU": gradient_norms(torch.relu),
    "ReLU + residual": gradient_norms(torch.relu, residual=True),
    "ReLU + residual + LayerNorm": gradient_norms(torch.relu, residual=True, norm=True),
}
for name, norms in cases.items():
    print(
        f"{name:28s} first layer {norms[0]:.1e}, last layer {norms[-1]:.1e}, ratio {norms[0] / norms[-1]:.1e}"
    )

# %% [markdown]
# A residual connection adds the input to the result, `x + f(x)`: its derivative is 1 plus something, so there is
# always a way on which nothing is lost (He et al., 2016).

# %%
try:
    from matplotlib import pyplot as plt
except ImportError:
    print("no picture: it needs matplotlib")
else:
    figure, ax = plt.subplots(figsize=(7, 4), layout="constrained")
    for name, norms in cases.items():
        ax.semilogy(range(1, len(norms) + 1), norms, "o-", label=name)
    ax.set(xlabel="layer", ylabel="norm of the weight's gradient", title="What reaches the first layers")
    ax.legend()
    figure.savefig("lesson_10.png", dpi=80)

# %% [markdown]
# ## Try
#
# 1. Why exactly 1/4? Where is the sigmoid's derivative largest?
# 2. Does a larger learning rate for the first layers help? Look at the ratio for `depth=40`.
# 3. `nn.Linear` starts with weights of gain about 0.58. Give the ReLU network He's weights (lesson 9) and look
#    again.

# %%
x = torch.zeros(1, requires_grad=True)
torch.sigmoid(x).backward()
assert x.grad.item() == 0.25  # 1. s (1 - s) with s = 1/2

deep = gradient_norms(torch.sigmoid, depth=40)
print(f"2. {deep[0] / deep[-1]:.0e}: times the learning rate, and any noise would drown it")
assert deep[0] < 1e-15 * deep[-1]

torch.manual_seed(0)
layers = [nn.Linear(64, 64) for _ in range(12)]
for layer in layers:
    nn.init.kaiming_normal_(layer.weight)
(
    nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())])(torch.randn(32, 64)) ** 2
).mean().backward()
ratio = (layers[0].weight.grad.norm() / layers[-1].weight.grad.norm()).item()
print(f"3. {ratio:.2f}")
assert 0.1 < ratio < 10
