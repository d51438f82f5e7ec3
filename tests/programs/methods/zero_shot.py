"""Zero-shot classification by attributes: images and descriptions meet in one space; unseen classes are named in it."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from tests.programs.numpy_weights import set_weights

rng = np.random.RandomState(44)
losses = []
ATTRIBUTES = ("striped", "furry", "large", "winged", "aquatic")
CLASSES = {
    "zebra": (1, 1, 1, 0, 0),
    "eagle": (0, 0, 0, 1, 0),
    "whale": (0, 0, 1, 0, 1),
    "bat": (0, 1, 0, 1, 0),
    "clownfish": (1, 0, 0, 0, 1),
    "bear": (0, 1, 1, 0, 0),
    "wasp": (1, 0, 0, 1, 0),
    "otter": (0, 1, 0, 0, 1),
}
names = list(CLASSES)
seen, unseen = names[:6], names[6:]
attributes = torch.tensor([CLASSES[name] for name in names], dtype=torch.get_default_dtype())
appearance = torch.from_numpy(rng.standard_normal((len(ATTRIBUTES), 10)))


def pictures(labels):
    """Return features of images, as a network gives them: each attribute shows, with noise."""
    noise = torch.from_numpy(0.3 * rng.standard_normal((len(labels), 10)))
    return torch.tanh(attributes[labels] @ appearance + noise)


class DualEncoder(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.image = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, dim))
        self.text = nn.Bilinear(len(ATTRIBUTES), len(ATTRIBUTES), dim)
        self.logit_scale = nn.Parameter(torch.ones([]) * np.log(1 / 0.07))

    def forward(self, image, attributes):
        image_features = F.normalize(self.image(image), dim=-1)
        text_features = F.normalize(self.text(attributes, attributes), dim=-1)
        return self.logit_scale.clamp(max=4.6).exp() * image_features @ text_features.t()


model = DualEncoder()
set_weights(model, 6, 0.3)
optimizer = torch.optim.Adamax(model.parameters(), lr=0.03)
for step in range(50):
    labels = torch.from_numpy(rng.permutation(len(seen)))
    logits_per_image = model(pictures(labels), attributes[labels])
    truth = torch.arange(len(labels))
    loss = (F.cross_entropy(logits_per_image, truth) + F.cross_entropy(logits_per_image.T, truth)) / 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
model.eval()
with torch.no_grad():
    labels = torch.arange(len(seen), len(names)).repeat_interleave(10)
    probs = model(pictures(labels), attributes[len(seen) :]).softmax(dim=-1)
    top = probs.topk(1).indices.squeeze(1) + len(seen)
    losses.append(probs.max(dim=1).values.mean().item())
for name, right in zip(unseen, (top == labels).view(len(unseen), -1).double().mean(1)):
    print(f"{name}, never seen: {right.item():.2f} right")
