"""What the tests of sparse tensors share."""

from __future__ import annotations

import numpy as np
import pytest

from tests.device import to_numpy

PLACES = {  # name: size, indices; the second one has a place twice, and is in no order
    "coalesced": ((3, 4), [[0, 0, 1, 2], [1, 3, 0, 3]]),
    "uncoalesced": ((3, 4), [[2, 0, 2, 1, 0], [3, 1, 3, 0, 3]]),
    "empty row": ((4, 4), [[0, 3, 3], [2, 0, 1]]),
    "no element": ((3, 4), [[], []]),
}


@pytest.fixture
def reference():
    """PyTorch, to compare with."""
    return pytest.importorskip("torch")


def make_sparse(torch, kind, requires_grad=False, dtype="float64", seed=0):
    """Return a sparse matrix of the engine that is given, and the same as a NumPy array."""
    size, indices = PLACES[kind]
    values = np.random.default_rng(seed).standard_normal(len(indices[0])) + 2
    dense = np.zeros(size)
    np.add.at(dense, tuple(np.array(indices, dtype=int)), values)
    index = torch.tensor(np.array(indices, dtype=np.int64))
    values = torch.tensor(values, dtype=getattr(torch, dtype))
    made = torch.sparse_coo_tensor(index, values, size, requires_grad=requires_grad)
    return (made.coalesce() if kind == "coalesced" and not requires_grad else made), dense


def dense_of(x):
    """Return a tensor of either engine as a NumPy array, dense."""
    x = x.detach().to_dense()
    return to_numpy(x) if hasattr(x, "array") else x.numpy()
