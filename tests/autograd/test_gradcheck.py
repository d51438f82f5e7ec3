"""The checker of gradients is checked: a planted mistake is found, and named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.autograd import gradcheck, gradgradcheck
from tinygrad_edu.autograd.gradcheck import GradcheckError, largest_error


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def squaring(wrong):
    """Return a Function x -> x^2 whose gradient 2 x grad_output is spoiled by ``wrong``."""

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return wrong(2 * x * grad_output)

    return Square.apply


def spoil_one(grad):
    grad = grad.clone()
    grad[1, 2] = grad[1, 2] * 1.25
    return grad


def test_right_gradients_pass():
    assert gradcheck(squaring(lambda g: g), leaf([1.0, 2.0]))
    assert gradgradcheck(squaring(lambda g: g), leaf([1.0, 2.0]))
    assert largest_error(squaring(lambda g: g), leaf([1.0, 2.0])) < 1e-8


def test_one_wrong_element_is_named():
    x = leaf([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    unused = torch.ones(2)
    with pytest.raises(GradcheckError) as error:
        gradcheck(lambda unused, x: squaring(spoil_one)(x), (unused, x))
    message = str(error.value)
    assert "Jacobian mismatch for output 0 with respect to input 1: " in message
    assert "d input[1, 2]" in message
    assert "expected (numeric) 12" in message
    assert "got (analytic) 15" in message


def test_without_an_exception():
    x = leaf([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    assert gradcheck(squaring(spoil_one), x, raise_exception=False) is False
    assert largest_error(squaring(spoil_one), x) == pytest.approx(3, abs=1e-6)


def test_a_missing_factor_is_guessed():
    with pytest.raises(GradcheckError, match=r"every analytic value is 3 times the numeric one: a factor"):
        gradcheck(squaring(lambda g: 3 * g), leaf(1.0, 2.0))


def test_a_gradient_of_zero_is_guessed():
    with pytest.raises(GradcheckError, match="the analytic gradient is 0 everywhere"):
        gradcheck(squaring(lambda g: g * 0), leaf(1.0, 2.0))


def test_a_nan_is_a_mistake():
    with pytest.raises(GradcheckError, match="analytic"):
        gradcheck(squaring(lambda g: g * float("nan")), leaf(1.0, 2.0))


@pytest.mark.host("the memory of NumPy's arrays")
@pytest.mark.parametrize("check", [gradcheck, learn.gradcheck_report])
def test_elements_that_cannot_be_moved(check):
    stretched = torch.ones(1, dtype=torch.float64).expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="The 0th input has a dimension with stride 0"):
        check(torch.sin, (stretched,))
    fixed = np.ones(3)
    fixed.flags.writeable = False
    with pytest.raises(RuntimeError, match="the 1th input's array is read-only"):
        check(torch.mul, (leaf(1.0, 2.0, 3.0), torch.from_numpy(fixed).requires_grad_()))


def test_a_nan_agrees_with_nothing():
    """PyTorch's gradcheck takes it for a mistake, too: where a function is NaN, there is nothing to compare."""
    x = leaf(1.0, 2.0)
    with pytest.raises(GradcheckError, match=r"expected \(numeric\) nan, got \(analytic\) nan"):
        gradcheck(lambda x: x * float("nan"), x)
    report = learn.gradcheck_report(lambda x: x * float("nan"), x)
    assert not report.ok
    assert "Guess: the function is not finite there" in str(report)


def test_a_detached_output_is_a_mistake():
    with pytest.raises(GradcheckError, match="with respect to input 0"):
        gradcheck(lambda x: (x * x).detach(), leaf(1.0, 2.0))


def test_a_wrong_second_derivative_is_found():
    class Square(torch.autograd.Function):
        """Its backward is right, but cuts the graph."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return 2 * x.detach() * grad_output

    assert gradcheck(Square.apply, leaf(1.0, 2.0))
    with pytest.raises(GradcheckError, match="with respect to input 0"):
        gradgradcheck(Square.apply, leaf(1.0, 2.0))
    assert not gradgradcheck(Square.apply, leaf(1.0, 2.0), raise_exception=False)


def test_several_inputs_and_outputs():
    def both(a, b):
        return a * b, (a - b).sum()

    assert gradcheck(both, (leaf(1.0, 2.0), leaf([3.0], [4.0])))
    assert gradgradcheck(both, (leaf(1.0, 2.0), leaf([3.0], [4.0])))
    with pytest.raises(GradcheckError, match="for output 1 with respect to input 1"):
        gradcheck(lambda a, b: (a * b, a.sum() + squaring(lambda g: -g)(b).sum()), (leaf(1.0), leaf(3.0)))


def test_numbers_shapes_and_strides():
    assert gradcheck(torch.exp, torch.tensor(0.5, dtype=torch.float64, requires_grad=True))
    assert gradcheck(torch.exp, torch.zeros(0, 3, dtype=torch.float64, requires_grad=True))
    base = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    strided = base.t()[::2].detach().requires_grad_()
    before = strided.tolist()
    assert gradcheck(lambda x: x * x, strided)
    assert strided.tolist() == before


def test_inputs_are_as_before_even_after_an_error():
    x = leaf(1.0, 2.0)

    def fails(x):
        if x[0].item() != 1.0:
            raise ValueError("planted")
        return x * x

    with pytest.raises(ValueError, match="planted"):
        gradcheck(fails, x)
    assert x.tolist() == [1, 2]
    assert x.grad is None


def test_what_cannot_be_checked():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(torch.exp, torch.ones(2))
    with pytest.warns(UserWarning, match="expected float64 or complex128 inputs"):
        gradcheck(torch.exp, torch.ones(2, requires_grad=True), atol=0.1, eps=1e-3)


def test_gradgradcheck_with_given_gradients():
    assert gradgradcheck(torch.sin, leaf(0.3, 0.8), leaf(1.0, 2.0))


def test_functions_that_are_linear_have_second_derivatives_of_zero():
    assert gradgradcheck(lambda x: x * 2 + 1, leaf(1.0, 2.0))
    assert gradgradcheck(lambda x: x + x.detach(), leaf(1.0, 2.0))


FAILING = """
import tinygrad_edu as torch
from tinygrad_edu.autograd import gradcheck, gradgradcheck
from tests.autograd.test_gradcheck import leaf, squaring

def test_first():
    assert gradcheck(squaring(lambda grad: -grad), leaf(1.0, 2.0))

def test_second():
    assert gradgradcheck(squaring(lambda grad: grad.detach()), leaf(1.0, 2.0))
"""


def test_a_failing_test_shows_its_own_line_and_the_message(tmp_path):
    (tmp_path / "test_wrong.py").write_text(FAILING)
    root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(tmp_path / "test_wrong.py"),
    ]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "kernels")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.count("GradcheckError: Jacobian mismatch") >= 2, done.stdout
    assert ">       assert gradcheck(" in done.stdout or ">   \tassert gradcheck(" in done.stdout
    assert "Parameters" not in done.stdout  # the docstring of gradcheck
    assert len(done.stdout.splitlines()) < 40
