"""What a training step must compute and move, from its shapes, and how long that takes at least.

Every function returns the :class:`Work` of a layer's forward and backward together, in float32. FLOPs are those of
the plain algorithm (a multiplication and an addition are two). Bytes are those of each operation's inputs and
outputs, each read or written once: operations that are fused move fewer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FLOAT = 4
"""Bytes of a float32."""


@dataclass(frozen=True)
class Work:
    """Floating-point operations, bytes that are read or written, and bytes of the arrays that stay in use."""

    flops: int = 0
    bytes: int = 0
    working_set: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(self.flops + other.flops, self.bytes + other.bytes, self.working_set + other.working_set)

    def times(self, count: int) -> Work:
        """Return the work of doing this ``count`` times with the same arrays."""
        return Work(self.flops * count, self.bytes * count, self.working_set)


# ---- layers, forward and backward ---------------------------------------------------------------------


def matrix_products(flops: int, inputs: int, weights: int, outputs: int, is_first: bool) -> Work:
    """Return the work of a layer that is made of matrix products; the first layer's input needs no gradient.

    Forward reads x and W and writes y; the gradient of W reads dy and x and writes dW; that of x reads dy and W
    and writes dx.
    """
    forward = gradient = inputs + weights + outputs
    passes = 2 if is_first else 3
    return Work(
        flops * passes,
        FLOAT * (forward + (passes - 1) * gradient),
        FLOAT * 2 * (inputs + weights + outputs),  # each with its gradient
    )


def linear(n: int, inputs: int, outputs: int, is_first: bool = False) -> Work:
    """y = x W^T + b for x of shape (n, inputs)."""
    return matrix_products(
        2 * n * inputs * outputs, n * inputs, inputs * outputs + outputs, n * outputs, is_first
    )


def conv2d(
    n: int, channels: int, filters: int, kernel: int, height: int, width: int, is_first: bool = False
) -> Work:
    """A convolution (n, channels, height, width) -> (n, filters, height, width), padded to keep the size."""
    taps = channels * kernel * kernel
    pixels = n * height * width
    weights = filters * taps + filters
    return matrix_products(
        2 * pixels * taps * filters, pixels * channels, weights, pixels * filters, is_first
    )


def relu(elements: int) -> Work:
    """Forward reads x and writes y; backward reads dy and y and writes dx."""
    return Work(2 * elements, FLOAT * 5 * elements, FLOAT * 2 * elements)


def max_pool2d(inputs: int, outputs: int) -> Work:
    """Forward reads x, writes y and where the largest stood; backward reads dy and that, and writes dx."""
    return Work(
        inputs + outputs, FLOAT * (2 * inputs + 2 * outputs) + 2 * outputs, FLOAT * 2 * (inputs + outputs)
    )


def cross_entropy(n: int, classes: int) -> Work:
    """Forward reads scores, writes probabilities; backward reads these and writes the gradient.

    Largest, difference, exp, sum and quotient are five operations an element, the gradient is two.
    """
    elements = n * classes
    return Work(7 * elements, FLOAT * 4 * elements, FLOAT * 3 * elements)


# ---- optimizers ---------------------------------------------------------------------------------------


def sgd_momentum(parameters: int) -> Work:
    """v = m v + g; p = p - lr v: reads p, g and v, writes p and v."""
    return Work(4 * parameters, FLOAT * 5 * parameters, FLOAT * 3 * parameters)


def adam(parameters: int) -> Work:
    """Return the work of Adam, which reads p, g, m and v and writes p, m and v.

    Operations: m takes 3, v takes 4, the denominator 3 (root, quotient, sum), p 3.
    """
    return Work(13 * parameters, FLOAT * 7 * parameters, FLOAT * 4 * parameters)


# ---- programs -----------------------------------------------------------------------------------------


def copy(count: int) -> Work:
    """Read so many bytes and write them elsewhere."""
    return Work(0, 2 * count, 2 * count)


def p1(n: int) -> Work:
    """Return the work of a training step of the MLP 784-128-10 with n samples."""
    return (
        linear(n, 784, 128, is_first=True)
        + relu(n * 128)
        + linear(n, 128, 10)
        + cross_entropy(n, 10)
        + sgd_momentum(784 * 128 + 128 + 128 * 10 + 10)
    )


def p2(n: int) -> Work:
    """Return the work of a training step of the MLP 784-128-64-10 with n samples."""
    return (
        linear(n, 784, 128, is_first=True)
        + relu(n * 128)
        + linear(n, 128, 64)
        + relu(n * 64)
        + linear(n, 64, 10)
        + cross_entropy(n, 10)
        + adam(784 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10)
    )


def p3(n: int) -> Work:
    """Return the work of a training step of the CNN with n images."""
    return (
        conv2d(n, 1, 32, kernel=3, height=28, width=28, is_first=True)
        + relu(n * 32 * 28 * 28)
        + max_pool2d(n * 32 * 28 * 28, n * 32 * 14 * 14)
        + conv2d(n, 32, 64, kernel=3, height=14, width=14)
        + relu(n * 64 * 14 * 14)
        + max_pool2d(n * 64 * 14 * 14, n * 64 * 7 * 7)
        + linear(n, 3136, 128)
        + relu(n * 128)
        + linear(n, 128, 10)
        + cross_entropy(n, 10)
        + adam(421_642)
    )


def epoch(step: Callable[[int], Work], samples: int, batch: int) -> Work:
    """Return the work of all batches of an epoch, the last of which may be smaller.

    Each image is read as bytes, made floats, and normalised: two operations and five bytes a pixel.
    """
    pixels = samples * 784
    work = step(batch).times(samples // batch)
    if samples % batch:
        last = step(samples % batch)
        work = Work(work.flops + last.flops, work.bytes + last.bytes, work.working_set)
    return work + Work(2 * pixels, (1 + FLOAT) * pixels, 0)


# ---- time ---------------------------------------------------------------------------------------------


def last_cache_bytes() -> int:
    """Return the size of the processor's last cache, 32 MiB where the system does not say."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        if text.endswith("K"):
            sizes.append(int(text[:-1]) * 1024)
    return max(sizes, default=32 << 20)


def floor_ms(work: Work, peaks: dict, threads: int) -> float:
    """Return the milliseconds that no program can go below which does this work.

    It is the longer one of computing at the peak of the cores, and moving the bytes at the rate of a plain copy, in
    the cache where all arrays fit there.
    """
    computing = work.flops / (peaks["gflops"] * threads * 1e9)
    if work.working_set <= peaks["cache_bytes"]:
        rate = peaks["cache_copy"] * threads
    else:
        rate = peaks["memory_copy"][str(threads)]
    return 1e3 * max(computing, work.bytes / (rate * 1e9))
