"""Which operations can be replayed: those whose ``forward`` sees all the numbers that their function looks at.

Some functions look at numbers before they make a node. A list of nodes would not do that again, unless the function
tells of it (``autograd/telling.py``), as ``gather`` does when it checks its index. So an operation is replayed if its
class is in one of these files, which have been read with that in mind; of some files only the named classes are.
"""

from __future__ import annotations

import functools
from typing import Any

FILES = (
    "ops.elementwise",
    "ops.linalg.cholesky",
    "ops.linalg.determinant",
    "ops.linalg.eigen.Eigh",
    "ops.linalg.matmul",
    "ops.linalg.matrix_functions.MatrixExp",
    "ops.linalg.qr.QR",
    "ops.linalg.solve",
    "ops.linalg.svd",
    "ops.linalg.triangular",
    "ops.nn.activation",
    "ops.nn.adaptive_pool",
    "ops.nn.attention",
    "ops.nn.binary_loss",
    "ops.nn.conv",
    "ops.nn.dropout",
    "ops.nn.embedding",
    "ops.nn.embedding_bag.SumBags",
    "ops.nn.hard_activation",
    "ops.nn.normalize",
    "ops.nn.pool",
    "ops.nn.recurrent",
    "ops.nn.softmax",
    "ops.common.Cast",
    "ops.convert",
    "ops.indexing.gather",
    "ops.indexing.index.GetItem",
    "ops.indexing.index.GetItems",
    "ops.indexing.index.IndexPutZeros",
    "ops.indexing.index.SetItem",
    "ops.indexing.index.ViewScatter",
    "ops.reduce.reduction",
    "ops.reduce.extremum",
    "ops.reduce.order",
    "ops.reduce.running",
    "ops.reduce.scan",
    "ops.reduce.statistics",
    "ops.shape.join",
    "ops.shape.layout",
    "ops.shape.pad",
    "ops.shape.roll",
    "ops.shape.split",
    "ops.shape.triangle",
)


@functools.cache
def is_known(operation: Any) -> bool:
    """Tell whether an operation, a class, may be a line of a list."""
    name = f"{operation.__module__}.{operation.__qualname__}"
    return any(name.startswith(f"tinygrad_edu.{file}.") or name == f"tinygrad_edu.{file}" for file in FILES)
