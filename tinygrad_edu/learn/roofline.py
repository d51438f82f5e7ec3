"""Count what the CUDA kernels must do, and the least time that a card needs for it.

Nothing here is measured: the numbers are counted from the code of the kernels and from the data sheets of cards.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

FLOAT = 4  # bytes of a float32
INT32, INT64 = 4, 8

# What an integer division costs: Numba's integers have 64 bits, and the compiler puts a test before each
# division that takes a division of 32 bits where the numbers are small enough. There is no instruction for that
# one either: it takes "below 20" others (https://docs.nvidia.com/gameworks/content/developertools/desktop/analysis/
# report/cudaexperiments/kernellevel/achievediops.htm), and the test some more.
DIVISION = 20


@dataclass(frozen=True)
class Card:
    """What a card can do at most.

    Parameters
    ----------
    name : str
        Which one.
    flops : float
        float32 operations per second, without tensor cores; a fused multiply-add is two.
    bandwidth : float
        Bytes per second from and to its memory.
    integers : float
        Integer instructions per second: multiprocessors x 64 lanes x clock.
    """

    name: str
    flops: float
    bandwidth: float
    integers: float


A100_40 = Card("A100 40 GB", 19.5e12, 1.555e12, 108 * 64 * 1.41e9)
A100_80 = Card("A100 80 GB", 19.5e12, 2.039e12, 108 * 64 * 1.41e9)
H100 = Card("H100 SXM", 67e12, 3.35e12, 132 * 64 * 1.98e9)
CARDS = (A100_40, A100_80, H100)

LAUNCH = 10e-6
"""Seconds that the host takes to queue one kernel from Python, as others have measured it: see the page."""


@dataclass(frozen=True)
class Work:
    """What one launch, or several together, must do.

    Parameters
    ----------
    name : str
        Which kernel or product.
    read, written : int
        Bytes from and to the card's memory, at least: each array once, for the caches catch what is read again.
    flops : int
        Floating-point operations.
    divisions : int
        Integer divisions by numbers that the compiler does not know.
    launches : int
        Kernels that are started, those of CuPy and cuBLAS included.
    """

    name: str
    read: int
    written: int
    flops: int = 0
    divisions: int = 0
    launches: int = 1

    @property
    def intensity(self) -> float:
        """Return the arithmetic intensity, in operations per byte."""
        return self.flops / (self.read + self.written)

    def floor(self, card: Card) -> float:
        """Return the least seconds that memory and arithmetic units allow: the roofline.

        Examples
        --------
        >>> Work("copy", read=10**9, written=10**9).floor(A100_40) * 1e3  # milliseconds
        1.286...
        """
        return max((self.read + self.written) / card.bandwidth, self.flops / card.flops)

    def expected(self, card: Card) -> float:
        """Return the seconds to be expected: the floor, or the divisions where they take longer."""
        return max(self.floor(card), self.divisions * DIVISION / card.integers)

    def fraction(self, card: Card) -> float:
        """Return which part of the floor can be expected: 1 is as fast as the card can be."""
        return self.floor(card) / self.expected(card)


# ---- the kernels, as they are written -----------------------------------------------------------------------


def elementwise(name: str, count: int, inputs: int = 1, outputs: int = 1, flops: int = 1) -> Work:
    """Count a kernel of CuPy's, one thread an element."""
    return Work(name, inputs * count * FLOAT, outputs * count * FLOAT, flops * count)


def im2col(n: int, c: int, size: int, kernel: int) -> Work:
    """Count ``_im2col_kernel`` with stride 1 and an output as large as the input.

    Each entry of the columns takes five quotients and four remainders: 9 divisions in the compiled kernel.
    """
    entries = n * c * kernel**2 * size**2
    return Work("im2col", n * c * size**2 * FLOAT, entries * FLOAT, divisions=9 * entries)


def col2im(n: int, c: int, size: int, kernel: int) -> Work:
    """Count ``_col2im_kernel``: a pixel takes 3 divisions, one for each row of the window, and one for each tap."""
    pixels = n * c * size**2
    entries = pixels * kernel**2
    return Work("col2im", entries * FLOAT, pixels * FLOAT, entries, pixels * (3 + kernel + kernel**2))


def max_pool(n: int, c: int, size: int) -> Work:
    """Count ``_max_kernel`` for windows of 2 x 2: 2 divisions for the place, 3 for the lengths of the loops."""
    outputs = n * c * (size // 2) ** 2
    return Work("max_pool2d", 4 * outputs * FLOAT, outputs * (FLOAT + INT32), 4 * outputs, 5 * outputs)


def max_pool_backward(n: int, c: int, size: int) -> Work:
    """Count ``_max_backward_kernel``: zeros everywhere, then an atomic addition, read and write, an output."""
    outputs = n * c * (size // 2) ** 2
    read, written = outputs * (FLOAT + INT32 + FLOAT), 4 * outputs * FLOAT + outputs * FLOAT
    return Work("max_pool2d backward", read, written, outputs, outputs, launches=2)


def matrix_product(name: str, m: int, k: int, n: int, batch: int = 1) -> Work:
    """Count (batch, m, k) @ (batch, k, n)."""
    read, written = batch * (m * k + k * n), batch * m * n
    return Work(name, read * FLOAT, written * FLOAT, 2 * batch * m * k * n)


def shared_product(name: str, m: int, k: int, n: int, batch: int) -> Work:
    """Count (m, k) @ (batch, k, n): CuPy broadcasts the first factor over the batch.

    For that it makes lists of pointers: two small kernels for each of the three arrays, as they have two leading
    dimensions, images and groups.
    """
    read, written = m * k + batch * k * n, batch * m * n
    return Work(name, read * FLOAT, written * FLOAT, 2 * batch * m * k * n, launches=1 + 6)


def reduction(name: str, count: int, results: int) -> Work:
    """Count a sum over most of an array."""
    return Work(name, count * FLOAT, results * FLOAT, count)


def loss_forward(n: int, classes: int) -> Work:
    """Count ``_loss_kernel``: each of three passes over a row takes an exponential or a comparison.

    A row shorter than a warp leaves the other threads of its 32 without work.
    """
    scores = n * classes
    return Work("cross-entropy", scores * FLOAT + n * INT64, (scores + n) * FLOAT, 6 * scores, launches=2)


def loss_backward(n: int, classes: int) -> Work:
    """Count ``_loss_backward_kernel``."""
    scores = n * classes
    return Work(
        "cross-entropy backward", scores * FLOAT + n * (INT64 + FLOAT), scores * FLOAT, 3 * scores, scores
    )


def adam(parameters: int, tensors: int = 1) -> Work:
    """Count ``_adam_kernel``: reads parameter, gradient and two averages, writes all but the gradient."""
    return Work("Adam", 4 * parameters * FLOAT, 3 * parameters * FLOAT, 14 * parameters, launches=tensors)


def dropout(count: int) -> Work:
    """Count ``_dropout_kernel``; its hash is 64-bit integer arithmetic, without divisions."""
    return elementwise("dropout", count)


# ---- a training step of the CNN -----------------------------------------------------------------------------


def conv_forward(n: int, c: int, o: int, size: int, kernel: int = 3) -> list[Work]:
    """Count ``conv2d_forward``: zeros, columns, one product for all images, bias."""
    k, q = c * kernel**2, size**2
    return [
        Work("zeros", 0, n * o * q * FLOAT),
        im2col(n, c, size, kernel),
        shared_product("product", o, k, q, n),
        elementwise("bias", n * o * q),
    ]


def conv_grad_input(n: int, c: int, o: int, size: int, kernel: int = 3) -> list[Work]:
    """Count ``conv2d_grad_input``: zeros, a product that gives the gradient of the columns, col2im."""
    k, q = c * kernel**2, size**2
    return [
        Work("zeros", 0, n * c * q * FLOAT),
        elementwise("filters turned", o * k, flops=0),
        shared_product("product", k, o, q, n),
        col2im(n, c, size, kernel),
    ]


def conv_grad_weight(n: int, c: int, o: int, size: int, kernel: int = 3) -> list[Work]:
    """Count ``conv2d_grad_weight``: columns once more, a product for each image, and their sum."""
    k, q = c * kernel**2, size**2
    return [
        Work("zeros", 0, k * o * FLOAT),
        im2col(n, c, size, kernel),
        elementwise("gradient turned", n * o * q, flops=0),
        matrix_product("product", k, q, o, n),
        reduction("sum over images", n * k * o, k * o),
        elementwise("total", k * o, inputs=2),
        elementwise("turned back", k * o, flops=0),
    ]


def conv_layer(name: str, n: int, c: int, o: int, size: int, *, first: bool) -> list[tuple[str, Work]]:
    """Count convolution, ReLU and pooling, forward and backward; the images themselves need no gradient."""
    outputs = n * o * size**2
    parts = [(f"{name} forward", work) for work in conv_forward(n, c, o, size)]
    parts += [(f"{name} ReLU, pool", work) for work in (elementwise("ReLU", outputs), max_pool(n, o, size))]
    back = [max_pool_backward(n, o, size), *relu_backward(outputs)]
    parts += [(f"{name} ReLU, pool", work) for work in back]
    if not first:
        parts += [(f"{name} gradient of the input", work) for work in conv_grad_input(n, c, o, size)]
    parts += [(f"{name} gradient of the weight", work) for work in conv_grad_weight(n, c, o, size)]
    parts += [(f"{name} gradient of the bias", reduction("sum", outputs, o))]
    return parts


def relu_backward(count: int) -> list[Work]:
    """Count y != 0, its conversion to an integer, the minus sign, and the bits of the gradient it lets through."""
    return [
        Work("ReLU backward: y != 0", count * FLOAT, count, count),
        Work("ReLU backward: mask as int32", count, count * INT32),
        Work("ReLU backward: -mask", count * INT32, count * INT32),
        Work("ReLU backward: bits of grad & -mask", 2 * count * FLOAT, count * FLOAT),
    ]


def loss_layer(n: int, classes: int) -> list[tuple[str, Work]]:
    """Count cross-entropy, forward and backward, with the mean over the targets that are not left out.

    Around the two kernels are 16 launches of CuPy's on arrays of one number or one number a row.
    """
    small = Work("mean", 11 * n * FLOAT, 11 * n * FLOAT, launches=12)
    small_backward = Work("mean backward", 3 * n * FLOAT, 3 * n * FLOAT, launches=3)
    works = [loss_forward(n, classes), small, small_backward, loss_backward(n, classes)]
    return [("loss", work) for work in works]


def linear_layer(name: str, n: int, inputs: int, outputs: int) -> list[tuple[str, Work]]:
    """Count a linear layer, forward and backward."""
    works = [
        matrix_product("product", n, inputs, outputs),
        elementwise("bias", n * outputs),
        matrix_product("gradient of the input", n, outputs, inputs),
        matrix_product("gradient of the weight", outputs, n, inputs),
        reduction("gradient of the bias", n * outputs, outputs),
    ]
    return [(name, work) for work in works]


def cnn_parameters() -> list[int]:
    """Return the sizes of the CNN's parameters: weight and bias of each layer."""
    return [32 * 9, 32, 64 * 32 * 9, 64, 128 * 3136, 128, 10 * 128, 10]


def training_step(batch: int = 64) -> list[tuple[str, Work]]:
    """Return all the work of a training step of the CNN of ``demos/train_mnist.py``, as (part, work).

    1 x 28 x 28 -> conv 32 -> ReLU -> pool -> conv 64 -> ReLU -> pool -> linear 3136, 128 -> ReLU -> linear 128, 10
    -> cross-entropy, backward, and Adam.
    """
    sizes = cnn_parameters()
    hidden = [elementwise("ReLU", batch * 128), *relu_backward(batch * 128)]
    return [
        *conv_layer("conv1", batch, 1, 32, 28, first=True),
        *conv_layer("conv2", batch, 32, 64, 14, first=False),
        *linear_layer("fc1", batch, 3136, 128),
        *[("fc1", work) for work in hidden],
        *linear_layer("fc2", batch, 128, 10),
        *loss_layer(batch, 10),
        *[("Adam", adam(size)) for size in sizes],
    ]


# ---- tables -------------------------------------------------------------------------------------------------


def launches(step: Sequence[tuple[str, Work]]) -> int:
    """Return how many kernels a step starts."""
    return sum(work.launches for _, work in step)


def by_part(step: Sequence[tuple[str, Work]]) -> dict[str, list[Work]]:
    """Group the work by the part of the network, in order."""
    parts: dict[str, list[Work]] = {}
    for part, work in step:
        parts.setdefault(part, []).append(work)
    return parts


def examples() -> list[Work]:
    """Return every CUDA kernel, and cuBLAS's products, at the size that the CNN gives it, or a typical one."""
    return [
        im2col(64, 32, 14, 3),
        shared_product("matrix product of conv2, forward", 64, 288, 196, 64),
        col2im(64, 32, 14, 3),
        matrix_product("matrix products of conv2, gradient of the weight", 288, 196, 64, 64),
        max_pool(64, 32, 28),
        max_pool_backward(64, 32, 28),
        loss_forward(64, 10),
        loss_backward(64, 10),
        matrix_product("matrix product of fc1, forward", 64, 3136, 128),
        adam(128 * 3136),
        dropout(64 * 32 * 28 * 28),
    ]


def work_table(works: Sequence[Work]) -> str:
    """Return a Markdown table of works: bytes, operations, and times in microseconds."""
    names = ", ".join(card.name for card in CARDS)
    lines = [
        f"| work | MB moved | MFLOP | FLOP / byte | divisions, millions | floor in us: {names} | expected | "
        "part of the floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for work in works:
        numbers = (work.read + work.written) / 1e6, work.flops / 1e6, work.intensity, work.divisions / 1e6
        cells = [work.name, *[f"{x:.3g}" for x in numbers]]
        cells += [microseconds([work.floor(card) for card in CARDS])]
        cells += [microseconds([work.expected(card) for card in CARDS])]
        cells += [", ".join(f"{work.fraction(card):.0%}" for card in CARDS)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def step_table(step: Sequence[tuple[str, Work]]) -> str:
    """Return a Markdown table of the parts of a step, and their sum; times in microseconds."""
    names = ", ".join(card.name for card in CARDS)
    lines = [
        f"| part | launches | MB moved | MFLOP | floor in us: {names} | expected |",
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
