"""A siamese network: one set of weights sees two images; a contrastive loss on the distance of pairs."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(18)
losses = []


class PairDataset(Dataset):
    def __init__(self, images, labels, count):
        self.images, self.labels = images, labels
        self.pairs = rng.randint(0, len(images), (count, 2))

    def __getitem__(self, index):
        i, j = self.pairs[index]
        different = np.array([float(self.labels[i] != self.labels[j])])
        return self.images[i], self.images[j], torch.from_numpy(different)

    def __len__(self):
        return len(self.pairs)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super(SiameseNetwork, self).__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(1, 4, kernel_size=3),
            nn.ReLU(inplace=True),
            nn.InstanceNorm2d(4, affine=True),
            nn.MaxPool2d(2),
        )
        self.fc1 = nn.Sequential(nn.Linear(4 * 4 * 4, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))

    def forward_once(self, x):
        output = self.cnn1(x)
        output = output.view(output.size()[0], -1)
        return self.fc1(output)

    def forward(self, input1, input2):
        return self.forward_once(input1), self.forward_once(input2)


class ContrastiveLoss(torch.nn.Module):
    def __init__(self, margin=2.0):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        euclidean_distance = F.pairwise_distance(output1, output2, keepdim=True)
        return torch.mean(
            (1 - label) * torch.pow(euclidean_distance, 2)
            + (label) * torch.pow(torch.clamp(self.margin - euclidean_distance, min=0.0), 2)
        )


labels = np.arange(12) % 3
centres = rng.rand(3, 1, 8, 8)
images = torch.from_numpy(centres[labels] + 0.2 * rng.standard_normal((12, 1, 8, 8)))
net = SiameseNetwork()
set_weights(net, 8, 0.3)
criterion = ContrastiveLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
dataloader = DataLoader(PairDataset(images, labels, 40), batch_size=8)
for epoch in range(10):
    for i, (img0, img1, label) in enumerate(dataloader):
        optimizer.zero_grad()
        output1, output2 = net(img0, img1)
        loss_contrastive = criterion(output1, output2, label)
        loss_contrastive.backward()
        optimizer.step()
        losses.append(loss_contrastive.item())
    print("Epoch number {}\n Current loss {:.4f}\n".format(epoch, loss_contrastive.item()))
