"""The dtype of every result against PyTorch: all dtypes with all, with 0-d tensors, with Python numbers."""

from __future__ import annotations

import itertools
import operator

import numpy as np
import pytest

from tinygrad_edu import ops

pytestmark = pytest.mark.torch_parity
torch = pytest.importorskip("torch")

from tests.ops.parity import assert_same, make_pair  # noqa: E402
from tests.ops.samples import flatten  # noqa: E402

DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
SCALARS = [True, 3, -2, 1.5]
# These work here on some dtypes that PyTorch has no kernel for.
LENIENT = {"softmax", "frac", "lerp", "matmul", "linear", "clamp"}
OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.floordiv,
    operator.mod,
    operator.pow,
    operator.eq,
    operator.ne,
    operator.lt,
    operator.le,
    operator.gt,
    operator.ge,
    operator.and_,
    operator.or_,
    operator.xor,
]


def call(function, *operands):
    """Return the result, or what kind of error there was instead."""
    try:
        return function(*operands)
    except (RuntimeError, TypeError, ZeroDivisionError, NotImplementedError) as error:
        return error


def compare_call(function, pairs, label):
    theirs = call(function, *[b for _, b in pairs])
    ours = call(function, *[a for a, _ in pairs])
    if isinstance(theirs, Exception):
        lenient = label.split()[0].rstrip("02") in LENIENT
        assert lenient or isinstance(ours, Exception), f"{label}: PyTorch says {theirs}, we return {ours}"
        return
    if isinstance(ours, Exception) and label.startswith("pow bool"):
        return  # PyTorch returns the tensor itself for x ** True, and has no kernel for x ** y
    if isinstance(ours, Exception):
        raise AssertionError(label) from ours
    try:
        for a, b in zip(flatten(ours), flatten(theirs), strict=True):
            assert_same(a, b, 1e-2 if "float16" in label else 1e-6)
    except AssertionError as error:
        raise AssertionError(f"{label}\n{error}") from None


def values(dtype, *shape):
    return np.full(shape, 3).astype(dtype)


@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_operators_on_all_pairs_of_dtypes(function):
    for a, b in itertools.product(DTYPES, DTYPES):
        for left, right in [((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())]:
            pairs = make_pair(values(a, *left), False), make_pair(values(b, *right), False)
            compare_call(function, pairs, f"{function.__name__} {a}{left} {b}{right}")


@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_operators_with_python_numbers(function):
    for dtype, scalar, shape in itertools.product(DTYPES, SCALARS, [(2,), ()]):
        x = make_pair(values(dtype, *shape), False)
        for pairs in [(x, (scalar, scalar)), ((scalar, scalar), x)]:
            label = (
                f"{function.__name__} {dtype}{shape} with {scalar!r}, {'right' if pairs[0] is x else 'left'}"
            )
            compare_call(function, pairs, label)


ONE = [
    "exp",
    "log1p",
    "sqrt",
    "sin",
    "sigmoid",
    "erf",
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "trunc",
    "round",
    "reciprocal",
    "relu",
    "isnan",
    "isinf",
    "isfinite",
    "logical_not",
    "bitwise_not",
    "cumsum0",
    "cumprod0",
    "sum",
    "prod",
    "mean",
    "any",
    "all",
    "max",
    "min",
    "argmax",
    "argmin",
    "amax",
    "var",
    "std",
    "logsumexp0",
    "count_nonzero",
    "sort",
    "argsort",
    "unique",
    "clone",
    "tril2",
    "flip0",
    "nonzero",
    "softmax0",
    "frac",
    "norm",
]


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_tensor_on_all_dtypes(name):
    plain = name.rstrip("02")
    ours = getattr(ops, "absolute" if plain == "abs" else plain)
    theirs = getattr(torch, plain)
    more = {"0": (0,), "2": ()}.get(name[-1], ())
    more = ((0,),) if plain == "flip" else more
    for dtype in DTYPES:
        array = np.array([[0, 1], [2, 1]]).astype(dtype)
        pair = make_pair(array if plain != "softmax" else array[0], False)
        compare_call(
            lambda x: ours(x, *more) if not isinstance(x, torch.Tensor) else theirs(x, *more),
            [pair],
            f"{name} {dtype}",
        )


@pytest.mark.parametrize(
    "name",
    [
        "maximum",
        "minimum",
        "where",
        "clamp",
        "lerp",
        "cat",
        "stack",
        "matmul",
        "linear",
        "mse_loss",
        "masked_fill",
    ],
)
def test_functions_of_two_tensors_on_all_pairs_of_dtypes(name):
    def function(a, b):
        library = (
            ops
            if not isinstance(a, torch.Tensor)
            else torch
            if name not in ("linear", "mse_loss")
            else torch.nn.functional
        )
        if name == "where":
            return library.where(a == a, a, b)
        if name == "clamp":
            return library.clamp(a, b, b)
        if name == "lerp":
            return library.lerp(a, b, 0.5)
        if name in ("cat", "stack"):
            return getattr(library, name)([a, b])
        if name == "masked_fill":
            return library.masked_fill(a, a == a, b[0, 0])
        return getattr(library, name)(a, b)

    for a, b in itertools.product(DTYPES, DTYPES):
        pairs = make_pair(values(a, 2, 2), False), make_pair(values(b, 2, 2), False)
        compare_call(function, pairs, f"{name} {a} {b}")
