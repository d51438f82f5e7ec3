"""``autograd.grad``, higher derivatives, and ``Variable``."""

from __future__ import annotations

import math

import pytest

import tinygrad_edu as torch
from tinygrad_edu.autograd import Variable

grad = torch.autograd.grad


def leaf(*values):
    return torch.tensor(values if len(values) != 1 else values[0], dtype=torch.float64, requires_grad=True)


def test_grad_leaves_every_grad_as_it_is():
    x, w = leaf(3.0), leaf(2.0)
    result = grad(x * w, [x, w])
    assert isinstance(result, tuple)
    assert [g.item() for g in result] == [2, 3]
    assert x.grad is None
    assert w.grad is None


def test_inputs_inside_the_graph():
    x = leaf(3.0)
    h = x * 2
    y = h * h
    assert [g.item() for g in grad(y, [h, x])] == [12, 24]


def test_an_input_behind_another_input():
    x = leaf(3.0)
    a = x * 2
    b = a * a
    c = b + a
    assert [g.item() for g in grad(c, [a, b, x, c])] == [13, 1, 26, 1]


def test_an_output_is_an_input():
    x = leaf(3.0)
    y = x * 2
    assert grad(y, y)[0].item() == 1
    assert grad(x, x)[0].item() == 1
    assert [g.item() for g in grad([y, y * 3], [y, x])] == [4, 8]


def test_the_same_input_twice():
    x = leaf(3.0)
    assert [g.item() for g in grad(x * x, [x, x])] == [6, 6]


def test_unused_inputs():
    x, unused = leaf(3.0), leaf([1.0, 2.0])
    with pytest.raises(
        RuntimeError, match="appears to not have been used in the graph. Set allow_unused=True"
    ):
        grad(x * x, [x, unused])
    assert grad(x * x, [x, unused], allow_unused=True)[1] is None
    assert grad(x * x, [x, unused], materialize_grads=True)[1].tolist() == [0, 0]
    with pytest.raises(ValueError, match="materialize_grads"):
        grad(x * x, [unused], allow_unused=False, materialize_grads=True)


def test_inputs_must_require_a_gradient():
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad"):
        grad(leaf(3.0) * 2, torch.ones(1))
    with pytest.raises(TypeError, match="expected Tensors to differentiate with respect to, got float"):
        grad(leaf(3.0) * 2, [1.0])


def test_only_the_path_to_the_inputs_is_walked_and_freed():
    x, w = leaf(3.0), leaf(2.0)
    expensive = torch.exp(w)
    h = x * x
    y = h + expensive
    grad(y, x)
    with pytest.raises(RuntimeError, match="second time"):
        grad(h, x)
    assert grad(expensive, w)[0].item() == pytest.approx(math.exp(2))  # this part is as it was


def test_nothing_behind_the_inputs_is_freed():
    x = leaf(3.0)
    h = torch.exp(x)
    y = h * h
    grad(y, h)
    h.backward()
    assert x.grad.item() == pytest.approx(math.exp(3))


def test_retain_graph():
    x = leaf(3.0)
    y = x * x
    grad(y, x, retain_graph=True)
    grad(y, x)
    with pytest.raises(RuntimeError, match="second time"):
        grad(y, x)


def test_hooks_apply_to_grad_as_well():
    x = leaf(3.0)
    h = x * 2
    h.register_hook(lambda g: g * 10)
    assert [g.item() for g in grad(h * 1, [h, x])] == [10, 20]


def test_the_gradient_that_is_given_stays_the_callers():
    """Also where the leaf itself is differentiated, or backward hands the gradient through."""
    for function in (lambda x: x, lambda x: x + 0, lambda x: x.view(2)):
        x, seed = leaf(1.0, 2.0), torch.ones(2, dtype=torch.float64)
        function(x).backward(seed)
        x.grad.mul_(100)
        assert seed.tolist() == [1, 1]


def test_results_belong_to_the_caller():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    seed = torch.ones(2, dtype=torch.float64)
    ga, gb = grad(a + b, [a, b], seed)
    ga.mul_(100)
    assert gb.tolist() == seed.tolist() == [1, 1]


# ---- derivatives of derivatives ------------------------------------------------------------------


def test_three_derivatives_of_a_power():
    x = leaf(2.0)
    first = grad(x**4, x, create_graph=True)[0]
    second = grad(first, x, create_graph=True)[0]
    third = grad(second, x, create_graph=True)[0]
    assert [g.item() for g in (first, second, third)] == [32, 48, 48]
    assert not grad(third, x)[0].requires_grad


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)])
@pytest.mark.parametrize(
    ("name", "third"),
    [
        ("exp", lambda x: math.exp(x)),
        ("sin", lambda x: -math.cos(x)),
        ("log", lambda x: 2 / x**3),
        ("tanh", lambda x: (1 - math.tanh(x) ** 2) * (6 * math.tanh(x) ** 2 - 2)),
        ("reciprocal", lambda x: -6 / x**4),
        ("sqrt", lambda x: 0.375 * x**-2.5),
        ("sigmoid", None),
    ],
)
def test_three_derivatives(name, third, shape):
    """Also of 0-d tensors, whose results NumPy turns into scalars."""
    x = torch.full(shape, 0.7, dtype=torch.float64, requires_grad=True)
    y = getattr(torch, name)(x).sum()
    for _ in range(3):
        (y,) = grad(y.sum(), x, create_graph=True)
    if third is None:
        s = 1 / (1 + math.exp(-0.7))
        expected = s * (1 - s) * (1 - 6 * s + 6 * s * s)
    else:
        expected = third(0.7)
    assert y.shape == shape
    assert abs(y.numpy(force=True) - expected).max() < 1e-10


def test_inputs_that_are_named_twice_or_retain_their_gradient():
    x = leaf(1.0, 2.0)
    y = x * 3
    y.retain_grad()
    y.sum().backward(inputs=[x, y, x])
    assert x.grad.tolist() == [3, 3]
    assert y.grad.tolist() == [1, 1]


def test_the_gradient_of_relu_can_be_differentiated():
    """It does not change with x, so its derivative is zero, and not missing."""
    x = leaf(1.0, -2.0)
    (slope,) = grad(torch.relu(x).sum(), x, create_graph=True)
    assert slope.tolist() == [1, 0]
    assert slope.requires_grad
    assert grad(slope.sum(), x)[0].tolist() == [0, 0]


def test_backward_with_create_graph():
    x = leaf(2.0)
    (x**3).backward(create_graph=True)
    assert x.grad.requires_grad
    penalty = x.grad**2
    x.grad = None
    penalty.backward()
    assert x.grad.item() == pytest.approx(2 * 12 * 12)
    x.grad = None


@pytest.mark.parametrize(
    "cut_off",
    [
        lambda x: x.detach(),
        lambda x: x.data,
        lambda x: torch.from_numpy(x.numpy(force=True)).to(x.device),
        lambda x: torch.as_tensor(x.numpy(force=True)),
        lambda x: torch.nn.Parameter(x.detach(), requires_grad=False),
        lambda x: Variable(x),
    ],
)
def test_another_tensor_on_the_same_memory_is_another_tensor(cut_off):
    """x * x.detach() has the derivative x.detach(), which has the derivative 0."""
    x = leaf(3.0, 4.0)
    y = x * cut_off(x) + x * 0
    (first,) = grad(y.sum(), x, create_graph=True)
    assert first.tolist() == [3, 4]
    (second,) = grad((first * x).sum(), x)
    assert second.tolist() == [3, 4]
    y = cut_off(x) * x * x
    (first,) = grad(y.sum(), x, create_graph=True)
    (second,) = grad(first.sum(), x)
    assert second.tolist() == [6, 8]


def test_gradient_penalty():
    """The usual use: the norm of a gradient is part of a loss."""
    x, w = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = (torch.tanh(x * w)).sum()
    (gx,) = grad(y, x, create_graph=True)
    (gw,) = grad((gx * gx).sum(), w)
    eps = 1e-6

    def penalty(w_values):
        w = torch.tensor(w_values, dtype=torch.float64)
        x = leaf(1.0, 2.0)
        (gx,) = grad(torch.tanh(x * w).sum(), x)
        return (gx * gx).sum().item()

    numeric = [
        (penalty([3 + eps, 4]) - penalty([3 - eps, 4])) / (2 * eps),
        (penalty([3, 4 + eps]) - penalty([3, 4 - eps])) / (2 * eps),
    ]
    assert gw.tolist() == pytest.approx(numeric, abs=1e-7)


def test_second_derivatives_through_in_place_changes():
    x = leaf(2.0, 3.0)
    y = x * x
    y[0] = x[1] ** 3
    y.mul_(x)
    (first,) = grad(y.sum(), x, create_graph=True)
    # y = (x1^3 x0, x1^3): d/dx0 = x1^3, d/dx1 = 3 x1^2 x0 + 3 x1^2
    assert first.tolist() == [27, 54 + 27]
    (second,) = grad(first.sum(), x)
    assert second.tolist() == [27, 27 + 36 + 18]


def test_second_derivative_with_respect_to_the_given_gradient():
    x, v = leaf(2.0), leaf(5.0)
    (g,) = grad(x * x, x, v, create_graph=True)
    assert [d.item() for d in grad(g, [v, x])] == [4, 10]


def test_gradients_without_create_graph_have_no_graph():
    x = leaf(2.0)
    (g,) = grad(x * x, x)
    assert not g.requires_grad


def test_a_changed_array_is_noticed_in_the_second_derivative():
    x = leaf(2.0)
    h = x * 1
    y = h * h * h
    (g,) = grad(y, x, create_graph=True)
    with torch.no_grad():
        h.mul_(3)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        grad(g, x)


def test_variable():
    t = torch.ones(2)
    v = Variable(t, requires_grad=True)
    assert v.requires_grad
    assert not t.requires_grad
    v.data[0] = 5
    assert t.tolist() == [5, 1]
    assert torch.autograd.Variable is Variable
