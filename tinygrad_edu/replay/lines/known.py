"""Which operations can be replayed: those whose ``forward`` sees all the numbers that their function looks at.

Some functions look at numbers before they make a node. A list of nodes would not do that again, unless the function
tells of it (``autograd/telling.py``), as ``gather`` does when it checks its index. So an operation is replayed if its
class is in one of these files, which have been read with that in mind; of some files only the named classes are.
Some of them, and of the optimizers, can be calls of kernels (``kernels``).
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

WITH_KERNELS = (
    "ops.linalg.matmul.Linear",
    "ops.nn.activation.Gelu",
    "ops.nn.activation.Relu",
    "ops.nn.activation.Silu",
    "ops.nn.activation.Softplus",
    "ops.nn.dropout.Dropout",
    "ops.nn.pool.MaxPool2d",
    "ops.nn.softmax.LogSoftmax",
    "ops.nn.softmax.Softmax",
    "ops.nn.softmax.SoftmaxCrossEntropy",
    "ops.elementwise.unary.Sigmoid",
    "ops.shape.layout.Permute",
    "ops.shape.layout.Reshape",
    "optim.adam.Adam",
    "optim.adamw.AdamW",
    "optim.sgd.SGD",
)
"""Operations and optimizers all of whose work with numbers goes through ``threads.run_over`` and ``threads.call``.

One whose kernels are given numbers that differ from call to call needs an entry in ``live.LIVE``, too.
"""


def name_of(operation: Any) -> str:
    """Return the name of a class in the tables: its file and its own."""
    return f"{operation.__module__}.{operation.__qualname__}".removeprefix("tinygrad_edu.")


@functools.cache
def is_known(operation: Any) -> bool:
    """Tell whether an operation, a class, may be a line of a list."""
    name = name_of(operation)
    return any(name == entry or name.startswith(f"{entry}.") for entry in FILES)


def has_kernels(operation: Any) -> bool:
    """Tell whether an operation or an optimizer may be written as calls of kernels."""
    return name_of(operation) in WITH_KERNELS
