"""Calls of every kernel function, at random sizes: what the checks of the CUDA kernels run.

One list serves them all: the simulator compares the results with the reference, the race recorder watches the
same launches, the compile gate takes the types of the arguments from them.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu_kernels.convolution.reference import output_size

FOLDER = Path(__file__).resolve().parents[2] / "kernels" / "tinygrad_edu_kernels"
# Products of matrices are CuPy's own and have no kernel of ours.
FAMILIES = sorted(
    path.parent.name for path in FOLDER.glob("*/cuda.py") if "@cuda.jit" in path.read_text("utf-8")
)
DTYPES = ["float32", "float64"]
IGNORED = -100


@dataclass
class Call:
    """One call of a kernel function."""

    family: str
    function: str
    arguments: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        shapes = [a.shape if isinstance(a, np.ndarray) else a for a in self.arguments]
        return f"{self.family}.{self.function}{tuple(shapes)} {self.options or ''}"


def run(call: Call, kernels: Any) -> list[np.ndarray[Any, Any]]:
    """Return what a call gives on a rung: its results, then its arrays, some of which it may have changed."""
    result = getattr(kernels, call.function)(*call.arguments, **call.options)
    results = result if isinstance(result, tuple) else () if result is None else (result,)
    return [*(a for a in results if a is not None), *(a for a in call.arguments if isinstance(a, np.ndarray))]


def rung(family: str, name: str) -> Any:
    """Return the module of a family on a rung."""
    return importlib.import_module(f"tinygrad_edu_kernels.{family}.{name}")


def source(family: str) -> str:
    """Return the text of a family's cuda.py."""
    return (FOLDER / family / "cuda.py").read_text(encoding="utf-8")


def kernel_names(family: str) -> list[str]:
    """Return the functions of a cuda.py that ``@cuda.jit`` makes kernels (not ``device=True``)."""
    return [
        node.name
        for node in ast.parse(source(family)).body
        if isinstance(node, ast.FunctionDef)
        and any(ast.unparse(d) == "cuda.jit" for d in node.decorator_list)
    ]


def make_calls(family: str, dtype: str) -> list[Call]:
    """Return the calls of a family, made anew: the same numbers each time."""
    if family not in MAKERS:
        raise NotImplementedError(f"{family} has a cuda.py: write its calls in {Path(__file__).name}")
    return list(MAKERS[family](np.random.default_rng(5), np.dtype(dtype)))


# ---- the families -------------------------------------------------------------------------------------------

# x shape, out channels, kernel, stride, padding, dilation, groups
CONVOLUTIONS = [
    ((2, 3, 5, 4), 4, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((3, 4, 7, 6), 6, (3, 2), (2, 1), (1, 0), (1, 2), 2),
    ((2, 2, 6, 7), 2, (2, 3), (2, 3), (2, 1), (2, 1), 2),
    ((2, 3, 4, 3), 2, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    ((1, 2, 2, 2), 3, (5, 5), (1, 1), (2, 2), (1, 1), 1),
    ((2, 2, 9, 8), 2, (2, 2), (3, 3), (0, 0), (1, 1), 1),  # pixels that no window sees
    ((0, 2, 4, 4), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
    ((2, 0, 4, 4), 3, (3, 3), (1, 1), (1, 1), (1, 1), 1),
]


def convolution_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    for shape, out_channels, kernel, *windows, groups in CONVOLUTIONS:
        x = spread(numbers(rng, shape, dtype))
        weight = spread(numbers(rng, (out_channels, shape[1] // groups, *kernel), dtype))
        bias = numbers(rng, (out_channels,), dtype)
        sizes = [output_size(shape[2 + a], *[option[a] for option in (kernel, *windows)]) for a in (0, 1)]
        grad_output = spread(numbers(rng, (shape[0], out_channels, *sizes), dtype))
        columns = numbers(rng, (shape[0], shape[1] * kernel[0] * kernel[1], sizes[0] * sizes[1]), dtype)
        yield Call("convolution", "im2col", (x, kernel, *windows))
        yield Call("convolution", "col2im", (columns, shape, kernel, *windows))
        for maybe_bias in (bias, None):
            yield Call("convolution", "conv2d_forward", (x, weight, maybe_bias, *windows, groups))
        options = (*windows, groups)
        yield Call("convolution", "conv2d_grad_input", (grad_output, weight, shape, *options))
        yield Call("convolution", "conv2d_grad_weight", (grad_output, x, weight.shape, *options))


# x shape, kernel, stride, padding, dilation, output size
POOLS = [
    ((2, 3, 6, 8), (2, 2), (2, 2), (0, 0), (1, 1), (3, 4)),
    ((2, 2, 7, 5), (2, 2), (2, 2), (0, 0), (1, 1), (4, 3)),  # ceil_mode
    ((2, 2, 7, 8), (3, 3), (2, 2), (1, 1), (1, 1), (4, 4)),
    ((1, 2, 5, 6), (3, 2), (1, 1), (0, 0), (1, 1), (3, 5)),
    ((1, 2, 8, 9), (3, 2), (2, 2), (1, 1), (2, 2), (4, 5)),
    ((1, 2, 9, 9), (2, 2), (3, 4), (0, 0), (1, 1), (3, 2)),
    ((1, 2, 4, 4), (2, 2), (1, 1), (1, 1), (5, 5), (1, 1)),  # no tap on the image
    ((0, 2, 4, 4), (2, 2), (2, 2), (0, 0), (1, 1), (2, 2)),
]
ADAPTIVE = [((2, 2, 7, 5), (3, 2)), ((1, 2, 3, 4), (5, 7)), ((2, 2, 10, 7), (4, 7)), ((0, 2, 4, 4), (2, 2))]


def pooling_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    reference = rung("pooling", "reference")
    for shape, kernel, stride, padding, dilation, sizes in POOLS:
        x = spread(with_ties(rng, shape, dtype))
        grad_output = spread(with_ties(rng, (*shape[:2], *sizes), dtype))
        maximum = (kernel, stride, padding, dilation, sizes)
        indices = reference.max_pool2d_forward(x, *maximum)[1]
        yield Call("pooling", "max_pool2d_forward", (x, *maximum))
        yield Call("pooling", "max_pool2d_backward", (grad_output, indices, shape))
        if dilation == (1, 1):
            for counted in ((True, 0), (False, 0), (True, 5)):
                mean = (kernel, stride, padding)
                yield Call("pooling", "avg_pool2d_forward", (x, *mean, sizes, *counted))
                yield Call("pooling", "avg_pool2d_backward", (grad_output, shape, *mean, *counted))
    for shape, sizes in ADAPTIVE:
        x = with_ties(rng, shape, dtype)
        yield Call("pooling", "adaptive_avg_pool2d_forward", (x, sizes))
        yield Call("pooling", "adaptive_max_pool2d_forward", (x, sizes))
        grad_output = with_ties(rng, (*shape[:2], *sizes), dtype)
        yield Call("pooling", "adaptive_avg_pool2d_backward", (grad_output, shape))
    spoilt = numbers(rng, (1, 2, 6, 6), dtype)
    spoilt[0, 0, 2, 3], spoilt[0, 1, 1, 1], spoilt[0, 1, :2, 4:] = np.nan, np.inf, -np.inf
    yield Call("pooling", "max_pool2d_forward", (spoilt, (2, 2), (2, 2), (0, 0), (1, 1), (3, 3)))


def softmax_loss_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    for n, c in ((1, 1), (4, 5), (2, 70), (0, 4), (0, 0)):
        x = spread(5 * numbers(rng, (n, c), dtype))
        y = rung("softmax_loss", "reference").softmax_forward(x)
        grad_output = spread(numbers(rng, (n, c), dtype))
        yield Call("softmax_loss", "softmax_forward", (x,))
        yield Call("softmax_loss", "log_softmax_forward", (x,))
        yield Call("softmax_loss", "softmax_backward", (grad_output, y))
        yield Call("softmax_loss", "log_softmax_backward", (grad_output, -abs(x)))
        target = rng.integers(0, max(c, 1), n)
        target[1::3] = IGNORED
        labels = (target, numbers(rng, (c,), dtype), IGNORED)
        yield Call("softmax_loss", "softmax_cross_entropy_forward", (x, *labels))
        grad_losses = numbers(rng, (n,), dtype)
        yield Call("softmax_loss", "softmax_cross_entropy_backward", (grad_losses, y, *labels))
        labels = (target, None, IGNORED)
        yield Call("softmax_loss", "softmax_cross_entropy_forward", (x, *labels))
        for_all = np.array(0.5, dtype)
        yield Call("softmax_loss", "softmax_cross_entropy_backward", (for_all, y, *labels, 3.0))
    spoilt = np.array([[0, np.nan, 1], [np.inf, 0, 1], [-np.inf] * 3, [-np.inf, 2, 1]], dtype)
    yield Call("softmax_loss", "softmax_forward", (spoilt,))
    yield Call("softmax_loss", "log_softmax_forward", (spoilt,))


# n, heads, l, s, e, w; a mask of numbers, a causal one
ATTENTIONS = [
    ((1, 1, 1, 1, 1, 1), False, False), ((2, 2, 2, 3, 2, 3), True, False), ((1, 1, 2, 34, 1, 2), False, False),
    ((1, 1, 33, 2, 2, 1), False, True), ((1, 2, 3, 2, 1, 1), True, True), ((0, 1, 2, 2, 1, 1), False, False),
]  # fmt: skip


def attention_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    for (n, heads, rows, keys, e, w), masked, causal in ATTENTIONS:
        shapes = (n, heads, rows, e), (n, heads, keys, e), (n, heads, keys, w), (n, heads, rows, w)
        query, key, value, grad_output = (spread(numbers(rng, shape, dtype)) for shape in shapes)
        mask = numbers(rng, (n, heads, rows, keys), dtype)
        mask[..., -1:, :] = -np.inf
        arguments = (query, key, value, mask if masked else None)
        results = rung("attention", "reference").attention_forward(*arguments, causal, 0.7)
        yield Call("attention", "attention_forward", (*arguments, causal, 0.7))
        yield Call("attention", "attention_backward", (grad_output, *arguments, *results, causal, 0.7))


def dropout_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    for shape in ((), (1,), (0,), (7, 5), (2, 3, 4, 5)):
        x = spread(numbers(rng, shape, dtype))
        for p, seed in ((0.0, 0), (0.3, 12345), (1 / 3, 2**63 - 1), (1.0, 1)):
            yield Call("dropout", "dropout", (x, p, seed))


EMBEDDINGS = [(1, 1, 1, -1), (7, 3, 4, -1), (40, 5, 3, 1), (0, 3, 4, 0), (4, 0, 2, -1)]


def embedding_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    for n, width, num_embeddings, padding_idx in EMBEDDINGS:
        indices = rng.integers(0, num_embeddings, n)
        grad_output = spread(numbers(rng, (n, width), dtype))
        yield Call("embedding", "embedding_backward", (grad_output, indices, num_embeddings, padding_idx))


def activation_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    special = np.array([0, -0.0, np.nan, np.inf, -np.inf, 1e-30, 21, -21, 1e3, -1e3], dtype)
    arrays = [numbers(rng, shape, dtype) for shape in ((), (0,), (7, 5))]
    for x in [*arrays, special]:
        x, grad_output = spread(np.asarray(3 * x)), spread(numbers(rng, x.shape, dtype))
        for name in ("relu", "sigmoid", "silu", "gelu", "gelu_tanh"):
            yield Call("activation", f"{name}_forward", (x,))
            yield Call("activation", f"{name}_backward", (grad_output, x))
        yield Call("activation", "tanh_backward", (grad_output, np.asarray(np.tanh(x))))
        yield Call("activation", "erf", (x,))
        for options in ((1, 20), (2.5, 1.0), (1.0, np.inf)):  # an integer must not compile a kernel again
            yield Call("activation", "softplus_forward", (x, *options))
            yield Call("activation", "softplus_backward", (grad_output, x, *options))


def norm_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    reference = rung("norm", "reference")
    # More rows than one thread adds for the gradients of the parameters; rows longer than a block has threads.
    for case, shape in enumerate([(1, 1), (4, 5), (2, 70), (35, 3), (0, 4), (4, 0), (0, 0)]):
        x, grad_output = (spread(2 + numbers(rng, shape, dtype)) for _ in range(2))
        weight, bias = (spread(numbers(rng, shape[1:], dtype)) for _ in range(2))
        weight, bias = [(None, None), (weight, bias), (None, bias)][case % 3]
        yield Call("norm", "layer_norm_forward", (x, weight, bias, 1e-5))
        _, mean, rstd = reference.layer_norm_forward(x, weight, bias, 1e-5)
        arguments = (grad_output, x, mean, rstd, weight)
        yield Call("norm", "layer_norm_backward", (*arguments, case != 1))
    for case, shape in enumerate(
        [(1, 1, 1), (5, 3, 1), (3, 2, 7), (2, 2, 40), (0, 2, 3), (2, 0, 3), (2, 3, 0)]
    ):
        x, grad_output = (spread(2 + numbers(rng, shape, dtype)) for _ in range(2))
        weight, bias = (numbers(rng, shape[1:2], dtype) if case % 2 else None for _ in range(2))
        yield Call("norm", "batch_norm_forward", (x, weight, bias, 1e-5))
        _, mean, _, rstd = reference.batch_norm_forward(x, weight, bias, 1e-5)
        yield Call("norm", "batch_norm_backward", (grad_output, x, mean, rstd, weight))
    spoilt = np.array([[0, np.nan, 1], [np.inf, 0, 1], [2, 2, 2]], dtype)
    yield Call("norm", "layer_norm_forward", (spoilt, None, None, 0))
    yield Call("norm", "batch_norm_forward", (spoilt.T[None], None, None, 1e-5))


# hidden units, of a projection or None, sequences in each step
RECURRENT = [(1, None, [1]), (3, None, [3, 3, 1]), (10, 4, [2, 2]), (9, None, [4, 1]), (2, None, [0, 0])]


def recurrent_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    reference = rung("recurrent", "reference")
    for case, (size, projection, sizes) in enumerate(RECURRENT):
        batch, rows, reverse = sizes[0], sum(sizes), case % 2 == 1
        batch_sizes = tuple(sizes)

        def array(*shape: int) -> Any:
            return spread(numbers(rng, shape, dtype))

        for relu in (False, True):
            weight, last = array(size, size), (batch_sizes, reverse, relu)
            forward = (array(rows, size), weight, array(batch, size), *last)
            yield Call("recurrent", "rnn_forward", forward)
            output = reference.rnn_forward(*forward)[0]
            yield Call(
                "recurrent", "rnn_backward", (array(rows, size), array(batch, size), output, weight, *last)
            )
        weight, bias, steps = (
            array(3 * size, size),
            array(3 * size) if case % 2 else None,
            (batch_sizes, reverse),
        )
        forward = (array(rows, 3 * size), weight, bias, array(batch, size), *steps)
        yield Call("recurrent", "gru_forward", forward)
        _, previous, activated, hidden_new, _ = reference.gru_forward(*forward)
        saved = activated, hidden_new, previous
        grads = array(rows, size), array(batch, size)
        yield Call("recurrent", "gru_backward", (*grads, *saved, weight, *steps))
        state = projection or size
        weights = array(4 * size, state), array(projection, size) if projection else None
        forward = (array(rows, 4 * size), *weights, array(batch, state), array(batch, size), *steps)
        yield Call("recurrent", "lstm_forward", forward)
        saved = reference.lstm_forward(*forward)[2:5]
        grads = array(rows, state), array(batch, state), array(batch, size)
        yield Call("recurrent", "lstm_backward", (*grads, *saved, *weights, *steps))


def optimizer_step_calls(rng: Any, dtype: Any) -> Iterator[Call]:
    sizes = [((3, 4), dtype), ((), dtype), ((0,), dtype), ((37,), dtype), ((5, 3), np.dtype(np.float16))]
    for case, (shape, kind) in enumerate(sizes):
        for on in (False, True):

            def array(above_zero: bool = False, shape: Any = shape, kind: Any = kind) -> Any:
                # The mean is small, as in real states, where its square is below the mean of the squares.
                fresh = rng.standard_normal(shape) * 0.1
                return spread(np.asarray(abs(fresh) + 0.5 if above_zero else fresh, kind))

            common = dict(lr=0.1, weight_decay=0.01 * on, maximize=on)
            sgd = dict(momentum=0.9, dampening=0.3, nesterov=on, is_first_step=case == 1)
            adam = dict(step=1.0 + case, beta1=0.9, beta2=0.999, eps=1e-8, decoupled_weight_decay=case == 3)
            adagrad = dict(step=1.0 + case, lr_decay=0.2, eps=1e-10)
            rmsprop = dict(alpha=0.99, eps=1e-8, momentum=0.9)
            states = {
                "sgd_step": ((array() if on or case == 1 else None,), sgd),
                "adam_step": ((array(), array(True), array(True) if on else None), adam),
                "adagrad_step": ((array(True),), adagrad),
                "rmsprop_step": ((array(True), *((array(), array()) if on else (None, None))), rmsprop),
            }
            for function, (state, options) in states.items():
                arguments = (array(), array(), *state)
                yield Call("optimizer_step", function, arguments, {**common, **options})


MAKERS = {
    "activation": activation_calls,
    "norm": norm_calls,
    "attention": attention_calls,
    "convolution": convolution_calls,
    "pooling": pooling_calls,
    "softmax_loss": softmax_loss_calls,
    "dropout": dropout_calls,
    "embedding": embedding_calls,
    "recurrent": recurrent_calls,
    "optimizer_step": optimizer_step_calls,
}


# ---- arrays -------------------------------------------------------------------------------------------------


def numbers(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return normal random numbers."""
    return np.asarray(rng.standard_normal(shape), dtype)


def with_ties(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Return whole numbers between -3 and 3, many of them equal."""
    return rng.integers(-3, 4, shape).astype(dtype)


def spread(array: Any) -> Any:
    """Return the same numbers with gaps between them in memory."""
    if array.ndim == 0:
        return array
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]
