"""Training on the GPU: the same losses as on the CPU, and a host that waits for nothing but the loss."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.utils.data import DataLoader, Subset
from tinygrad_edu.vision import datasets, transforms

# No bias before a batch norm: its gradient is zero but for rounding, and Adam divides one rounding by another.


class MLP(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.norm = nn.Linear(12, 16, bias=False), nn.BatchNorm1d(16)
        self.drop, self.fc2 = nn.Dropout(0.3), nn.Linear(16, 4)

    def forward(self, x):
        return self.fc2(self.drop(F.relu(self.norm(self.fc1(torch.flatten(x, 1))))))


class CNN(nn.Module):
    """The demo's network, with fewer channels and smaller images."""

    def __init__(self, side=6):
        super().__init__()
        self.conv1, self.norm = nn.Conv2d(1, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        self.conv2, self.pool, self.drop = nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Dropout2d(0.2)
        self.fc = nn.Linear(4 * (side // 2) ** 2, 4)

    def forward(self, x):
        x = self.pool(F.relu(self.norm(self.conv1(x))))
        return self.fc(torch.flatten(self.drop(F.gelu(self.conv2(x))), 1))


OPTIMIZERS = {
    "SGD": {"lr": 0.05, "momentum": 0.9},
    "Adam": {"lr": 0.01},
    "AdamW": {"lr": 0.01, "amsgrad": True},
    "RMSprop": {"lr": 0.01, "momentum": 0.5, "centered": True, "eps": 1e-3},
    "Adagrad": {"lr": 0.05},
}
MODELS = {"mlp": (MLP, (12,)), "cnn": (CNN, (1, 6, 6))}
EVERYTHING = [(model, name) for model in MODELS for name in OPTIMIZERS]


def make_data(shape, device, batch=5):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((batch, *shape)).astype(np.float32)
    return torch.tensor(x, device=device), torch.tensor(rng.integers(0, 4, batch), device=device)


def make(model, optimizer, device):
    """Return a model on the device, its data and its optimizer: the same numbers on every device."""
    torch.manual_seed(0)
    make_model, shape = MODELS[model]
    with torch.device("cpu"):
        net = make_model()
    net.to(device)
    return (
        net,
        *make_data(shape, device),
        getattr(torch.optim, optimizer)(net.parameters(), **OPTIMIZERS[optimizer]),
    )


def step(net, x, y, optimizer):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    optimizer.step()
    return loss


def losses_on(device, model, optimizer, steps=4):
    net, x, y, optimizer = make(model, optimizer, device)
    found = [step(net, x, y, optimizer).item() for _ in range(steps)]
    assert {str(p.device) for p in net.parameters()} == {str(torch.ones(1, device=device).device)}
    return found, {name: value.numpy(force=True) for name, value in net.state_dict().items()}


@pytest.mark.parametrize(("model", "optimizer"), EVERYTHING)
def test_the_losses_are_those_of_the_cpu(model, optimizer):
    expected, expected_state = losses_on("cpu", model, optimizer)
    found, state = losses_on("cuda", model, optimizer)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    for name, values in expected_state.items():
        np.testing.assert_allclose(state[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.usefixtures("simulate_everything")
def test_every_kernel_simulated():
    """Without the kernels of the CPU: every launch of three steps runs in the simulator."""
    expected, _ = losses_on("cpu", "cnn", "Adam", steps=3)
    found, _ = losses_on("cuda", "cnn", "Adam", steps=3)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.usefixtures("simulate_everything")
@pytest.mark.parametrize(("model", "optimizer"), EVERYTHING)
def test_the_host_waits_for_the_loss_only(model, optimizer, standin):
    net, x, y, optimizer = make(model, optimizer, "cuda")
    step(net, x, y, optimizer)
    before = standin.syncs
    loss = step(net, x, y, optimizer)
    assert standin.syncs == before
    loss.item()
    assert standin.syncs == before + 1


LOSSES = {
    "cross_entropy": lambda x, t: F.cross_entropy(x, t.argmax(1)),
    "cross_entropy with weights": lambda x, t: F.cross_entropy(x, t.argmax(1), weight=x.detach()[0] ** 2),
    "cross_entropy, ignoring": lambda x, t: F.cross_entropy(
        x, t.argmax(1), ignore_index=2, label_smoothing=0.1
    ),
    "nll": lambda x, t: F.nll_loss(F.log_softmax(x, 1), t.argmax(1)),
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "smooth l1": F.smooth_l1_loss,
    "huber": F.huber_loss,
    "bce": lambda x, t: F.binary_cross_entropy(torch.sigmoid(x), torch.sigmoid(t)),
    "bce with logits": lambda x, t: F.binary_cross_entropy_with_logits(x, torch.sigmoid(t)),
    "kl": lambda x, t: F.kl_div(F.log_softmax(x, 1), F.softmax(t, 1), reduction="batchmean"),
    "embedding": lambda x, t: (F.embedding(t.argmax(1), x) ** 2).sum(),
    "embedding_bag": lambda x, t: (F.embedding_bag(t.argmax(1)[None], x, padding_idx=1) ** 2).sum(),
    "ctc": lambda x, t: F.ctc_loss(F.log_softmax(x, 1), t.argmax(1)[:2], (5,), (2,), zero_infinity=True),
    "gather": lambda x, t: x.gather(1, t.argmax(1, keepdim=True)).sum(),
    "one_hot": lambda x, t: (F.one_hot(t.argmax(1), 3) * x).sum(),
    "layer_norm": lambda x, t: (F.layer_norm(x, (3,)) * t).sum(),
    "clipped gradients": lambda x, t: (x * t).sum() * torch.nn.utils.get_total_norm([t]).clamp(max=1.0),
}


@pytest.mark.usefixtures("simulate_everything")
@pytest.mark.parametrize("name", LOSSES)
def test_forward_and_backward_wait_for_nothing(name, standin):
    rng = np.random.default_rng(0)
    x, t = (torch.tensor(rng.standard_normal((5, 3)).astype(np.float32), device="cuda") for _ in range(2))
    x.requires_grad_()
    before = standin.syncs
    LOSSES[name](x, t).backward()
    assert standin.syncs == before
    assert x.grad.device.type == "cuda"


def test_accuracy_and_evaluation_wait_once(standin):
    net, x, y, _ = make("cnn", "SGD", "cuda")
    net.eval()
    before = standin.syncs
    with torch.no_grad():
        correct = (net(x).argmax(dim=1) == y).sum()
    assert standin.syncs == before
    correct.item()
    assert standin.syncs == before + 1


def test_mnist():
    """Real digits, a quarter of their size, through a DataLoader: the losses are the CPU's."""
    digits = Subset(datasets.MNISTSmall(transform=transforms.ToTensor()), range(24))

    def losses(device):
        torch.manual_seed(0)
        with torch.device("cpu"):
            net = CNN(side=14)
            loader = DataLoader(digits, batch_size=8, shuffle=True)
        net.to(device)
        net.fc = nn.Linear(4 * 49, 10, device="cpu").to(device)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
        return [
            step(net, F.avg_pool2d(images.to(device), 2), labels.to(device), optimizer).item()
            for images, labels in loader
        ]

    np.testing.assert_allclose(losses("cuda"), losses("cpu"), rtol=1e-5)
