"""The reader of Cora and Citeseer, on small files of the same form."""

from __future__ import annotations

import numpy as np
import pytest

from tinygrad_edu.nn.graph import Planetoid

WORDS = np.random.default_rng(0).integers(0, 2, (30, 11)).astype(np.uint8)
LABELS = np.arange(30) % 3
EDGES = np.array([[0, 1], [1, 0], [4, 29], [7, 7], [12, 3], [0, 1]])
BOTH_WAYS = [[0, 1, 3, 4, 12, 29], [1, 0, 12, 29, 3, 4]]  # each once, and no loop


@pytest.fixture
def root(tmp_path):
    (tmp_path / "citeseer").mkdir()
    np.savez(
        tmp_path / "citeseer" / "citeseer.npz",
        features=np.packbits(WORDS, axis=1),
        n_features=np.int64(11),
        labels=LABELS.astype(np.int8),
        edges=EDGES.astype(np.int32),
        train_index=np.arange(6),
        test_index=np.array([29, 20, 25]),
    )
    (tmp_path / "cora").mkdir()
    names = [f"p{100 - i}" for i in range(30)]  # papers have names, in no order
    rows = zip(names, WORDS, LABELS, strict=True)
    lines = ["\t".join([name, *map(str, words), f"field{label}"]) for name, words, label in rows]
    (tmp_path / "cora" / "cora.content").write_text("\n".join(lines) + "\n")
    cites = [f"{names[a]}\t{names[b]}" for a, b in EDGES] + [f"unknown\t{names[0]}"]
    (tmp_path / "cora" / "cora.cites").write_text("\n".join(cites) + "\n")
    return tmp_path


@pytest.mark.host("files are read on the host")
@pytest.mark.parametrize("name", ["Citeseer", "Cora"])
def test_what_is_read(root, name):
    dataset = Planetoid(root, name)
    (data,) = dataset
    assert (dataset.num_classes, dataset.num_features, len(dataset)) == (3, 11, 1)
    assert np.array_equal(data.x.numpy(), WORDS)
    assert data.x.dtype == data.x.float().dtype
    assert data.y.tolist() == LABELS.tolist()
    assert data.edge_index.tolist() == BOTH_WAYS


@pytest.mark.host("files are read on the host")
def test_the_split(root):
    data = Planetoid(root, "citeseer")[0]
    assert data.train_mask.nonzero().flatten().tolist() == list(range(6))
    assert data.val_mask.nonzero().flatten().tolist() == list(range(6, 30))  # 500, if there are as many
    assert data.test_mask.nonzero().flatten().tolist() == [20, 25, 29]


def test_errors(tmp_path):
    with pytest.raises(ValueError, match="'Cora' or 'Citeseer', got 'Pubmed'"):
        Planetoid(tmp_path, "Pubmed")
    with pytest.raises(FileNotFoundError, match=r"expected cora.npz, or cora.content and cora.cites"):
        Planetoid(tmp_path, "Cora")
