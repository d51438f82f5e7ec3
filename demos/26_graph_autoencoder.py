"""Nobody says who belongs together: a graph autoencoder gives each node a place from which its edges can be told.

    python demos/26_graph_autoencoder.py                           the karate club on a plane, in a few seconds
    python demos/26_graph_autoencoder.py --root data --data cora   papers; or citeseer
    python demos/26_graph_autoencoder.py --device gpu              on an NVIDIA card; --device auto: if there is one

The encoder, two graph layers, says for each node a normal distribution. From points of two of them the decoder must
tell whether there is an edge: the sigmoid of their inner product. So the graph is its own teacher; the labels are
looked at only in the end, to see what the places know. It is the model of T. Kipf and M. Welling, Variational Graph
Auto-Encoders, 2016. Read the file from the bottom: ``main`` tells the story, the functions above it are the steps.
"""

from __future__ import annotations

from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from graphs import INSTRUCTOR, PRESIDENT, add_data, load
from tqdm import trange

import tinygrad_edu as torch
from tinygrad_edu import nn
from tinygrad_edu.nn import graph

EPOCHS, QUICK_EPOCHS = 300, 5
LEARNING_RATE = 0.01


class Encoder(nn.Module):
    """A graph layer for both, one for the means and one for the logarithms of the deviations."""

    def __init__(self, features: int, channels: int) -> None:
        super().__init__()
        self.shared = graph.GCNConv(features, 32)
        self.means, self.deviations = graph.GCNConv(32, channels), graph.GCNConv(32, channels)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return two numbers for each channel of each node."""
        x = self.shared(x, edge_index).relu()
        return self.means(x, edge_index), self.deviations(x, edge_index)


def train(model: graph.VGAE, data: graph.Data, epochs: int) -> None:
    """Learn to tell the edges from pairs without one, drawn anew in each step."""
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    with trange(epochs, desc="learning", dynamic_ncols=True) as progress:
        for _ in progress:
            z = model.encode(data.x, data.edge_index)
            # Per node, not per edge: one divides the divergence by their number, too.
            loss = model.recon_loss(z, data.edge_index) + model.kl_loss() / data.num_nodes
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    model.eval()


@torch.no_grad()
def rebuilt(model: graph.VGAE, z: torch.Tensor, edge_index: torch.Tensor) -> float:
    """Return which share of the edges is among the pairs that the decoder thinks the likeliest, as many as edges."""
    scores = model.decoder.forward_all(z, sigmoid=False).fill_diagonal_(-torch.inf)
    smallest = scores.flatten().topk(edge_index.shape[1]).values[-1]
    found = scores[edge_index[0], edge_index[1]] >= smallest
    return found.float().mean().item()


def nearest_class(z: torch.Tensor, y: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Return for each node the class in whose mean direction it lies; the mean is of nodes whose class is known."""
    z = z / z.norm(dim=1, keepdim=True)
    means = torch.stack([z[known & (y == label)].mean(dim=0) for label in range(int(y.max()) + 1)])
    return (z @ (means / means.norm(dim=1, keepdim=True)).t()).argmax(dim=1)


def plot_club(z: torch.Tensor, data: graph.Data, path: Path) -> None:
    """Draw the members where the encoder puts them, and the probability of an edge between any two of them."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    places, sides = z.cpu().numpy(), data.y.cpu().numpy()
    for a, b in data.edge_index.t().tolist():
        left.plot(*places[[a, b]].T, color="lightgrey", linewidth=0.5, zorder=1)
    left.scatter(*places.T, c=sides, cmap="coolwarm", s=130, zorder=2)
    for member, place in enumerate(places):
        left.annotate(str(member), place, ha="center", va="center", color="white", fontsize=7, zorder=3)
    left.plot(0, 0, "+", color="black")
    left.set(title="Where the members are; colours: the side that was taken", aspect="equal")

    order = sorted(
        range(len(places)), key=lambda member: (sides[member], -float(places[member] @ places[INSTRUCTOR]))
    )
    chances = (z @ z.t()).sigmoid().cpu().numpy()[order][:, order]
    image = right.imshow(chances, cmap="Greys", vmin=0, vmax=1)
    row = {member: place for place, member in enumerate(order)}
    ends = [(row[a], row[b]) for a, b in data.edge_index.t().tolist()]
    right.plot(*zip(*ends, strict=True), "o", color="tab:red", markersize=3)
    right.set(title="Probability of an edge; red: there is one", xticks=[], yticks=[])
    right.set_xlabel("members, those with the instructor first")
    figure.colorbar(image, ax=right, shrink=0.8)
    save_picture(figure, path)


def plot_papers(z: torch.Tensor, data: graph.Data, path: Path) -> None:
    """Draw the two directions in which the vectors differ most."""
    plt = find_pyplot()
    if plt is None:
        return
    _, _, directions = torch.linalg.svd(z - z.mean(dim=0), full_matrices=False)
    places = (z @ directions[:2].t()).cpu().numpy()
    figure, axis = plt.subplots(figsize=(6.5, 5.5), layout="constrained")
    axis.scatter(*places.T, c=data.y.cpu().numpy(), cmap="tab10", s=4)
    axis.set(title="Papers; colours: their fields, which nobody told", xticks=[], yticks=[])
    save_picture(figure, path)


def main() -> None:
    """Learn places from the edges alone, and see what they know."""
    parser = command_line("Learn vectors of nodes without labels.", "graph_autoencoder.png", epochs=EPOCHS)
    add_data(parser, "karate")
    args = parse(parser)
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)

    club = args.data == "karate"
    data = load(args.data, args.root).to(device)
    data.x = (data.x > 0).float()  # which words occur
    print(f"data: {data.num_nodes:,} nodes, {data.num_edges // 2:,} edges")
    model = graph.VGAE(Encoder(data.num_node_features, 2 if club else 16)).to(device)
    train(model, data, QUICK_EPOCHS if args.quick else args.epochs)

    with torch.no_grad():
        z = model.encode(data.x, data.edge_index)
    (plot_club if club else plot_papers)(z, data, args.plot)
    print(f"edges among the likeliest pairs: {100 * rebuilt(model, z, data.edge_index):.1f} %")
    right = (nearest_class(z, data.y, data.train_mask) == data.y)[data.test_mask]
    known = f"{INSTRUCTOR} and {PRESIDENT}" if club else f"{int(data.train_mask.sum())} known papers"
    print(
        f"right by the direction of {known}: {100 * right.float().mean().item():.1f} % of {len(right):,} others"
    )


if __name__ == "__main__":
    run(main)
