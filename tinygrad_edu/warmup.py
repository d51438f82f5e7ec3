"""Compile all kernels beforehand: ``python -m tinygrad_edu.warmup``.

Every recipe below is a small program that uses one family of kernels in all the ways there are; running it
makes Numba compile them, or find them in its cache. It is run on one thread and on all of them, with arrays that
are large enough for threads to share.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable

from tqdm import tqdm

import tinygrad_edu as torch
import tinygrad_edu.nn.functional as F
from tinygrad_edu import nn


def convolution(dtype: torch.dtype) -> None:
    """Run all convolutions: by the micro-kernel, and by im2col where that does not suit."""
    for channels, stride in ((16, 1), (3, 2)):
        x = torch.ones(8, channels, 100, 100, dtype=dtype, requires_grad=True)
        weight = torch.ones(channels, channels, 3, 3, dtype=dtype, requires_grad=True)
        F.conv2d(x, weight, stride=stride, padding=1).sum().backward()
    F.unfold(x, 3).sum().backward()


def pooling(dtype: torch.dtype) -> None:
    """Run all poolings."""
    x = torch.ones(2, 4, 60, 60, dtype=dtype, requires_grad=True)
    for pool in (F.max_pool2d, F.avg_pool2d):
        for size in (2, 3):
            pool(x, size).sum().backward()
    F.adaptive_avg_pool2d(x, 4).sum().backward()
    F.adaptive_max_pool2d(x, 4).sum().backward()


def softmax_loss(dtype: torch.dtype) -> None:
    """Run softmax, log-softmax and cross-entropy."""
    x = torch.ones(1000, 30, dtype=dtype, requires_grad=True)
    F.softmax(x, dim=1).sum().backward()
    F.log_softmax(x, dim=1).sum().backward()
    F.cross_entropy(x, torch.zeros(1000, dtype=torch.int64)).backward()


def activation(dtype: torch.dtype) -> None:
    """Run all activations that have a kernel."""
    x = torch.ones(250, 1000, dtype=dtype, requires_grad=True)
    for function in (F.relu, torch.sigmoid, torch.tanh, F.silu, F.gelu, F.softplus, torch.erf):
        function(x).sum().backward()
    F.gelu(x, approximate="tanh").sum().backward()


def norm(dtype: torch.dtype) -> None:
    """Run layer norm and batch norm."""
    x = torch.ones(1000, 100, dtype=dtype, requires_grad=True)
    F.layer_norm(x, (100,)).sum().backward()
    F.batch_norm(x, None, None, training=True).sum().backward()


def attention(dtype: torch.dtype) -> None:
    """Run attention on its own sequence."""
    x = torch.ones(1, 4, 200, 16, dtype=dtype, requires_grad=True)
    F.scaled_dot_product_attention(x, x, x, is_causal=True).sum().backward()


def dropout(dtype: torch.dtype) -> None:
    """Run dropout."""
    x = torch.ones(300, 100, dtype=dtype, requires_grad=True)
    F.dropout(x, 0.5).sum().backward()


def embedding(dtype: torch.dtype) -> None:
    """Run the gradient of an embedding."""
    weight = torch.ones(4, 3, dtype=dtype, requires_grad=True)
    F.embedding(torch.tensor([0, 2]), weight).sum().backward()


def matrix_product(dtype: torch.dtype) -> None:
    """Run a linear layer large enough for the micro-kernel, and a small one."""
    weight = torch.ones(128, 784, dtype=dtype, requires_grad=True)
    for rows in (32, 64):
        F.linear(torch.ones(rows, 784, dtype=dtype), weight).relu().sum().backward()
    F.linear(torch.ones(2, 3, dtype=dtype), torch.ones(4, 3, dtype=dtype), torch.ones(4, dtype=dtype))


def recurrent(dtype: torch.dtype) -> None:
    """Run all recurrent layers, with and without a projection."""
    x = torch.ones(40, 64, 16, dtype=dtype, requires_grad=True)
    layers = (
        nn.RNN(16, 64),
        nn.RNN(16, 64, nonlinearity="relu"),
        nn.LSTM(16, 64, proj_size=16),
        nn.LSTM(16, 64),
    )
    for layer in (*layers, nn.GRU(16, 64)):
        layer.to(dtype)(x)[0].sum().backward()


def optimizer_step(dtype: torch.dtype) -> None:
    """Run a step of every optimizer, for a small parameter and for one that several threads share."""
    params = [nn.Parameter(torch.ones(size, dtype=dtype)) for size in (3, 200_000)]
    for param in params:
        param.grad = torch.ones_like(param)
    for optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.Adagrad, torch.optim.RMSprop):
        optimizer(params, lr=0.1).step()


RECIPES = {
    recipe.__name__: recipe
    for recipe in (
        convolution,
        pooling,
        softmax_loss,
        activation,
        attention,
        norm,
        dropout,
        embedding,
        matrix_product,
        recurrent,
        optimizer_step,
    )
}


def compile_kernels(
    families: Iterable[str] | None = None, dtypes: Iterable[torch.dtype] = (torch.float32, torch.float64)
) -> None:
    """Compile the kernels, or load them if they have been compiled before, with a progress bar.

    Parameters
    ----------
    families : iterable of str, optional
        Which families of kernels, as their folders are called; all of them by default.
    dtypes : iterable of torch.dtype
        For which types of numbers.

    Raises
    ------
    ValueError
        If there is no such family.

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> from tinygrad_edu.warmup import compile_kernels
    >>> compile_kernels(["dropout"], [torch.float32])
    """
    chosen = list(RECIPES if families is None else families)
    for family in chosen:
        if family not in RECIPES:
            raise ValueError(f"compile_kernels: expected one of {', '.join(RECIPES)}, got {family!r}")
    tasks = [(family, dtype) for dtype in dtypes for family in chosen]
    with (
        torch.enable_grad(),
        torch.random.fork_rng(),
        tqdm(tasks, desc="compiling kernels", unit="family", delay=1, dynamic_ncols=True) as progress,
    ):
        for family, dtype in progress:
            progress.set_postfix_str(f"{family}, {str(dtype).removeprefix('torch.')}")
            _run(RECIPES[family], dtype)


def _run(recipe: Callable[[torch.dtype], None], dtype: torch.dtype) -> None:
    """Run a recipe on one thread, and on as many as are set."""
    threads = torch.get_num_threads()
    try:
        for count in sorted({1, threads}):
            torch.set_num_threads(count)
            recipe(dtype)
    finally:
        torch.set_num_threads(threads)


def main() -> None:
    """Read the command line and compile."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.warmup", description="Compile the kernels of tinygrad_edu beforehand."
    )
    parser.add_argument(
        "families", nargs="*", metavar="family", help=f"which ones: {', '.join(RECIPES)} (default: all)"
    )
    args = parser.parse_args()
    unknown = sorted(set(args.families) - set(RECIPES))
    if unknown:
        parser.error(f"expected families among {', '.join(RECIPES)}, got {', '.join(unknown)}")
    started = time.perf_counter()
    compile_kernels(args.families or None)
    print(f"the kernels are ready, after {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
