"""A network guesses which edges of a graph have been hidden.

    python demos/25_link_prediction.py                           600 people in 12 groups that nobody names
    python demos/25_link_prediction.py --root data --data cora   which papers cite each other; or citeseer
    python demos/25_link_prediction.py --device gpu              on an NVIDIA card; --device auto: if there is one

A fifth of the edges is hidden. A network makes a vector of each node from the edges that are left, and an edge is the
likelier the better two vectors agree. It is compared with what one would try without learning: how many neighbours two
nodes have in common. Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from graphs import add_data, load
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn import graph

EPOCHS, QUICK_EPOCHS = 200, 5
CHANNELS, LEARNING_RATE = 32, 0.01


class Encoder(nn.Module):
    """Two graph layers: a node's vector is made of the neighbours of its neighbours."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first, self.second = graph.GCNConv(features, 2 * CHANNELS), graph.GCNConv(2 * CHANNELS, CHANNELS)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        """Return the vectors of the nodes: (nodes, channels)."""
        x = F.dropout(self.first(x, edge_index).relu(), 0.5, self.training)
        return self.second(x, edge_index)


def auc(scores: torch.Tensor, labels: torch.Tensor) -> float:
    """Return how often an edge has a higher score than a pair without one (the area under the ROC curve).

    1 is perfect, 1/2 is chance; a pair of equal scores is half right.
    """
    edges, others = scores[labels == 1][:, None], scores[labels == 0]
    return ((edges > others).float() + 0.5 * (edges == others).float()).mean().item()


def train(model: graph.GAE, train_data: graph.Data, val_data: graph.Data, epochs: int) -> list[float]:
    """Learn to tell edges from pairs without one, others in each step; return the AUC on the validation edges.

    In the end, the weights are those of the best step.
    """
    optimizer, best, curve = torch.optim.Adam(model.parameters(), LEARNING_RATE), {}, []
    pairs, labels = val_data.edge_label_index, val_data.edge_label
    with trange(epochs, desc="learning", dynamic_ncols=True) as progress:
        for _ in progress:
            model.train()
            z = model.encode(train_data.x, train_data.edge_index)
            loss = model.recon_loss(z, train_data.edge_label_index[:, train_data.edge_label == 1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            curve.append(auc(scores_of(model, val_data, pairs), labels))
            if curve[-1] == max(curve):
                best = {name: value.clone() for name, value in model.state_dict().items()}
            progress.set_postfix(loss=f"{loss.item():.3f}", auc=f"{curve[-1]:.3f}", refresh=False)
    model.load_state_dict(best)
    return curve


@torch.no_grad()
def scores_of(model: graph.GAE, data: graph.Data, pairs: torch.Tensor) -> torch.Tensor:
    """Return how well the vectors of the pairs agree."""
    model.eval()
    return model.decode(model.encode(data.x, data.edge_index), pairs, sigmoid=False)


def without_learning(data: graph.Data, pairs: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return scores of pairs that need no network: common neighbours, and the product of the numbers of them."""
    neighbours = graph.to_dense_adj(data.edge_index, batch=torch.zeros_like(data.y))[0]
    degrees = neighbours.sum(dim=1)
    first, second = pairs
    return {
        "common neighbours": (neighbours[first] * neighbours[second]).sum(dim=1),
        "many neighbours": degrees[first] * degrees[second],
    }


def curve_of(scores: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ROC curve: from the highest score down, which share of the others and of the edges is passed."""
    order = scores.argsort(descending=True)
    falling, label = scores[order], labels[order]
    last = torch.cat(
        [falling[1:] != falling[:-1], torch.tensor([True], device=scores.device)]
    )  # of equal ones
    return tuple(F.pad(kind.cumsum(0)[last] / kind.sum(), (1, 0)) for kind in (1 - label, label))


def plot(scores: dict[str, torch.Tensor], labels: torch.Tensor, learned: list[float], path: Path) -> None:
    """Draw the ROC curves, and how the network became better."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    for name, score in scores.items():
        others, edges = curve_of(score, labels)
        left.plot(others.cpu().numpy(), edges.cpu().numpy(), label=f"{name}: {auc(score, labels):.3f}")
    left.plot([0, 1], [0, 1], color="lightgrey", zorder=0)
    left.set(
        title="Hidden edges found",
        xlabel="share of other pairs taken for edges",
        ylabel="share of edges found",
    )
    left.legend(loc="lower right", title="area under the curve")
    right.plot(learned)
    right.set(title="While it learns", xlabel="steps", ylabel="area under the curve, validation edges")
    save_picture(figure, path)


def main() -> None:
    """Hide edges, learn from the others, and find the hidden ones."""
    parser = command_line("Find hidden edges of a graph.", "link_prediction.png", epochs=EPOCHS)
    add_data(parser, "groups")
    args = parse(parser)
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    data = load(args.data, args.root).to(device)
    split = graph.RandomLinkSplit(0.05, 0.2, is_undirected=True, add_negative_train_samples=False)
    train_data, val_data, test_data = split(data)
    pairs, labels = test_data.edge_label_index, test_data.edge_label
    print(f"data: {data.num_nodes:,} nodes, {data.num_edges // 2:,} edges; {int(labels.sum()):,} are hidden")

    model = graph.GAE(Encoder(data.num_node_features)).to(device)
    learned = train(model, train_data, val_data, QUICK_EPOCHS if args.quick else args.epochs)
    scores = {**without_learning(test_data, pairs), "network": scores_of(model, test_data, pairs)}
    plot(scores, labels, learned, args.plot)
    print("an edge scores higher than a pair without one, in % of all such pairs:")
    for name, score in scores.items():
        print(f"{name:17}  {100 * auc(score, labels):.1f} %")


if __name__ == "__main__":
    run(main)
