"""The report of a gradient check: every usual mistake is planted as a Function, and the guess is read."""

from __future__ import annotations

import builtins

import numpy as np
import pytest

import tinygrad_edu as torch
from tinygrad_edu import learn
from tinygrad_edu.autograd.op import Op

pytestmark = [pytest.mark.gradcheck, pytest.mark.host("the report is about formulas")]


def leaf(*shape, seed=0):
    numbers = np.random.default_rng(seed).standard_normal(shape)
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def function(forward, backward):
    """Return the ``apply`` of a Function that is made of two functions; backward gets the inputs, too."""

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, grad_output):
            return backward(grad_output, *ctx.saved_tensors)

    return Planted.apply


def matmul(a, b):
    return a @ b


MISTAKES = {
    "transposed operand, left": (
        function(matmul, lambda g, a, b: (g @ b, a.T @ g)),
        (leaf(2, 3), leaf(3, 3)),
        {0: "a transpose is missing or there once too often: the other operand in backward"},
    ),
    "transposed operand, right": (
        function(matmul, lambda g, a, b: (g @ b.T, a @ g)),
        (leaf(3, 3), leaf(3, 2)),
        {1: "a transpose is missing or there once too often: the other operand in backward"},
    ),
    "transposed gradient": (
        function(lambda x, w: x @ w.T, lambda g, x, w: (g @ w, x.T @ g)),
        (leaf(4, 3), leaf(3, 3)),
        {1: "a transpose is missing or there once too often: the gradient, transposed, is right"},
    ),
    "missing 1/N": (
        function(lambda x: x.pow(2).mean(), lambda g, x: g * 2 * x),
        (leaf(4, 3),),
        {
            0: "1/N is missing: every analytic value is 12 times the numeric one, and N = 12 is the number of elements"
        },
    ),
    "missing 1/N of the batch": (
        function(lambda x: x.pow(2).sum() / x.shape[0], lambda g, x: g * 2 * x),
        (leaf(5, 3),),
        {0: "1/N is missing: every analytic value is 5 times the numeric one, and N = 5 is the size"},
    ),
    "1/N twice": (
        function(lambda x: x.mean(), lambda g, x: g.expand(x.shape) / x.numel() ** 2),
        (leaf(6),),
        {0: "1/N is there once too often"},
    ),
    "sign": (
        function(lambda a, b: a - b, lambda g, a, b: (g, g)),
        (leaf(3), leaf(3)),
        {1: "the sign is wrong: every analytic value is the numeric one times -1"},
    ),
    "factor": (
        function(lambda x: x**3, lambda g, x: g * x**2),
        (leaf(4),),
        {0: "a factor is missing: every analytic value is 0.333333 times the numeric one"},
    ),
    "broadcast: the first row": (
        function(lambda x, b: x + b, lambda g, x, b: (g, g[0])),
        (leaf(4, 3), leaf(3)),
        {
            1: "broadcast along dimension 0 of the output, and its gradient was not summed there: the first slice"
        },
    ),
    "broadcast: the mean": (
        function(lambda x, b: x * b, lambda g, x, b: (g * b, (g * x).mean(1, keepdim=True))),
        (leaf(4, 3), leaf(4, 1)),
        {1: "along dimension 1 of the output, and its gradient was not summed there: it was averaged"},
    ),
    "forgotten input": (
        function(lambda a, b: a * b, lambda g, a, b: (g * b, None)),
        (leaf(3), leaf(3)),
        {1: "this input was forgotten, or detached"},
    ),
    "another order": (
        function(lambda a, b: a * b, lambda g, a, b: (g * a, g * b)),
        (leaf(3), leaf(3, seed=1)),
        {
            0: "the gradients were returned in another order",
            1: "the gradients were returned in another order",
        },
    ),
    "detached": (lambda x: (x.detach() * 2).exp() + 0 * x, (leaf(3),), {0: "the path is cut"}),
    "a part that is detached": (
        lambda x: x / x.sum().detach(),
        (leaf(4),),
        {0: "the analytic Jacobian is diagonal, the numeric one is not"},
    ),
    "forgotten rows": (
        function(lambda x: x.sin(), lambda g, x: g * x.cos() * torch.tensor([1.0, 1.0, 0.0]).double()),
        (leaf(2, 3),),
        {0: "a part was forgotten: 2 of 6 elements of the input get no gradient"},
    ),
    "NaN": (
        function(lambda x: x.abs(), lambda g, x: g * float("nan")),
        (leaf(2),),
        {0: "the analytic gradient is not finite"},
    ),
    "none of them": (function(lambda x: x.sin(), lambda g, x: g * (x.cos() + x)), (leaf(3),), {0: ""}),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_guesses(name):
    fn, inputs, expected = MISTAKES[name]
    report = learn.gradcheck_report(fn, inputs)
    assert not report
    for pair in report.pairs:
        assert bool(pair.wrong) == (pair.input in expected), str(report)
        if pair.wrong and expected[pair.input]:
            assert expected[pair.input] in pair.guess
            assert f"Guess: {pair.guess}" in str(report)
        else:
            assert pair.guess == ""


class AddUnreduced(Op):
    """x + b, whose gradient for b has the shape of the output."""

    def forward(self, x, b):
        return x + b

    def backward(self, grad_output):
        return grad_output, grad_output


def test_a_gradient_that_was_not_summed_at_all():
    """A Function sums such a gradient by itself, as PyTorch does; an operation of the engine does not."""
    report = learn.gradcheck_report(AddUnreduced.apply, (leaf(4, 3), leaf(3)))
    right, wrong = report.pairs
    assert (right.wrong, len(wrong.wrong)) == ([], 36)
    assert wrong.guess == (
        "the gradient has the shape [4, 3], the input [3]: the input was broadcast along dimension 0 of the output, "
        "and its gradient was not summed there"
    )


def test_every_wrong_element_is_named():
    def backward(g, x):
        slope = torch.ones(2, 3).double()
        slope[1, 2] = 3.5
        return g * slope

    report = learn.gradcheck_report(function(lambda x: x * 1, backward), leaf(2, 3))
    (element,) = report.wrong
    assert (element.output_index, element.input_index) == ((1, 2), (1, 2))
    assert (element.analytic, round(element.numeric, 6), round(element.difference, 6)) == (3.5, 1.0, 2.5)
    assert str(report) == (
        "output 0 with respect to input 0: 1 of 36 elements are wrong\n"
        "  d output[1, 2] / d input[1, 2]: analytic 3.5, numeric 1, difference 2.5\n"
        "  Guess: only some elements are wrong, all of them by the factor 3.5"
    )


def test_many_are_counted():
    report = learn.gradcheck_report(function(lambda x: x**3, lambda g, x: g * x**2), leaf(50))
    assert len(report.wrong) == 50
    assert "... 30 more; they are in .wrong" in str(report)


def test_what_is_right():
    report = learn.gradcheck_report(torch.matmul, (leaf(2, 3), leaf(3, 4)))
    assert report.ok
    assert report.wrong == []
    assert repr(report).split("\n")[1] == "output 0 with respect to input 1: all 96 elements agree"


def test_several_outputs_and_inputs_without_gradient():
    report = learn.gradcheck_report(
        lambda x, y, n: (x.sum() * n, (x * y).detach().sum()), (leaf(2), leaf(2).detach(), 3)
    )
    assert [(pair.output, pair.input, bool(pair.wrong)) for pair in report.pairs] == [
        (0, 0, False),
        (1, 0, True),
    ]


def test_complex_numbers():
    z = torch.tensor([1 + 2j, 0.5 - 1j], requires_grad=True)
    assert learn.gradcheck_report(lambda z: z * z, z.to(torch.complex128).detach().requires_grad_())


def test_nothing_to_check():
    with pytest.raises(ValueError, match="expected an input that requires a gradient"):
        learn.gradcheck_report(torch.sin, torch.ones(2))


def test_the_picture(tmp_path):
    pytest.importorskip("matplotlib")
    fn, inputs, _ = MISTAKES["broadcast: the first row"]
    learn.gradcheck_report(fn, inputs).plot(tmp_path / "check.png")
    assert (tmp_path / "check.png").read_bytes().startswith(b"\x89PNG")
    learn.gradcheck_report(AddUnreduced.apply, inputs).plot(tmp_path / "unreduced.png")
    learn.gradcheck_report(torch.sum, leaf(3, 2)).plot(tmp_path / "right.png")


def test_only_the_picture_needs_matplotlib(tmp_path, monkeypatch):
    real_import = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError("no matplotlib")
        return real_import(name, *args, **kwargs)

    report = learn.gradcheck_report(torch.sum, leaf(2))
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ImportError, match="no matplotlib"):
        report.plot(tmp_path / "check.png")
