"""Print what the CUDA kernels must do, and the least time that a card needs for it.

Nothing here is measured: the numbers are counted from the code of the kernels (``roofline_work.py``) and from the
data sheets of cards.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from tinygrad_edu.learn.roofline_sequences import sequence_examples
from tinygrad_edu.learn.roofline_work import (
    CARDS,
    LAUNCH,
    Work,
    adam,
    channels,
    col2im,
    column_sums,
    dropout,
    elementwise,
    embedding_backward,
    im2col,
    loss_backward,
    loss_forward,
    loss_totals,
    matrix_product,
    max_pool,
    max_pool_backward,
    optimizer,
    pooled,
    pooled_backward,
    rows,
    shared_product,
    training_step,
)


def launches(step: Sequence[tuple[str, Work]]) -> int:
    """Return how many kernels a step starts."""
    return sum(work.launches for _, work in step)


def by_part(step: Sequence[tuple[str, Work]]) -> dict[str, list[Work]]:
    """Group the work by the part of the network, in order."""
    parts: dict[str, list[Work]] = {}
    for part, work in step:
        parts.setdefault(part, []).append(work)
    return parts


# Inputs and operations of an element; an exponential, an error function or a logarithm counts as one.
ACTIVATIONS = {
    "ReLU": (1, 1),
    "ReLU backward": (2, 1),
    "sigmoid": (1, 6),
    "sigmoid backward": (2, 3),
    "tanh backward": (2, 3),
    "SiLU": (1, 7),
    "SiLU backward": (2, 11),
    "GELU": (1, 5),
    "GELU backward": (2, 11),
    "GELU by tanh": (1, 12),
    "GELU by tanh backward": (2, 21),
    "softplus": (1, 9),
    "softplus backward": (2, 9),
    "erf": (1, 1),
}


def examples() -> list[Work]:
    """Return every CUDA kernel at the size that the CNN gives it, or a typical one, and some of cuBLAS's products."""
    outputs = 64 * 32 * 28 * 28
    return [
        *[elementwise(name, outputs, reads, 1, flops) for name, (reads, flops) in ACTIVATIONS.items()],
        im2col(64, 32, 14, 3),
        shared_product("matrix product of conv2, forward", 64, 288, 196, 64),
        col2im(64, 32, 14, 3),
        matrix_product("matrix products of conv2, gradient of the weight", 288, 196, 64, 64),
        max_pool(64, 32, 28),
        max_pool_backward(64, 32, 28),
        pooled("avg_pool2d", 64, 32, 28, divisions=2),
        pooled_backward("avg_pool2d backward", 64, 32, 28, divisions=6),
        pooled("adaptive_avg_pool2d", 64, 32, 28, divisions=6),
        pooled_backward("adaptive_avg_pool2d backward", 64, 32, 28, divisions=10),
        pooled("adaptive_max_pool2d", 64, 32, 28, divisions=6, indices=True),
        rows("softmax", 1024, 1000, inputs=1, flops=6),
        rows("log_softmax", 1024, 1000, inputs=1, flops=5),
        rows("softmax backward", 1024, 1000, inputs=2, flops=4),
        rows("log_softmax backward", 1024, 1000, inputs=2, flops=4),
        rows("layer_norm", 1024, 1000, inputs=1, flops=8),
        rows("layer_norm backward", 1024, 1000, inputs=2, flops=13),
        column_sums(1024, 1000),
        channels("batch_norm", 64, 32, 28 * 28, inputs=1, flops=8, passes=3),
        channels("batch_norm backward", 64, 32, 28 * 28, inputs=2, flops=11, passes=2),
        loss_forward(64, 10),
        loss_totals(64),
        loss_backward(64, 10),
        matrix_product("matrix product of fc1, forward", 64, 3136, 128),
        adam(128 * 3136),
        optimizer("SGD with momentum", 128 * 3136, read=3, written=2, flops=5),
        optimizer("Adagrad", 128 * 3136, read=3, written=2, flops=6),
        optimizer("RMSprop", 128 * 3136, read=3, written=2, flops=8),
        dropout(outputs),
        embedding_backward(4_096, 256, 10_000),
        *sequence_examples(),
    ]


def work_table(works: Sequence[Work]) -> str:
    """Return a Markdown table of works: bytes, operations, and times in microseconds."""
    names = ", ".join(card.name for card in CARDS)
    lines = [
        f"| work | MB moved | MFLOP | FLOP / byte | divisions, millions | floor, us: {names} | expected, us | "
        "floor / expected | limited by |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for work in works:
        numbers = (work.read + work.written) / 1e6, work.flops / 1e6, work.intensity, work.divisions / 1e6
        cells = [work.name, *[f"{x:.3g}" for x in numbers]]
        cells += [microseconds([work.floor(card) for card in CARDS])]
        cells += [microseconds([work.expected(card) for card in CARDS])]
        cells += [", ".join(f"{work.fraction(card):.0%}" for card in CARDS), work.why]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def step_table(step: Sequence[tuple[str, Work]]) -> str:
    """Return a Markdown table of the parts of a step, and their sum; times in microseconds."""
    names = ", ".join(card.name for card in CARDS)
    lines = [
        f"| part | launches | MB moved | MFLOP | floor, us: {names} | expected, us |",
        "|---|---|---|---|---|---|",
    ]
    parts = by_part(step)
    for part, works in [*parts.items(), ("**the step**", [work for _, work in step])]:
        moved = sum(work.read + work.written for work in works) / 1e6
        cells = [part, str(sum(work.launches for work in works)), f"{moved:.3g}"]
        cells += [f"{sum(work.flops for work in works) / 1e6:.3g}"]
        cells += [microseconds([sum(work.floor(card) for work in works) for card in CARDS])]
        cells += [microseconds([sum(work.expected(card) for work in works) for card in CARDS])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def microseconds(seconds: Sequence[float]) -> str:
    """Write times, one a card."""
    return ", ".join(f"{s * 1e6:.3g}" for s in seconds)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--batch", type=int, default=64, help="images in a training step (default: 64)")


def run(args: argparse.Namespace) -> int:
    """Print the tables of ``docs/gpu.md``."""
    step = training_step(args.batch)
    started = launches(step)
    print(work_table(examples()), step_table(step), sep="\n\n")
    print(f"\n{started} launches of {LAUNCH * 1e6:g} us each: {started * LAUNCH * 1e3:.2f} ms")
    return 0
