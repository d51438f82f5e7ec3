"""The pictures of graphs in docs/images: ``python -m tests.learn.pictures`` draws them anew; a test compares them."""

from __future__ import annotations

import sys
from pathlib import Path

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import learn

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"


def graph():
    """Draw the graph of chapter 3."""
    a = torch.tensor(2.0, requires_grad=True)
    b = torch.tensor(3.0, requires_grad=True)
    c = a * b
    d = c + a
    return learn.draw(d)


def broadcasting():
    """Draw the product of chapter 4's third question, whose operands are stretched."""
    a, b = torch.ones(3, 1, requires_grad=True), torch.ones(4, requires_grad=True)
    return learn.draw((a * b).sum())


def graph_mlp():
    """Draw a small network of chapter 6, its modules as frames."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    with learn.record(max_bytes=0) as tape:
        model(torch.ones(5, 3)).sum()
    return learn.draw(tape)


def training_step():
    """Draw what one step of chapter 9 computes, from the images to the loss."""
    torch.manual_seed(0)
    model, images, labels = torch.nn.Linear(784, 10), torch.zeros(64, 784), torch.zeros(64, dtype=torch.int64)
    with learn.record(max_bytes=0) as tape:
        F.cross_entropy(model(images), labels)
    return learn.draw(tape)


def graph_cnn():
    """Draw the CNN of demos/train_mnist.py with what each operation keeps, for chapter 19."""
    sys.path.insert(0, str(ROOT / "demos"))
    from train_mnist import CNN

    torch.manual_seed(0)
    model, images, labels = CNN(), torch.zeros(64, 1, 28, 28), torch.zeros(64, dtype=torch.int64)
    with learn.record(max_bytes=0) as tape:
        loss = F.cross_entropy(model(images), labels)
    assert loss.requires_grad
    return learn.draw(tape, sizes=True)


PICTURES = {
    drawing.__name__: drawing for drawing in (graph, broadcasting, graph_mlp, training_step, graph_cnn)
}

if __name__ == "__main__":
    for name, drawing in PICTURES.items():
        drawing().save(IMAGES / f"{name}.svg")
