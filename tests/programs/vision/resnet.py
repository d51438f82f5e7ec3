"""A small residual network: blocks with a shortcut, label smoothing, a schedule with milestones."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(11)
losses = []


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, in_planes, planes, stride=1):
        super(BasicBlock, self).__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, kernel_size=3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != self.expansion * planes:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_planes, self.expansion * planes, kernel_size=1, stride=stride, bias=False),
                nn.BatchNorm2d(self.expansion * planes),
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    def __init__(self, block, num_blocks, num_classes=4):
        super(ResNet, self).__init__()
        self.in_planes = 4
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, stride=1, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1 = self._make_layer(block, 4, num_blocks[0], stride=1)
        self.layer2 = self._make_layer(block, 8, num_blocks[1], stride=2)
        self.linear = nn.Linear(8 * block.expansion, num_classes)

    def _make_layer(self, block, planes, num_blocks, stride):
        layers = []
        for stride in [stride] + [1] * (num_blocks - 1):
            layers.append(block(self.in_planes, planes, stride))
            self.in_planes = planes * block.expansion
        return nn.Sequential(*layers)

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.layer2(self.layer1(out))
        out = F.adaptive_avg_pool2d(out, 1).flatten(1)
        return self.linear(out)


net = ResNet(BasicBlock, [1, 2])
set_weights(net, 1, 0.5)
criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[25, 40], gamma=0.1)
targets = torch.from_numpy(rng.randint(0, 4, 16))
inputs = torch.from_numpy(rng.rand(16, 3, 8, 8)) + 0.2 * targets.view(-1, 1, 1, 1)
for step in range(50):
    batch = torch.arange(8) + 8 * (step % 2)
    optimizer.zero_grad()
    loss = criterion(net(inputs[batch]), targets[batch])
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.item())
net.eval()
with torch.no_grad():
    _, predicted = net(inputs).max(1)
    print("Acc: %.3f" % predicted.eq(targets).double().mean().item())
    losses.append(F.cross_entropy(net(inputs), targets).item())
