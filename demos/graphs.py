"""The graphs of the demos: a karate club, groups of nodes drawn at random, and papers that cite each other."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import tinygrad_edu as torch
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


def add_data(parser: argparse.ArgumentParser, *own: str) -> None:
    """Let the command line choose the graph: the demo's own ones, the first by default, or papers."""
    parser.add_argument("--data", choices=[*own, "cora", "citeseer"], default=own[0])
    parser.add_argument("--root", type=Path, help="where the folder cora or citeseer is")


def load(name: str, root: Path | None) -> graph.Data:
    """Return the graph of that name; stop with a message if its files are not there."""
    if name == "karate":
        return karate_club()
    if name == "groups":
        return groups(600, 12, within=0.16, between=0.003)
    if root is None:
        sys.exit(f"--data {name}: expected --root, the folder where its files are")
    return papers(root, name)


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


def groups(nodes: int, count: int, within: float, between: float) -> graph.Data:
    """Return nodes in groups of equal size (the stochastic block model); ``y`` says in which each is.

    Two nodes of a group are connected with probability ``within``, others with ``between``.
    """
    y = torch.arange(nodes) * count // nodes
    probability = torch.where(y[:, None] == y, within, between)
    connected = torch.rand(nodes, nodes) < probability.triu(1)
    return graph.Data(x=torch.eye(nodes), edge_index=graph.to_undirected(connected.nonzero().t()), y=y)
