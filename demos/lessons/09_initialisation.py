# %% [markdown]
# # Lesson 9: why the first weights matter
#
# A layer adds up n numbers. If the weights have variance v, the sum's variance is n * v times that of the inputs.
# Over twenty layers that is (n v)**20: it explodes or dies, unless n v is about 1.

# %%
import tinygrad_edu as torch


def sizes_through(layers, gain, width=256, activation=torch.relu):
    torch.manual_seed(0)
    x = torch.randn(128, width)
    sizes = []
    for _ in range(layers):
        x = activation(x @ (torch.randn(width, width) * gain / width**0.5))
        sizes.append(x.std().item())
    return sizes


for gain in (0.5, 1.0, 2**0.5, 2.0):
    sizes = sizes_through(20, gain)
    print(f"gain {gain:.2f}: after 1 layer {sizes[0]:.2e}, after 20 {sizes[-1]:.2e}")

# %% [markdown]
# ReLU throws half of the numbers away, and with them half of the mean square. The factor that makes up for it is
# the root of 2 (He et al., 2015, equation 10): there the size stays. `torch.nn.init.kaiming_normal_` is this.

# %%
weight = torch.empty(256, 256)
torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
print("kaiming:", weight.std().item(), " by hand:", (2 / 256) ** 0.5)
assert abs(weight.std().item() - (2 / 256) ** 0.5) < 2e-3

# %% [markdown]
# ## All weights equal
#
# With equal weights all neurons of a layer compute the same, get the same gradient, and stay equal for ever. It
# takes chance to make them different.

# %%
net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
for parameter in net.parameters():
    torch.nn.init.constant_(parameter, 0.5)
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
xor = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
for _ in range(300):
    loss = ((net(x) - xor) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
rows = net[0].weight.detach()
print("the four neurons after 300 steps:", rows.tolist(), " loss:", round(loss.item(), 4))
assert torch.allclose(rows, rows[:1].expand(4, 2), atol=1e-6)

# %% [markdown]
# ## Try
#
# 1. Which gain keeps the size with tanh instead of ReLU? (`torch.nn.init.calculate_gain` says 5/3. Is it constant?)
# 2. Train the XOR network from the weights that `nn.Linear` gives itself.
# 3. Only the last layer constant: is that enough to go wrong?

# %%
sizes = sizes_through(20, 5 / 3, activation=torch.tanh)
print("1. tanh:", [round(size, 2) for size in sizes[::5]])
assert 0.5 < sizes[-1] < 1


def train_xor(net):
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(300):
        loss = ((net(x) - xor) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


torch.manual_seed(1)
net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
assert train_xor(net) < 0.01  # 2.
torch.manual_seed(1)
net = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
torch.nn.init.constant_(net[2].weight, 0.5)
assert train_xor(net) < 0.01  # 3. no: the neurons differ already
