"""Which operations and optimizers may be written as calls of kernels."""

from __future__ import annotations

from typing import Any

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


def has_kernels(operation: Any) -> bool:
    """Tell whether an operation or an optimizer is among those that may be written as calls of kernels."""
    return f"{operation.__module__}.{operation.__qualname__}".removeprefix("tinygrad_edu.") in WITH_KERNELS
