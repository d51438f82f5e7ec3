"""torch.autograd.functional gives what PyTorch's gives: values, whether they have a history, errors in strict mode."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest

import tinygrad_edu
from tests.both import check

pytestmark = [pytest.mark.torch_parity, pytest.mark.host("compares with PyTorch")]

# What is differentiated, and how many inputs it has.
FUNCTIONS = {
    "lambda x: x.sin() * x": 1,
    "lambda x, y: x * y.sum() + y": 2,
    "lambda x: (x.exp(), (x * x).sum())": 1,
    "lambda x, y: ((x * y).cumsum(0), x.sum())": 2,
    "lambda x, y: x * 2": 2,
    "lambda x: (x**3).sum()": 1,
    "lambda x, y: (x * x * y).sum()": 2,
    "lambda x: x.sum()": 1,
    "lambda x, y: x.sum() * 3 + (y**2).sum()": 2,
    "lambda x: x.detach() * 1": 1,
    "lambda x: 'no Tensor'": 1,
}
WITH_VECTOR = ["vjp", "jvp", "vhp", "hvp"]
FLAGS = ["", ", create_graph=True", ", strict=True", ", create_graph=True, strict=True"]


def point(values: str, requires_grad: bool) -> str:
    return f"torch.tensor({values}, dtype=torch.float64, requires_grad={requires_grad})"


def inputs(count: int, requires_grad: bool = True) -> str:
    first, second = point("[0.5, 2.0]", requires_grad), point("[3.0, -1.0]", requires_grad)
    return first if count == 1 else f"({first}, {second})"


def same_message(call: str, torch: Any) -> None:
    """Where both raise an error of strict mode, it says the same."""
    messages = []
    for package in (tinygrad_edu, torch):
        try:
            eval(call, {"torch": package})
        except (RuntimeError, TypeError) as error:
            messages.append(re.sub(r"torch.Size\(|\)", "", str(error)))
    assert len(set(messages)) <= 1


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("func", FUNCTIONS)
@pytest.mark.parametrize("name", [*WITH_VECTOR, "jacobian", "hessian"])
def test_values_and_errors(name, func, flags):
    torch = pytest.importorskip("torch")
    if name == "jvp":
        vectors = [inputs(1, False), inputs(2, False)]
    else:
        vectors = [inputs(1, False), f"({inputs(1, False)}, torch.tensor(2.0, dtype=torch.float64))"]
    vectors += [inputs(2, False), "torch.tensor(3.0, dtype=torch.float64)", "None"]
    for requires_grad, v in itertools.product([True, False], vectors if name in WITH_VECTOR else [""]):
        arguments = f"{func}, {inputs(FUNCTIONS[func], requires_grad)}{', ' + v if v else ''}{flags}"
        call = f"torch.autograd.functional.{name}({arguments})"
        check(call, torch)
        same_message(call, torch)


@pytest.mark.parametrize(
    "call",
    [
        "jacobian(torch.sin, torch.ones(2), vectorize=True)",
        "jacobian(torch.sin, torch.ones(2), vectorize=True, strategy='forward-mode')",
        "jacobian(torch.sin, torch.ones(2), strategy='forward-mode')",
        "jacobian(torch.sin, torch.ones(2), strategy='sideways')",
        "jacobian(torch.sin, torch.ones(2), strict=True, vectorize=True)",
        "jacobian(torch.sin, [torch.ones(2)])",
        "jacobian(torch.sin, 1.0)",
        "jacobian(lambda x: [x], torch.ones(2))",
        "hessian(torch.prod, torch.ones(2) * 3, vectorize=True)",
        "hessian(torch.prod, torch.ones(2) * 3, vectorize=True, outer_jacobian_strategy='forward-mode').detach()",
        "hessian(torch.prod, torch.ones(2), outer_jacobian_strategy='sideways')",
        "hessian(torch.sin, torch.ones(2))",
        "vjp(torch.sin, torch.tensor(2.0))",
        "jvp(torch.sin, torch.tensor(2.0))",
        "hvp(torch.sin, torch.tensor(2.0))",
        "vjp(torch.sin, torch.ones(2), torch.ones(3))",
    ],
)
def test_the_other_arguments(call):
    check(f"torch.autograd.functional.{call}", pytest.importorskip("torch"))


def test_a_jacobian_that_is_differentiated():
    """The derivative of the sum of a Jacobian, by create_graph."""
    program = (
        "(lambda x: torch.autograd.grad(torch.autograd.functional.jacobian(lambda y: y**3 * x, x, "
        "create_graph=True).sum(), x))(torch.tensor([1.0, 2.0], requires_grad=True))"
    )
    check(program, pytest.importorskip("torch"))
