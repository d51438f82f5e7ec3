"""Programs of the kind that courses teach, as written for PyTorch: only the imports are changed."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_edu as torch
import tinygrad_edu.nn as nn
import tinygrad_edu.nn.functional as F
import tinygrad_edu.optim as optim
from tinygrad_edu.autograd import Variable
from tinygrad_edu.utils.data import DataLoader, Dataset, Subset, TensorDataset
from tinygrad_edu.vision import datasets, transforms


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def blobs(count, seed=0):
    """Return points in the plane round three centres, and the number of their centre."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    centres = np.array([[0.0, 2.0], [2.0, -1.0], [-2.0, -1.0]])
    return (centres[labels] + 0.4 * rng.standard_normal((count, 2))).astype(np.float32), labels


# ---- regression --------------------------------------------------------------------------------------


def test_linear_regression_by_hand():
    x = torch.linspace(-math.pi, math.pi, 500)
    y = torch.sin(x)
    a, b, c, d = (torch.randn((), requires_grad=True) for _ in range(4))
    learning_rate = 1e-6
    losses = []
    for t in range(1000):
        y_pred = a + b * x + c * x**2 + d * x**3
        loss = (y_pred - y).pow(2).sum()
        if t % 100 == 99:
            losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            a -= learning_rate * a.grad
            b -= learning_rate * b.grad
            c -= learning_rate * c.grad
            d -= learning_rate * d.grad
            a.grad = None
            b.grad = None
            c.grad = None
            d.grad = None
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]


def test_linear_regression_with_mse_loss():
    x = torch.rand(100, 1)
    y = 3 * x + 2 + 0.01 * torch.randn(100, 1)

    model = nn.Linear(1, 1)
    criterion = nn.MSELoss()
    optimizer = optim.SGD(model.parameters(), lr=0.3)

    for epoch in range(1000):
        outputs = model(x)
        loss = criterion(outputs, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (epoch + 1) % 500 == 0:
            print(f"Epoch [{epoch + 1}/1000], Loss: {loss.item():.4f}")

    predicted = model(x).numpy(force=True)
    assert loss.item() < 2e-4
    assert model.weight.item() == pytest.approx(3, abs=0.05)
    assert model.bias.item() == pytest.approx(2, abs=0.05)
    np.testing.assert_allclose(predicted, y.numpy(force=True), atol=0.06)


def test_polynomial_with_a_module():
    class Polynomial3(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a = torch.nn.Parameter(torch.randn(()))
            self.b = torch.nn.Parameter(torch.randn(()))

        def forward(self, x):
            return self.a + self.b * x

        def string(self):
            return f"y = {self.a.item()} + {self.b.item()} x"

    x = torch.linspace(-1, 1, 50)
    model = Polynomial3()
    criterion = torch.nn.MSELoss(reduction="sum")
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    for _ in range(200):
        loss = criterion(model(x), 1 + 2 * x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert model.a.item() == pytest.approx(1, abs=1e-3)
    assert model.b.item() == pytest.approx(2, abs=1e-3)
    assert model.string().startswith("y = ")


# ---- XOR with a sigmoid network ----------------------------------------------------------------------


def test_sigmoid_network_with_variables():
    class Net(nn.Module):
        def __init__(self):
            super(Net, self).__init__()  # noqa: UP008
            self.fc1 = nn.Linear(2, 8)
            self.fc2 = nn.Linear(8, 1)

        def forward(self, x):
            x = torch.sigmoid(self.fc1(x))
            x = F.sigmoid(self.fc2(x))
            return x

    device = torch.get_default_device()
    inputs = Variable(torch.Tensor([[0, 0], [0, 1], [1, 0], [1, 1]]).to(device))
    targets = Variable(torch.Tensor([[0], [1], [1], [0]]).to(device))
    net = Net()
    criterion = nn.MSELoss()
    optimizer = optim.SGD(net.parameters(), lr=2.0, momentum=0.9)
    for _ in range(1000):
        optimizer.zero_grad()
        output = net(inputs)
        loss = criterion(output, targets)
        loss.backward()
        optimizer.step()
    assert loss.data.item() < 0.01
    assert (net(inputs).data > 0.5).float().tolist() == targets.data.tolist()


def test_entropy_of_a_softmax():
    scores = torch.randn(5, 4, requires_grad=True)
    y = F.softmax(scores, dim=1)
    loss = torch.mean(y * torch.log(y))
    loss.backward()
    assert loss.item() == pytest.approx(float((y * y.log()).mean()))
    for _ in range(300):
        scores.grad = None
        y = F.softmax(scores, dim=1)
        torch.mean(y * torch.log(y)).backward()
        scores.data -= 5 * scores.grad
    np.testing.assert_allclose(F.softmax(scores, dim=1).numpy(force=True), 0.25, atol=0.01)


# ---- classification ----------------------------------------------------------------------------------


class MLP(nn.Module):
    def __init__(self, input_size, hidden_size, num_classes):
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x):
        x = torch.flatten(x, 1)
        out = self.fc1(x)
        out = self.relu(out)
        return self.fc2(out)


def test_mlp_with_data_loader_and_device():
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    points, labels = blobs(600)
    train_dataset = TensorDataset(torch.from_numpy(points[:500]), torch.from_numpy(labels[:500]))
    test_dataset = TensorDataset(torch.from_numpy(points[500:]), torch.from_numpy(labels[500:]))
    train_loader = DataLoader(train_dataset, batch_size=50, shuffle=True)
    test_loader = DataLoader(test_dataset, batch_size=50, shuffle=False)

    model = MLP(2, 16, 3).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    model.train()
    for _ in range(5):
        running_loss = 0.0
        for images, labels in train_loader:
            images = images.to(device)
            labels = labels.to(device)
            outputs = model(images)
            loss = criterion(outputs, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            running_loss += loss.item() * images.size(0)
    assert running_loss / len(train_dataset) < 0.2

    model.eval()
    with torch.no_grad():
        correct = 0
        total = 0
        for images, labels in test_loader:
            images = images.to(device)
            labels = labels.to(device)
            outputs = model(images)
            _, predicted = torch.max(outputs.data, 1)
            total += labels.size(0)
            correct += (predicted == labels).sum().item()
    assert total == 100
    assert 100 * correct / total > 95


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2, 2)
        self.dropout = nn.Dropout(0.1)
        self.fc1 = nn.Linear(16 * 7 * 7, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = x.view(-1, 16 * 7 * 7)
        x = self.dropout(F.relu(self.fc1(x)))
        return F.log_softmax(self.fc2(x), dim=1)


def train(model, device, train_loader, optimizer, epoch, losses):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if batch_idx % 10 == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(  # noqa: UP032
                    epoch,
                    batch_idx * len(data),
                    len(train_loader.dataset),
                    100.0 * batch_idx / len(train_loader),
                    loss.item(),
                )
            )


def test(model, device, test_loader):
    model.eval()
    test_loss = 0
    correct = 0
    with torch.no_grad():
        for data, target in test_loader:
            data, target = data.to(device), target.to(device)
            output = model(data)
            test_loss += F.nll_loss(output, target, reduction="sum").item()
            pred = output.argmax(dim=1, keepdim=True)
            correct += pred.eq(target.view_as(pred)).sum().item()
    test_loss /= len(test_loader.dataset)
    return test_loss, correct / len(test_loader.dataset)


test.__test__ = False  # it keeps the name it has in PyTorch's examples, but is no test


def test_cnn_on_digits(tmp_path):
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    digits = datasets.MNISTSmall(train=True, transform=transform)
    held_out = datasets.MNISTSmall(train=False, transform=transform)
    train_loader = torch.utils.data.DataLoader(Subset(digits, range(480)), batch_size=24, shuffle=True)
    test_loader = torch.utils.data.DataLoader(Subset(held_out, range(200)), batch_size=100)
    device = torch.get_default_device()
    model = CNN().to(device)
    optimizer = optim.Adam(model.parameters(), lr=0.005)
    scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    losses = []
    for epoch in range(1, 4):
        train(model, device, train_loader, optimizer, epoch, losses)
        scheduler.step()
    test_loss, accuracy = test(model, device, test_loader)
    assert np.mean(losses[-10:]) < 0.4 * np.mean(losses[:10])
    assert accuracy > 0.6
    torch.save(model.state_dict(), tmp_path / "mnist_cnn.pt")
    again = CNN()
    again.load_state_dict(torch.load(tmp_path / "mnist_cnn.pt"))
    assert test(again, device, test_loader) == (test_loss, accuracy)


def test_cnn_of_the_usual_size_learns_a_batch_by_heart():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(in_channels=1, out_channels=32, kernel_size=3, padding=1)
            self.conv2 = nn.Conv2d(in_channels=32, out_channels=64, kernel_size=3, padding=1)
            self.pool = nn.MaxPool2d(kernel_size=2, stride=2)
            self.fc1 = nn.Linear(64 * 7 * 7, 128)
            self.fc2 = nn.Linear(128, 10)

        def forward(self, x):
            x = self.pool(F.relu(self.conv1(x)))
            x = self.pool(F.relu(self.conv2(x)))
            x = x.view(-1, 64 * 7 * 7)
            x = F.relu(self.fc1(x))
            return self.fc2(x)

    device = torch.get_default_device()
    model = Net().to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    images, labels = next(
        iter(DataLoader(datasets.MNISTSmall(transform=transforms.ToTensor()), batch_size=8))
    )
    images, labels = images.to(device), labels.to(device)
    for _ in range(12):
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
    assert sum(p.numel() for p in model.parameters()) == 421642
    assert loss.item() < 1.0


def test_a_dataset_of_ones_own():
    class Squares(Dataset):
        def __len__(self):
            return 64

        def __getitem__(self, idx):
            x = torch.tensor([idx / 64.0])
            return x, x**2

    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
    opt = optim.Adam(net.parameters(), lr=0.02)
    for _ in range(20):
        for xb, yb in DataLoader(Squares(), batch_size=16, shuffle=True):
            loss = F.mse_loss(net(xb), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
    assert loss.item() < 0.01
