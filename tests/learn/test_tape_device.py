"""A tape of what runs on a GPU, or on its stand-in: numbers are copied to the host, and it says where they were."""

from __future__ import annotations

import json

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn, nn
from tinygrad_edu.learn.stepper.data import page_data


def test_a_network_is_recorded_wherever_it_runs():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    images, labels = torch.randn(2, 1, 4, 4), torch.tensor([0, 1])
    with learn.record() as tape:
        F.cross_entropy(model(images), labels).backward()
    assert {value.device for value in tape.values()} == {str(images.device)}
    weight = next(leaf for leaf in tape.leaves if leaf.name == "model.3.weight")
    assert weight.value.array.tolist() == model[3].weight.tolist()
    sums = {back.leaf.name: back.accumulation for back in tape.backward if back.leaf is not None}
    assert sums["model.3.weight"].after.array.tolist() == model[3].weight.grad.tolist()
    json.dumps(page_data(tape, "title"), allow_nan=False)
