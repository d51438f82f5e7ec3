"""A network reads whole graphs, and says how they grew and how far it is from node to node.

    python demos/28_whole_graphs.py                 2,000 graphs of 12 to 30 nodes, drawn in four ways
    python demos/28_whole_graphs.py --device gpu    on an NVIDIA card; --device auto: if there is one

The nodes have no features at all: each starts with the number 1. Layers that add up neighbours, the sum of all nodes,
and two answers: one of four classes, and a number. In the end it is shown two graphs that no network of this kind can
tell apart. (K. Xu et al., How Powerful are Graph Neural Networks?, 2019.) Read the file from the bottom: ``main`` tells
the story, the functions above it are the steps.
"""

from __future__ import annotations

import random
from pathlib import Path

from common import choose_device, command_line, find_pyplot, parse, run, save_picture
from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn
from tinygrad_edu.nn import graph
from tinygrad_edu.utils.data import DataLoader

TRAIN, TEST, QUICK = 2_000, 500, 100
BATCH_SIZE, LEARNING_RATE, CHANNELS = 50, 0.005, 32
Edges = set[tuple[int, int]]


# ---- how graphs grow: each function makes one of n nodes with about 2 n edges --------------------------------


def by_chance(n: int, rng: random.Random) -> Edges:
    """Connect pairs that are drawn (Erdős and Rényi)."""
    return set(rng.sample([(a, b) for b in range(n) for a in range(b)], 2 * n))


def small_world(n: int, rng: random.Random) -> Edges:
    """Connect each with the next two on a ring; then lead an edge in ten somewhere else (Watts and Strogatz)."""
    ring = [(a, (a + step) % n) for a in range(n) for step in (1, 2)]
    pairs = [(a, b if rng.random() > 0.1 else rng.randrange(n)) for a, b in ring]
    return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


def rich_get_richer(n: int, rng: random.Random) -> Edges:
    """Connect each newcomer with two others, rather with those who have many neighbours (Barabási and Albert)."""
    edges, ends = {(0, 1), (0, 2), (1, 2)}, [0, 0, 1, 1, 2, 2]
    for newcomer in range(3, n):
        friends: set[int] = set()
        while len(friends) < 2:
            friends.add(rng.choice(ends))
        edges |= {(friend, newcomer) for friend in friends}
        ends += [*friends, newcomer, newcomer]
    return edges


def two_camps(n: int, rng: random.Random) -> Edges:
    """Connect pairs of different camps only."""
    return set(rng.sample([(a, b) for b in range(n) for a in range(b) if (a + b) % 2], 2 * n))


KINDS = [by_chance, small_world, rich_get_richer, two_camps]


def mean_distance(n: int, edges: Edges) -> float:
    """Return how many edges it is from one node to another, on average over pairs between which there is a way."""
    neighbours: list[list[int]] = [[] for _ in range(n)]
    for a, b in edges:
        neighbours[a].append(b)
        neighbours[b].append(a)
    distances = []
    for start in range(n):
        reached, border = {start: 0}, [start]
        while border:
            border = [
                b for a in border for b in neighbours[a] if reached.setdefault(b, reached[a] + 1) > reached[a]
            ]
            border = list(dict.fromkeys(border))
        distances += [distance for distance in reached.values() if distance]
    return sum(distances) / len(distances)


def as_graph(n: int, edges: Edges, kind: int = 0) -> graph.Data:
    """Return a graph, its nodes without features, with its kind and its mean distance."""
    return graph.Data(
        x=torch.ones(n, 1),
        edge_index=graph.to_undirected(torch.tensor(sorted(edges)).t()),
        y=torch.tensor([kind]),
        distance=torch.tensor([mean_distance(n, edges)]),
    )


def draw(count: int, rng: random.Random) -> list[graph.Data]:
    """Return graphs of all kinds by turns."""
    sizes = [rng.randint(12, 30) for _ in range(count)]
    return [as_graph(n, KINDS[i % len(KINDS)](n, rng), i % len(KINDS)) for i, n in enumerate(sizes)]


# ---- the network ------------------------------------------------------------------------------------------------


class Net(nn.Module):
    """Three times: each node adds up its neighbours; then all nodes are added up, and two answers are given."""

    def __init__(self, channels: int = CHANNELS) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for size in (1, channels, channels):
            mlp = nn.Sequential(nn.Linear(size, channels), nn.BatchNorm1d(channels), nn.ReLU())
            mlp.append(nn.Linear(channels, channels)).append(nn.ReLU())
            self.layers.append(graph.GINConv(mlp, train_eps=True))
        self.kind, self.distance = (
            nn.Sequential(nn.Linear(6 * channels, channels), nn.ReLU(), nn.Linear(channels, answers))
            for answers in (len(KINDS), 1)
        )

    def forward(self, batch: graph.Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scores of the kinds, (graphs, 4), and mean distances, (graphs,)."""
        x, pooled = batch.x, []
        for layer in self.layers:
            x = layer(x, batch.edge_index)
            pooled += [graph.global_add_pool(x, batch.batch) / 20, graph.global_mean_pool(x, batch.batch)]
        x = torch.cat(pooled, dim=1)
        return self.kind(x), self.distance(x).flatten()


def train(model: Net, loader: DataLoader, epochs: int, device: torch.device) -> None:
    """Learn both answers at once."""
    optimizer = torch.optim.Adam(model.parameters(), LEARNING_RATE)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=epochs * len(loader)
    )
    for epoch in range(1, epochs + 1):
        with tqdm(loader, desc=f"epoch {epoch}/{epochs}", unit="batch", dynamic_ncols=True) as progress:
            for batch in progress:
                batch.to(device)
                scores, distances = model(batch)
                loss = F.cross_entropy(scores, batch.y) + 10 * F.mse_loss(distances, batch.distance)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
                progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)


@torch.no_grad()
def answers(model: Net, graphs: list[graph.Data], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the kinds and the mean distances that the network sees."""
    scores, distances = model.eval()(graph.Batch.from_data_list(graphs).to(device))
    return scores.argmax(dim=1).cpu(), distances.cpu()


def plot(
    guesses: torch.Tensor, kinds: torch.Tensor, seen: torch.Tensor, measured: torch.Tensor, path: Path
) -> None:
    """Draw which kinds are taken for which, and the distances that are seen over those that are there."""
    plt = find_pyplot()
    if plt is None:
        return
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    names = [function.__name__.replace("_", " ") for function in KINDS]
    table = torch.stack(
        [torch.bincount(guesses[kinds == kind], minlength=len(KINDS)) for kind in range(len(KINDS))]
    )
    left.imshow(table.numpy(), cmap="Blues")
    for place, count in enumerate(table.flatten().tolist()):
        left.text(place % 4, place // 4, count, ha="center", va="center", color="tab:orange")
    left.set(xticks=range(4), yticks=range(4), xticklabels=names, yticklabels=names)
    left.tick_params(axis="x", rotation=20)
    left.set(title="How it grew, of the test graphs", xlabel="says the network", ylabel="so it was")
    for kind, name in enumerate(names):
        right.plot(
            measured[kinds == kind].numpy(), seen[kinds == kind].numpy(), ".", label=name, markersize=4
        )
    right.axline((2, 2), slope=1, color="lightgrey", zorder=0)
    right.set(title="Mean distance of two nodes", xlabel="it is", ylabel="says the network")
    right.legend()
    save_picture(figure, path)


def main() -> None:
    """Draw graphs, learn what they are, and see what cannot be learned."""
    args = parse(command_line("Learn what whole graphs are.", "whole_graphs.png", epochs=15))
    device = choose_device(torch, args.device)
    torch.manual_seed(args.seed)
    rng = random.Random(args.seed)

    train_set, test_set = (draw(QUICK if args.quick else count, rng) for count in (TRAIN, TEST))
    print(f"data: {len(train_set):,} graphs to learn from, {len(test_set):,} to test on")
    model = Net().to(device)
    train(model, DataLoader(train_set, BATCH_SIZE, shuffle=True), 1 if args.quick else args.epochs, device)

    kinds, measured = (torch.cat([graph[name] for graph in test_set]) for name in ("y", "distance"))
    classes, seen = answers(model, test_set, device)
    plot(classes, kinds, seen, measured, args.plot)
    print(f"how it grew: {100 * (classes == kinds).float().mean().item():.1f} % right")
    means = torch.stack([measured[kinds == kind].mean() for kind in range(len(KINDS))])
    for name, guess in (
        ("always the mean", measured.mean()),
        ("the mean of its kind", means[kinds]),
        ("network", seen),
    ):
        print(f"distance, {name}: off by {(guess - measured).abs().mean().item():.3f}")

    ring, triangles = (
        {(i, (i + 1) % 12) for i in range(12)},
        {(i, i // 3 * 3 + (i + 1) % 3) for i in range(12)},
    )
    pair = [as_graph(12, {(min(p), max(p)) for p in edges}) for edges in (ring, triangles)]
    _, seen = answers(model, pair, device)
    print(f"a ring of twelve: {pair[0].distance.item():.3f}, seen as {seen[0].item():.3f}")
    print(f"four triangles:   {pair[1].distance.item():.3f}, seen as {seen[1].item():.3f}")


if __name__ == "__main__":
    run(main)
