"""A call of every kernel of the CPU, and what it has to compute and move: the rows of the benchmark of kernels.

Bytes are those of the inputs and outputs, each read or written once. Operations are instructions, for each number: a
multiply-add is one, so is a comparison or a select; an exponential is ``EXP`` of them, a quotient or a root ``DIV``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu_kernels.activation import cpu as activation
from tinygrad_edu_kernels.attention import cpu as attention
from tinygrad_edu_kernels.convolution import cpu as convolution
from tinygrad_edu_kernels.dropout import cpu as dropout
from tinygrad_edu_kernels.embedding import cpu as embedding
from tinygrad_edu_kernels.matrix_product import cpu as matrix_product
from tinygrad_edu_kernels.norm import cpu as norm
from tinygrad_edu_kernels.optimizer_step import cpu as optimizer_step
from tinygrad_edu_kernels.pooling import cpu as pooling
from tinygrad_edu_kernels.recurrent import cpu as recurrent
from tinygrad_edu_kernels.softmax_loss import cpu as softmax_loss

Array = Any
EXP = 17
DIV = 10
HASH = 52  # of dropout: two products of 64 bits, which AVX2 puts together from those of 32, and the shifts around them

SIZES = {"cache": 2**16, "memory": 2**23}
"""Numbers of an array that stays in the caches of a core, and of one that does not fit into the last one."""


@dataclass(frozen=True)
class Call:
    """A kernel on some arrays, with so many numbers that are moved, and operations.

    ``what`` is the same for calls that differ in the number of rows or images alone.
    """

    family: str
    kernel: str
    what: str
    function: Callable[[], object]
    moved: float
    operations: float


class Arrays:
    """Makes arrays of one dtype."""

    def __init__(self, dtype: str) -> None:
        self.dtype, self.rng = np.dtype(dtype), np.random.default_rng(0)

    def normal(self, *shape: int) -> Array:
        """Return numbers of a normal distribution."""
        return self.rng.standard_normal(shape, dtype=self.dtype)

    def positive(self, *shape: int) -> Array:
        """Return numbers from 0 to 1."""
        return self.rng.random(shape, dtype=self.dtype)


def calls(dtype: str, where: str) -> Iterator[Call]:
    """Yield the calls for "cache" or "memory"; one at a time, for each has arrays of its own."""
    arrays, size = Arrays(dtype), SIZES[where]
    yield from elementwise(arrays, size)
    yield from optimizer_steps(arrays, size // 4)
    yield from rows(arrays, size // 128, 128)
    yield from rows(arrays, size // 2048, 2048)
    yield from norms(arrays, size)
    yield from pools(arrays, size // 784)
    yield from embeddings(arrays, size // 64)
    if where == "cache":
        yield from losses(arrays)
        yield from products(arrays)
        yield from convolutions(arrays)
        yield from attentions(arrays)
        yield from recurrences(arrays, 28, 64, 128)


# ---- a pass over numbers ---------------------------------------------------------------------------------------


def elementwise(arrays: Arrays, size: int) -> Iterator[Call]:
    """Yield activations and dropout."""
    x, grad = arrays.normal(size), arrays.normal(size)
    y = arrays.positive(size)
    kernels: list[tuple[str, tuple[Any, ...], int]] = [
        ("relu_forward", (x,), 2),
        ("relu_backward", (grad, x), 2),
        ("sigmoid_forward", (x,), EXP + DIV + 2),
        ("sigmoid_backward", (grad, y), 3),
        ("tanh_backward", (grad, y), 3),
        ("silu_forward", (x,), EXP + DIV + 2),
        ("silu_backward", (grad, x), EXP + DIV + 6),
        ("gelu_forward", (x,), EXP + DIV + 18),
        ("gelu_backward", (grad, x), EXP + DIV + 22),
        ("gelu_tanh_forward", (x,), EXP + DIV + 7),
        ("gelu_tanh_backward", (grad, x), EXP + DIV + 14),
        ("softplus_forward", (x, 1.0, 20.0), EXP + 2 * DIV + 15),
        ("softplus_backward", (grad, x, 1.0, 20.0), EXP + DIV + 5),
        ("erf", (x,), EXP + DIV + 27),
    ]
    for name, arguments, operations in kernels:
        function = getattr(activation, name)
        moved = size * (1 + sum(isinstance(argument, np.ndarray) for argument in arguments))
        yield call("activation", name, "", function, arguments, moved, size * operations)
    yield call("dropout", "dropout", "", dropout.dropout, (x, 0.5, 7), 2 * size, HASH * size)


def optimizer_steps(arrays: Arrays, size: int) -> Iterator[Call]:
    """Yield a step of each optimizer."""
    param, grad, first, second = (arrays.positive(size) for _ in range(4))
    some = {"lr": 1e-3, "weight_decay": 0.0, "maximize": False}
    root = DIV + DIV + 1
    steps: list[tuple[str, tuple[Any, ...], dict[str, Any], int]] = [
        (
            "sgd_step", (param, grad, first),
            {"is_first_step": False, "momentum": 0.9, "dampening": 0.0, "nesterov": False}, 4,
        ),
        (
            "adam_step", (param, grad, first, second, None),
            {"step": 10.0, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "decoupled_weight_decay": False}, 9 + root + DIV,
        ),
        ("adagrad_step", (param, grad, first), {"step": 10.0, "lr_decay": 0.0, "eps": 1e-10}, 4 + root),
        ("rmsprop_step", (param, grad, first, None, None), {"alpha": 0.99, "eps": 1e-8, "momentum": 0.0}, 6 + root),
    ]  # fmt: skip
    for name, arguments, options, operations in steps:
        step, names = getattr(optimizer_step, name), {**some, **options}
        state = sum(array is not None for array in arguments) - 2
        moved = size * (3 + 2 * state)
        yield call("optimizer_step", name, "", step, arguments, moved, size * operations, **names)


def rows(arrays: Arrays, count: int, width: int) -> Iterator[Call]:
    """Yield softmax and log-softmax."""
    x, grad = arrays.normal(count, width), arrays.normal(count, width)
    y, log_y = softmax_loss.softmax_forward(x), softmax_loss.log_softmax_forward(x)
    size = x.size
    kernels: list[tuple[str, tuple[Any, ...], int]] = [
        ("softmax_forward", (x,), EXP + 6),
        ("softmax_backward", (grad, y), 3),
        ("log_softmax_forward", (x,), EXP + 7),
        ("log_softmax_backward", (grad, log_y), EXP + 2),
    ]
    for name, arguments, operations in kernels:
        moved = size * (1 + len(arguments))
        function = getattr(softmax_loss, name)
        yield call("softmax_loss", name, f"rows of {width}", function, arguments, moved, size * operations)


def losses(arrays: Arrays) -> Iterator[Call]:
    """Yield cross-entropy, of few classes and of many."""
    for count, classes in ((64, 10), (4096, 10), (256, 1000)):
        logits, target = arrays.normal(count, classes), np.arange(count) % classes
        _, _, probabilities = softmax_loss.softmax_cross_entropy_forward(logits, target, None, -100)
        grad = np.ones((), arrays.dtype)
        pairs: list[tuple[str, tuple[Any, ...], int]] = [
            ("softmax_cross_entropy_forward", (logits, target, None, -100), EXP + 6),
            ("softmax_cross_entropy_backward", (grad, probabilities, target, None, -100, count), 4),
        ]
        for name, arguments, operations in pairs:
            function, size = getattr(softmax_loss, name), logits.size
            what = f"{count} x {classes}"
            yield call("softmax_loss", name, what, function, arguments, 2 * size, size * operations)


def norms(arrays: Arrays, size: int) -> Iterator[Call]:
    """Yield layer norm of rows of 256, and batch norm of images of 14 x 14."""
    x, grad, shape = arrays.normal(size // 256, 256), arrays.normal(size // 256, 256), "rows of 256"
    weight = bias = arrays.positive(256)
    _, mean, rstd = norm.layer_norm_forward(x, weight, bias, 1e-5)
    forward, backward = (x, weight, bias, 1e-5), (grad, x, mean, rstd, weight, True)
    yield call("norm", "layer_norm_forward", shape, norm.layer_norm_forward, forward, 2 * x.size, 6 * x.size)
    yield call(
        "norm", "layer_norm_backward", shape, norm.layer_norm_backward, backward, 3 * x.size, 12 * x.size
    )
    x, grad, shape = (*(arrays.normal(size // 6272, 32, 196) for _ in range(2)), "32 channels, 14 x 14")
    weight = bias = arrays.positive(32)
    _, mean, _, rstd = norm.batch_norm_forward(x, weight, bias, 1e-5)
    of_channels = (grad, x, mean, rstd, weight)
    yield call(
        "norm",
        "batch_norm_forward",
        shape,
        norm.batch_norm_forward,
        (x, weight, bias, 1e-5),
        2 * x.size,
        5 * x.size,
    )
    yield call(
        "norm", "batch_norm_backward", shape, norm.batch_norm_backward, of_channels, 3 * x.size, 7 * x.size
    )


def pools(arrays: Arrays, count: int) -> Iterator[Call]:
    """Yield pooling of images of 28 x 28."""
    side = 28
    for kernel, stride in ((2, 2), (3, 2)):
        x = arrays.normal(1, count, side, side)
        out = (side - kernel) // stride + 1
        sizes = (kernel, kernel), (stride, stride), (0, 0)
        y, indices = pooling.max_pool2d_forward(x, *sizes, (1, 1), (out, out))
        grad, windows = arrays.normal(*y.shape), kernel * kernel * y.size
        mean = (*sizes, (out, out), True, 0)
        of_grad = (grad, x.shape, *sizes, True, 0)
        pairs: list[tuple[str, tuple[Any, ...], float, float]] = [
            ("max_pool2d_forward", (x, *sizes, (1, 1), (out, out)), x.size + 2 * y.size, 2 * windows),
            ("max_pool2d_backward", (grad, indices, x.shape), x.size + 2 * y.size, y.size),
            ("avg_pool2d_forward", (x, *mean), x.size + y.size, windows),
            ("avg_pool2d_backward", of_grad, x.size + y.size, windows),
        ]
        for name, arguments, moved, operations in pairs:
            what = f"28 x 28, windows {kernel} x {kernel}, stride {stride}"
            yield call("pooling", name, what, getattr(pooling, name), arguments, moved, operations)


def embeddings(arrays: Arrays, count: int) -> Iterator[Call]:
    """Yield the gradient of an embedding of rows of 64: each is zeroed and then added to."""
    grad = arrays.normal(count, 64)
    indices = arrays.rng.integers(0, count, count)
    arguments = (grad, indices, count, -1)
    function = embedding.embedding_backward
    yield call("embedding", "embedding_backward", "rows of 64", function, arguments, 4 * grad.size, grad.size)


# ---- products --------------------------------------------------------------------------------------------------


def products(arrays: Arrays) -> Iterator[Call]:
    """Yield products of matrices: of n rows with i numbers each and a matrix that makes o of them."""
    for n, i, o in ((64, 784, 128), (512, 512, 512)):
        x, weight, grad = arrays.normal(n, i), arrays.normal(o, i), arrays.normal(n, o)
        kernels: list[tuple[str, tuple[Any, ...]]] = [
            ("linear", (x, weight, None)),
            ("linear_weight_gradient", (grad, x)),
            ("matmul", (grad, weight)),
        ]
        for name, arguments in kernels:
            function, what = getattr(matrix_product, name), f"{n} x {i} x {o}"
            yield call("matrix_product", name, what, function, arguments, 0, n * i * o)


def convolutions(arrays: Arrays) -> Iterator[Call]:
    """Yield convolutions of 16 images with filters of 3 x 3."""
    for channels, filters, side, stride in ((32, 64, 14, 1), (64, 64, 28, 1), (64, 64, 28, 2), (3, 8, 28, 1)):
        x, weight = arrays.normal(16, channels, side, side), arrays.normal(filters, channels, 3, 3)
        out = (side - 1) // stride + 1
        grad = arrays.normal(16, filters, out, out)
        sizes = (stride, stride), (1, 1), (1, 1), 1
        what = f"{channels} to {filters} channels, {side} x {side}, stride {stride}"
        kernels: list[tuple[str, tuple[Any, ...]]] = [
            ("conv2d_forward", (x, weight, None, *sizes)),
            ("conv2d_grad_input", (grad, weight, x.shape, *sizes)),
            ("conv2d_grad_weight", (grad, x, weight.shape, *sizes)),
        ]
        for name, arguments in kernels:
            function = getattr(convolution, name)
            yield call("convolution", name, what, function, arguments, 0, grad.size * channels * 9)


def attentions(arrays: Arrays) -> Iterator[Call]:
    """Yield attention of four sequences on themselves."""
    for causal in (False, True):
        query, key, value, grad = (arrays.normal(4, 4, 256, 32) for _ in range(4))
        output, logsumexp = attention.attention_forward(query, key, value, None, causal, 0.2)
        scores = 4 * 4 * 256 * 256 / (2 if causal else 1)
        forward = (query, key, value, None, causal, 0.2)
        backward = (grad, query, key, value, None, output, logsumexp, causal, 0.2)
        what = f"4 heads of 32, length 256{', causal' if causal else ''}"
        kernels: list[tuple[str, tuple[Any, ...], int]] = [
            ("attention_forward", forward, 2 * 32 + EXP + 6),
            ("attention_backward", backward, 5 * 32 + EXP + 4),
        ]
        for name, arguments, operations in kernels:
            yield call("attention", name, what, getattr(attention, name), arguments, 0, scores * operations)


def recurrences(arrays: Arrays, steps: int, batch: int, size: int) -> Iterator[Call]:
    """Yield an Elman network, an LSTM and a GRU, without the product with the input, which is no part of them."""
    n, batches = steps * batch, (batch,) * steps
    what = f"{steps} steps, batch {batch}, size {size}"
    h, grad_h, grad = arrays.normal(batch, size), arrays.normal(batch, size), arrays.normal(n, size)
    gates, weight = arrays.normal(n, 4 * size), 0.05 * arrays.normal(4 * size, size)
    g1, w1, g3, w3 = gates[:, :size].copy(), weight[:size], gates[:, : 3 * size].copy(), weight[: 3 * size]
    y, _, _ = recurrent.rnn_forward(g1, w1, h, batches, False, False)
    _, _, activated, before, tanh, _, _ = recurrent.lstm_forward(gates, weight, None, h, h, batches, False)
    _, previous, of_gru, new, _ = recurrent.gru_forward(g3, w3, None, h, batches, False)
    rnn, sigmoid = 2 * EXP + DIV, EXP + DIV + 3
    of_lstm = (grad, grad_h, grad_h, activated, before, tanh, weight, None, batches, False)
    kernels: list[tuple[str, tuple[Any, ...], int]] = [
        ("rnn_forward", (g1, w1, h, batches, False, False), size + rnn),
        ("rnn_backward", (grad, grad_h, y, w1, batches, False, False), size + 4),
        ("lstm_forward", (gates, weight, None, h, h, batches, False), 4 * size + 3 * sigmoid + 2 * rnn),
        ("lstm_backward", of_lstm, 4 * size + 30),
        ("gru_forward", (g3, w3, None, h, batches, False), 3 * size + 2 * sigmoid + rnn),
        ("gru_backward", (grad, grad_h, of_gru, new, previous, w3, batches, False), 3 * size + 25),
    ]
    for name, arguments, operations in kernels:
        yield call("recurrent", name, what, getattr(recurrent, name), arguments, 0, n * size * operations)


def call(
    family: str,
    kernel: str,
    what: str,
    function: Callable[..., object],
    arguments: tuple[Any, ...],
    moved: float,
    operations: float,
    **options: Any,
) -> Call:
    """Return a call of a launcher."""
    return Call(family, kernel, what, lambda: function(*arguments, **options), moved, operations)
