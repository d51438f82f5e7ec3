"""Cora and Citeseer: scientific papers, the words in them, and who cites whom.

References
----------
Z. Yang, W. Cohen, R. Salakhutdinov, Revisiting Semi-Supervised Learning with Graph Embeddings, ICML 2016; the split
of the papers that everybody uses is theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu._tensor import tensor_from_array
from tinygrad_edu.nn.graph.data import Data

NAMES = ("cora", "citeseer")
VALIDATION = 500


class Planetoid:
    """A citation graph of files that are there: a list of one graph, with the usual split.

    Parameters
    ----------
    root : path
        Where the folder ``cora`` or ``citeseer`` is, with a file such as ``cora.npz``, or ``cora.content`` and
        ``cora.cites``.
    name : {"Cora", "Citeseer"}
        Which graph.

    Attributes
    ----------
    num_classes, num_features : int
        How many fields there are that a paper may be of, and how many words are counted.

    Notes
    -----
    The arrays of the npz file are ``features``, whose bits say which words occur (packed by ``numpy.packbits``, so
    ``n_features`` says how many count), ``labels``, ``edges`` (pairs of papers, each once), ``train_index`` and
    ``test_index``. In the text form, a line is a paper: number, words as 0 or 1, class; or a citation: two numbers.

    The split: 20 papers of each class to learn from, 500 to choose by, 1,000 to test on. In the text form, these are
    the first, the next and the last ones.

    Examples
    --------
    >>> graph = Planetoid("data", "Cora")[0]  # doctest: +SKIP
    >>> graph  # doctest: +SKIP
    Data(x=[2708, 1433], edge_index=[2, 10556], y=[2708], train_mask=[2708], val_mask=[2708], test_mask=[2708])
    """

    def __init__(self, root: str | Path, name: str) -> None:
        if str(name).lower() not in NAMES:
            raise ValueError(f"Planetoid: expected name to be 'Cora' or 'Citeseer', got {name!r}")
        folder, stem = Path(root) / name.lower(), name.lower()
        if (folder / f"{stem}.npz").is_file():
            self.graph = graph_of(*read_arrays(folder / f"{stem}.npz"))
        elif (folder / f"{stem}.content").is_file():
            self.graph = graph_of(*read_text(folder / f"{stem}.content", folder / f"{stem}.cites"))
        else:
            raise FileNotFoundError(
                f"Planetoid: expected {stem}.npz, or {stem}.content and {stem}.cites, in {folder}; nothing is "
                "downloaded"
            )
        self.num_classes = int(self.graph.y.max()) + 1
        self.num_features = self.graph.num_node_features

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Data:
        return [self.graph][index]

    def __repr__(self) -> str:
        return f"Planetoid({self.graph})"


def read_arrays(path: Path) -> tuple[Any, ...]:
    """Return words, classes, edges and the papers to learn from and to test on."""
    with np.load(path, allow_pickle=False) as file:
        words = np.unpackbits(file["features"], axis=1, count=int(file["n_features"]))
        return words, file["labels"], file["edges"], file["train_index"], file["test_index"]


def read_text(content: Path, cites: Path) -> tuple[Any, ...]:
    """Return the same, of the text form; papers that are cited and not there are left out."""
    rows = [line.split() for line in content.read_text(encoding="utf-8").splitlines() if line]
    place = {row[0]: i for i, row in enumerate(rows)}
    classes = sorted({row[-1] for row in rows})
    labels = np.array([classes.index(row[-1]) for row in rows])
    pairs = [line.split() for line in cites.read_text(encoding="utf-8").splitlines() if line]
    known = [(place[a], place[b]) for a, b in pairs if a in place and b in place]
    words = np.array([row[1:-1] for row in rows], dtype=np.float32)
    train = np.arange(min(20 * len(classes), len(rows)))
    return (
        words,
        labels,
        np.array(known).reshape(-1, 2),
        train,
        np.arange(max(len(rows) - 1000, 0), len(rows)),
    )


def graph_of(words: Any, labels: Any, edges: Any, train: Any, test: Any) -> Data:
    """Make the graph: each citation leads both ways, once."""
    nodes = len(labels)
    both = np.concatenate([edges, edges[:, ::-1]]).astype(np.int64)
    both = np.unique(both[both[:, 0] != both[:, 1]], axis=0)
    validation = np.arange(len(train), min(len(train) + VALIDATION, nodes))
    masks = {"train_mask": train, "val_mask": validation, "test_mask": test}
    return Data(
        x=tensor_from_array(words.astype(np.float32)),
        edge_index=tensor_from_array(np.ascontiguousarray(both.T)),
        y=tensor_from_array(labels.astype(np.int64)),
        **{name: tensor_from_array(np.isin(np.arange(nodes), places)) for name, places in masks.items()},
    )
