"""The ``dtype=`` of reductions, and the dtype of their results without it, against PyTorch: functions and methods."""

from __future__ import annotations

import itertools
import math

import pytest

import tinygrad_edu
from tests.both import agree, outcome

pytestmark = pytest.mark.torch_parity

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "complex64", "complex128",
]  # fmt: skip
WITH_DTYPE = {  # arguments before dtype=
    "sum": ["", "dim=0", "dim=(0, 1), keepdim=True"],
    "prod": ["", "dim=0", "dim=1, keepdim=True"],
    "mean": ["", "dim=0", "dim=1, keepdim=True"],
    "cumsum": ["dim=0", "dim=1"],
    "cumprod": ["dim=0", "dim=1"],
    "softmax": ["dim=0"],
    "log_softmax": ["dim=0"],
}
WITHOUT = {
    "var": ["", "dim=0"],
    "std": ["", "dim=0"],
    "logsumexp": ["dim=0"],
    "norm": [""],
    "any": ["", "dim=0"],
    "all": ["", "dim=0"],
    "amax": ["", "dim=0"],
    "amin": ["", "dim=0"],
    "max": ["", "dim=0"],
    "min": ["", "dim=0"],
    "argmax": ["", "dim=0"],
    "argmin": ["", "dim=0"],
    "count_nonzero": ["", "dim=0"],
}
# What PyTorch has for complex numbers and this engine has not yet.
REAL_ONLY = {"var", "std", "norm", "logsumexp", "softmax", "log_softmax"}


def close(ours, theirs) -> bool:
    """Compare two descriptions of a tensor; float16 may differ in the last of its digits."""
    if not isinstance(ours, tuple) or ours[:3] != theirs[:3] or ours[2] != "torch.float16":
        return agree(ours, theirs)
    pairs = zip(flat(ours[3]), flat(theirs[3]), strict=True)
    return all(a == b or math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-3) for a, b in pairs)


def flat(values) -> list:
    return [x for v in values for x in flat(v)] if isinstance(values, list) else [values]


def calls(name: str, arguments: str, dtype: str, out: str | None) -> list[str]:
    """Return the function and the method as programs."""
    x = f"torch.tensor([[2, 3, 0], [1, 5, 7]], dtype=torch.{dtype})"
    given = ", ".join(filter(None, [arguments, f"dtype=torch.{out}" if out else ""]))
    return [f"torch.{name}({x}{', ' * bool(given)}{given})", f"{x}.{name}({given})"]


@pytest.mark.parametrize("name", [*WITH_DTYPE, *WITHOUT])
def test_dtype_and_value_are_those_of_pytorch(name):
    torch = pytest.importorskip("torch")
    wrong = []
    outs = [None, *DTYPES] if name in WITH_DTYPE else [None]
    for arguments, dtype, out in itertools.product({**WITH_DTYPE, **WITHOUT}[name], DTYPES, outs):
        if name in REAL_ONLY and "complex" in f"{dtype} {out}":
            continue
        if out and "complex" in dtype and "complex" not in out:
            continue  # both warn that the imaginary part is lost, each in its own way
        for program in calls(name, arguments, dtype, out):
            ours, theirs = outcome(program, tinygrad_edu), outcome(program, torch)
            same = ours[0] == theirs[0] and (ours[0] == "error" or close(ours[1], theirs[1]))
            if not same:
                wrong.append(f"{program}\n  here:    {ours}\n  PyTorch: {theirs}")
    assert not wrong, "\n".join(wrong)
