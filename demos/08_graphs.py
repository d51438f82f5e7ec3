"""A network learns on a graph: from two members of a karate club, whom the other thirty-two will follow.

    python demos/08_graphs.py                           the karate club: a picture and a table, in a few seconds
    python demos/08_graphs.py --root data --data cora   which field a paper is of, from 140 of 2,708 papers; or citeseer
    python demos/08_graphs.py --device gpu              on an NVIDIA card; --device auto: if there is one

The nodes say little about themselves; what is to be learned stands in the edges. A layer gives each node the weighted
mean of its neighbours, so after two layers a node knows what the neighbours of its neighbours are, and an answer that
is known at one node spreads. Read the file from the bottom: ``main`` tells the story, the functions above it are the
steps.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from graphs import MEMBERS, WITH_INSTRUCTOR, add_data, load
from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn import graph

EPOCHS, QUICK_EPOCHS = 200, 5


class Net(nn.Module):
    """Two graph layers, with dropout before each."""

    def __init__(self, first: nn.Module, second: nn.Module, activation: nn.Module, dropout: float) -> None:
        super().__init__()
        self.first, self.second, self.activation, self.dropout = first, second, activation, dropout

    def hidden(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        """Return what the first layer makes of the nodes."""
        x = F.dropout(x, self.dropout, self.training)
        return self.activation(self.first(x, edge_index))

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        """Return the scores of the classes: (nodes, classes)."""
        x = F.dropout(self.hidden(x, edge_index), self.dropout, self.training)
        return self.second(x, edge_index)


def gcn(features: int, classes: int, hidden: int = 16, dropout: float = 0.5) -> Net:
    """Return the network of Kipf and Welling: neighbours count by their degrees."""
    first, second = graph.GCNConv(features, hidden), graph.GCNConv(hidden, classes)
    return Net(first, second, nn.Tanh() if hidden == 2 else nn.ReLU(), dropout)


def gat(features: int, classes: int) -> Net:
    """Return the network of Veličković et al.: each node decides which neighbours count."""
    first = graph.GATConv(features, 8, heads=8, dropout=0.6)
    return Net(first, graph.GATConv(64, classes, concat=False, dropout=0.6), nn.ELU(), 0.6)


def train(model: Net, data: graph.Data, lr: float, weight_decay: float, epochs: int, name: str) -> None:
    """Learn from the nodes whose class is known; all the others take part by passing messages on."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, weight_decay=weight_decay)
    with trange(epochs, desc=name, dynamic_ncols=True) as progress:
        for _ in progress:
            scores = model(data.x, data.edge_index)
            loss = F.cross_entropy(scores[data.train_mask], data.y[data.train_mask])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    model.eval()


@torch.no_grad()
def accuracy(model: Net, data: graph.Data) -> float:
    """Return the share of the test nodes whose class is found."""
    right = model(data.x, data.edge_index).argmax(dim=1) == data.y
    return right[data.test_mask].float().mean().item()


def plot_club(model: Net, data: graph.Data, path: Path) -> None:
    """Draw the members where the first layer, which has two numbers for each, puts them."""
    plt = find_pyplot()
    if plt is None:
        return
    with torch.no_grad():
        places = model.hidden(data.x, data.edge_index).cpu().numpy()
    figure, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    for a, b in data.edge_index.t().tolist():
        axis.plot(*places[[a, b]].T, color="lightgrey", linewidth=0.5, zorder=1)
    axis.scatter(*places.T, c=data.y.cpu().numpy(), cmap="coolwarm", s=160, zorder=2)
    for member, place in enumerate(places):
        axis.annotate(str(member), place, ha="center", va="center", color="white", fontsize=7)
    axis.set(title="The club after the first layer; colours: the side that was taken", xticks=[], yticks=[])
    save_picture(figure, path)


def club(args: argparse.Namespace, device: torch.device) -> None:
    """Learn from the two heads of the club, and ask for everybody's side."""
    data = load("karate", None).to(device)
    model = gcn(MEMBERS, 2, hidden=2, dropout=0.0).to(device)
    train(model, data, 0.05, 5e-4, args.epochs, "GCN")
    with torch.no_grad():
        shares = model(data.x, data.edge_index).softmax(dim=1)[:, 0].tolist()
    print("member  friends  follows the instructor  did so")
    for member, share in enumerate(shares):
        friends = int((data.edge_index[0] == member).sum())
        did = "yes" if member in WITH_INSTRUCTOR else "no"
        print(f"{member:6}  {friends:7}  {100 * share:20.0f} %  {did}")
    print(f"right: {100 * accuracy(model, data):.1f} % of the {MEMBERS - 2} others")
    plot_club(model, data, args.plot)


def citations(args: argparse.Namespace, device: torch.device) -> None:
    """Learn the fields of papers with both networks, and compare them."""
    data = load(args.data, args.root).to(device)
    sizes = data.num_node_features, int(data.y.max()) + 1
    print(f"{args.data}: {data.num_nodes:,} papers, {data.num_edges // 2:,} citations, {sizes[1]} fields")
    results = {}
    for name, make, lr in (("GCN", gcn, 0.01), ("GAT", gat, 0.005)):
        model = make(*sizes).to(device)
        train(model, data, lr, 5e-4, args.epochs, name)
        results[name] = accuracy(model, data)
    print("network  right, of the test papers")
    for name, share in results.items():
        print(f"{name:7}  {100 * share:.1f} %")


def main() -> None:
    """Learn on one graph, and show what was learned."""
    parser = command_line("Learn the classes of the nodes of a graph.", "karate_club.png", epochs=EPOCHS)
    add_data(parser, "karate")
    args = parse(parser)
    if args.quick:
        args.epochs = QUICK_EPOCHS
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)
    (club if args.data == "karate" else citations)(args, device)


if __name__ == "__main__":
    run(main)
