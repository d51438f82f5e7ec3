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
import sys
from pathlib import Path

from tqdm import trange

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn import graph

# Who is seen with whom outside of the club: W. W. Zachary, An Information Flow Model for Conflict and Fission in Small
# Groups, Journal of Anthropological Research 33, 1977. Member 0 is the instructor, member 33 the president of the club.
FRIENDS = """
0: 1 2 3 4 5 6 7 8 10 11 12 13 17 19 21 31
1: 2 3 7 13 17 19 21 30
2: 3 7 8 9 13 27 28 32
3: 7 12 13
4: 6 10
5: 6 10 16
6: 16
8: 30 32 33
9: 33
13: 33
14: 32 33
15: 32 33
18: 32 33
19: 33
20: 32 33
22: 32 33
23: 25 27 29 32 33
24: 25 27 31
25: 31
26: 29 33
27: 33
28: 31 33
29: 32 33
30: 32 33
31: 32 33
32: 33
"""
WITH_INSTRUCTOR = {0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21}  # when the club broke in two
MEMBERS, INSTRUCTOR, PRESIDENT = 34, 0, 33
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


def karate_club() -> graph.Data:
    """Return the club as a graph: of two members it is known whose side they are on, their own."""
    lines = [line.split(": ") for line in FRIENDS.split("\n") if line]
    pairs = [(int(a), int(b)) for a, others in lines for b in others.split()]
    edges = torch.tensor([*pairs, *[(b, a) for a, b in pairs]]).t()
    sides = torch.tensor([0 if member in WITH_INSTRUCTOR else 1 for member in range(MEMBERS)])
    known = torch.zeros(MEMBERS, dtype=torch.bool)
    known[[INSTRUCTOR, PRESIDENT]] = True
    return graph.Data(x=torch.eye(MEMBERS), edge_index=edges, y=sides, train_mask=known, test_mask=~known)


def papers(root: Path, name: str) -> graph.Data:
    """Return a citation graph; each paper's words add up to 1."""
    try:
        data = graph.Planetoid(root, name)[0]
    except FileNotFoundError as error:
        sys.exit(f"--root: {error}")
    data.x = data.x / data.x.sum(dim=1, keepdim=True).clamp(min=1)
    return data


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


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Learn the classes of the nodes of a graph.")
    parser.add_argument("--data", choices=["karate", "cora", "citeseer"], default="karate")
    parser.add_argument("--root", type=Path, help="where the folder cora or citeseer is")
    parser.add_argument("--device", choices=["cpu", "gpu", "auto"], default="cpu", help="(default: cpu)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"steps on the graph (default: {EPOCHS})")
    parser.add_argument("--seed", type=int, default=0, help="the same seed, the same result (default: 0)")
    parser.add_argument("--quick", action="store_true", help="five steps, to see that it runs")
    parser.add_argument("--plot", type=Path, metavar="FILE", default=Path("karate_club.png"))
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error(f"--epochs: expected at least 1, got {args.epochs}")
    if not args.plot.parent.is_dir() or args.plot.is_dir():
        parser.error(f"--plot: expected a file name in a folder that exists, got {args.plot}")
    if args.data != "karate" and args.root is None:
        parser.error(f"--data {args.data}: expected --root, the folder where its files are")
    if args.quick:
        args.epochs = QUICK_EPOCHS
    return args


def choose_device(name: str) -> torch.device:
    """Return the device; if there is no GPU and one was asked for, say what is missing and stop."""
    if name == "auto":
        return torch.accelerator.current_accelerator() or torch.device("cpu")
    device = torch.device("cuda" if name == "gpu" else "cpu")
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        sys.exit(f"--device {name}: {error}")
    return device


def plot_club(model: Net, data: graph.Data, path: Path) -> None:
    """Draw the members where the first layer, which has two numbers for each, puts them."""
    try:
        import matplotlib
    except ImportError:
        print("no picture: it needs matplotlib (python -m pip install matplotlib)")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with torch.no_grad():
        places = model.hidden(data.x, data.edge_index).cpu().numpy()
    figure, axis = plt.subplots(figsize=(7, 6), layout="constrained")
    for a, b in data.edge_index.t().tolist():
        axis.plot(*places[[a, b]].T, color="lightgrey", linewidth=0.5, zorder=1)
    axis.scatter(*places.T, c=data.y.cpu().numpy(), cmap="coolwarm", s=160, zorder=2)
    for member, place in enumerate(places):
        axis.annotate(str(member), place, ha="center", va="center", color="white", fontsize=7)
    axis.set(title="The club after the first layer; colours: the side that was taken", xticks=[], yticks=[])
    figure.savefig(path, dpi=100)
    plt.close(figure)
    print(f"picture: {path}")


def club(args: argparse.Namespace, device: torch.device) -> None:
    """Learn from the two heads of the club, and ask for everybody's side."""
    data = karate_club().to(device)
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
    data = papers(args.root, args.data).to(device)
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
    args = parse_arguments()
    device = choose_device(args.device)
    torch.manual_seed(args.seed)
    (club if args.data == "karate" else citations)(args, device)


if __name__ == "__main__":
    main()
