"""Random numbers.

All of them are drawn on the host, by NumPy, and moved to the device: so the same seed gives the same numbers
on the CPU and on the GPU.

References
----------
https://docs.pytorch.org/docs/stable/random.html
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.arguments import as_number, is_int
from tinygrad_edu.autograd.telling import tell_called
from tinygrad_edu.backend import device as _device
from tinygrad_edu.missing_names import error_of_module as _error_of_module
from tinygrad_edu.numpy_dtypes import float_limits, is_floating
from tinygrad_edu.scalars import check_long, limits
from tinygrad_edu.type_names import type_name


def as_seed(seed: Any) -> int:
    """Return a seed as an integer; raise unless it is a number of at most 64 bits."""
    number = as_number("manual_seed", "seed", seed)
    if not -(2**63) <= number < 2**64:  # a NaN is not, either
        raise RuntimeError(f"manual_seed: expected a seed of at most 64 bits, got {seed}")
    return int(number)


class Generator:
    """A source of random numbers with a state of its own.

    Parameters
    ----------
    device : str
        Accepted as in PyTorch; the numbers are drawn on the host in any case.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.Generator.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> a = torch.rand(1, generator=torch.Generator().manual_seed(0))
    >>> b = torch.rand(1, generator=torch.Generator().manual_seed(0))
    >>> bool(a == b)
    True
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = _device(device)
        self._initial_seed = 67280421310721  # PyTorch's default seed
        self.numpy_rng = np.random.Generator(np.random.PCG64(self._initial_seed))

    def manual_seed(self, seed: int) -> Generator:
        """Start the sequence that belongs to ``seed``."""
        if not is_int(seed):
            raise RuntimeError(f"manual_seed: expected an int, got {type_name(seed)}")
        self._initial_seed = as_seed(seed)
        self.numpy_rng = np.random.Generator(np.random.PCG64(self._initial_seed % 2**64))
        return self

    def seed(self) -> int:
        """Start from a seed that the operating system gives, and return it."""
        fresh = int(np.random.SeedSequence().generate_state(1, np.uint64)[0]) >> 1
        self.manual_seed(fresh)
        return fresh

    def initial_seed(self) -> int:
        """Return the seed the sequence was started from."""
        return self._initial_seed

    def get_state(self) -> dict[str, Any]:
        """Return the state, for ``set_state``."""
        return {"initial_seed": self._initial_seed, "bit_generator": self.numpy_rng.bit_generator.state}

    def set_state(self, new_state: dict[str, Any]) -> None:
        """Go on from a state that ``get_state`` has returned."""
        if not isinstance(new_state, dict) or not {"initial_seed", "bit_generator"} <= new_state.keys():
            raise TypeError(f"set_state: expected what get_state has returned, got {type_name(new_state)}")
        self._initial_seed = new_state["initial_seed"]
        self.numpy_rng.bit_generator.state = new_state["bit_generator"]


default_generator = Generator()
"""The one used where no generator is given."""
default_generator.seed()  # so that two runs of a program differ unless it calls manual_seed


def manual_seed(seed: int) -> Generator:
    """Start the default generator from ``seed``; a program that does not call this gets other numbers in each run.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.manual_seed.html
    """
    return default_generator.manual_seed(as_seed(seed))


def seed() -> int:
    """Start the default generator from a random seed, and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed the default generator was started from: a random one, unless the program has set it.

    References
    ----------
    https://docs.pytorch.org/docs/stable/generated/torch.initial_seed.html

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> seed = torch.initial_seed()
    >>> a = torch.manual_seed(seed)  # again the numbers of this run
    >>> torch.initial_seed() == seed
    True
    """
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """Return the state of the default generator."""
    return default_generator.get_state()


def set_rng_state(new_state: dict[str, Any]) -> None:
    """Set the state of the default generator."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """Bring the default generator back, at the end of a ``with`` block, to where it was.

    References
    ----------
    https://docs.pytorch.org/docs/stable/random.html#torch.random.fork_rng

    Examples
    --------
    >>> import tinygrad_edu as torch
    >>> with torch.random.fork_rng():
    ...     a = torch.rand(3)
    >>> bool((torch.rand(3) == a).all())
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


def numpy_rng(generator: Generator | None = None) -> np.random.Generator:
    """Return NumPy's generator behind ``generator``, or behind the default one."""
    if generator is None:
        return default_generator.numpy_rng
    if not isinstance(generator, Generator):
        raise TypeError(f"expected generator to be a torch.Generator or None, got {type_name(generator)}")
    return generator.numpy_rng


def draw(function: Callable[..., Any], shape: tuple[int, ...], numpy_dtype: Any) -> Any:
    """Return numbers that a method of NumPy's generator draws; of a complex one, both parts are drawn."""
    if numpy_dtype.kind != "c":
        return np.asarray(function(shape, np.float64 if numpy_dtype == np.float64 else np.float32))
    part = np.float64 if numpy_dtype == np.complex128 else np.float32
    return function((*shape, 2), part).view(numpy_dtype)[..., 0]


def require_floating(name: str, dtype: dtypes.dtype, error: type[Exception] = NotImplementedError) -> None:
    """Raise unless random fractions can be written into a dtype; integers would all be 0."""
    if not dtype.is_floating_point:
        raise error(f"{name}: expected a floating-point dtype, got {dtype}")


def largest_whole(numpy_dtype: Any) -> int:
    """Return the largest integer of a dtype up to which it has all of them."""
    if is_floating(numpy_dtype):
        return 2 ** (int(float_limits(numpy_dtype).nmant) + 1)
    return int(limits(numpy_dtype)[1])


def random_integers(
    low: int, high: int, shape: Any, numpy_dtype: Any, generator: Generator | None = None
) -> np.ndarray[Any, Any]:
    """Draw integers from [low, high), all of which the dtype must hold."""
    for bound in (low, high):
        if isinstance(bound, bool) or not hasattr(bound, "__index__"):
            raise TypeError(f"random_: expected int as bounds, got {type_name(bound)}")
    low, high = operator.index(low), operator.index(high)
    check_long("random_", low)
    check_long("random_", high)
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    lowest, highest = limits(numpy_dtype)
    if not lowest <= low <= high - 1 <= highest:
        raise RuntimeError(
            f"random_: from or to - 1 is out of bounds for {numpy_dtype}: expected numbers from {lowest} to {highest}, "
            f"got from={low}, to={high}"
        )
    return np.asarray(numpy_rng(generator).integers(low, high, shape))


def next_seed(generator: Generator | None = None) -> int:
    """Draw a seed for a kernel that makes its own random numbers; below 2**63."""
    return tell_called(next_seed, (generator,), int(numpy_rng(generator).integers(0, 2**63)))


if not TYPE_CHECKING:  # a type checker would take it that every name is there

    def __getattr__(name: str) -> object:
        raise _error_of_module(__name__, name)
