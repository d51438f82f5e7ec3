"""Everything that fills a tensor with random numbers, on every dtype: what comes out and what is refused."""

from __future__ import annotations

import itertools

import pytest

import tinygrad_edu
from tests.both import outcome

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
METHODS = [
    "uniform_()", "uniform_(0, 70000)", "uniform_(1, 0)", "normal_()", "normal_(0, -1)", "exponential_()",
    "exponential_(0)", "bernoulli_()", "bernoulli_(0.3)", "bernoulli_(2)", "random_()", "random_(0)", "random_(2)",
    "random_(-1)", "random_(-1, 1)", "random_(0, 128)", "random_(0, 129)", "random_(0, 256)", "random_(0, 257)",
    "random_(3, 3)", "random_(2**40)", "random_(1.0)", "random_(0, 2.0)", "random_(True)",
]  # fmt: skip
INITS = [
    "uniform_(x)", "normal_(x)", "trunc_normal_(x)", "xavier_uniform_(x)", "xavier_normal_(x)", "kaiming_uniform_(x)",
    "kaiming_normal_(x)", "orthogonal_(x)", "sparse_(x, 0.5)", "eye_(x)", "constant_(x, 3)", "constant_(x, 300)",
    "ones_(x)", "zeros_(x)", "dirac_(x[None])",
]  # fmt: skip
MAKERS = [
    "rand(3, dtype=d)", "randn(3, dtype=d)", "rand_like(x)", "randn_like(x)", "randint(2, (3,), dtype=d)",
    "randint(-1, 1, (3,), dtype=d)", "randint(0, 128, (3,), dtype=d)", "randint(0, 257, (3,), dtype=d)",
    "randint(0, 2.0, (3,), dtype=d)", "randint(0, 2**63, (3,), dtype=d)", "randperm(3, dtype=d)",
    "randperm(300, dtype=d)", "randperm(3000, dtype=d)", "normal(x, 1.0)", "normal(0.0, x)", "bernoulli(x)",
]  # fmt: skip
PROGRAMS = [
    *[f"x.{call}" for call in METHODS],
    *[f"torch.nn.init.{call}" for call in INITS],
    *[f"torch.{call}" for call in MAKERS],
]
KNOWN = {  # done here, not in PyTorch
    "torch.nn.init.orthogonal_(x)": "float16",
    "torch.nn.init.trunc_normal_(x)": "uint8",  # both refuse, with different errors
}


def kind_of(program: str, dtype: str, torch) -> tuple[str, object]:
    """Return the class of the error, or shape and dtype of the result."""
    given = f"(lambda d: (lambda x: {program})(torch.zeros(2, 3, dtype=d)))(torch.{dtype})"
    kind, value = outcome(given, torch)
    return (kind, value) if kind == "error" else (kind, value[1:3])


@pytest.mark.torch_parity
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_dtype_as_in_pytorch(program):
    torch = pytest.importorskip("torch")
    wrong = [
        (dtype, ours, theirs)
        for dtype in DTYPES
        if KNOWN.get(program) != dtype
        and (ours := kind_of(program, dtype, tinygrad_edu)) != (theirs := kind_of(program, dtype, torch))
    ]
    assert not wrong


LARGEST = {
    "bool": 1, "uint8": 255, "int8": 127, "int16": 2**15 - 1, "int32": 2**31 - 1, "int64": 2**63 - 1,
    "float16": 2**11, "float32": 2**24, "float64": 2**53,
}  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
def test_random_without_limits_reaches_all_the_dtype_has(dtype):
    tinygrad_edu.manual_seed(0)
    x = tinygrad_edu.zeros(100_000, dtype=getattr(tinygrad_edu, dtype)).random_()
    numbers = [int(v) for v in x.tolist()]
    assert 0 <= min(numbers) <= LARGEST[dtype] // 1000
    assert LARGEST[dtype] * 0.999 <= max(numbers) <= LARGEST[dtype]
    assert abs(sum(numbers) / len(numbers) / LARGEST[dtype] - 0.5) < 0.01


@pytest.mark.parametrize(("low", "high"), [*itertools.combinations([-128, -1, 0, 1, 127, 128], 2)])
def test_random_between_limits(low, high):
    tinygrad_edu.manual_seed(0)
    x = tinygrad_edu.zeros(20_000, dtype=tinygrad_edu.int8).random_(low, high)
    assert {low, high - 1} <= set(x.tolist()) <= set(range(low, high))
    assert set(tinygrad_edu.randint(low, high, (20_000,), dtype=tinygrad_edu.int8).tolist()) == set(
        x.tolist()
    )
