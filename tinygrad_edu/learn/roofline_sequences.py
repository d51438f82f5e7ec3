"""What the CUDA kernels of recurrent layers and of attention must do, counted from their code."""

from __future__ import annotations

from tinygrad_edu.learn.roofline_work import FLOAT, Work


def recurrent(
    name: str,
    gates: int,
    read: int,
    written: int,
    flops: int,
    steps: int = 28,
    batch: int = 64,
    size: int = 128,
) -> Work:
    """Count a kernel of ``recurrent/cuda.py``, in which a block takes a sequence through all steps.

    Parameters
    ----------
    name : str
        Which one.
    gates : int
        The weight is (gates * size, size).
    read, written : int
        Numbers for each feature of each step, the weight not counted.
    flops : int
        Operations for each feature of each step, the products not counted.
    steps, batch, size : int
        Of the sequences, and of the state.
    """
    features, weight = steps * batch * size, gates * size**2
    return Work(
        name,
        (features * read + weight) * FLOAT,
        features * written * FLOAT,
        steps * batch * 2 * weight + features * flops,
        reach=0.2,
        why="every block reads the weight at every step, from the second cache",
    )


def attention(name: str, read: int, written: int, products: int, heads: int = 8, length: int = 2048) -> Work:
    """Count a kernel of ``attention/cuda.py``, in which a block takes a query, or a key.

    Parameters
    ----------
    name : str
        Which one.
    read, written : int
        How many arrays as large as the queries.
    products : int
        How many vectors of 64 features are multiplied, or scaled and added, for each pair of query and key.
    heads, length : int
        Of the sequence.
    """
    size, pairs = heads * length * 64 * FLOAT, heads * length**2
    flops = pairs * (products * 2 * 64 + 6)
    why = "a thread reads the whole row of its key; four remainders a pair find the mask"
    return Work(name, read * size, written * size, flops, divisions=4 * pairs, reach=0.2, why=why)


def sequence_examples() -> list[Work]:
    """Return the kernels at typical sizes: an LSTM that reads images row by row, attention over 2,048 places."""
    return [
        recurrent("RNN", 1, read=1, written=2, flops=4),
        recurrent("RNN backward", 1, read=2, written=1, flops=4),
        recurrent("LSTM", 4, read=4, written=9, flops=25),
        recurrent("LSTM backward", 4, read=7, written=5, flops=30),
        recurrent("GRU", 3, read=3, written=6, flops=20),
        recurrent("GRU backward", 3, read=6, written=6, flops=20),
        attention("attention", read=3, written=1, products=2),
        attention("attention, gradient of queries", read=4, written=1, products=3),
        attention("attention, gradients of keys and values", read=4, written=2, products=4),
    ]
