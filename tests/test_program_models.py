"""Models of the kind that courses teach, as written for PyTorch: only the imports are changed."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_residual_network_with_batch_norm():
    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.relu = nn.ReLU(inplace=True)
            self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(channels)

        def forward(self, x):
            identity = x
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += identity
            return self.relu(out)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
            self.layers = nn.ModuleList([Block(4) for _ in range(2)])
            self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
            self.fc = nn.Linear(4, 2)
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                elif isinstance(m, nn.BatchNorm2d):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)

        def forward(self, x):
            x = self.stem(x)
            for layer in self.layers:
                x = layer(x)
            return self.fc(torch.flatten(self.avgpool(x), 1))

    rng = np.random.default_rng(0)
    images = rng.standard_normal((64, 1, 6, 6)).astype(np.float32)
    images[:32, :, ::2] += 2  # stripes
    x, y = torch.tensor(images), torch.tensor([0] * 32 + [1] * 32)
    net = Net()
    optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
    net.eval()
    assert (net(x).argmax(1) == y).float().mean().item() > 0.95
    assert (
        sum(p.numel() for p in net.parameters() if p.requires_grad) == 4 * 9 + 4 + 8 + 2 * (2 * 144 + 16) + 10
    )


def test_words_to_vectors_and_an_embedding():
    context = torch.tensor([[0, 1], [1, 2], [2, 3], [3, 0]])
    target = torch.tensor([2, 3, 0, 1])
    model = nn.Sequential(nn.Embedding(4, 6), nn.Flatten(), nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4))
    optimizer = optim.Adam(model.parameters(), lr=0.05)
    loss_function = nn.CrossEntropyLoss()
    for _ in range(60):
        model.zero_grad()
        loss = loss_function(model(context), target)
        loss.backward()
        optimizer.step()
    assert model(context).argmax(1).tolist() == target.tolist()


def test_autoencoder():
    encoder = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.LeakyReLU(0.2))
    decoder = nn.Sequential(nn.ConvTranspose2d(4, 1, 4, stride=2, padding=1), nn.Sigmoid())
    autoencoder = nn.Sequential(encoder, decoder)
    images = (torch.rand(16, 1, 8, 8) > 0.5).float().round()
    optimizer = optim.Adam(autoencoder.parameters(), lr=0.05)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = nn.BCELoss()(autoencoder(images), images)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert autoencoder(images).shape == images.shape
    assert losses[-1] < 0.7 * losses[0]


def test_fine_tuning_a_frozen_model():
    body = nn.Sequential(nn.Linear(2, 8), nn.ReLU())
    for param in body.parameters():
        param.requires_grad = False
    model = nn.Sequential(body, nn.Linear(8, 3))
    optimizer = optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.1)
    before = body[0].weight.tolist()
    points, labels = torch.randn(100, 2), torch.randint(0, 3, (100,))
    for _ in range(20):
        loss = F.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert body[0].weight.tolist() == before
    assert body[0].weight.grad is None
    assert model[1].weight.grad is not None


# ---- the same numbers as in PyTorch ------------------------------------------------------------------


def train_alike(torch, seed=0, steps=15):
    """Train a network of ``torch`` (either library) from the same numbers; return losses and parameters."""
    nn, F = torch.nn, torch.nn.functional
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(3 * 4 * 4, 10), nn.LayerNorm(10), nn.GELU(), nn.Linear(10, 4),
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(rng.normal(0, 0.3, tuple(p.shape)).astype(np.float32)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=1e-3)
    losses = []
    for _ in range(steps):
        x = torch.tensor(rng.standard_normal((8, 1, 8, 8)).astype(np.float32))
        y = torch.tensor(rng.integers(0, 4, 8))
        loss = F.cross_entropy(model(x), y, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
    return losses, {name: value.numpy(force=True) for name, value in model.state_dict().items()}


@pytest.mark.torch_parity
def test_a_training_gives_the_numbers_of_pytorch():
    reference = pytest.importorskip("torch")
    losses, state = train_alike(torch)
    expected_losses, expected_state = train_alike(reference)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-3)
    assert list(state) == list(expected_state)
    for name, values in expected_state.items():
        np.testing.assert_allclose(state[name], values, rtol=2e-2, atol=2e-3, err_msg=name)
