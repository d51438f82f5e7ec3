"""The methods of Tensor that fill it with random numbers.

References
----------
https://docs.pytorch.org/docs/stable/torch.html#in-place-random-sampling
"""

from __future__ import annotations

from typing import Self

import numpy as np

from tinygrad_edu import sampling
from tinygrad_edu._tensor_methods.writing import write_numbers
from tinygrad_edu.arguments import as_int, as_number
from tinygrad_edu.autograd.tensor_base import TensorBase
from tinygrad_edu.dtypes import complex128, float64
from tinygrad_edu.random import Generator, draw, largest_whole, numpy_rng, random_integers, require_floating
from tinygrad_edu.scalars import checked_scalar


class RandomFillMethods(TensorBase):
    """Methods that draw random numbers; part of Tensor."""

    bernoulli = sampling.bernoulli
    multinomial = sampling.multinomial

    def normal_(self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers from the normal distribution."""
        mean, std = as_number("normal_", "mean", mean), as_number("normal_", "std", std)
        if not std >= 0:
            raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
        if self.is_complex():
            values = draw(numpy_rng(generator).standard_normal, self.array.shape, complex128.numpy_dtype) * (
                0.5**0.5 * std
            )
            return write_numbers(self, values + mean, "normal_")
        require_floating("normal_", self.dtype)
        values = numpy_rng(generator).standard_normal(self.array.shape) * std + mean
        return write_numbers(self, values, "normal_")

    def uniform_(self, a: float = 0.0, b: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers, evenly distributed over [a, b)."""
        a, b = as_number("uniform_", "a", a), as_number("uniform_", "b", b)
        if not self.is_complex():
            require_floating("uniform_", self.dtype)
        if not a <= b:
            raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={a} > to={b}")
        for number in (a, b, b - a):
            checked_scalar("uniform_", number, self.array.dtype)
        kind = (complex128 if self.is_complex() else float64).numpy_dtype
        low = complex(a, a) if self.is_complex() else a
        values = draw(numpy_rng(generator).random, self.array.shape, kind) * (b - a) + low
        return write_numbers(self, values, "uniform_")

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers of the density lambd e^(-lambd x)."""
        lambd = as_number("exponential_", "lambd", lambd)
        require_floating("exponential_", self.dtype, RuntimeError)
        if not lambd > 0:
            raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd}")
        return write_numbers(
            self, numpy_rng(generator).standard_exponential(self.array.shape) / lambd, "exponential_"
        )

    def bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None) -> Self:
        """Fill with ones, of probability ``p``, and zeros."""
        p = as_number("bernoulli_", "p", p)
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return write_numbers(self, numpy_rng(generator).random(self.array.shape) < p, "bernoulli_")

    def random_(
        self, low: int | None = None, high: int | None = None, *, generator: Generator | None = None
    ) -> Self:
        """Fill with random integers from [low, high), or [0, low) if ``high`` is left out.

        Without limits: all integers from 0 on that the dtype holds exactly, and those below.
        """
        shape, dtype = self.array.shape, self.array.dtype
        if dtype.kind == "c":
            raise NotImplementedError(f"random_: expected a real dtype, got {dtype}")
        if low is None:
            values = numpy_rng(generator).integers(0, largest_whole(dtype), shape, endpoint=True)
        else:
            low, high = (0, low) if high is None else (low, high)
            low, high = as_int("random_", "from", low), as_int("random_", "to", high)
            values = random_integers(low, high, shape, dtype, generator)
        return write_numbers(self, values, "random_")

    def cauchy_(self, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers of the density sigma / (pi ((x - median)^2 + sigma^2))."""
        median, sigma = as_number("cauchy_", "median", median), as_number("cauchy_", "sigma", sigma)
        require_floating("cauchy_", self.dtype)
        if not sigma > 0:
            raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma}")
        values = numpy_rng(generator).standard_cauchy(self.array.shape) * sigma + median
        return write_numbers(self, values, "cauchy_")

    def log_normal_(self, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None) -> Self:
        """Fill with random numbers whose logarithms are from the normal distribution of this mean and deviation."""
        mean, std = as_number("log_normal_", "mean", mean), as_number("log_normal_", "std", std)
        require_floating("log_normal_", self.dtype)
        if not std > 0:
            raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std}")
        values = np.exp(numpy_rng(generator).standard_normal(self.array.shape) * std + mean)
        return write_numbers(self, values, "log_normal_")

    def geometric_(self, p: float, *, generator: Generator | None = None) -> Self:
        """Fill with the numbers of the trial, 1, 2, 3, ..., in which something of probability ``p`` first happens."""
        p = as_number("geometric_", "p", p)
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
        return write_numbers(self, numpy_rng(generator).geometric(p, self.array.shape), "geometric_")
