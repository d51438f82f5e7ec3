"""A few edges more or less, and a network takes a member of a club for one of the other side.

    python demos/27_graph_attack.py                           the karate club
    python demos/27_graph_attack.py --root data --data cora   papers: who cites the wrong one; or citeseer
    python demos/27_graph_attack.py --device gpu              on an NVIDIA card; --device auto: if there is one

A trained network stays as it is; its input, the graph, is changed by one edge after another until a node is mistaken.
The adjacency matrix is a tensor like any other: the gradient of the node's loss with respect to it says of every pair
of nodes how the loss changes if an edge is made or broken there. The most promising ones are tried. (D. Zügner et al.,
Adversarial Attacks on Neural Networks for Graph Data, 2018.) Read the file from the bottom: ``main`` tells the story,
the functions above it are the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from graphs import MEMBERS, add_data, load
from tqdm import tqdm, trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn import graph

EPOCHS, QUICK_EPOCHS = 200, 5
TARGETS, QUICK_TARGETS = 30, 3
CHANGES, TRIES = 5, 3  # at most; how many are tried before one is made

Pair = tuple[int, int]
Row = tuple[
    int, float, tuple[list[Pair], bool], tuple[list[Pair], bool]
]  # target, its chances, the two attacks


class Net(nn.Module):
    """Two graph convolutions of Kipf and Welling, in matrices: H' = D^-1/2 (A + I) D^-1/2 H W + b."""

    def __init__(self, features: int, classes: int, hidden: int = 16) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(features, hidden), nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor, adjacency: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes, (nodes, classes), from vectors and (nodes, nodes) edges."""
        roots = (adjacency.sum(dim=1, keepdim=True) + 1).rsqrt()  # each node counts as its own neighbour
        for layer in (self.first, self.second):
            x = x.relu() if layer is self.second else x
            h = roots * (x @ layer.weight.t())
            x = roots * (adjacency @ h + h) + layer.bias
        return x


def train(model: Net, data: graph.Data, adjacency: torch.Tensor, epochs: int) -> None:
    """Learn from the nodes whose class is known."""
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=5e-4)
    with trange(epochs, desc="learning", dynamic_ncols=True) as progress:
        for _ in progress:
            scores = model(F.dropout(data.x, 0.5), adjacency)
            loss = F.cross_entropy(scores[data.train_mask], data.y[data.train_mask])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    model.requires_grad_(False)


def gain_of_each_pair(model: Net, data: graph.Data, adjacency: torch.Tensor, target: int) -> torch.Tensor:
    """Return how much, to first order, the target's loss grows if a pair is connected, or parted: (nodes, nodes)."""
    adjacency = adjacency.clone().requires_grad_()
    loss = F.cross_entropy(model(data.x, adjacency)[target], data.y[target])
    (gradient,) = torch.autograd.grad(loss, adjacency)
    gradient = gradient + gradient.t()  # an edge stands in the matrix twice
    gains = torch.where(adjacency > 0, -gradient, gradient)  # from 1 to 0, or from 0 to 1
    return gains.detach().triu(1)


def flipped(adjacency: torch.Tensor, pair: tuple[int, int]) -> torch.Tensor:
    """Return the matrix with an edge made, or broken if it was there."""
    changed, (a, b) = adjacency.clone(), pair
    changed[a, b] = changed[b, a] = 1 - adjacency[a, b]
    return changed


def chances(model: Net, data: graph.Data, adjacency: torch.Tensor, target: int) -> torch.Tensor:
    """Return the probabilities of the classes of a node."""
    return model(data.x, adjacency)[target].softmax(dim=0)


def promising(model: Net, data: graph.Data, adjacency: torch.Tensor, target: int) -> list[Pair]:
    """Return the pairs with the largest gains."""
    best = gain_of_each_pair(model, data, adjacency, target).flatten().topk(TRIES).indices.tolist()
    return [divmod(place, data.num_nodes) for place in best]


def by_chance(model: Net, data: graph.Data, adjacency: torch.Tensor, target: int) -> list[Pair]:
    """Return the target and nodes that are drawn, as pairs."""
    others = [other for other in torch.randperm(data.num_nodes).tolist() if other != target]
    return [(target, other) for other in others[:TRIES]]


def attack(
    model: Net, data: graph.Data, adjacency: torch.Tensor, target: int, choose: Callable[..., list[Pair]]
) -> tuple[list[Pair], bool]:
    """Make the change that hurts most of those that are chosen, until the node is mistaken or ``CHANGES`` are made."""
    made: list[Pair] = []
    label = int(data.y[target])
    while len(made) < CHANGES:
        pairs = choose(model, data, adjacency, target)
        made.append(
            min(pairs, key=lambda p: chances(model, data, flipped(adjacency, p), target)[label].item())
        )
        adjacency = flipped(adjacency, made[-1])
        if chances(model, data, adjacency, target).argmax() != label:
            return made, True
    return made, False


def plot(rows: list[Row], gains: torch.Tensor, adjacency: torch.Tensor, path: Path) -> None:
    """Draw how many are mistaken after so many changes; of a club, the gain of every pair for the first of ``rows``."""
    plt = find_pyplot()
    if plt is None:
        return
    club = len(adjacency) == MEMBERS
    figure, axes = plt.subplots(1, 1 + club, figsize=(6 + 6 * club, 5), layout="constrained", squeeze=False)
    for column, name in ((2, "by the gradient"), (3, "by chance")):
        shares = [100 * mistaken_after(rows, column, changes) / len(rows) for changes in range(CHANGES + 1)]
        axes[0, 0].plot(shares, "o-", label=name)
    axes[0, 0].set(title="Nodes that are mistaken", xlabel="edges changed", ylabel="%", ylim=(-3, 103))
    axes[0, 0].legend(loc="upper left")
    if club:
        target, both, largest = rows[0][0], (gains + gains.t()).cpu().numpy(), gains.abs().max().item()
        image = axes[0, 1].imshow(both, cmap="RdBu_r", vmin=-largest, vmax=largest)
        ends, friends = adjacency.cpu().numpy().nonzero()
        axes[0, 1].plot(friends, ends, "o", color="black", markersize=2)
        axes[0, 1].set_title(f"What changing a pair does to the loss of member {target}; dots: friends")
        figure.colorbar(image, ax=axes[0, 1], shrink=0.8)
    save_picture(figure, path)


def mistaken_after(rows: list[Row], column: int, changes: int) -> int:
    """Return how many nodes were mistaken after at most so many changes."""
    return sum(done and len(made) <= changes for made, done in (row[column] for row in rows))


def main() -> None:
    """Train on the graph as it is, attack one node after the other, and count whose class is mistaken then."""
    parser = command_line("Change edges, and with them predictions.", "graph_attack.png", epochs=EPOCHS)
    add_data(parser, "karate")
    args = parse(parser)
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    data = load(args.data, args.root).to(device)
    adjacency = graph.to_dense_adj(data.edge_index, batch=torch.zeros_like(data.y))[0]
    model = Net(data.num_node_features, int(data.y.max()) + 1).to(device)
    train(model, data, adjacency, QUICK_EPOCHS if args.quick else args.epochs)
    guesses = model(data.x, adjacency).argmax(dim=1)
    right = ((guesses == data.y) & data.test_mask).nonzero().flatten().tolist()
    print(f"right before: {len(right):,} of {int(data.test_mask.sum()):,} nodes whose class was not told")

    rows: list[Row] = []
    for target in tqdm(right[: QUICK_TARGETS if args.quick else TARGETS], desc="attacks", dynamic_ncols=True):
        before = chances(model, data, adjacency, target)[data.y[target]].item()
        attacks = [attack(model, data, adjacency, target, choose) for choose in (promising, by_chance)]
        rows.append((target, before, *attacks))
    rows.sort(
        key=lambda row: (not row[2][1], len(row[2][0]))
    )  # first those whose class is changed most easily
    print("  node  right class  is mistaken after")
    for target, before, (made, done), _ in rows:
        changes = [f"{a} - {b} {'broken' if adjacency[a, b] else 'made'}" for a, b in made]
        print(f"{target:6}  {100 * before:9.0f} %  {', '.join(changes) if done else 'more'}")
    plot(rows, gain_of_each_pair(model, data, adjacency, rows[0][0]), adjacency, args.plot)
    for changes in (1, CHANGES):
        gradient, chance = (mistaken_after(rows, column, changes) for column in (2, 3))
        print(f"mistaken after {changes}: {gradient} of {len(rows)}; {chance} if pairs are chosen by chance")


if __name__ == "__main__":
    run(main)
