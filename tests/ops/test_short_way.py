"""``+ - * /`` have a short way for the usual operands; the long way, which anomaly detection takes, must agree."""

from __future__ import annotations

import operator
import warnings

import pytest

import tinygrad_edu as torch
from tests.device import to_numpy

OPERATORS = {name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv")}
OPERANDS = {
    "shape (2, 3)": lambda dtype: torch.tensor([[1.0, -2, 3], [0, 5, -6]], dtype=dtype),
    "shape (3,)": lambda dtype: torch.tensor([2.0, 0, -4], dtype=dtype),
    "shape ()": lambda dtype: torch.tensor(3.0, dtype=dtype),
    "size 0": lambda dtype: torch.zeros(0, 3, dtype=dtype),
    "a view": lambda dtype: torch.tensor([[1.0, 2], [3, 4], [5, 6]], dtype=dtype).T,
    "float": lambda dtype: 2.5,
    "int": lambda dtype: -3,
    "huge": lambda dtype: 1e300,
    "nan": lambda dtype: float("nan"),
    "infinite": lambda dtype: float("inf"),
    "bool": lambda dtype: True,
}
TENSORS = list(OPERANDS)[:5]


def compute(function, first, second, dtype, needs):
    """Return the result, its dtype and the gradients of the operands that want one."""
    a, b = OPERANDS[first](dtype), OPERANDS[second](dtype)
    leaves = [
        x.requires_grad_()
        for x, wanted in zip((a, b), needs, strict=True)
        if wanted and isinstance(x, torch.Tensor)
    ]
    y = function(a, b)
    if leaves:
        (y * y).sum().backward()
    return [to_numpy(y.detach()), *[to_numpy(x.grad) for x in leaves]], y.dtype, y.requires_grad


class Interrupted(Exception):
    pass


def test_an_error_in_the_short_way_comes_out_at_once(monkeypatch):
    """It may be one that a signal handler raises: nothing is tried a second time."""
    calls = []

    def forward(node, a, b):
        calls.append(node)
        raise Interrupted

    monkeypatch.setattr(torch.ops.arithmetic.Add, "forward", forward)
    with pytest.raises(Interrupted):
        torch.ones(2) + torch.ones(2)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("dtype", "needs"),
    [
        (torch.float32, (True, True)),
        (torch.float32, (True, False)),
        (torch.float64, (False, True)),
        (torch.int64, (False, False)),
    ],
)
@pytest.mark.parametrize("second", OPERANDS)
@pytest.mark.parametrize("first", TENSORS)
@pytest.mark.parametrize("name", OPERATORS)
def test_both_ways_agree(name, first, second, dtype, needs):
    if {first, second} in ({"size 0", "shape (2, 3)"}, {"size 0", "a view"}):
        pytest.skip("these two do not fit together")
    if name == "sub" and second == "bool":
        pytest.skip("masks cannot be subtracted")
    arguments = OPERATORS[name], first, second, dtype, needs
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # 1 / 0 is infinity, and no news
        found, found_dtype, requires_grad = compute(*arguments)
        with torch.no_grad():
            quiet = OPERATORS[name](OPERANDS[first](dtype), OPERANDS[second](dtype))
    mode = torch.autograd.grad_mode.this_thread.mode
    mode.watched = True  # the long way; nobody watches really
    try:
        expected, expected_dtype, expected_requires_grad = compute(*arguments)
    finally:
        mode.watched = False
    assert found_dtype == expected_dtype == quiet.dtype
    assert requires_grad == expected_requires_grad
    assert not quiet.requires_grad
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        assert a.tobytes() == b.tobytes()
