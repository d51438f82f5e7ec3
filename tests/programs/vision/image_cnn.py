"""The first program of a course: a small CNN, Adadelta, a schedule, a state_dict that is saved and loaded."""

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, TensorDataset

from tests.programs.numpy_weights import set_weights

losses = []


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, 1)
        self.conv2 = nn.Conv2d(4, 8, 3, 1)
        self.dropout = nn.Dropout(0.0)
        self.fc1 = nn.Linear(8 * 4 * 4, 16)
        self.fc2 = nn.Linear(16, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def train(args, model, device, train_loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(train_loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if batch_idx % args.log_interval == 0:
            print(
                "Train Epoch: {} [{}/{} ({:.0f}%)]\tLoss: {:.6f}".format(
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
    losses.append(test_loss / len(test_loader.dataset))
    print("Accuracy: {}/{}".format(correct, len(test_loader.dataset)))


parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=2)
parser.add_argument("--gamma", type=float, default=0.7)
parser.add_argument("--log-interval", type=int, default=10)
args = parser.parse_args([])
use_cuda = torch.cuda.is_available()
device = torch.device("cuda" if use_cuda else "cpu")
rng = np.random.RandomState(0)
dataset = TensorDataset(torch.from_numpy(rng.rand(32, 1, 12, 12)), torch.from_numpy(rng.randint(0, 10, 32)))
kwargs = {"num_workers": 0, "pin_memory": True} if use_cuda else {}
loader = DataLoader(dataset, batch_size=8, **kwargs)
model = Net().to(device)
set_weights(model)
optimizer = optim.Adadelta(model.parameters(), lr=1.0)
scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
for epoch in range(1, args.epochs + 1):
    train(args, model, device, loader, optimizer, epoch)
    test(model, device, loader)
    scheduler.step()
torch.save(model.state_dict(), "cnn.pt")
other = Net().to(device)
print(other.load_state_dict(torch.load("cnn.pt", map_location=device)))
test(other, device, loader)
