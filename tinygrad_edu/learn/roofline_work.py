"""What the CUDA kernels must do, counted from their code, and the least time that a card needs for it.

Nothing here is measured: the numbers are counted from the code of the kernels and from the data sheets of cards.
"""

from __future__ import annotations

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


SHORTEST = 2e-6
"""Seconds that a kernel takes on the card if it does next to nothing: an assumption."""


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
    reach : float
        Which part of the card's bandwidth or float32 rate such a kernel comes to: an assumption. 0.85 is what
        kernels that stream through memory reach.
    why : str
        What keeps it from more.
    """

    name: str
    read: int
    written: int
    flops: int = 0
    divisions: int = 0
    launches: int = 1
    reach: float = 0.85
    why: str = "streams through memory"

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
        """Return the seconds to be expected on the card: what takes longest of the floor and three other limits.

        They are the reach, the integer divisions, and the shortest time that a kernel takes.
        """
        divisions = self.divisions * DIVISION / card.integers
        return max(self.floor(card) / self.reach, divisions, self.launches * SHORTEST)

    def fraction(self, card: Card) -> float:
        """Return which part of the floor can be expected: 1 is as fast as the card can be."""
        return self.floor(card) / self.expected(card)


# ---- the kernels, as they are written -----------------------------------------------------------------------


def elementwise(name: str, count: int, inputs: int = 1, outputs: int = 1, flops: int = 1) -> Work:
    """Count a kernel with one thread an element, CuPy's or ours; an exponential counts as one operation."""
    return Work(name, inputs * count * FLOAT, outputs * count * FLOAT, flops * count)


def turned(name: str, count: int) -> Work:
    """Count a copy with two dimensions exchanged."""
    return Work(name, count * FLOAT, count * FLOAT, reach=0.3, why="reads are not next to one another")


def im2col(n: int, c: int, size: int, kernel: int) -> Work:
    """Count ``_im2col_kernel`` with stride 1 and an output as large as the input.

    Each entry of the columns takes five quotients and four remainders: 9 divisions in the compiled kernel.
    """
    entries = n * c * kernel**2 * size**2
    return Work(
        "im2col", n * c * size**2 * FLOAT, entries * FLOAT, divisions=9 * entries, why="integer divisions"
    )


def col2im(n: int, c: int, size: int, kernel: int) -> Work:
    """Count ``_col2im_kernel``: a pixel takes 3 divisions, one for each row of the window, and one for each tap."""
    pixels = n * c * size**2
    entries = pixels * kernel**2
    return Work(
        "col2im",
        entries * FLOAT,
        pixels * FLOAT,
        entries,
        pixels * (3 + kernel + kernel**2),
        why="integer divisions",
    )


def max_pool(n: int, c: int, size: int) -> Work:
    """Count ``_max_kernel`` for windows of 2 x 2: 2 divisions for the place, 3 for the lengths of the loops."""
    outputs = n * c * (size // 2) ** 2
    return Work(
        "max_pool2d",
        4 * outputs * FLOAT,
        outputs * (FLOAT + INT32),
        4 * outputs,
        5 * outputs,
        reach=0.7,
        why="neighbours read 8 bytes apart",
    )


def max_pool_backward(n: int, c: int, size: int) -> Work:
    """Count ``_max_backward_kernel``: zeros everywhere, then an atomic addition, read and write, an output."""
    outputs = n * c * (size // 2) ** 2
    read, written = outputs * (FLOAT + INT32 + FLOAT), 4 * outputs * FLOAT + outputs * FLOAT
    return Work(
        "max_pool2d backward", read, written, outputs, outputs, 2, 0.5, "an atomic addition an output"
    )


def pooled(name: str, n: int, c: int, size: int, divisions: int, *, indices: bool = False) -> Work:
    """Count a pooling that takes means, or any adaptive one, of 2 x 2 pixels."""
    outputs = n * c * (size // 2) ** 2
    written = outputs * (FLOAT + (INT32 if indices else 0))
    why = "neighbours read 8 bytes apart"
    return Work(name, 4 * outputs * FLOAT, written, 4 * outputs, divisions * outputs, reach=0.7, why=why)


def pooled_backward(name: str, n: int, c: int, size: int, divisions: int) -> Work:
    """Count its gradient, which is gathered: a thread for each pixel."""
    pixels = n * c * size**2
    return Work(name, pixels, pixels * FLOAT, 2 * pixels, divisions * pixels, why="integer divisions")


def rows(name: str, n: int, size: int, inputs: int, flops: int) -> Work:
    """Count a kernel in which the threads of a block share a row, which the first of several passes reads."""
    count = n * size
    why = "waits for the whole block between the passes"
    return Work(name, inputs * count * FLOAT, count * FLOAT, flops * count, reach=0.6, why=why)


def column_sums(n: int, size: int, part: int = 32) -> Work:
    """Count ``_column_sums_kernel`` and CuPy's sum of the parts: a thread adds a column of so many rows."""
    sums = 2 * -(-n // part) * size
    why = "streams through memory"
    name = "layer_norm gradients of weight and bias"
    return Work(name, 2 * n * size * FLOAT, sums * FLOAT, 5 * n * size, sums // 2, 2, 0.85, why)


def channels(name: str, n: int, c: int, positions: int, inputs: int, flops: int, passes: int) -> Work:
    """Count a kernel in which a block takes a channel; in each pass an element's place takes a division."""
    count = n * c * positions
    why = "a block a channel: most of the card is idle"
    moved = inputs * count * FLOAT, count * FLOAT
    return Work(name, *moved, flops * count, passes * count, reach=0.15, why=why)


def matrix_product(name: str, m: int, k: int, n: int, batch: int = 1) -> Work:
    """Count (batch, m, k) @ (batch, k, n)."""
    read, written = batch * (m * k + k * n), batch * m * n
    few = batch * m * n < 64 * 64 * 100  # tiles of 64 x 64, on a hundred multiprocessors
    reach, why = (0.25, "too few tiles to fill the card") if few else (0.6, "small matrices, cuBLAS")
    return Work(name, read * FLOAT, written * FLOAT, 2 * batch * m * k * n, reach=reach, why=why)


def shared_product(name: str, m: int, k: int, n: int, batch: int) -> Work:
    """Count (m, k) @ (batch, k, n): CuPy broadcasts the first factor over the batch.

    For that it makes lists of pointers: two small kernels for each of the three arrays, as they have two leading
    dimensions, images and groups.
    """
    read, written = m * k + batch * k * n, batch * m * n
    reach, why = 0.6, "small matrices, cuBLAS; 6 launches for pointers"
    return Work(name, read * FLOAT, written * FLOAT, 2 * batch * m * k * n, 0, 1 + 6, reach, why)


def reduction(name: str, count: int, results: int) -> Work:
    """Count a sum over most of an array."""
    return Work(name, count * FLOAT, results * FLOAT, count, reach=0.5, why="few blocks, over strided axes")


def loss_forward(n: int, classes: int) -> Work:
    """Count ``_loss_kernel``: each of three passes over a row takes an exponential or a comparison.

    A row shorter than a warp leaves the other threads of its 32 without work.
    """
    scores = n * classes
    return Work(
        "cross-entropy", scores * FLOAT + n * INT64, (scores + n) * FLOAT, 6 * scores, 0, 2, why="a launch"
    )


def loss_totals(n: int) -> Work:
    """Count ``_totals_kernel``: one block adds up losses and weights of n rows."""
    return Work("cross-entropy sums", n * (FLOAT + INT64), 3 * FLOAT, 3 * n, 0, 2, why="a launch")


def loss_backward(n: int, classes: int) -> Work:
    """Count ``_loss_backward_kernel``."""
    scores = n * classes
    return Work(
        "cross-entropy backward",
        scores * FLOAT + n * (INT64 + FLOAT),
        scores * FLOAT,
        3 * scores,
        scores,
        why="a launch",
    )


def adam(parameters: int, tensors: int = 1) -> Work:
    """Count ``_adam_kernel``: reads parameter, gradient and two averages, writes all but the gradient."""
    return Work("Adam", 4 * parameters * FLOAT, 3 * parameters * FLOAT, 14 * parameters, launches=tensors)


def optimizer(name: str, parameters: int, read: int, written: int, flops: int) -> Work:
    """Count an update rule that reads and writes so many arrays of the parameter's size."""
    return elementwise(name, parameters, read, written, flops)


def dropout(count: int) -> Work:
    """Count ``_dropout_kernel``; its hash is 64-bit integer arithmetic, without divisions."""
    read = written = count * FLOAT
    return Work("dropout", read, written, count, reach=0.6, why="64-bit multiplications of the hash")


def embedding_backward(copies: int, width: int, rows: int) -> Work:
    """Count ``_add_rows_kernel``: a division and a remainder an element, into a table that was filled with zeros."""
    count = copies * width
    read, written = count * FLOAT + copies * INT64 + count * FLOAT, rows * width * FLOAT + count * FLOAT
    why = "an atomic addition an element"
    return Work(
        "embedding backward", read, written, count, divisions=2 * count, launches=2, reach=0.5, why=why
    )


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
        turned("filters turned", o * k),
        shared_product("product", k, o, q, n),
        col2im(n, c, size, kernel),
    ]


def conv_grad_weight(n: int, c: int, o: int, size: int, kernel: int = 3) -> list[Work]:
    """Count ``conv2d_grad_weight``: columns once more, a product for each image, and their sum."""
    k, q = c * kernel**2, size**2
    return [
        Work("zeros", 0, k * o * FLOAT),
        im2col(n, c, size, kernel),
        turned("gradient turned", n * o * q),
        matrix_product("product", k, q, o, n),
        reduction("sum over images", n * k * o, k * o),
        elementwise("total", k * o, inputs=2),
        turned("turned back", k * o),
    ]


def conv_layer(name: str, n: int, c: int, o: int, size: int, *, first: bool) -> list[tuple[str, Work]]:
    """Count convolution, ReLU and pooling, forward and backward; the images themselves need no gradient."""
    outputs = n * o * size**2
    parts = [(f"{name} forward", work) for work in conv_forward(n, c, o, size)]
    parts += [(f"{name} ReLU, pool", work) for work in (elementwise("ReLU", outputs), max_pool(n, o, size))]
    back = [max_pool_backward(n, o, size), relu_backward(outputs)]
    parts += [(f"{name} ReLU, pool", work) for work in back]
    if not first:
        parts += [(f"{name} gradient of the input", work) for work in conv_grad_input(n, c, o, size)]
    parts += [(f"{name} gradient of the weight", work) for work in conv_grad_weight(n, c, o, size)]
    parts += [(f"{name} gradient of the bias", reduction("sum", outputs, o))]
    return parts


def relu_backward(count: int) -> Work:
    """Count ``_relu_backward_kernel``, which reads the gradient and ReLU's output."""
    return elementwise("ReLU backward", count, inputs=2)


def loss_layer(n: int, classes: int) -> list[tuple[str, Work]]:
    """Count cross-entropy, forward and backward, with the mean over the targets that are not left out.

    Beside the three kernels are 8 launches of CuPy's on arrays of one number, or one number a row or class.
    """
    mean = Work("class weights of 1, and the mean", 2 * FLOAT, (classes + 1) * FLOAT, 1, launches=2)
    shares = Work("gradients of the losses", 2 * FLOAT, (n + classes + 1) * FLOAT, 1, launches=4)
    works = [loss_forward(n, classes), loss_totals(n), mean, shares, loss_backward(n, classes)]
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
    hidden = [elementwise("ReLU", batch * 128), relu_backward(batch * 128)]
    return [
        *conv_layer("conv1", batch, 1, 32, 28, first=True),
        *conv_layer("conv2", batch, 32, 64, 14, first=False),
        *linear_layer("fc1", batch, 3136, 128),
        *[("fc1", work) for work in hidden],
        *linear_layer("fc2", batch, 128, 10),
        *loss_layer(batch, 10),
        *[("copies of the gradients", elementwise("copy", size)) for size in sizes],
        *[("Adam", adam(size)) for size in sizes],
    ]
